package results

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Theory is what queueing theory says of one row of a sweep over offered rates. Two things are measured before: how
// much the row can do, by the calibration's closed loop, and how long its requests take at the lowest rate of the sweep.
// All that it says of higher rates is prediction.
//
// A server works on a request for Servers / capacity seconds in the mean. That is less than the time from sending to
// answer at the lowest rate, which has the network and the waking of threads in it too: what keeps no server busy delays
// a request and makes no queue. Their sum, less what M/M/1 or M/M/c expects to be waited, is Delay. How the service
// times spread is seen at the lowest rate; what requests wait for one another there is in it, so it is an upper bound.
//
// The mean of M/M/1 holds for servers that share their time among all requests too, threads on one CPU say, however the
// service times spread (Kleinrock, Time-shared systems: a theoretical treatment, Journal of the ACM 14, 1967); that of
// M/G/1 is for requests that are served one after the other.
type Theory struct {
	Curve  *Curve
	Queue  Queue    // without its Rate
	Delay  float64  // seconds that keep no server busy
	Lowest int      // number of the point that Delay and Queue.Spread are from
	Broken []string // assumptions that are not so here, at any rate
}

// TheoryPoint is what theory and measurement say of one rate.
type TheoryPoint struct {
	Rate     float64 // offered, requests per second
	Queue    Queue
	MM, MG   float64 // mean response times that it predicts, seconds: infinite from a utilisation of 1 on; MG may be NaN
	Measured Summary // the same, median over the trials that count
	Against  string  // why the theory does not speak of this point; ""
}

// TheoryOf is the theory of a curve of a run; nil with the reason where there is none.
func TheoryOf(run *Run, c *Curve) (t *Theory, why string) {
	capacity := run.Calibration.LoadCapacity[c.Architecture.Name]
	servers := serversOf(run, c.Architecture)
	lowest := slices.IndexFunc(c.Points, func(p CurvePoint) bool { return p.Void == "" && p.Valid > 0 })
	switch {
	case c.Sweep.Model != "poisson":
		return nil, "the arrivals are not Poisson"
	case !(capacity >= leastRate):
		return nil, "the calibration does not say what it can do"
	case servers == 0:
		return nil, "the record does not say how many requests it serves at once"
	case lowest < 0 || c.Points[lowest].Rate >= capacity:
		return nil, "no trial at a rate that it can hold counts"
	}
	p := &c.Sweep.Points[lowest]
	mean, spread := p.spread(meanResponse), p.spread(serviceVariance)
	if mean.N == 0 || spread.N == 0 {
		return nil, "the trials at the lowest rate have no response times"
	}
	service := float64(servers) / capacity
	t = &Theory{Curve: c, Lowest: lowest, Broken: broken(run, c.Architecture, servers),
		Queue: Queue{Service: service, Spread: spread.Median / service / service, Servers: servers}}
	t.Delay = max(0, mean.Median-service-t.at(c.Points[lowest].Rate).WaitMM())
	return t, ""
}

// serversOf is on how many requests a row can work at the same time, where they compute: on as many as the server has
// CPUs, and on no more than it has workers; 0 where that is not known.
func serversOf(run *Run, a *Architecture) int {
	cpus := len(run.Setup.ServerCPUs)
	handles := slices.IndexFunc(a.Lanes, func(l Lane) bool { return slices.Contains(l.Does, "handle") })
	switch {
	case cpus <= 1:
		return cpus
	case a.AtOnce > 0:
		return min(a.AtOnce, cpus)
	case handles < 0:
		return 0
	case !a.Lanes[handles].Many:
		return 1
	}
	return cpus
}

// broken are the assumptions of the theory that a row breaks at every rate.
func broken(run *Run, a *Architecture, servers int) (all []string) {
	if !run.Setup.Apart {
		all = append(all, "the load generator uses the server's CPU")
	}
	if servers > 1 && slices.ContainsFunc(a.Lanes, func(l Lane) bool { return l.Many && l.Listens }) {
		all = append(all, "each worker has a queue of its own")
	}
	return all
}

// steadyUntil is the utilisation up to which theory is held against a measurement. A queue needs about
// Service / (1 - sqrt(utilisation))^2 to forget how it began (Cohen, The Single Server Queue, 1982): at 0.95 that is
// 1,600 service times, 0.2 s of requests that take 0.1 ms, and at 0.99 it is longer than any window of a sweep.
const steadyUntil = 0.95

// at is the queue at a rate.
func (t *Theory) at(rate float64) Queue {
	q := t.Queue
	q.Rate = rate
	return q
}

// Points are the theory beside what was measured, in rising order of the rates.
func (t *Theory) Points() (all []TheoryPoint) {
	for i := range t.Curve.Points {
		p, q := &t.Curve.Points[i], t.at(t.Curve.Points[i].Rate)
		all = append(all, TheoryPoint{Rate: p.Rate, Queue: q, MM: t.Delay + q.Service + q.WaitMM(),
			MG: t.Delay + q.Service + q.WaitMG(), Measured: t.Curve.Sweep.Points[i].spread(meanResponse),
			Against: notThere(p, &t.Curve.Sweep.Points[i], q)})
	}
	return all
}

// notThere says why theory is silent about a point.
func notThere(p *CurvePoint, s *SweepPoint, q Queue) string {
	arrivals := 0
	for i := range s.Trials {
		if s.Trials[i].Spoiled == "" && slices.ContainsFunc(s.Trials[i].Load.Findings, notPoisson) {
			arrivals++
		}
	}
	switch {
	case p.Trials == 0:
		return "not measured"
	case p.Void != "":
		return p.Void
	case q.Utilisation() >= 1:
		return "more than it can do: the queue grows as long as the load lasts"
	case q.Utilisation() > steadyUntil:
		return "so near to what it can do that no window is long enough for a steady state"
	case 2*arrivals >= p.Valid:
		return "the requests did not arrive as a Poisson stream"
	case p.Errors.Median > 0:
		return "requests were left without an answer"
	}
	return ""
}

// notPoisson is the finding of the load generator's audit, which holds the gaps against the exponential distribution
// (Anderson and Darling).
func notPoisson(f Finding) bool { return f.Kind == "arrivals" }

// Highest is the point of the highest rate that theory and measurement both speak of, the lowest rate apart; nil where
// there is none.
func (t *Theory) Highest() (highest *TheoryPoint) {
	all := t.Points()
	for i := t.Lowest + 1; i < len(all); i++ {
		if all[i].Against == "" && all[i].Measured.N > 0 {
			highest = &all[i]
		}
	}
	return highest
}

// Sentence holds the theory against the measurement at Highest.
func (t *Theory) Sentence() string {
	label := t.Curve.Architecture.Label
	p := t.Highest()
	if p == nil {
		all := t.Points()
		return label + ": nothing to hold a prediction against: at " + exact(all[len(all)-1].Rate) + "/s, " +
			all[len(all)-1].Against + "."
	}
	text := fmt.Sprintf("%s: M/M/%d predicts %s at %s/s (%.0f %% busy)", label, p.Queue.Servers, duration(p.MM, 2),
		exact(p.Rate), 100*p.Queue.Utilisation())
	if !math.IsNaN(p.MG) {
		text += ", M/G/1 " + duration(p.MG, 2)
	}
	text += ", measured " + duration(p.Measured.Median, 2)
	if !math.IsNaN(p.Measured.Lo) {
		text += fmt.Sprintf(" (%s to %s)", duration(p.Measured.Lo, 2), duration(p.Measured.Hi, 2))
	}
	if len(t.Broken) > 0 {
		text += "; it assumes what is not so here: " + strings.Join(t.Broken, ", ")
	}
	return text + "."
}

// meanResponse is a load's mean response time, seconds.
func meanResponse(l *Load) (v float64, ok bool) {
	return l.Response.mean()
}

// serviceVariance is the variance of a load's times from sending to answer, seconds squared.
func serviceVariance(l *Load) (v float64, ok bool) {
	if l.Service.Count() < 2 {
		return 0, false
	}
	deviation := l.Service.StdDev() / 1e9
	return deviation * deviation, true
}
