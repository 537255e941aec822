package results

import (
	"maps"
	"slices"
	"strings"
)

// Load is what the load generator saw in the measured window.
type Load struct {
	URL         string  `json:"url,omitempty"`
	Model       string  `json:"model"` // "closed", "constant", "poisson" or "partly" (open)
	KeepAlive   bool    `json:"keepalive"`
	Connections int     `json:"connections"`
	Threads     int     `json:"threads"`
	Rate        float64 `json:"rate,omitempty"`    // offered, requests per second, the mean over the window; 0 for a closed loop
	Profile     string  `json:"profile,omitempty"` // of a rate that changes: "1000..5000" or "1000,2000,4000"
	Visit       float64 `json:"visit,omitempty"`   // partly open: mean requests of a client
	Think       string  `json:"think,omitempty"`   // time between an answer and the next request: "10ms" or "exponential:10ms"
	Seed        uint64  `json:"seed,omitempty"`
	Warmup      float64 `json:"warmup"` // seconds before the window, discarded
	Window      float64 `json:"window"` // seconds measured
	Interrupted bool    `json:"interrupted,omitempty"`

	Requests uint64            `json:"requests"`           // right answers that ended within the window
	Ended    uint64            `json:"ended,omitempty"`    // open loop: right answers within the window, to requests from before it too
	Intended uint64            `json:"intended,omitempty"` // open loop: requests whose intended moment lay in the window
	Errors   map[string]uint64 `json:"errors,omitempty"`   // by kind, see loadgen
	Status   map[int]uint64    `json:"status,omitempty"`   // answers by status code
	Shed     uint64            `json:"shed,omitempty"`     // requests refused with a whole 503: no right answers and no errors
	Censored uint64            `json:"censored,omitempty"` // requests without an answer at their time limit or at the end: in Response at that limit
	Clamped  uint64            `json:"clamped,omitempty"`  // values beyond a histogram's range, recorded at its edge
	Opened   uint64            `json:"opened"`             // connections opened in the window
	BytesIn  uint64            `json:"bytes_in"`
	BytesOut uint64            `json:"bytes_out"`
	// ShedService is the mean time between the sending of a request and its 503, seconds. It is in no histogram.
	ShedService float64 `json:"shed_service,omitempty"`
	Backlog     uint64  `json:"backlog,omitempty"` // open loop: requests due but not sent when the window closed

	Unserved     int `json:"unserved"`                // of Connections: never got one right answer, warm-up included
	HarmedCount  int `json:"harmed"`                  // of Connections: saw an error or 503, or were never served
	Silent       int `json:"silent,omitempty"`        // silent connections that were open when the window began
	SilentClosed int `json:"silent_closed,omitempty"` // of them, closed by the server before the window ended

	Response Histogram `json:"response"` // from the intended moment of sending to the last byte of the answer
	Service  Histogram `json:"service"`  // from the actual sending to the last byte of the answer
	Lag      Histogram `json:"lag"`      // from the intended to the actual sending where a connection was free: the generator's own delay
	// FirstByte runs from the actual sending to the first byte of the answer. Connect, where a connection was opened
	// for a request, from the call of connect to the moment at which the connection took the request.
	FirstByte Histogram `json:"first_byte"`
	Connect   Histogram `json:"connect"`
	// Stalls are the times above 100 µs for which a thread did not go on though it should have: as long as it spins, it
	// sees each that the host takes its CPU away for.
	Stalls Histogram `json:"stalls"`
	Series *Series   `json:"series,omitempty"`
	Audit  Audit     `json:"audit"`
	// Sessions is what the clients of a file service met; nil: the load was another.
	Sessions *Sessions `json:"sessions,omitempty"`
	Fault    *Fault    `json:"fault,omitempty"` // something that was broken on purpose in the window
	Mixed    *Mixed    `json:"mixed,omitempty"` // requests that were another one; nil: all were the same
	Slow     *Slow     `json:"slow,omitempty"`  // clients that took their time; nil: none did
	// CrashSent is when the special request was sent that kills who serves it, or blocks him (Situation.Crash), seconds
	// since the window began; nil: none was.
	CrashSent *float64 `json:"crash_sent,omitempty"`
	Host      *Host    `json:"host,omitempty"`
	// Findings are the verdict on this load by itself: none means valid, and nil that there was no verdict. Those of a
	// trial stand in Trial.Findings.
	Findings []Finding `json:"findings,omitzero"`

	CPUWatch float64 `json:"cpu_watch,omitempty"` // of a live view beside it, seconds
	CPU      float64 `json:"cpu"`                 // the generator's own, seconds in the window, Spin included
	CPUSpin  float64 `json:"cpu_spin"`            // of it, seconds spent waiting in a spin for the next intended moment
	Pacing   string  `json:"pacing"`              // how it waits: "epoll_pwait2 + spin", ...
}

// Audit are figures by which the load generator checks itself. A count of 0 is a figure that there is not.
type Audit struct {
	InFlight float64 `json:"in_flight"` // requests on their way, the mean over the window, by integration: rate x service time, says Little's law
	// Rank is Spearman's correlation of each service time with the next one of its thread, over Pairs of them: where
	// it is not 0, a trial holds less evidence than its number of answers says.
	Rank  float64 `json:"rank"`
	Pairs int     `json:"pairs"`
	// Anderson is the Anderson-Darling statistic of Gaps between the sending of Poisson arrivals, held against the
	// exponential distribution that was asked for.
	Anderson float64 `json:"anderson"`
	Gaps     int     `json:"gaps"`
	// Stalled is for how long its threads did not go on in the window though there was something to do or a time to
	// wait was over, seconds, of all threads together; Stall is the longest time. What is below 2 ms does not count.
	Stalled float64 `json:"stalled"`
	Stall   float64 `json:"stall"`
	// CPUWait is how long its threads were ready to run and had no CPU, seconds in the window, of all together; nil
	// where the kernel does not tell. A hypervisor that takes the CPU away does not show here.
	CPUWait *float64 `json:"cpu_wait"`
}

// Sessions is what the clients of a file service met in the window. Clients are virtual: they outlive connections. Each
// opens a file, reads it to its end, closes it and begins again; the server may have to remember where it is.
type Sessions struct {
	State   string `json:"state"`   // "stateless", "soft" or "stateful"
	Clients int    `json:"clients"` // of them
	Read    int    `json:"read"`    // bytes that each read asks for
	Opened  uint64 `json:"opened"`  // by right answers, as Closed
	Closed  uint64 `json:"closed"`
	Lost    uint64 `json:"lost"` // the server said that it knows no such session, and the client opened anew
	// Ambiguous counts reads that got no answer, so that nobody knew whether the cursor had moved, or was still to be; the
	// client went on from wherever the next answer said it was, if such reads can have moved it there.
	Ambiguous uint64 `json:"ambiguous"`
}

// Mixed is what became of the seldom requests of a mix, as a rule slow ones. They are no part of Load's Requests, Intended,
// Censored, Response, Service and FirstByte, which tell what the other requests met; only Errors, Status, Backlog, Lag and
// bytes are those of all.
type Mixed struct {
	Path     string    `json:"path"`
	Share    float64   `json:"share"` // of all requests, by chance
	Requests uint64    `json:"requests"`
	Intended uint64    `json:"intended,omitempty"`
	Censored uint64    `json:"censored,omitempty"`
	Response Histogram `json:"response"`
	Service  Histogram `json:"service"`
}

// Slow is what became of clients beside the busy ones that send a request byte by byte and never end it, or read an answer
// so.
type Slow struct {
	Clients int    `json:"clients"`          // that were open when the window began
	Closed  int    `json:"closed,omitempty"` // of them, that the server had closed when the load ended
	Written uint64 `json:"written"`          // bytes that they sent, one at a time, from first to last
	Read    uint64 `json:"read"`             // bytes that they took, likewise
}

// Fault is something that was broken on purpose while the load went on. Moments are seconds since the window began.
type Fault struct {
	Begun    float64 `json:"begun"`    // when it was begun,
	Happened float64 `json:"happened"` // and when it was known to have happened
	// First is when the first right answer came to a request that was sent after it had happened; nil: none did.
	First *float64 `json:"first"`
	// Failed are the requests that ended in an error after it was begun, lost sessions included. In a closed loop attempts
	// of one connection in a row to reach a server that is away count as one; Load.Errors has them all.
	Failed uint64 `json:"failed"`
	// Restart is how long it took until what was killed was ready again, seconds since its start was begun; nil: it was
	// not for the benchmark to start it.
	Restart *float64 `json:"restart,omitempty"`
	// After its server was dead, the last of its worker processes lived on for Lived seconds, all together answered Stray
	// requests, and Orphans of them had to be killed.
	Lived   float64 `json:"lived,omitempty"`
	Stray   uint64  `json:"stray,omitempty"`
	Orphans int     `json:"orphans,omitempty"`
}

// Host is what the whole machine did while a load ran. A nil pointer is a counter that this machine does not have.
type Host struct {
	Seconds   float64  `json:"seconds"`   // from the first look to the last one: the warm-up and what came before it too
	CPUs      int      `json:"cpus"`      // that this process may use
	Steal     *float64 `json:"steal"`     // CPU time that a hypervisor gave to others, seconds, of all CPUs
	PSISome   *float64 `json:"psi_some"`  // seconds in which some task waited for a CPU
	Throttled *uint64  `json:"throttled"` // times that a quota stopped this cgroup
}

// ErrorCount is the sum of Errors.
func (l *Load) ErrorCount() (n uint64) {
	for _, c := range l.Errors {
		n += c
	}
	return n
}

// ErrorText lists Errors in a fixed order: "closed 3, timeout 1".
func (l *Load) ErrorText() string {
	var kinds []string
	for _, k := range slices.Sorted(maps.Keys(l.Errors)) {
		kinds = append(kinds, k+" "+count(l.Errors[k]))
	}
	return strings.Join(kinds, ", ")
}
