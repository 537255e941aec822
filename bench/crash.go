//go:build linux

package bench

import (
	"math/rand/v2"
	"time"

	"serverlab/results"
)

// CrashName is the experiment that kills what serves, under load, once for each state and store of the file service.
const CrashName = "crash"

var aboutCrashes = results.Experiment{Name: CrashName, Question: "what does a crash lose, and for how long?"}

// The load of the crash experiment: fewer connections than a pool has workers, so that nobody has to wait for one, and
// more clients than connections, as sessions outlive them.
const (
	crashClients     = 64
	crashConnections = 16
	crashRead        = 4096 // bytes
	crashWindow      = 1.2  // seconds
	crashStoreWindow = 2    // seconds, where the store is killed: its client may look for it only once a second
	crashEarliest    = 0.3  // seconds into the window: before it the usual rate is measured
	crashLatest      = 0.4
)

// What a fault kills.
const (
	faultServer = "server"
	faultWorker = "worker"
	faultStore  = "store"
)

// faultStep is a step of the series of a load with a fault in it: servers are back within tens of milliseconds.
const faultStep = 20 * time.Millisecond

// crashes are the situations of the crash experiment, in the order of its screen. Those that need a Redis are left out
// where there is none, and the user is told.
func (b *bench) crashes() []results.Situation {
	if _, err := redisProgram(); err != nil {
		b.Say("note: left out: what needs a Redis: %v", err)
		b.notes = append(b.notes, err.Error())
	}
	return b.crashSituations()
}

// crashSituations are those that can be tried here, in the order of their screen.
func (b *bench) crashSituations() []results.Situation {
	var all, reuse, processes, pools []string
	for _, r := range b.rows {
		if r.Reference {
			continue
		}
		all = append(all, r.Name)
		if r.Processes != results.PerRequest { // a process of one request has nobody to keep a file for
			reuse = append(reuse, r.Name)
		}
		if r.Processes != "" {
			processes = append(processes, r.Name)
		}
		if r.Processes == results.Pooled {
			pools = append(pools, r.Name)
		}
	}
	redis := all
	if _, err := redisProgram(); err != nil {
		redis = nil
	}
	sits := []results.Situation{}
	for _, c := range []struct {
		name, state, store, fault string
		rows                      []string
	}{
		{"crash-stateless", "stateless", "", faultServer, all},
		{"crash-soft", "soft", "", faultServer, reuse},
		{"crash-stateful", "stateful", "", faultServer, all},
		{"crash-memory", "stateful", storeMemory, faultServer, processes},
		{"crash-redis", "stateful", storeRedis, faultServer, redis},
		{"crash-redis-store", "stateful", storeRedis, faultStore, redis},
		{"crash-worker-stateless", "stateless", "", faultWorker, pools},
		{"crash-worker-soft", "soft", "", faultWorker, pools},
		{"crash-worker-stateful", "stateful", "", faultWorker, pools},
		{"crash-worker-memory", "stateful", storeMemory, faultWorker, pools},
	} {
		if len(c.rows) == 0 {
			continue
		}
		window := crashWindow
		if c.fault == faultStore {
			window = crashStoreWindow
		}
		sits = append(sits, results.Situation{Name: c.name, Title: c.name, Metric: results.Outage, Model: "closed",
			KeepAlive: true, Path: "/", Connections: crashConnections, Clients: crashClients, Read: crashRead,
			State: c.state, Store: c.store, Fault: c.fault, Rows: c.rows, Blocks: b.CrashTrials,
			Warmup: 0.1, Window: window})
	}
	return sits
}

// moment is when the fault of a block is begun, after the beginning of the window: at random, the same for all rows.
func moment(seed uint64, block int) time.Duration {
	random := rand.New(rand.NewPCG(seed, 0x6661756c74+uint64(block))) // "fault": the plan has other numbers
	return seconds(crashEarliest + random.Float64()*(crashLatest-crashEarliest))
}
