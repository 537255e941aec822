package results

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// loadFixture is a load of 2.25 s in steps of 100 ms, the second of them stalled.
func loadFixture() *Load {
	l := &Load{URL: "http://127.0.0.1:8080/", Model: "poisson", KeepAlive: true, Connections: 64, Threads: 1, Rate: 4000,
		Window: 2.25, Response: NewHistogram(), Service: NewHistogram(), Lag: NewHistogram(), FirstByte: NewHistogram(),
		Connect: NewHistogram(), Series: &Series{Step: 0.1}}
	rng := rand.New(rand.NewPCG(3, 4))
	record := func(v int64, to ...interface{ RecordValue(int64) error }) {
		for _, h := range to {
			if err := h.RecordValue(v); err != nil {
				panic(err)
			}
		}
	}
	for i := range 23 {
		p := Point{Response: NewPacked(), Service: NewPacked(), InFlight: 2}
		n := 700
		switch {
		case i >= 10 && i < 20:
			n, p.InFlight, p.Waiting = 0, 64, float64(i-9)/10
		case i == 20:
			n, p.Errors = 200, 3
		case i == 22:
			n = 350
		}
		for range n {
			v := 100_000 + int64(rng.ExpFloat64()*50_000)
			record(v, l.Service, p.Service)
			if i == 20 {
				v += 1e9
			}
			record(v, l.Response, p.Response)
			record(v/1000, l.Lag)
		}
		p.Requests = uint64(n)
		l.Requests += p.Requests
		l.Series.Points = append(l.Series.Points, p)
	}
	return l
}

var beganFixture = time.Date(2026, 3, 1, 10, 0, 0, 250_000_000, time.UTC)

// exported is what write writes.
func exported(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPercentileText(t *testing.T) {
	l := loadFixture()
	golden(t, "load.hgrm", exported(t, func(w io.Writer) error { return PercentileText(w, l.Response) }))
	nothing := exported(t, func(w io.Writer) error { return PercentileText(w, Histogram{}) })
	if !strings.Contains(nothing, "Total count    =            0]") || strings.Contains(nothing, "NaN") {
		t.Errorf("of nothing:\n%s", nothing)
	}
}

// logLines are the intervals of a log: what stands before the histogram, and the histogram.
func logLines(t *testing.T, text string) (heads []string, histograms []*hdr.Histogram) {
	t.Helper()
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "Tag=") {
			continue
		}
		i := strings.LastIndexByte(line, ',') + 1
		h, err := hdr.Decode([]byte(strings.TrimSpace(line[i:])))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		heads, histograms = append(heads, line[:i]), append(histograms, h)
	}
	return heads, histograms
}

// The golden files hold what the histograms say: how they are compressed is the library's affair.
func TestHistogramLog(t *testing.T) {
	for name, change := range map[string]func(*Load){
		"load.hlog":             func(*Load) {},
		"load-interrupted.hlog": func(l *Load) { l.Window, l.Series.Points = 0.42, l.Series.Points[:5] },
		"load-no-steps.hlog":    func(l *Load) { l.Series = nil },
		"load-nothing.hlog": func(l *Load) {
			*l = Load{Model: "closed", Response: NewHistogram(), Series: &Series{Step: 0.1}}
		},
		"load-read.hlog": func(l *Load) { // service times are not kept in the steps of a record
			for i := range l.Series.Points {
				l.Series.Points[i].Service = Packed{}
			}
		},
		"load-long-steps.hlog": func(l *Load) { l.Series.Step, l.Window = 1.5, 34.5 },
	} {
		t.Run(name, func(t *testing.T) {
			l := loadFixture()
			change(l)
			if name == "load-interrupted.hlog" {
				l.Response, l.Service = NewHistogram(), NewHistogram()
				for _, p := range l.Series.Points {
					p.Response.AddTo(l.Response)
					p.Service.AddTo(l.Service)
				}
			}
			text := exported(t, func(w io.Writer) error { return HistogramLog(w, l, beganFixture) })
			all := map[string]Histogram{"response": NewHistogram(), "service": NewHistogram(), "lag": NewHistogram()}
			head, _, _ := strings.Cut(text, "Tag=")
			var b strings.Builder
			b.WriteString(head)
			heads, histograms := logLines(t, text)
			for i, h := range histograms {
				fmt.Fprintf(&b, "%s%d values, p50 %d, max %d\n", heads[i], h.TotalCount(), h.ValueAtPercentile(50), h.Max())
				tag, _, _ := strings.Cut(strings.TrimPrefix(heads[i], "Tag="), ",")
				all[tag].Merge(h)
			}
			golden(t, name, b.String())
			for tag, want := range map[string]Histogram{"response": l.Response, "service": l.Service, "lag": l.Lag} {
				if want.Count() != all[tag].Count() || want.Count() > 0 && !want.Equals(all[tag].Histogram) {
					t.Errorf("the lines of %s hold %d values, the load %d", tag, all[tag].Count(), want.Count())
				}
			}
		})
	}
}

func TestSeriesCSV(t *testing.T) {
	for name, change := range map[string]func(*Load){
		"load.csv":        func(*Load) {},
		"load-closed.csv": func(l *Load) { l.Model, l.Rate = "closed", 0 },
	} {
		l := loadFixture()
		change(l)
		text := exported(t, func(w io.Writer) error { return SeriesCSV(w, l) })
		golden(t, name, text)
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(rows) != 24 {
			t.Fatalf("%s: %d rows, %v", name, len(rows), err)
		}
		answers := 0.0
		for _, row := range rows[1:] {
			cell := func(i int) float64 {
				v, err := strconv.ParseFloat(row[i], 64)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			answers += (cell(1) - cell(0)) * cell(2)
		}
		if answers < float64(l.Requests)-0.5 || answers > float64(l.Requests)+0.5 {
			t.Errorf("%s: its rates are those of %.1f answers, not of %d", name, answers, l.Requests)
		}
	}
	text := exported(t, func(w io.Writer) error { return SeriesCSV(w, &Load{}) })
	if strings.Count(text, "\n") != 1 {
		t.Errorf("of nothing: %q", text)
	}
}

func TestGoBench(t *testing.T) {
	run, trials := fixture(6, 2)
	run, trials = starvedColumn(run, trials)
	run.Machine.Kernel = "6.12 x86_64"
	for i := range trials {
		if trials[i].Situation == "arrivals" && trials[i].Architecture == "epoll" {
			trials[i].Load.Censored = 20 // of 1,200: p99 is at least the limit, p90 is known
		}
	}
	slices.Reverse(trials) // in whatever order they ran
	golden(t, "run.gobench", exported(t, func(w io.Writer) error { return GoBench(w, run, trials) }))

	l := loadFixture()
	golden(t, "load.gobench", exported(t, func(w io.Writer) error {
		return LoadGoBench(w, &Trial{Load: *l, Server: Server{CPU: pointer(0.25)}}, "linux", "amd64", "Invented 3000")
	}))
	voided := []Finding{{"generator-bound", "it was busy for 99 % of the window", []Metric{Latency}}}
	l.Profile, l.Think, l.Visit = "1000..5000", "exponential:10ms", 4
	golden(t, "load-profile.gobench", exported(t, func(w io.Writer) error {
		return LoadGoBench(w, &Trial{Load: *l, Findings: voided}, "linux", "arm64", "")
	}))
}
