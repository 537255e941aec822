package loadgen

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseProfile(t *testing.T) {
	for text, want := range map[string]struct {
		profile Profile
		mean    float64
		steady  bool
		again   string
	}{
		"0":             {Profile{{0, 0}}, 0, true, "0"},
		"1000":          {Profile{{1000, 1000}}, 1000, true, "1000"},
		"1e3":           {Profile{{1000, 1000}}, 1000, true, "1000"},
		"1000..5000":    {Profile{{1000, 5000}}, 3000, false, "1000..5000"},
		"5000..0":       {Profile{{5000, 0}}, 2500, false, "5000..0"},
		"1,2,4.5":       {Profile{{1, 1}, {2, 2}, {4.5, 4.5}}, 2.5, false, "1,2,4.5"},
		"1..3,3,3..0":   {Profile{{1, 3}, {3, 3}, {3, 0}}, 6.5 / 3, false, "1..3,3,3..0"},
		"7,7..7":        {Profile{{7, 7}, {7, 7}}, 7, true, "7,7"},
		"100000000":     {Profile{{1e8, 1e8}}, 1e8, true, "100000000"},
		"-0..0.0000001": {Profile{{0, 1e-7}}, 5e-8, false, "0..0.0000001"},
	} {
		p, err := ParseProfile(text)
		if err != nil || !slices.Equal(p, want.profile) || p.Mean() != want.mean || p.Steady() != want.steady {
			t.Errorf("%q: %v, mean %v, steady %v, error %v", text, p, p.Mean(), p.Steady(), err)
		}
		if got := p.String(); got != want.again {
			t.Errorf("%q is written %q, want %q", text, got, want.again)
		}
	}
	for _, text := range []string{"", "x", "-1", "1..", "..1", "1,,2", "1..2..3", "NaN", "inf", "1e9", "1;2", "5/s"} {
		_, err := ParseProfile(text)
		if err == nil || !strings.HasPrefix(err.Error(), `rate "`+text+`": give requests per second`) {
			t.Errorf("%q: error %v", text, err)
		}
	}
	if _, err := ParseProfile(strings.Repeat("1,", maxPieces) + "1"); err == nil {
		t.Error("no limit to the number of steps")
	}
	if _, err := ParseProfile(strings.Repeat("x", 1000)); err == nil || len(err.Error()) > 200 {
		t.Errorf("a long error: %v", err)
	}
}

func FuzzParseProfile(f *testing.F) {
	for _, text := range []string{"1000", "1000..5000", "1,2,4.5", "1..3,3,3..0", "1e3", "-0", "0x1p3..1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseProfile(text)
		if err != nil {
			if p != nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, error %q", p, err)
			}
			return
		}
		if m := p.Mean(); len(p) == 0 || !(m >= 0 && m <= maxRate) || m > 0 && p.validate(m) != nil {
			t.Errorf("mean %v, %v", m, p.validate(m))
		}
		again, err := ParseProfile(p.String())
		if err != nil || !slices.Equal(again, p) {
			t.Errorf("%q is read as %v, error %v", p.String(), again, err)
		}
		// The schedule that it stands for goes forward, and holds as many arrivals as it should.
		legs := p.legs(1e9, 3e9, 1)
		want := legs[len(legs)-1].before
		if mean := p[0].From + 2*p.Mean(); math.Abs(want-mean) > 1e-9*mean {
			t.Errorf("%v arrivals are expected, want %v", want, mean)
		}
		a := arrivals{constant: true, legs: legs, n: 1, count: uint64(max(0, want-1000))}
		last := int64(0)
		for at := a.next(); at != never; at = a.next() {
			if at < last || at > 3e9 {
				t.Fatalf("arrival at %d after %d", at, last)
			}
			last = at
		}
		if got := float64(a.count - 1); got < want-1e-6 || got > want+1 {
			t.Errorf("%v arrivals, want %v", got, want)
		}
	})
}

// The k-th arrival comes when k are expected: against closed forms.
func TestProfileArrivals(t *testing.T) {
	for _, test := range []struct {
		profile  string
		arrivals int                     // within the window of two seconds, after a second of warm-up
		when     func(k float64) float64 // moment of the k-th of them, in seconds of the window
	}{
		{"1000..1000", 2000, func(k float64) float64 { return k / 1000 }},
		{"0..1000", 1000, func(k float64) float64 { return math.Sqrt(k / 250) }},
		{"1000..0", 1000, func(k float64) float64 { return 2 - math.Sqrt(4-k/250) }},
		{"1000..3000", 4000, func(k float64) float64 { return math.Sqrt(1+k/500) - 1 }},
		{"100,300", 400, func(k float64) float64 { return min(k, 100)/100 + max(0, k-100)/300 }},
	} {
		p, err := ParseProfile(test.profile)
		if err != nil {
			t.Fatal(err)
		}
		c := Config{Profile: p, Arrivals: "constant", Warmup: time.Second, Duration: 2 * time.Second}
		a := c.schedule(0, 1)
		for k := range int(p[0].From) {
			if got, want := a.next(), moment(float64(k)*1e9/p[0].From); got != want {
				t.Fatalf("%s: arrival %d of the warm-up at %d, want %d", test.profile, k, got, want)
			}
		}
		for k := range test.arrivals {
			got, want := a.next(), 1e9+1e9*test.when(float64(k))
			if math.Abs(float64(got)-want) > 2 {
				t.Fatalf("%s: arrival %d at %d, want %.0f", test.profile, k, got, want)
			}
			if back := a.expected(got); math.Abs(back-p[0].From-float64(k)) > 1e-4 {
				t.Fatalf("%s: %v arrivals are expected until arrival %d of the window", test.profile, back, k)
			}
		}
		if at := a.next(); at != never {
			t.Errorf("%s: arrival after the last, at %d", test.profile, at)
		}
	}
}

// Nothing comes while the rate is 0, and the first arrival after that not before the rate has risen.
func TestPause(t *testing.T) {
	c := Config{Profile: Profile{{0, 0}, {2, 2}, {0, 0}, {0, 0}, {1, 1}, {0, 0}}, Arrivals: "constant",
		Warmup: time.Second, Duration: 12 * time.Second}
	want := []int64{3e9, 35e8, 4e9, 45e8, 9e9, 10e9, never, never}
	if got := schedule(c.schedule(0, 1), len(want)); !slices.Equal(got, want) {
		t.Errorf("arrivals %d, want %d", got, want)
	}
}

// A long schedule keeps its precision: the last arrivals of a day stand where they belong.
func TestNoDrift(t *testing.T) {
	c := Config{Profile: Profile{{1000, 5000}, {4000, 4000}}, Arrivals: "constant", Duration: 24 * time.Hour}
	a := c.schedule(0, 1)
	a.count = uint64(43200*3000 + 43200*4000 - 4) // the last four of 302 million
	for i := range 4 {
		if got, want := a.next(), int64(86400e9)-int64(4-i)*250e3; got < want-16 || got > want+16 {
			t.Errorf("arrival at %d, want %d", got, want)
		}
	}
}
