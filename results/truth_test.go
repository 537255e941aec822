package results

import (
	"strings"
	"testing"
)

func fixtureKnown() Known {
	some := func(v float64) *float64 { return &v }
	return Known{
		Server: "exponential:2ms", Arrivals: "poisson", Rate: 1000, Window: 6, Requests: 5987,
		Quantiles: []KnownQuantile{
			{Q: 0.5, Analytic: 0.0013863, Recovered: some(0.001433), Judged: true, Host: some(0)},
			{Q: 0.9, Analytic: 0.0046052, Recovered: some(0.0049), Judged: true, Host: some(0)},
			{Q: 0.99, Analytic: 0.0092103, Recovered: some(0.0091), Judged: true, Host: some(0)},
			{Q: 0.999, Analytic: 0.0138155, Host: some(0.00031)},
			{Q: 1, Analytic: 0.0174, Recovered: some(0.0232), Host: some(0.0062)},
		},
		LateP50: 2e-6, LateP99: 4.1e-5, LateMax: 0.0021,
	}
}

func TestKnownScreen(t *testing.T) {
	k := fixtureKnown()
	second := fixtureKnown()
	second.Server, second.Errors, second.Tries = "bimodal:1ms,50ms,1%", 3, 5
	for i := range second.Quantiles {
		second.Quantiles[i].Host = nil
	}
	disturbed := fixtureKnown()
	disturbed.Window, disturbed.Lost = 3, 0.31
	for name, s := range map[string]Style{"known.txt": {}, "known-ascii.txt": {ASCII: true},
		"known-color.txt": {Color: true}} {
		var b strings.Builder
		if err := KnownHead(&b, s); err != nil {
			t.Fatal(err)
		}
		for _, k := range []Known{k, second, disturbed} {
			if err := KnownRows(&b, &k, s); err != nil {
				t.Fatal(err)
			}
		}
		golden(t, name, b.String())
		for line := range strings.Lines(b.String()) {
			if !s.Color && width(strings.TrimRight(line, "\n")) > 80 {
				t.Errorf("%s: wider than 80 columns: %q", name, line)
			}
		}
	}
}

// A quantile misses where it is too far off on either side, where it is not there, and where there were errors.
func TestKnownMissed(t *testing.T) {
	k := fixtureKnown()
	if n, _ := k.Missed(); n != 1 {
		t.Errorf("%d missed, want that of p90", n)
	}
	k.Quantiles[1].Recovered = nil
	if n, _ := k.Missed(); n != 1 {
		t.Errorf("%d missed, want the p90 that there is not", n)
	}
	for off, want := range map[float64]bool{0: true, 0.00019: true, -0.00019: true, 0.0002: false, -0.0002: false} {
		v := k.Quantiles[1].Analytic + off
		if k.Quantiles[1].Recovered = &v; k.Quantiles[1].Holds() != want {
			t.Errorf("%v off: holds %v, want %v", off, !want, want)
		}
	}
	k.Window = 3
	for _, c := range []struct {
		recovered, lost   float64
		missed, disturbed int
	}{{0.005, 0.1, 1, 0}, {0.005, 0.2, 0, 1}, {0.001, 0.2, 1, 0}} { // of p90: stalls make nothing shorter
		k.Quantiles[1].Recovered, k.Lost = &c.recovered, c.lost
		if missed, disturbed := k.Missed(); missed != c.missed || disturbed != c.disturbed {
			t.Errorf("%+v: %d missed, %d disturbed", c, missed, disturbed)
		}
	}
	k.Errors = 1
	if n, _ := k.Missed(); n != 3 {
		t.Errorf("%d missed, want all that are judged", n)
	}
}
