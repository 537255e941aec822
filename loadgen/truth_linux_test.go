package loadgen

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"serverlab/results"
)

// The quantiles of known distributions, as analysis gives them, from enough draws.
func TestQuantilesAreThoseOfTheDistribution(t *testing.T) {
	c := Config{Connections: 500, Rate: 5000, Seed: 3, KeepAlive: true, Duration: time.Minute}
	exponential := delays(func(r *rand.Rand) float64 { return 0.002 * r.ExpFloat64() })
	bimodal := delays(func(r *rand.Rand) float64 {
		if r.Float64() < 0.02 {
			return 0.05
		}
		return 0.001
	})
	exp, two := simulate(t, c, &simulated{answer: exponential}), simulate(t, c, &simulated{answer: bimodal})
	for _, want := range []struct {
		of   *results.Load
		q, v float64 // seconds
	}{
		{exp, 0.5, 0.002 * math.Ln2}, {exp, 0.9, 0.002 * math.Log(10)}, {exp, 0.99, 0.002 * math.Log(100)},
		{exp, 0.999, 0.002 * math.Log(1000)}, {two, 0.5, 0.001}, {two, 0.97, 0.001}, {two, 0.985, 0.05}, {two, 0.999, 0.05},
	} {
		got, _ := want.of.Response.Quantile(want.q)
		// Three standard errors of a quantile of 300,000 exponential draws are 6 % at p99.9 and 2 % at p99.
		if math.Abs(got/want.v-1) > 0.06 {
			t.Errorf("p%v is %v s, want %v", 100*want.q, got, want.v)
		}
	}
}

// A queue in front of one server with constant service: the mean response time of M/D/1 is known (Pollaczek, Khinchine).
func TestPollaczekKhinchine(t *testing.T) {
	const load, service = 0.7, 0.001
	c := Config{Connections: 1, Rate: load / service, Seed: 5, KeepAlive: true, Duration: 10 * time.Minute}
	l := simulate(t, c, &simulated{answer: delays(func(*rand.Rand) float64 { return service })})
	want := service * (1 + load/2/(1-load))
	if got := l.Response.Mean() / 1e9; math.Abs(got/want-1) > 0.02 {
		t.Errorf("mean response time %v, want %v", got, want)
	}
	if l.Service.Max() != l.Service.Min() && !l.Service.ValuesAreEquivalent(l.Service.Max(), 1e6) {
		t.Errorf("the wait in the client became part of the service time: up to %d ns", l.Service.Max())
	}
	if got, want := l.Audit.InFlight, load; math.Abs(got/want-1) > 0.02 {
		t.Errorf("%v requests in flight, want %v: rate x service time", got, want)
	}
}

// In a closed loop each connection asks as soon as it is answered, so a stall holds up no more than one each: what a
// naive client reports of it.
func TestClosedLoopInVirtualTime(t *testing.T) {
	c := Config{Connections: 10, KeepAlive: true, Warmup: time.Second, Duration: 9 * time.Second}
	l := simulate(t, c, &simulated{answer: stalls(3*time.Second, 4*time.Second)})
	// Answers come at each millisecond from 1,000 to 2,999 and from 4,001 to 9,999.
	if want := uint64(10 * (2000 + 5999)); l.Requests != want || l.Response.Count() != int64(want) {
		t.Errorf("%d right answers, want %d", l.Requests, want)
	}
	if slow := atLeast(l.Service, 900*time.Millisecond); slow != 10 {
		t.Errorf("%d slow answers, want one per connection", slow)
	}
	if math.Abs(l.Audit.InFlight-10) > 0.001 {
		t.Errorf("%v in flight, want 10", l.Audit.InFlight)
	}
	for i, p := range l.Series.Points {
		want := uint64(1000)
		if 20 <= i && i < 30 {
			want = 0
		}
		if diff := int(p.Requests) - int(want); diff < -10 || diff > 10 || p.InFlight != 10 {
			t.Errorf("step %d: %d answers, %d in flight; want %d and 10", i, p.Requests, p.InFlight, want)
		}
	}
}

// A generator that did not run for a while knows it: what was due meanwhile is late, and the response times say so too.
func TestStalledGenerator(t *testing.T) {
	c := Config{Connections: 500, Rate: 1000, Arrivals: "constant", KeepAlive: true, Duration: 4 * time.Second}
	const from, to = int64(time.Second), int64(1300 * time.Millisecond)
	l := simulate(t, c, &simulated{answer: delays(func(*rand.Rand) float64 { return 0.0005 }),
		late: func(now, until int64) int64 {
			if now < from && until >= from {
				return to
			}
			return until
		}})
	if got := atLeast(l.Lag, 100*time.Millisecond); got != 200 && got != 201 {
		t.Errorf("%d lags of 100 ms and more, want 200", got)
	}
	if got := atLeast(l.Response, 100*time.Millisecond); got != 200 && got != 201 {
		t.Errorf("%d response times of 100 ms and more, want 200", got)
	}
	if got := atLeast(l.Service, 10*time.Millisecond); got > 1 {
		t.Errorf("%d service times of 10 ms and more: that was the generator's time", got)
	}
	if l.Requests != 4000 || l.Intended != 4000 {
		t.Errorf("%d of %d answered", l.Requests, l.Intended)
	}
}

// What never comes counts at its limit, and what waited for its connection meanwhile counts from when it was meant.
func TestTimeoutsInVirtualTime(t *testing.T) {
	c := Config{Connections: 1, Rate: 10, Arrivals: "constant", KeepAlive: true, Duration: time.Second,
		Timeout: 250 * time.Millisecond}
	l := simulate(t, c, &simulated{answer: func(k int, sent int64) int64 {
		if k == 2 {
			return never
		}
		return sent + 1e6
	}})
	if l.Censored != 1 || l.Errors[ErrTimeout] != 1 || l.Requests != 9 || l.Opened != 2 {
		t.Errorf("%d censored, errors %v, %d requests, %d opened", l.Censored, l.Errors, l.Requests, l.Opened)
	}
	// The third, of 200 ms, is given up at 450; those of 300 and 400 ms are answered 151 and 52 ms late.
	for _, want := range []int64{250, 151, 52} {
		n := int64(0)
		for _, b := range l.Response.Distribution() {
			if b.From <= want*1e6 && want*1e6 <= b.To {
				n += b.Count
			}
		}
		if n != 1 {
			t.Errorf("%d response times of %d ms, want one", n, want)
		}
	}
	// Its connection waits for 151 ms and 52 ms behind it; the oldest one was due 100 ms before.
	if p := l.Series.Points[3]; p.InFlight != 1 || math.Abs(p.Waiting-0.1) > 1e-9 {
		t.Errorf("at 400 ms %d were in flight, and the oldest waited for %v s", p.InFlight, p.Waiting)
	}
}

// Answers that come together are all looked at before the next requests are sent. What sending takes is the generator's
// time: it stands in the lag, and in no service time.
func TestAnswersBeforeRequests(t *testing.T) {
	const clients, sending, receiving, beat = 8, 5000, 1000, int64(time.Millisecond)
	c := Config{Connections: clients, KeepAlive: true, Warmup: 2 * time.Millisecond, Duration: time.Second}
	network := &costly{sending: sending, receiving: receiving}
	network.answer = func(_ int, sent int64) int64 { return (sent/beat + 1) * beat } // to all at the same moment
	l := simulate(t, c, network)
	// The i-th answer is read at the beat + (i + 1) receiving, its client's next request sent at the beat +
	// clients x receiving + i x sending.
	for i := range int64(clients) {
		lag := (clients-1-i)*receiving + i*sending
		n := int64(0)
		for _, b := range l.Lag.Distribution() {
			if b.From <= lag && lag <= b.To {
				n += b.Count
			}
		}
		if n < 990 {
			t.Errorf("%d requests were sent %d ns late, want 990 and more of about 1,000", n, lag)
		}
	}
	const bucket = 1000 // ns, at such times, and more
	if low, high := l.Response.Min(), l.Response.Max(); low < beat-bucket || high > beat+bucket {
		t.Errorf("response times from %d to %d ns, want %d", low, high, beat)
	}
	if got := l.Service.Max(); got > beat-(clients-1)*receiving+bucket {
		t.Errorf("a service time of %d ns: the first request leaves when all answers are read", got)
	}
}
