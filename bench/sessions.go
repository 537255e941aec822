//go:build linux

package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"serverlab/loadgen"
	"serverlab/results"
)

// StateName is the experiment that measures what it costs to remember clients, in each state and store of the file
// service.
const StateName = "state"

// The load of the state experiment: that of the crash experiment, open loop.
const (
	stateWindow     = 0.4 // seconds
	stateWarmup     = 0.1
	stateCapacityIn = 0.25 // seconds of the window in which a variant's capacity is measured
)

// What closes the default run has to be short.
const (
	closingBlocks = 2   // that have crashes
	closingState  = 0.3 // seconds of a window
	closingCrash  = 0.7 // the same, of a crash: enough for each client to come back and find its session gone
)

// variant is a state of the file service, and where its sessions are.
type variant struct{ name, state, store string }

// states are the situations of the state experiment, in the order of its screen. What needs a Redis is left out where
// there is none, and soft state where a process lives for one request: it has nobody to keep a file for.
func (b *bench) states() []results.Situation {
	variants := []variant{
		{"state-stateless", "stateless", ""},
		{"state-soft", "soft", ""},
		{"state-memory", "stateful", storeMemory},
		{"state-shm", "stateful", storeShared},
	}
	if _, err := redisProgram(); err != nil {
		b.Say("note: left out: sessions in Redis: %v", err)
		b.notes = append(b.notes, err.Error())
	} else {
		variants = append(variants, variant{"state-redis", "stateful", storeRedis})
	}
	sits := []results.Situation{}
	for _, v := range variants {
		var rows []string
		for _, r := range b.rows {
			if !r.Reference && (v.state != "soft" || r.Processes != results.PerRequest) {
				rows = append(rows, r.Name)
			}
		}
		if len(rows) > 0 {
			sits = append(sits, v.situation(rows))
		}
	}
	return sits
}

func (v variant) situation(rows []string) results.Situation {
	return results.Situation{Name: v.name, Title: v.name, Subtitle: "CPU µs/req", Metric: results.CPUPerRequest,
		Meaning: "clients read files piece by piece: what does it cost to remember them?",
		Model:   "constant", KeepAlive: true, Path: "/", Connections: crashConnections, Clients: crashClients,
		Read: crashRead, State: v.state, Store: v.store, Rows: rows, Warmup: stateWarmup, Window: stateWindow}
}

// closing are the last situations of the default run: what each state costs one row, and what a crash of its server
// loses. That row is the event loop, or the first whose processes outlive a request; there may be none.
func (b *bench) closing() (sits []results.Situation) {
	rows := slices.DeleteFunc(slices.Clone(b.rows), func(r results.Architecture) bool {
		return r.Reference || r.Processes == results.PerRequest
	})
	if len(rows) == 0 {
		return nil
	}
	row := rows[max(0, slices.IndexFunc(rows, func(r results.Architecture) bool { return r.Name == "eventloop" }))].Name
	for _, v := range []variant{{"state-stateless", "stateless", ""}, {"state-soft", "soft", ""},
		{"state-stateful", "stateful", ""}} {
		s := v.situation([]string{row})
		s.Window = closingState
		sits = append(sits, s)
	}
	for _, s := range b.crashSituations() {
		if s.Fault == faultServer && s.Store == "" && slices.Contains(s.Rows, row) {
			s.Rows, s.Blocks, s.Window = []string{row}, min(closingBlocks, b.Trials), closingCrash
			sits = append(sits, s)
		}
	}
	return sits
}

// usual is the default run. What it would close with is left out where all of that was asked for beside it.
func (b *bench) usual() []results.Situation {
	return append(situations(b.Connections), slices.DeleteFunc(b.closing(), func(s results.Situation) bool {
		whole := StateName
		if s.Fault != "" {
			whole = CrashName
		}
		return slices.Contains(b.Experiments, whole)
	})...)
}

// costsState tells a situation of which each row needs a rate of its own, and its clients' memory.
func costsState(s *results.Situation) bool { return s.State != "" && s.Fault == "" }

// remember measures what the situations with a state need before their first trial: the rate that a row can hold in all
// of them, a share of what it reaches in the slowest; and the memory and the descriptors of a client. With one rate for
// all variants of a row they differ only in what they remember: in a closed loop the faster one would be asked more,
// and be cheaper per request for that alone, since what comes together is served together.
func (b *bench) remember(ctx context.Context, cal *results.Calibration, sits []results.Situation) error {
	slowest := map[string]float64{}
	cal.Held = map[string]map[string]results.Held{}
	for i := range sits {
		s := &sits[i]
		if !costsState(s) {
			continue
		}
		held := map[string]results.Held{}
		cal.Held[s.Name] = held
		for _, row := range b.rows {
			if !tried(*s, row, 1) {
				continue
			}
			capacity, err := b.stateCapacity(ctx, *s, row)
			if err != nil && ctx.Err() != nil {
				return err
			}
			if err != nil { // its trials say what is wrong; the other variants need no less a rate
				b.Say("note: %v", err)
			} else if most, known := slowest[row.Name]; !known || capacity < most {
				slowest[row.Name] = capacity
			}
			if held[row.Name], err = b.held(ctx, *s, row); err != nil {
				return err
			}
			b.Say("%-14s %-15s answers up to %6.0f requests/s%s", row.Label, s.Name, capacity, heldText(held[row.Name]))
		}
	}
	for i := range sits {
		s := &sits[i]
		if !costsState(s) {
			continue
		}
		s.OwnRates = map[string]float64{}
		for _, name := range s.Rows {
			s.OwnRates[name] = round2(share * slowest[name])
		}
	}
	return nil
}

func heldText(h results.Held) string {
	if h.Memory == nil {
		return "; a client's memory: " + h.Why
	}
	return fmt.Sprintf(", %.0f bytes per client", *h.Memory)
}

// withStore calls f with the options of a server in a situation, whose Redis runs meanwhile, where it has one.
func (b *bench) withStore(ctx context.Context, s results.Situation, row results.Architecture,
	f func(o ServerOptions, store *redis) error) error {
	o := ServerOptions{Architecture: row.Name, KeepAlive: keepsAlive(s, row), State: s.State, Store: s.Store,
		Workers: s.Workers}
	if s.Store != storeRedis {
		return f(o, nil)
	}
	store, err := startRedis(ctx, b.ServerCPUs)
	if err != nil {
		return err
	}
	defer store.stop()
	o.Store = store.url()
	return f(o, store)
}

// stateCapacity is what a row reaches in a closed loop, requests per second. Lost sessions count as answers here: they
// cost as much, and are shown as what they are by the trials.
func (b *bench) stateCapacity(ctx context.Context, s results.Situation, row results.Architecture) (float64, error) {
	s.Model, s.Window, s.KeepAlive = "closed", stateCapacityIn, keepsAlive(s, row)
	var capacity float64
	err := b.withStore(ctx, s, row, func(o ServerOptions, _ *redis) error {
		load, _, err := b.probe(ctx, b.Server(o), s)
		if err == nil {
			capacity = float64(load.Requests+load.Errors[loadgen.ErrLost]) / load.Window
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("probe %s in %s: %w", row.Name, s.Name, err)
	}
	return capacity, nil
}

// What the calibration of a situation with a state is planned to take for each row.
const stateCalibration = 1200 * time.Millisecond

// plannedStates is how long the calibration of all of them is planned to take.
func plannedStates(run results.Run) (d time.Duration) {
	for i := range run.Situations {
		if s := &run.Situations[i]; costsState(s) {
			d += time.Duration(len(s.Rows)) * stateCalibration
		}
	}
	return d
}
