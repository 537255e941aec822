package results

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// demoRow is a row with so many steps of a quarter of a second, each with so many answers of a length in seconds.
func demoRow(t *testing.T, name string, steps, answers int, response float64) DemoRow {
	t.Helper()
	r := DemoRow{Name: name, Lecture: "thread-based", Step: 0.25}
	for range steps {
		r.Add([]Point{demoPoint(t, answers, response)})
	}
	return r
}

func demoPoint(t *testing.T, answers int, response float64) Point {
	t.Helper()
	p := Point{Requests: uint64(answers), Response: NewPacked()}
	if err := p.Response.RecordValues(int64(response*1e9), int64(answers)); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDemoRowFigures(t *testing.T) {
	changed := demoRow(t, "changed", 40, 125, 0.5)
	changed.Fresh = 0
	old := demoRow(t, "old", 20, 1000, 0.5)
	old.Add(demoRow(t, "", 8, 1000, 0.001).Points)
	for name, c := range map[string]struct {
		row      DemoRow
		rate     string
		p99      string
		measured bool
	}{
		"steady":            {demoRow(t, "", 40, 125, 0.002), "500", "2 ms", true},
		"two seconds only":  {old, "4,000", "1 ms", true},
		"few answers":       {demoRow(t, "", 40, 20, 0.002), "80", "2 ms", true}, // of 10 s
		"too few":           {demoRow(t, "", 40, 5, 0.002), "20", "", true},
		"the load is a new": {changed, "0", "", false},
		"nothing yet":       {DemoRow{Step: 0.25}, "0", "", false},
		"no step":           {DemoRow{Points: []Point{{Requests: 3}}, Fresh: 1}, "0", "", false},
	} {
		rate, ok := c.row.rate()
		if exact(rate) != c.rate || ok != c.measured {
			t.Errorf("%s: rate %v, %v; want %s, %v", name, rate, ok, c.rate, c.measured)
		}
		p99, ok := c.row.p99()
		text := ""
		if ok {
			text = strings.Replace(duration(p99, 1), ".0", "", 1)
		}
		if text != c.p99 {
			t.Errorf("%s: p99 %q, want %q", name, text, c.p99)
		}
	}
}

func TestDemoRowForgets(t *testing.T) {
	r := demoRow(t, "", 1000, 1, 0.001)
	if len(r.Points) != 240 || r.Fresh != 240 {
		t.Errorf("%d steps are kept, %d fresh ones; want the 240 of a minute", len(r.Points), r.Fresh)
	}
}

func TestDemoTrouble(t *testing.T) {
	last := func(p Point) DemoRow { r := demoRow(t, "", 8, 10, 0.001); r.Add([]Point{p}); return r }
	stuck := demoRow(t, "", 8, 0, 0.001)
	stuck.Points[7].InFlight = 64
	down := last(Point{})
	down.Down = true
	for want, r := range map[string]DemoRow{
		"": last(Point{Requests: 1}), "× down": down, "× stuck": stuck, "× 7 failed": last(Point{Errors: 7}),
		"late by 2.5 s": last(Point{Waiting: 2.5}),
	} {
		if got := r.trouble(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A frame fits the terminal, whatever its size, and shows each row as long as there is a line for it.
func TestDemoFrameFits(t *testing.T) {
	for _, ascii := range []bool{false, true} {
		for count := 2; count <= 4; count++ {
			d := Demo{Rate: 10_000, Work: "blocks 5 ms", Silent: 1000, Note: "killed: a worker of row"}
			for range count {
				d.Rows = append(d.Rows, demoRow(t, "threadpool 64", 240, 2500, 0.0123))
			}
			for columns := 1; columns < 200; columns += 7 {
				for rows := range 60 {
					frame := DemoFrame(d, rows, Style{Width: columns, ASCII: ascii})
					lines := strings.Split(strings.TrimSuffix(frame, "\n"), "\n")
					if strings.Count(frame, "\n") != rows {
						t.Fatalf("%d by %d: %d lines", columns, rows, len(lines))
					}
					for _, l := range lines {
						if utf8.RuneCountInString(l) > max(columns-1, 1) {
							t.Fatalf("%d by %d: %q is too long", columns, rows, l)
						}
						if ascii && strings.ContainsFunc(l, func(r rune) bool { return r > 126 }) {
							t.Fatalf("%q is not ASCII", l)
						}
					}
					if shown := strings.Count(frame, "threadpool"); columns >= 40 && rows >= 4+count && shown != count {
						t.Fatalf("%d by %d: %d of %d rows\n%s", columns, rows, shown, count, frame)
					}
				}
			}
		}
	}
}

func TestDemoFrameGolden(t *testing.T) {
	d := Demo{Rate: 500, Work: "waits 5 ms", Silent: 100, Rows: []DemoRow{demoRow(t, "eventloop", 120, 46, 4.2),
		demoRow(t, "goroutine", 240, 125, 0.0061)}}
	d.Rows[0].Points[119].Waiting = 4.1
	help := d
	help.Help, help.Paused = true, true
	golden(t, "demo", DemoFrame(d, 24, Style{Width: 80})+DemoFrame(d, 24, Style{Width: 120})+
		DemoFrame(d, 10, Style{Width: 80, ASCII: true})+DemoFrame(help, 24, Style{Width: 80}))
}

// Each figure can be told from each other one, in all three ways of drawing.
func TestBigDigitsDiffer(t *testing.T) {
	for _, way := range []struct {
		lines int
		ascii bool
	}{{smallLines, false}, {smallLines, true}, {largeLines, false}} {
		seen := map[string]rune{}
		for r := range glyphs {
			drawn := strings.Join(bigDigits(string(r), way.lines, way.ascii), "\n")
			if other, twice := seen[drawn]; twice {
				t.Errorf("%c and %c look the same:\n%s", r, other, drawn)
			}
			seen[drawn] = r
			columns := map[int]int{smallLines: smallColumns, largeLines: largeColumns}[way.lines]
			for line := range strings.SplitSeq(drawn, "\n") {
				if width(line) != columns {
					t.Errorf("%c has a line of %d columns, not %d: %q", r, width(line), columns, line)
				}
			}
		}
	}
}
