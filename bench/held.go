//go:build linux

package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"serverlab/internal/corpus"
	"serverlab/internal/proc"
	"serverlab/results"
)

// The bounds of measuring what clients cost that have read once.
const (
	heldClients  = 5000
	heldFew      = 10                      // of so many, one at least must be served, or chance is all that shows
	heldWarm     = 320                     // clients before those that count, so that what is set up once is not charged to them
	heldPatience = 1500 * time.Millisecond // for all of them
	heldLease    = time.Minute             // longer than the look at them takes
)

// held measures what a server holds for clients: it has some open a file and read once, and looks at memory and
// descriptors of the process tree before and after. A fault of the server is a reason to have no figure, and no error.
func (b *bench) held(ctx context.Context, s results.Situation, row results.Architecture) (h results.Held, err error) {
	err = b.withStore(ctx, s, row, func(o ServerOptions, store *redis) (err error) {
		if s.State == "soft" {
			o.Lease = heldLease
		}
		h, err = b.heldBy(ctx, o, store, s.Read)
		return err
	})
	return h, err
}

func (b *bench) heldBy(ctx context.Context, o ServerOptions, store *redis, read int) (h results.Held, err error) {
	srv, err := b.launch(ctx, o)
	if err != nil {
		return results.Held{Why: err.Error()}, ctx.Err()
	}
	settings, boardErr := srv.board.Settings()
	r := readers{addr: srv.addr, state: o.State, keepAlive: o.KeepAlive, read: read}
	h, err = measureHeld(ctx, r, srv.tree, store)
	h.MaxOpen, _ = strconv.Atoi(settings["max-open"]) // none: it keeps no file open
	died := srv.gone()
	_, stopErr := srv.stop()
	boardErr = errors.Join(boardErr, srv.board.Close())
	switch {
	case ctx.Err() != nil:
		return h, ctx.Err()
	case died:
		return results.Held{Why: "the server ended: " + srv.errors.last("it said nothing")}, boardErr
	case err != nil:
		return results.Held{Why: err.Error()}, boardErr
	case stopErr != nil:
		return results.Held{Why: stopErr.Error()}, boardErr
	}
	return h, boardErr
}

// looked is how large a server was, and its store.
type looked struct {
	server proc.Size
	store  proc.Size
	open   int
}

// look waits until the server rests, and looks.
func look(tree, store *proc.Tree) (l looked, err error) {
	rest(tree)
	if l.server, err = tree.Size(); err != nil {
		return l, err
	}
	if store != nil {
		if l.store, err = store.Size(); err != nil {
			return l, err
		}
	}
	l.open, err = tree.Descriptors()
	return l, err
}

func measureHeld(ctx context.Context, r readers, tree *proc.Tree, store *redis) (h results.Held, err error) {
	var storeTree *proc.Tree
	if store != nil {
		if storeTree, err = proc.NewTree(store.cmd.Process.Pid); err != nil {
			return h, err
		}
	}
	open, err := tree.Descriptors() // files of the first clients count too: they give way only when there is no more room
	if err != nil {
		return h, err
	}
	if _, err := r.serve(ctx, heldWarm); err != nil {
		return h, err
	}
	before, err := look(tree, storeTree)
	if err != nil {
		return h, err
	}
	if h.Clients, err = r.serve(ctx, heldClients); err != nil {
		return h, err
	}
	if h.Clients < heldClients/heldFew {
		h.Why = fmt.Sprintf("only %d", h.Clients)
		return h, nil
	}
	after, err := look(tree, storeTree)
	if err != nil {
		return h, err
	}
	each := func(after, before float64) *float64 {
		v := (after - before) / float64(h.Clients)
		return &v
	}
	h.Memory = each(float64(after.server.PSS), float64(before.server.PSS))
	more := max(0, after.open-open)
	h.Descriptors = &more
	if store != nil {
		h.Store = each(float64(after.store.PSS), float64(before.store.PSS))
	}
	return h, nil
}

// readers are clients of the file service, each of which opens a file, if it has to, reads once, and goes on to do
// nothing. They take turns on a few connections.
type readers struct {
	addr      string
	state     string
	keepAlive bool
	read      int // bytes
}

// serve has n clients served, as far as time allows, and returns how many were. The connections end with it.
func (r readers) serve(ctx context.Context, n int) (served int, err error) {
	ctx, cancel := context.WithTimeout(ctx, heldPatience)
	defer cancel()
	var next, done atomic.Int64
	var wait sync.WaitGroup
	errs := make([]error, crashConnections)
	for i := range errs {
		wait.Go(func() {
			c := conn{readers: r}
			defer c.close()
			for errs[i] == nil && ctx.Err() == nil {
				k := int(next.Add(1))
				if k > n {
					return
				}
				if errs[i] = c.client(corpus.Name(k % corpus.Files)); errs[i] == nil {
					done.Add(1)
				}
			}
		})
	}
	wait.Wait()
	for _, e := range errs {
		if e != nil { // one says what all would say
			return int(done.Load()), e
		}
	}
	return int(done.Load()), nil
}

// conn is a connection on which one client after the other is served.
type conn struct {
	readers
	net.Conn
	in *bufio.Reader
}

// client is what one of them does.
func (c *conn) client(file string) error {
	target := fmt.Sprintf("/read?file=%s&offset=0&count=%d", file, c.read)
	if c.state != "stateful" { // soft: the answer gives it a session, in which the file is kept
		_, err := c.ask("GET", target, "")
		return err
	}
	session, err := c.ask("POST", "/open?file="+file, "")
	if err == nil {
		_, err = c.ask("GET", fmt.Sprintf("/read?count=%d", c.read), session)
	}
	return err
}

// ask sends a request and returns the cookie that the answer sets. A session that the server does not know is one that
// another of its processes has: it is held all the same.
func (c *conn) ask(method, target, cookie string) (session string, err error) {
	if c.Conn == nil {
		if c.Conn, err = net.DialTimeout("tcp", c.addr, heldPatience); err != nil {
			return "", fmt.Errorf("connect: %w", err)
		}
		c.in = bufio.NewReader(c.Conn)
	}
	if err := c.SetDeadline(time.Now().Add(heldPatience)); err != nil {
		return "", err
	}
	text := method + " " + target + " HTTP/1.1\r\nHost: held\r\nContent-Length: 0\r\n"
	if cookie != "" {
		text += "Cookie: session=" + cookie + "\r\n"
	}
	if _, err := io.WriteString(c.Conn, text+"\r\n"); err != nil {
		return "", fmt.Errorf("send a request: %w", err)
	}
	answer, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return "", fmt.Errorf("wait for an answer: %w", err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", fmt.Errorf("wait for an answer: %w", err)
	}
	if answer.Close || !c.keepAlive {
		c.close()
	}
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusGone {
		return "", fmt.Errorf("%s %s: %d %.60q", method, target, answer.StatusCode, body)
	}
	for _, set := range answer.Cookies() {
		session = set.Value
	}
	return session, nil
}

func (c *conn) close() {
	if c.Conn != nil {
		_ = c.Conn.Close() // whatever comes of it, nothing more is sent
		c.Conn = nil
	}
}
