// Package results is what came out of a run: the record of every trial, its reader, the statistics over trials, and
// the screen that a class argues about. It imports neither the servers nor the load generator, so a run that was
// recorded on Linux can be read anywhere.
//
// Stored figures are in base units: seconds, bytes, counts, requests per second; histograms hold nanoseconds and are
// stored whole. Formatting happens when a screen is drawn and nowhere else.
package results

import (
	"slices"
	"time"
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
	// Experiments are those that were asked for by name: what their situations differ in, and what is to be learnt.
	Experiments []Experiment `json:"experiments,omitempty"`
	Lie         *Lie         `json:"lie,omitempty"` // of the experiment that measures no server; nil: it was not asked for
	// Predictions are what somebody expected before the first trial ran.
	Predictions []Prediction `json:"predictions,omitempty"`
	// Blind says that letters stand for the rows' names, see Blind.
	Blind bool `json:"blind,omitempty"`
	// Choices are what the letters of a blind run may stand for: rows with their ideas, in the order of the alphabet.
	Choices []string `json:"choices,omitempty"`
}

// Prediction is what somebody expected of one column before it was measured.
type Prediction struct {
	Situation string  `json:"situation"`
	Winner    string  `json:"winner"`           // the row that is best
	Factor    float64 `json:"factor,omitempty"` // by which it is better than Than; 0: nothing was said of it
	Than      string  `json:"than,omitempty"`   // a row; "": the worst that has a figure
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
	// Lanes are who does what for a connection, from the listening socket on: what a drawing of it shows.
	Lanes []Lane `json:"lanes,omitempty"`
	// Processes is Pooled or PerRequest where processes of their own serve requests; "": all requests share one process.
	Processes string `json:"processes,omitempty"`
	// Forked says that they are forked from one that runs: no program is started for them.
	Forked bool `json:"forked,omitempty"`
}

// Lane is one thread, process or loop of an architecture, or several of the same kind, and what each does in turn. After
// its last step it goes on with Again, or ends; after "write" it goes on with Keeps while the client keeps its
// connection, where that is not the same. It may hand something to the lane after it, and give something back to the
// one before.
type Lane struct {
	Who     string   `json:"who"`               // "thread 1 … 64", "one process per request"
	Many    bool     `json:"many"`              // there are several of it
	Process bool     `json:"process"`           // it is a process of its own, else it shares that of the lane before it, or the server's one
	Listens bool     `json:"listens,omitempty"` // it has a listening socket of its own, else all share one
	Does    []string `json:"does"`              // "accept", "read", "handle", "write", "close", "wait for events", ...
	Again   string   `json:"again"`             // a step of Does; "": it ends
	Keeps   string   `json:"keeps,omitempty"`   // a step of Does
	Hands   string   `json:"hands,omitempty"`   // "connection", "request"
	Returns string   `json:"returns,omitempty"` // "answer"
}

// What an architecture's worker processes are.
const (
	Pooled     = "pool"    // each serves many requests
	PerRequest = "request" // each serves one and ends
)

// Metric is what a situation compares. Its value is a constant of this package, see Metrics.
type Metric string

// The metrics. Lower is better for all but Throughput, Goodput and Balance.
const (
	CPUPerRequest   Metric = "cpu-per-request"   // seconds of the server's process tree per request
	Throughput      Metric = "throughput"        // right answers per second
	MemoryPerSilent Metric = "memory-per-silent" // bytes of the server per silent connection
	Harmed          Metric = "harmed"            // clients that saw at least one error or were never served
	Latency         Metric = "latency"           // no column: its histogram is drawn beneath the table
	Goodput         Metric = "goodput"           // right answers per second within the window: a screen of its own, see Curve
	Stall           Metric = "stall"             // seconds: the longest response time, a request that blocks apart
	Outage          Metric = "outage"            // seconds from a fault to the first right answer: a screen of its own
	Balance         Metric = "balance"           // Jain's index of the requests of each worker, see Fairness: 1 is even
)

// Everything is all metrics: what a finding voids that makes a trial worthless.
var Everything = []Metric{CPUPerRequest, Throughput, MemoryPerSilent, Harmed, Latency, Outage, Goodput, Stall, Balance}

// Situation is a column: one kind of load, the same for every row but for the offered rate where it says so.
type Situation struct {
	Name        string             `json:"name"`     // "trivial"
	Title       string             `json:"title"`    // first line of the column's head, at most 14 characters
	Subtitle    string             `json:"subtitle"` // second line, likewise: the unit
	Meaning     string             `json:"meaning"`  // one sentence, at most 78 characters: what the column says
	Metric      Metric             `json:"metric"`
	Model       string             `json:"model"` // "closed", "constant", "poisson" or "partly" (open)
	KeepAlive   bool               `json:"keepalive"`
	Path        string             `json:"path"`
	Connections int                `json:"connections"`          // busy ones
	Silent      int                `json:"silent,omitempty"`     // opened before and never used
	Rate        float64            `json:"rate,omitempty"`       // offered, requests per second; 0 for a closed loop
	OwnRates    map[string]float64 `json:"own_rates,omitempty"`  // architectures that could not hold Rate, and theirs
	Ceiling     float64            `json:"ceiling,omitempty"`    // Little's-law ceiling, requests per second; 0 where there is none
	Mix         string             `json:"mix,omitempty"`        // a path that some requests ask for in place of Path, by chance
	MixShare    float64            `json:"mix_share,omitempty"`  // of all requests
	Slow        int                `json:"slow,omitempty"`       // clients that send, or read, a byte at a time; opened before the busy ones
	Crash       string             `json:"crash,omitempty"`      // a path that is sent once: it kills who serves it, or blocks him
	State       string             `json:"state,omitempty"`      // of the file service, whose sessions are the load; "": Path is
	Store       string             `json:"store,omitempty"`      // of its sessions; "": the row's default
	Clients     int                `json:"clients,omitempty"`    // that have sessions; 0: one for each connection
	Read        int                `json:"read,omitempty"`       // bytes that each of their reads asks for
	Fault       string             `json:"fault,omitempty"`      // what is killed in the window: "server", "worker" or "store"
	Rows        []string           `json:"rows,omitempty"`       // that it is about; nil: all
	Experiment  string             `json:"experiment,omitempty"` // that it is part of
	Series      string             `json:"series,omitempty"`     // "waits", "blocks": where it has several situations at the same X
	X           *float64           `json:"x,omitempty"`          // in which the situations of an experiment differ, in the base unit of its axis
	Workers     int                `json:"workers,omitempty"`    // of pools; 0: those of the run
	Timeout     float64            `json:"timeout,omitempty"`    // seconds after which a request has failed; 0: 5
	Deadline    float64            `json:"deadline,omitempty"`   // seconds after which an answer is of no use; 0: it always is
	Visit       float64            `json:"visit,omitempty"`      // partly open: mean requests of a client
	Think       float64            `json:"think,omitempty"`      // seconds, the mean of a client's exponential time between answer and request
	CPUs        int                `json:"cpus,omitempty"`       // of the server, the first of those of the run; 0: all of them
	Procs       int                `json:"procs,omitempty"`      // GOMAXPROCS of the server; 0: what the row wants
	Phase       *PhasePoint        `json:"phase,omitempty"`      // its cell of the map; nil: it is on none
	Sweep       string             `json:"sweep,omitempty"`      // situations with the same word are one sweep over Rate: "load"
	Blocks      int                `json:"blocks,omitempty"`     // in which it is tried; 0: all
	Warmup      float64            `json:"warmup"`               // seconds
	Window      float64            `json:"window"`               // seconds
	// OwnWindows are those, in seconds, of rows whose own rate is so low that Window would hold too few requests.
	OwnWindows map[string]float64 `json:"own_windows,omitempty"`
}

// about tells whether a row takes part.
func (s *Situation) about(a *Architecture) bool {
	return len(s.Rows) == 0 || slices.Contains(s.Rows, a.Name)
}

// RateOf is what a row is offered, requests per second; 0 in a closed loop.
func (s *Situation) RateOf(row string) float64 {
	if rate, own := s.OwnRates[row]; own {
		return rate
	}
	return s.Rate
}

// WindowOf is how long the load of a row is measured, seconds.
func (s *Situation) WindowOf(row string) float64 {
	if w, own := s.OwnWindows[row]; own {
		return w
	}
	return s.Window
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
	// LoadCapacity is the same of the request that the sweep over offered rates asks for; nil where a run has no such
	// sweep. A row that can't answer it is missing.
	LoadCapacity map[string]float64 `json:"load_capacity,omitempty"`
	// Start is how long each row's server took to be ready and, when it was told, to stop: seconds, both together.
	Start map[string]float64 `json:"start,omitempty"`
	Spawn *Spawn             `json:"spawn,omitempty"`
	Idle  map[string]Idle    `json:"idle,omitempty"` // of each row
	// Held is what clients of the file service cost while the server may remember them: by situation, then by row.
	Held map[string]map[string]Held `json:"held,omitempty"`
	// Traces are the system calls of one request of each row, a connection per request; a row that could not be traced
	// is missing.
	Traces map[string]SysTrace `json:"traces,omitempty"`
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
	// Fork is a fork of the worker without exec, as C servers make them, and the end of the child; nil: it does not
	// work here, or the record is from before it was measured.
	Fork *float64 `json:"fork"`
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
	// Tries is how often it was measured, 0 for once: the last one counts, the ones before were disturbed by other programs.
	Tries  int    `json:"tries,omitempty"`
	Load   Load   `json:"load"`
	Server Server `json:"server"`
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

// Server is what the server's whole process tree used. A nil pointer is a counter that this machine does not have.
type Server struct {
	Settings map[string]string `json:"settings,omitempty"` // in force, as the server itself reported them
	Accepts  uint64            `json:"accepts"`            // since its start, as all that follow up to Switches
	Requests uint64            `json:"requests"`
	Refusals uint64            `json:"refusals"`
	Drops    uint64            `json:"drops"`
	Sessions uint64            `json:"sessions"`
	Forks    uint64            `json:"forks,omitempty"`    // processes that were forked to serve
	Stuck    uint64            `json:"stuck,omitempty"`    // of them, those that hung and were killed
	Respawns uint64            `json:"respawns,omitempty"` // times that the process which forks them was replaced
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
