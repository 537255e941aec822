// Package redisstore keeps sessions in a Redis: a store that outlives the server and that servers on several machines
// can share. The service is then stateful and the server stateless: what it remembers is another tier's.
package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"serverlab/servers/state"
)

// Patience is the longest that a call takes, with all that belongs to it: waiting for a connection of the pool, opening
// one, asking, and the answer. Then the store counts as unreachable.
const Patience = time.Second

// What is in Redis, readable for who looks with redis-cli. The braces would keep all on one node of a cluster.
const (
	prefix = "{serverlab}:session:" // and the id: a hash of file, size and offset, which expires after the idle limit
	idleAt = "{serverlab}:idle"     // a sorted set of the ids, by the moment of that: milliseconds of Redis's clock
)

// Each method is one script, which Redis runs without another in between: no two callers see the same cursor, and a
// caller that dies has either moved it or not. KEYS are idleAt and the session's key.
var (
	// ARGV: id, idle limit in ms, most sessions, file, size. It returns 0 when there are too many. What has expired is
	// not counted, and taken off the set a few at a time, more than come, so that no call is long.
	open = redis.NewScript(clock + `
if redis.call('ZCOUNT', KEYS[1], now, '+inf') >= tonumber(ARGV[3]) then return 0 end
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. now, 'LIMIT', 0, 10)
if #gone > 0 then redis.call('ZREM', KEYS[1], unpack(gone)) end
redis.call('HSET', KEYS[2], 'file', ARGV[4], 'size', ARGV[5], 'offset', 0)
` + renew + `
return 1`)

	// ARGV: id, idle limit in ms, count. It returns nil for a session that is not there, or is not as open has left it:
	// somebody else has written to this Redis. All that can fail comes before the cursor moves. Lua's numbers are exact
	// up to 2^53.
	advance = redis.NewScript(clock + `
local s = redis.call('HMGET', KEYS[2], 'file', 'size', 'offset')
local size, offset = tonumber(s[2]), tonumber(s[3])
if not (s[1] and size and offset and 0 <= offset and offset <= size) then return false end
` + renew + `
local count = math.min(tonumber(ARGV[3]), size - offset)
if count > 0 then redis.call('HINCRBY', KEYS[2], 'offset', string.format('%.0f', count)) end
return s`)

	// ARGV: id. It returns the number of sessions ended.
	end = redis.NewScript(`
redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('DEL', KEYS[2])`)
)

// Parts of the scripts.
const (
	clock = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)`
	renew = `
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
redis.call('PEXPIRE', KEYS[2], ARGV[2])`
)

// Options that are not the URL's or the caller's.
func options(conns int) *redis.Options {
	return &redis.Options{
		// A call that is repeated after a time-out may be done twice, and a second Advance would skip bytes.
		MaxRetries:    -1,
		DialerRetries: 1,

		DialTimeout: Patience, ReadTimeout: Patience, WriteTimeout: Patience, PoolTimeout: Patience,
		ContextTimeoutEnabled: true, // and all together are within Patience

		PoolSize: conns, MaxActiveConns: conns, PipelinePoolSize: -1,
		ReadBufferSize: 1 << 10, WriteBufferSize: 1 << 10, // of each connection: all that is said is short

		// A connection that is opened for one request should say no more than it must.
		Protocol:                 2,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// store implements state.Store.
type store struct {
	client *redis.Client
	limits state.Limits
	where  string // for messages: host and port
}

// go-redis would write to standard error by itself. What matters is in the errors that it returns.
var quiet = sync.OnceFunc(logging.Disable)

// Open returns the store in the Redis at redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], over at most conns connections.
// It does not fail when nobody answers there: Redis may come later, and until then the store's calls fail with
// state.ErrUnreachable. After so many failures to connect as it may have connections, go-redis tries once a second.
func Open(address string, l state.Limits, conns int) (state.Store, error) {
	if l.Sessions < 1 || l.Idle < time.Millisecond || conns < 1 {
		return nil, fmt.Errorf("a store of %d sessions, each for %v, over %d connections: give at least 1, 1ms and 1",
			l.Sessions, l.Idle, conns)
	}
	o := options(conns)
	if err := parse(address, o); err != nil {
		return nil, err
	}
	quiet()
	return &store{client: redis.NewClient(o), limits: l, where: o.Addr}, nil
}

// parse fills in what a URL says. Its errors do not repeat it: there may be a password in it.
func parse(address string, o *redis.Options) error {
	wrong := func(why string) error {
		return fmt.Errorf("the URL of the session store: %s: give redis://HOST:PORT or redis://HOST:PORT/DB", why)
	}
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return wrong("it can't be read")
	case u.Scheme != "redis":
		return wrong("it does not begin with redis://")
	case u.Hostname() == "":
		return wrong("it names no host")
	case u.RawQuery != "" || u.Fragment != "":
		return wrong("options behind ? or # are not known")
	}
	port := u.Port()
	if port == "" {
		port = "6379"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return wrong("the port is no number from 1 to 65535")
	}
	if db := strings.Trim(u.Path, "/"); db != "" {
		n, err := strconv.ParseUint(db, 10, 31)
		if err != nil {
			return wrong("the database is no number")
		}
		o.DB = int(n)
	}
	o.Addr = net.JoinHostPort(u.Hostname(), port)
	o.Username = u.User.Username()
	o.Password, _ = u.User.Password()
	return nil
}

// Open implements state.Store. It fails with state.ErrFull or state.ErrUnreachable.
func (s *store) Open(id state.ID, file string, size int64) error {
	done, err := s.run(open, id, s.limits.Idle.Milliseconds(), s.limits.Sessions, file, size)
	if err != nil {
		return err
	}
	if done != int64(1) {
		return state.ErrFull
	}
	return nil
}

// Advance implements state.Store. It fails with state.ErrUnknown or state.ErrUnreachable.
func (s *store) Advance(id state.ID, count int64) (state.Session, error) {
	answer, err := s.run(advance, id, s.limits.Idle.Milliseconds(), max(count, 0))
	if errors.Is(err, redis.Nil) {
		return state.Session{}, state.ErrUnknown
	}
	if err != nil {
		return state.Session{}, err
	}
	was, err := session(answer)
	if err != nil {
		return state.Session{}, fmt.Errorf("%w: Redis at %s: session: %w", state.ErrUnreachable, s.where, err)
	}
	return was, nil
}

// session reads what the script returns: file, size, offset.
func session(answer any) (was state.Session, err error) {
	fields, _ := answer.([]any)
	if len(fields) != 3 {
		return was, fmt.Errorf("%d fields, want 3", len(fields))
	}
	var text [3]string
	for i := range fields {
		text[i], _ = fields[i].(string)
	}
	was.File = text[0]
	if was.Size, err = strconv.ParseInt(text[1], 10, 64); err != nil {
		return was, err
	}
	was.Offset, err = strconv.ParseInt(text[2], 10, 64)
	return was, err
}

// Close implements state.Store. It fails with state.ErrUnknown or state.ErrUnreachable.
func (s *store) Close(id state.ID) error {
	ended, err := s.run(end, id)
	if err != nil {
		return err
	}
	if ended != int64(1) {
		return state.ErrUnknown
	}
	return nil
}

// run has Redis run a script about a session. Redis keeps the scripts that it has been sent; only after a restart is
// one sent anew, and it is not run before.
func (s *store) run(script *redis.Script, id state.ID, args ...any) (any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	name := string(id.AppendTo(nil))
	answer, err := script.Run(ctx, s.client, []string{idleAt, prefix + name}, append([]any{name}, args...)...).Result()
	var timeout net.Error
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		return answer, err
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, redis.ErrPoolTimeout):
		return nil, fmt.Errorf("%w: Redis at %s did not answer within %v", state.ErrUnreachable, s.where, Patience)
	}
	return nil, fmt.Errorf("%w: Redis at %s: %w", state.ErrUnreachable, s.where, err)
}
