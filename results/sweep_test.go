package results

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// drawnLoad is a load of which the requests took what the given function says of each.
func drawnLoad(model string, rate, achieved float64, took func(i int) time.Duration) *Load {
	l := &Load{Model: model, Rate: rate, Window: 2, Requests: uint64(2 * achieved), Intended: uint64(2 * rate), Threads: 1,
		Errors: map[string]uint64{}, Response: NewHistogram()}
	for i := range 1000 {
		_ = l.Response.RecordValue(int64(took(i)))
	}
	l.Audit.InFlight = achieved * l.Response.Mean() / 1e9
	return l
}

// drawnSweep is a sweep over a server that can do 8,000 requests per second; at 6,000 one trial is spoiled, at 10,000
// all of them.
func drawnSweep() *Sweep {
	s := &Sweep{URL: "http://127.0.0.1:8080/", By: "rate", Model: "poisson", KeepAlive: true, Connections: 64, Seed: 1,
		Repeat: 3, Warmup: 0.5, Window: 2}
	for rate := 1000.0; rate <= 10_000; rate += 1000 {
		p := SweepPoint{Load: rate}
		for block := range 3 {
			base, achieved := time.Duration(200e6/(8_100-min(rate, 8_000))), min(rate, 8_000)
			t := SweepTrial{Block: block + 1, Load: drawnLoad("poisson", rate, achieved, func(i int) time.Duration {
				return 100*time.Microsecond + base*time.Duration(i%10+block)
			})}
			switch {
			case rate > 8_000:
				t.Load.Findings = []Finding{{Kind: "overloaded", Evidence: "…", Voids: []Metric{Latency}}}
			case rate == 6_000 && block == 1:
				t.Spoiled, t.Load.Findings = "disturbed", []Finding{{Kind: "disturbed", Voids: []Metric{Latency}}}
			}
			if rate == 10_000 {
				t.Spoiled = "generator-bound: busy"
				t.Load.Findings = []Finding{{Kind: "generator-bound", Voids: []Metric{Throughput, Latency}}}
			}
			p.Trials = append(p.Trials, t)
		}
		p.Settle()
		s.Points = append(s.Points, p)
	}
	s.FindKnee()
	return s
}

func TestSweepPrints(t *testing.T) {
	closed := drawnSweep()
	closed.By, closed.Model, closed.KeepAlive, closed.Points = "connections", "closed", false, closed.Points[2:]
	closed.FindKnee()
	started := &Sweep{By: "rate", Model: "poisson", Repeat: 3, Window: 2, KeepAlive: true, Interrupted: true,
		Points: make([]SweepPoint, 3)}
	for i := range started.Points {
		started.Points[i].Load = float64(i + 1)
		started.Points[i].Settle()
	}
	started.FindKnee()
	for name, s := range map[string]*Sweep{"sweep": drawnSweep(), "sweep-closed": closed, "sweep-started": started} {
		for _, ascii := range []bool{false, true} {
			var b bytes.Buffer
			if err := s.Print(&b, Style{Width: 80, ASCII: ascii}); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
			for _, line := range lines {
				if width(line) > 79 || strings.HasSuffix(line, " ") || ascii && strings.ContainsFunc(line, func(r rune) bool {
					return r > 126
				}) || ascii && strings.Contains(line, "?") {
					t.Errorf("%s: %q", name, line)
				}
			}
			if len(lines) > 23 {
				t.Errorf("%s: %d lines", name, len(lines))
			}
			if !ascii {
				golden(t, name+".txt", b.String())
			}
		}
	}
}

// The figures of a point are medians over the trials that count; where none does they are shown, and can't be the knee.
func TestSweepPointSettles(t *testing.T) {
	s := drawnSweep()
	six, ten := s.Points[5], s.Points[9]
	if six.Valid != 2 || six.Void || six.Verdict != "valid" || *six.Achieved != 6000 {
		t.Errorf("one trial of three spoiled: %+v", six)
	}
	if ten.Valid != 0 || !ten.Void || ten.Verdict != "generator-bound" || ten.power() != 0 {
		t.Errorf("all trials spoiled: %+v", ten)
	}
	if nine := s.Points[8]; nine.Verdict != "overloaded" || nine.Void || *nine.Errors < 0.11 || *nine.Errors > 0.112 {
		t.Errorf("overloaded: %+v", nine)
	}
	late := SweepPoint{Trials: []SweepTrial{{Load: &Load{Model: "poisson", Window: 2, Intended: 20_000, Requests: 18_000,
		Backlog: 4_000, Response: NewHistogram()}}}}
	if late.Settle(); *late.Achieved != 8_000 {
		t.Errorf("4,000 of 20,000 were sent after the window of 2 s: %v/s", *late.Achieved)
	}
	empty := SweepPoint{}
	if empty.Settle(); empty.Verdict != "not measured" || empty.P50 != nil || empty.Achieved != nil {
		t.Errorf("nothing measured: %+v", empty)
	}
}

func TestKnee(t *testing.T) {
	point := func(achieved, p50 float64, verdict string) SweepPoint {
		return SweepPoint{Achieved: &achieved, P50: &p50, Verdict: verdict}
	}
	ok, over := "valid", "overloaded"
	void := point(9, 0.001, "generator-bound")
	void.Void = true
	for _, c := range []struct {
		name   string
		points []SweepPoint
		want   int
	}{
		{"none", nil, -1},
		{"too few", []SweepPoint{point(1, 1, ok), point(2, 3, over)}, -1},
		{"in the middle", []SweepPoint{point(1, 1, ok), point(2, 1.1, ok), point(3, 4, ok)}, 1},
		{"at the first", []SweepPoint{point(1, 1, ok), point(2, 3, ok), point(3, 9, over)}, 0},
		{"still rising", []SweepPoint{point(1, 1, ok), point(2, 1, ok), point(3, 1, ok)}, -1},
		{"the last one is overloaded", []SweepPoint{point(1, 1, ok), point(2, 1, ok), point(3, 1, over)}, 2},
		{"the generator's limit", []SweepPoint{point(1, 1, ok), point(2, 1, ok), point(3, 1, ok), void}, -1},
		{"behind it", []SweepPoint{point(1, 1, ok), point(3, 1, ok), point(3, 2, ok), void}, 1},
		{"a gap", []SweepPoint{point(1, 1, ok), {}, point(3, 1, ok), point(3, 2, ok)}, 2},
	} {
		s := Sweep{Points: c.points}
		if s.FindKnee(); s.Knee != c.want {
			t.Errorf("%s: %d, want %d", c.name, s.Knee, c.want)
		}
		if c.want < 0 != strings.Contains(s.Verdict(), "No knee") {
			t.Errorf("%s: %q", c.name, s.Verdict())
		}
	}
}

func TestSweepCSV(t *testing.T) {
	s := drawnSweep()
	s.Points = append(s.Points, SweepPoint{Load: 11_000})
	s.Points[10].Settle()
	var b bytes.Buffer
	if err := s.CSV(&b); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(lines) != 12 || lines[0][0] != "offered_per_s" {
		t.Fatalf("%v: %v", err, lines)
	}
	if want := []string{"11000", "", "", "", "", "", "0", "0", "not measured", "false"}; !slices.Equal(lines[11], want) {
		t.Errorf("%q, want %q", lines[11], want)
	}
	if knee := lines[s.Knee+1]; knee[9] != "true" || knee[1] != fmt.Sprint(*s.Points[s.Knee].Achieved) {
		t.Errorf("knee: %q", knee)
	}
	s.By = "connections"
	if b.Reset(); s.CSV(&b) != nil || !strings.HasPrefix(b.String(), "connections,") {
		t.Errorf("%s", b.String())
	}
}

// What is stored can be read back, histograms included.
func TestSweepAndSearchRoundTrip(t *testing.T) {
	sweep, search := drawnSweep(), drawnSearch()
	for _, pair := range [][2]any{{sweep, &Sweep{}}, {search, &Search{}}} {
		text, err := json.Marshal(pair[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, pair[1]); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(pair[1])
		if err != nil || !bytes.Equal(text, again) {
			t.Errorf("%v: %T is not what it was", err, pair[0])
		}
	}
	read := &Sweep{}
	text, _ := json.Marshal(sweep)
	if err := json.Unmarshal(text, read); err != nil || !reflect.DeepEqual(read.Points[3].P99, sweep.Points[3].P99) ||
		read.Points[3].Trials[0].Load.Response.Count() != 1000 {
		t.Errorf("%v: %+v", err, read.Points[3])
	}
}
