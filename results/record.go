// Package results is what came out of a run: the record of every trial, its reader, the statistics over trials, and
// the screen that a class argues about. It imports neither the servers nor the load generator, so a run that was
// recorded on Linux can be read anywhere.
//
// Stored figures are in base units: seconds, bytes, counts, requests per second; histograms hold nanoseconds and are
// stored whole. Formatting happens when a screen is drawn and nowhere else.
package results

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Version is the version of the record that this package writes. A reader refuses a newer one.
const Version = 1

// Run describes one run: what was asked, on what machine, and what was calibrated before the first trial. It is
// stored as run.json beside the trials.
type Run struct {
	Version       int            `json:"version"`
	Started       time.Time      `json:"started"`
	Program       string         `json:"program"` // version and commit of serverlab
	Setup         Setup          `json:"setup"`
	Machine       Machine        `json:"machine"`
	Architectures []Architecture `json:"architectures"` // the rows, in the order of the table
	Situations    []Situation    `json:"situations"`    // the columns, in the order of the screen
	Calibration   Calibration    `json:"calibration"`
	Plan          []Planned      `json:"plan"` // every trial, in the order in which it runs
	Notes         []string       `json:"notes,omitempty"`
	LeftOut       []LeftOut      `json:"left_out,omitempty"`
}

// LeftOut is a row that was wanted and could not be measured here, with the reason in one line.
type LeftOut struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Setup is what was asked for: the same for every trial of a run.
type Setup struct {
	Connections int    `json:"connections"` // busy clients, unless a situation says otherwise
	Trials      int    `json:"trials"`      // of each cell
	Seed        uint64 `json:"seed"`        // of the order and of the arrivals
	ServerCPUs  []int  `json:"server_cpus"`
	ClientCPUs  []int  `json:"client_cpus"`
	Apart       bool   `json:"apart"` // client and server share no physical core
	Workers     int    `json:"workers"`
}

// Architecture is a row: what it is called, its idea, and the lecture's word for it.
type Architecture struct {
	Name    string `json:"name"`
	Lecture string `json:"lecture"` // "sequential", "event-based", ...; empty where the lecture has no word
	Label   string `json:"label"`   // at most 14 characters: the first cell of its row, with the pool size: "thread pool 64"
	Idea    string `json:"idea"`

	AtOnce int `json:"at_once,omitempty"` // connections that it serves at the same time; 0: as many as it is allowed
	// Reference is true of a server that brings a parser of its own: it is shown beside the rows and not ranked.
	Reference  bool `json:"reference,omitempty"`
	StaticOnly bool `json:"static_only,omitempty"` // it can only send a file: situations that ask for more leave it out
	// Processes is Pooled or PerRequest where processes of their own serve requests; "": all requests share one process.
	Processes string `json:"processes,omitempty"`
}

// What an architecture's worker processes are.
const (
	Pooled     = "pool"    // each serves many requests
	PerRequest = "request" // each serves one and ends
)

// Metric is what a situation compares. Its value is a constant of this package, see Metrics.
type Metric string

// The metrics of the default run. Lower is better for all but Throughput.
const (
	CPUPerRequest   Metric = "cpu-per-request"   // seconds of the server's process tree per request
	Throughput      Metric = "throughput"        // right answers per second
	MemoryPerSilent Metric = "memory-per-silent" // bytes of the server per silent connection
	Harmed          Metric = "harmed"            // clients that saw at least one error or were never served
	Latency         Metric = "latency"           // no column: its histogram is drawn beneath the table
	Outage          Metric = "outage"            // seconds from a fault to the first right answer: a screen of its own
)

// Everything is all metrics: what a finding voids that makes a trial worthless.
var Everything = []Metric{CPUPerRequest, Throughput, MemoryPerSilent, Harmed, Latency, Outage}

// Situation is a column: one kind of load, the same for every row but for the offered rate where it says so.
type Situation struct {
	Name        string             `json:"name"`     // "trivial"
	Title       string             `json:"title"`    // first line of the column's head, at most 14 characters
	Subtitle    string             `json:"subtitle"` // second line, likewise: the unit
	Meaning     string             `json:"meaning"`  // one sentence, at most 78 characters: what the column says
	Metric      Metric             `json:"metric"`
	Model       string             `json:"model"` // "closed", "constant" or "poisson"
	KeepAlive   bool               `json:"keepalive"`
	Path        string             `json:"path"`
	Connections int                `json:"connections"`         // busy ones
	Silent      int                `json:"silent,omitempty"`    // opened before and never used
	Rate        float64            `json:"rate,omitempty"`      // offered, requests per second; 0 for a closed loop
	OwnRates    map[string]float64 `json:"own_rates,omitempty"` // architectures that could not hold Rate, and theirs
	Ceiling     float64            `json:"ceiling,omitempty"`   // Little's-law ceiling, requests per second; 0 where there is none
	Crash       string             `json:"crash,omitempty"`     // the path that kills a worker, sent once
	State       string             `json:"state,omitempty"`     // of the file service, whose sessions are the load; "": Path is
	Store       string             `json:"store,omitempty"`     // of its sessions; "": the row's default
	Clients     int                `json:"clients,omitempty"`   // that have sessions; 0: one for each connection
	Read        int                `json:"read,omitempty"`      // bytes that each of their reads asks for
	Fault       string             `json:"fault,omitempty"`     // what is killed in the window: "server", "worker" or "store"
	Rows        []string           `json:"rows,omitempty"`      // that it is about; nil: all
	Blocks      int                `json:"blocks,omitempty"`    // in which it is tried; 0: all
	Warmup      float64            `json:"warmup"`              // seconds
	Window      float64            `json:"window"`              // seconds
}

// Planned names one trial: its cell (situation and architecture) and its block.
type Planned struct {
	Situation    string `json:"situation"`
	Architecture string `json:"architecture"`
	Block        int    `json:"block"` // from 1
}

// Calibration holds what was measured before the first trial, so that every figure can be judged against it.
type Calibration struct {
	// Ceiling is what the load generator reaches against a server that does nothing, requests per second, by mode:
	// "keep-alive" and "per-connection".
	Ceiling map[string]float64 `json:"ceiling,omitempty"`
	// Floor is the median closed-loop response time of one connection against that server, seconds.
	Floor float64 `json:"floor,omitempty"`
	// Capacity is each row's closed-loop throughput of "/" with a connection per request: right answers per second.
	Capacity map[string]float64 `json:"capacity,omitempty"`
	// Start is how long each row's server took to be ready and, when it was told, to stop: seconds, both together.
	Start map[string]float64 `json:"start,omitempty"`
	Spawn *Spawn             `json:"spawn,omitempty"`
	Idle  map[string]Idle    `json:"idle,omitempty"` // of each row
	// Held is what clients of the file service cost while the server may remember them: by situation, then by row.
	Held map[string]map[string]Held `json:"held,omitempty"`
}

// Held is what a server holds for clients of the file service, each of which has opened a file and read once: what was
// there with them, less what was there before, divided by them. A nil pointer is a figure that there is not, and Why
// says why. What the kernel itself holds for an open file is in none of them.
type Held struct {
	Clients     int      `json:"clients,omitempty"` // that were served
	Memory      *float64 `json:"memory"`            // bytes of the server for each: PSS of its process tree
	Store       *float64 `json:"store,omitempty"`   // bytes of a store outside the server for each, likewise
	Descriptors *int     `json:"descriptors"`       // that the server has open for all of them
	MaxOpen     int      `json:"max_open"`          // files that a process keeps open, at most
	Why         string   `json:"why,omitempty"`
}

// Idle is what a connection costs a row in user memory while it says nothing: PSS of the server's process tree, divided
// by the connections. A nil pointer is a figure that there is not, and Why says why.
type Idle struct {
	Connections int      `json:"connections,omitempty"` // that were opened
	Answered    int      `json:"answered,omitempty"`    // of them, that got an answer to their one request in time
	Silent      *float64 `json:"silent"`                // bytes each, silent since they were accepted
	Used        *float64 `json:"used"`                  // bytes each, silent after one request
	Why         string   `json:"why,omitempty"`
}

// Spawn is where the CPU time of starting a worker process goes: seconds of CPU, parent and child together, medians
// over Count starts of programs that do only that much. Each step includes the one before it.
type Spawn struct {
	Count   int     `json:"count"`
	Exec    float64 `json:"exec"`    // fork and exec of a program of two instructions
	Runtime float64 `json:"runtime"` // ... of a Go program with an empty main
	Init    float64 `json:"init"`    // ... of the worker, which returns from main at once
}

// Machine is what the run was measured on. It names neither host nor user. An empty string or a nil pointer is a
// thing that this machine does not tell.
type Machine struct {
	CPU          string            `json:"cpu"`
	Cores        int               `json:"cores"` // CPUs that this process may use
	SMT          string            `json:"smt,omitempty"`
	Governor     string            `json:"governor,omitempty"`
	Battery      string            `json:"battery,omitempty"`
	Hypervisor   string            `json:"hypervisor,omitempty"`
	Container    string            `json:"container,omitempty"`
	MemoryBytes  uint64            `json:"memory_bytes"`
	Kernel       string            `json:"kernel"`
	OS           string            `json:"os"`
	GoVersion    string            `json:"go_version"`
	Descriptors  uint64            `json:"descriptors"` // soft RLIMIT_NOFILE in force
	CPUQuota     string            `json:"cpu_quota,omitempty"`
	Sysctls      map[string]string `json:"sysctls,omitempty"`
	LoadAverage1 float64           `json:"load_average_1"`
}

// Trial is the record of one trial: one line of trials.jsonl.
type Trial struct {
	Version int `json:"version"`
	Planned
	Order   int       `json:"order"` // position in the plan, from 0
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"` // the whole trial, start and stop of the server included
	Load    Load      `json:"load"`
	Server  Server    `json:"server"`
	// Findings are the reasons not to take the trial's figures at face value; none means valid.
	Findings []Finding `json:"findings,omitempty"`
	// Failure says why there is no figure at all: the server did not start, say.
	Failure string `json:"failure,omitempty"`
}

// Finding is one part of a trial's verdict, with its evidence in numbers. Voids lists the metrics that it makes
// useless; such a value is shown and never ranked.
type Finding struct {
	Kind     string   `json:"kind"` // "starved", "wrong answers", "generator-bound", "overloaded", "disturbed", ...
	Evidence string   `json:"evidence"`
	Voids    []Metric `json:"voids,omitempty"`
}

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
	Intended uint64            `json:"intended,omitempty"` // open loop: requests whose intended moment lay in the window
	Errors   map[string]uint64 `json:"errors,omitempty"`   // by kind, see loadgen
	Status   map[int]uint64    `json:"status,omitempty"`   // answers by status code
	Censored uint64            `json:"censored,omitempty"` // requests without an answer at their time limit or at the end: in Response at that limit
	Clamped  uint64            `json:"clamped,omitempty"`  // values beyond a histogram's range, recorded at its edge
	Opened   uint64            `json:"opened"`             // connections opened in the window
	BytesIn  uint64            `json:"bytes_in"`
	BytesOut uint64            `json:"bytes_out"`
	Backlog  uint64            `json:"backlog,omitempty"` // open loop: requests due but not sent when the window closed

	Unserved     int `json:"unserved"`                // of Connections: never got one right answer, warm-up included
	HarmedCount  int `json:"harmed"`                  // of Connections: saw an error, or were never served
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
	Host     *Host     `json:"host,omitempty"`
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

// Server is what the server's whole process tree used. A nil pointer is a counter that this machine does not have.
type Server struct {
	Settings map[string]string `json:"settings,omitempty"` // in force, as the server itself reported them
	Accepts  uint64            `json:"accepts"`            // since its start, as all that follow up to Switches
	Requests uint64            `json:"requests"`
	Refusals uint64            `json:"refusals"`
	Drops    uint64            `json:"drops"`
	Sessions uint64            `json:"sessions"`
	// PerWorker are the requests that each worker of the server answered, nil where it has only one.
	PerWorker []uint64 `json:"per_worker,omitempty"`
	Exit      string   `json:"exit"` // "0", "killed by the crash request", ...

	// Switches is the number of context switches of the tree since its start, children that have ended included.
	Switches *uint64 `json:"switches"`

	CPU       *float64 `json:"cpu"`        // seconds in the window, children that have ended included
	CPUUser   *float64 `json:"cpu_user"`   // of it
	CPUSystem *float64 `json:"cpu_system"` // of it
	// StoreCPU is what a store outside the server used, seconds in the window: no part of CPU.
	StoreCPU *float64 `json:"store_cpu,omitempty"`

	PSSStart  *uint64 `json:"pss_start"`  // bytes before silent connections were opened; otherwise when ready
	PSSSilent *uint64 `json:"pss_silent"` // bytes after they were opened
	PSSPeak   *uint64 `json:"pss_peak"`   // the highest at the edges of the window, bytes
	Threads   int     `json:"threads"`    // likewise
	Processes int     `json:"processes"`  // likewise

	// Foreign is what others than server and load generator used of this run's CPUs, seconds in the window.
	Foreign         *float64 `json:"foreign"`
	Steal           *float64 `json:"steal"`            // of the whole machine, seconds in the window
	PSISome         *float64 `json:"psi_some"`         // seconds in which some task waited for a CPU
	Throttled       *uint64  `json:"throttled"`        // growth of the cgroup's nr_throttled
	ListenOverflows *uint64  `json:"listen_overflows"` // growth of TcpExt ListenOverflows
	ListenDrops     *uint64  `json:"listen_drops"`
}

// Histogram is a whole HDR histogram of nanoseconds. Its JSON is HdrHistogram's compressed V2 encoding in base64, or
// null when nothing was recorded.
type Histogram struct{ *hdr.Histogram }

// The range of every histogram: 1 ns, so that nothing rounds to zero, to 100 s, with three significant digits.
const (
	HistogramMin    = 1
	HistogramMax    = 100_000_000_000
	HistogramDigits = 3
)

// NewHistogram returns an empty histogram of the common range.
func NewHistogram() Histogram { return Histogram{hdr.New(HistogramMin, HistogramMax, HistogramDigits)} }

// Count is the number of recorded values.
func (h Histogram) Count() int64 {
	if h.Histogram == nil {
		return 0
	}
	return h.TotalCount()
}

// MarshalJSON implements json.Marshaler.
func (h Histogram) MarshalJSON() ([]byte, error) {
	if h.Count() == 0 {
		return []byte("null"), nil
	}
	text, err := h.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		return nil, fmt.Errorf("encode histogram: %w", err)
	}
	return json.Marshal(string(text))
}

// UnmarshalJSON implements json.Unmarshaler.
func (h *Histogram) UnmarshalJSON(b []byte) error {
	var text *string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("decode histogram: %w", err)
	}
	if text == nil {
		h.Histogram = nil
		return nil
	}
	d, err := hdr.Decode([]byte(*text))
	if err != nil {
		return fmt.Errorf("decode histogram: %w", err)
	}
	h.Histogram = d
	return nil
}
