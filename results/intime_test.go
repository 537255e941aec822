package results

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

// answeredIn is a histogram of so many answers, which took so long each.
func answeredIn(t *testing.T, counts map[time.Duration]int64) Histogram {
	t.Helper()
	h := NewHistogram()
	for took, n := range counts {
		if err := h.RecordValues(int64(took), n); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// An answer counts if it came within the deadline; one that never came stands in the histogram and does not.
func TestWithin(t *testing.T) {
	l := Load{Model: "poisson", Window: 2, Ended: 86, Intended: 100, Requests: 90, Censored: 10}
	l.Response = answeredIn(t, map[time.Duration]int64{
		50 * time.Millisecond: 60, 99 * time.Millisecond: 10, 101 * time.Millisecond: 20, time.Second: 10})
	for deadline, want := range map[float64]float64{0.1: 35, 0.06: 30, 0.01: 0, 5: 43} {
		if got, ok := l.within(deadline); !ok || got != want {
			t.Errorf("%v answers/s within %v s (%t), want %v", got, deadline, ok, want)
		}
	}
	for _, l := range []Load{{Model: "closed"}, {Model: "closed", Window: 1}} {
		if v, ok := l.within(1); v != 0 || ok != (l.Window > 0) {
			t.Errorf("%+v: %v %t", l, v, ok)
		}
	}
	if _, ok := l.within(0); ok {
		t.Error("without a deadline nothing is in time, or late")
	}
}

// deadlineFixture is a sweep in which a row beyond its capacity lets everybody wait, but for the event loop: that turns
// away what is too much.
func deadlineFixture(t *testing.T) (Run, []Trial) {
	run, trials := sweepFixture(6)
	for i := range run.Situations {
		run.Situations[i].Deadline = 0.1
	}
	for i := range trials {
		l := &trials[i].Load
		took := time.Millisecond
		if beyond := l.Ended*100 < l.Requests*95; beyond && trials[i].Architecture == "eventloop" {
			l.Requests, l.Shed, l.ShedService = l.Ended, l.Requests-l.Ended, 1e-4
		} else if beyond {
			took = 200 * time.Millisecond
		}
		l.Response = answeredIn(t, map[time.Duration]int64{took: int64(l.Requests)})
	}
	return run, trials
}

func TestPastTheKneeInTime(t *testing.T) {
	run, trials := deadlineFixture(t)
	curves := Curves(&run, trials, LoadSweep)
	for row, least := range map[string]float64{"eventloop": 0.95, "threadpool": 0} {
		c := curveOf(t, curves, row)
		if share, ok := c.PastInTime(); !ok || share < least || share > least+0.05 {
			t.Errorf("%s keeps %v of its peak in time (%t), want about %v", row, share, ok, least)
		}
	}
	if knee := curveOf(t, curves, "eventloop").Knee(); knee == nil || knee.Rate != 12_500 {
		t.Errorf("knee at %+v; who refuses a part of 16,000/s answers the others as soon as before", knee)
	}
	if _, ok := curveOf(t, curves, "iterative").PastInTime(); ok {
		t.Error("iterative was never offered more than it holds")
	}
	for _, line := range []string{"intime(eventloop, load) >= 0.9", "intime(threadpool, load) <= 0.1"} {
		e, err := ParseExpectation(line)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := e.Judge(&run, trials, FewBlocks); err != nil || out.Truth != Holds {
			t.Errorf("%s: %+v, %v", line, out, err)
		}
	}
	var b bytes.Buffer
	if err := Loads(&b, run, trials, Style{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "loads-in-time.txt", b.String())
}

// The chart and the column of answers in time are there where somebody waits for no longer, and nowhere else.
func TestInTimeIsShown(t *testing.T) {
	run, trials := deadlineFixture(t)
	without := run
	without.Situations = slices.Clone(run.Situations)
	for i := range without.Situations {
		without.Situations[i].Deadline = 0
	}
	for _, r := range []*Run{&run, &without} {
		var b bytes.Buffer
		wideCurves(&b, r, trials)
		column := strings.Contains(b.String(), "within 100 ms")
		chart := slices.ContainsFunc(sweepPictures(r, trials, LoadSweep), func(p Picture) bool {
			return p.Name == "load-in-time-offered" && p.Chart != nil
		})
		said := strings.Join(overload(Curves(r, trials, LoadSweep)), " ")
		sentence := strings.Contains(said, "Answered within 100 ms")
		if !strings.Contains(said, "503, which is in no response time") {
			t.Error("nobody is told how much was refused")
		}
		if want := r == &run; column != want || chart != want || sentence != want {
			t.Errorf("deadline %t: column %t, chart %t, sentence %t", want, column, chart, sentence)
		}
	}
}
