package app

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"serverlab/servers/state"
)

// The stores that need no address.
const (
	MemoryStore = "memory" // of the process
	SharedStore = "shm"    // memory that processes share
)

// Settings is what the handler can be told on a command line. A server, the processes of its pool and the workers of
// one request are told the same.
type Settings struct {
	Options
	StoreName   string // MemoryStore, SharedStore or redis://HOST:PORT[/DB]; "": there are no sessions
	MaxSessions int
	Table       int // descriptor of the shared store, which a process inherits; -1: none
}

// DefaultSettings returns what holds unless it is said otherwise.
func DefaultSettings() Settings {
	return Settings{
		Options:     Options{State: Stateless, Lease: 2 * time.Second, Idle: time.Minute, MaxOpen: 1024},
		MaxSessions: 100_000,
		Table:       -1,
	}
}

// Register adds the flags, which have the present settings as their defaults.
func (s *Settings) Register(f *flag.FlagSet) {
	f.StringVar(&s.Files, "files", s.Files, "`directory` of the served files")
	f.BoolVar(&s.AllowChaos, "allow-chaos", s.AllowChaos, "GET /chaos/exit, loop, leak or panic breaks who answers it")
	f.StringVar(&s.State, "state", s.State, "`WHAT` the file service remembers: stateless, soft or stateful")
	f.StringVar(&s.StoreName, "store", s.StoreName, "stateful: `WHERE` sessions are kept, memory, shm or redis://HOST:PORT[/DB] "+
		"(default shm where processes serve, else memory)")
	f.DurationVar(&s.Lease, "lease", s.Lease, "soft: `time` for which an open file is kept, renewed by use")
	f.DurationVar(&s.Idle, "session-idle", s.Idle, "stateful: `time` after which a session ends that nobody uses")
	f.IntVar(&s.MaxSessions, "max-sessions", s.MaxSessions, "stateful: most sessions; one more is refused with 503")
	f.IntVar(&s.MaxOpen, "max-open", s.MaxOpen, "soft, stateful: most open files that a process keeps for sessions")
	f.DurationVar(&s.Forget, "forget", s.Forget, "soft, stateful: drop all open files as often as this `time` (0: never)")
	f.IntVar(&s.Table, "session-table", s.Table, "descriptor of the shared store")
}

// Misplaced tells of a flag that was given and means nothing to the variant that is served.
func (s *Settings) Misplaced(given func(flag string) bool) error {
	for _, f := range []struct{ name, states string }{
		{"store", Stateful}, {"session-idle", Stateful}, {"max-sessions", Stateful}, {"lease", Soft},
		{"max-open", Soft + " or " + Stateful}, {"forget", Soft + " or " + Stateful},
	} {
		if given(f.name) && !strings.Contains(f.states, s.State) {
			return fmt.Errorf("--%s goes with --state %s only", f.name, f.states)
		}
	}
	return nil
}

// Check reports the first setting that can't be.
func (s *Settings) Check() error {
	switch {
	case s.State != Stateless && s.State != Soft && s.State != Stateful:
		return fmt.Errorf("--state %q: choose %s, %s or %s", s.State, Stateless, Soft, Stateful)
	case s.State == Stateful && s.StoreName == "":
		return errors.New("--store is missing: --state stateful needs one")
	case s.Lease <= 0:
		return fmt.Errorf("--lease %v: give a time longer than zero", s.Lease)
	case s.Idle <= 0:
		return fmt.Errorf("--session-idle %v: give a time longer than zero", s.Idle)
	case s.Forget < 0:
		return fmt.Errorf("--forget %v: give a time, or 0 for never", s.Forget)
	case s.MaxSessions < 1 || s.MaxSessions > 10_000_000:
		return fmt.Errorf("--max-sessions %d: give a number from 1 to 10000000", s.MaxSessions)
	case s.MaxOpen < 0 || s.MaxOpen > 1_000_000:
		return fmt.Errorf("--max-open %d: give a number from 0 to 1000000", s.MaxOpen)
	}
	if s.StoreName == "" || s.StoreName == MemoryStore || s.StoreName == SharedStore {
		return nil
	}
	if u, err := url.Parse(s.StoreName); err != nil || u.Scheme != "redis" || u.Host == "" {
		return fmt.Errorf("--store %q: choose %s, %s or redis://HOST:PORT[/DB]", s.redacted(), MemoryStore, SharedStore)
	}
	return nil
}

// InTier tells whether the sessions are kept by a server of their own.
func (s *Settings) InTier() bool {
	return s.State == Stateful && strings.HasPrefix(s.StoreName, "redis:")
}

// Limits are those of the store.
func (s *Settings) Limits() state.Limits { return state.Limits{Sessions: s.MaxSessions, Idle: s.Idle} }

// redacted is the store's name without the password that it may hold.
func (s *Settings) redacted() string {
	u, err := url.Parse(s.StoreName)
	switch {
	case err != nil:
		return "that can't be read"
	case u.User == nil:
		return s.StoreName
	}
	return u.Redacted()
}

// Told lists the settings that concern the service, for those who read results.
func (s *Settings) Told() map[string]string {
	m := map[string]string{"state": s.State}
	if s.State != Stateless {
		m["max-open"] = fmt.Sprint(s.MaxOpen)
		if s.Forget > 0 {
			m["forget"] = s.Forget.String()
		}
	}
	switch s.State {
	case Soft:
		m["lease"] = s.Lease.String()
	case Stateful:
		m["store"], m["session-idle"], m["max-sessions"] = s.redacted(), s.Idle.String(), fmt.Sprint(s.MaxSessions)
		if s.InTier() {
			m["state"] = "stateless server, stateful tier"
		}
	}
	return m
}

// Args is the command line that tells the worker of one request the same. It keeps no files, so it is not told how.
func (s *Settings) Args() []string {
	args := []string{"--files=" + s.Files}
	if s.AllowChaos {
		args = append(args, "--allow-chaos")
	}
	switch s.State {
	case Soft:
		args = append(args, "--state="+Soft)
	case Stateful:
		args = append(args, "--state="+Stateful, "--store="+s.StoreName, "--session-idle="+s.Idle.String(),
			fmt.Sprint("--max-sessions=", s.MaxSessions), fmt.Sprint("--session-table=", s.Table))
	}
	return args
}

// Setup adds the handler's flags and returns what makes it when they have been read. Shared asks for a handler that
// copies of this process can have in common, and is given none where each must make its own.
type Setup = func(*flag.FlagSet) func(shared bool) (fasthttp.RequestHandler, error)

// OfOneRequest is the set-up of a process that lives for one request: it keeps no open file, since nobody would come
// back for it. Open opens the store that is named.
func OfOneRequest(open func(*Settings) (state.Store, error)) Setup {
	return func(f *flag.FlagSet) func(bool) (fasthttp.RequestHandler, error) {
		s := DefaultSettings()
		s.Register(f)
		return func(shared bool) (h fasthttp.RequestHandler, err error) {
			if err = s.Check(); err != nil {
				return nil, err
			}
			if s.State == Stateful {
				if shared { // copies would share a connection to another server, and the pid that a table knows them by
					return nil, nil
				}
				if s.Store, err = open(&s); err != nil {
					return nil, err
				}
			}
			s.MaxOpen = 0
			return New(s.Options), nil
		}
	}
}

// Inherit opens the store of a process that a server has started: the table that it has inherited, or memory of its
// own, in which it knows only the sessions that it has opened itself.
func (s *Settings) Inherit() (state.Store, error) {
	switch {
	case s.StoreName == MemoryStore:
		return state.NewMemory(s.Limits()), nil
	case s.StoreName == SharedStore && s.Table >= 0:
		return inheritTable(s.Table, s.Limits())
	}
	return nil, fmt.Errorf("--store %s: this program can't reach it", s.redacted())
}
