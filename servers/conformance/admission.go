//go:build linux

package conformance

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/valyala/fasthttp"

	"serverlab/servers/http1"
)

// expectOrRefused awaits the right answer to a request, or, of a server that sheds load, one that refuses it.
func (t *target) expectOrRefused(c *client, request string, want []byte) (right bool, err error) {
	if !t.probe.subject.Arch.Sheds {
		return true, c.expect(want)
	}
	const status = len("HTTP/1.1 200 ")
	if err := c.expectEither(want[:status], refused(t, request)[:status], &right); err != nil {
		return false, err
	}
	if right {
		return true, c.expect(want[status:])
	}
	return false, c.expect(refused(t, request)[status:])
}

// refused is what a session answers to a request that is not admitted.
func refused(t *target, request string) []byte {
	s := http1.NewSession(t.handler, http1.Limits{})
	defer s.Release()
	s.Hold(func(*fasthttp.RequestCtx) bool { return true })
	_, _, _ = s.Feed(nil, []byte(request))
	s.Refuse()
	out, _, _ := s.Feed(nil, nil)
	return out
}

// expectEither reads one of two texts of the same length.
func (c *client) expectEither(a, b []byte, first *bool) error {
	got := make([]byte, len(a))
	if _, err := io.ReadFull(c, got); err != nil {
		return fmt.Errorf("read an answer: %w", err)
	}
	if *first = bytes.Equal(got, a); !*first && !bytes.Equal(got, b) {
		return fmt.Errorf("got %q, want %q or %q", got, a, b)
	}
	return nil
}

// admission sends requests that wait, twice as many as have a place, each with two quick ones behind it: as many as
// there are places must be answered at least, somebody must be refused, and all answers come in order. Each connection
// then goes on.
func admission(p *probe) error {
	t, err := p.start(Settings{})
	if err != nil {
		return err
	}
	if !p.subject.Arch.Sheds {
		return skipped("this architecture refuses connections, not requests")
	}
	clients, err := t.openMany(2 * t.places())
	defer func() { closeAll(clients) }()
	if err != nil {
		return err
	}
	requests := []string{head("GET /?wait=200ms"), head("GET /read?file=f01&offset=5&count=9"), hello}
	return p.eventually(func() error { // a machine that stalls gives the first time to end before the last have come
		right, wrong := 0, 0
		for _, c := range clients {
			if err := c.send(strings.Join(requests, "")); err != nil {
				return err
			}
		}
		for i, c := range clients {
			for j, request := range requests {
				want, _ := t.reference(request)
				ok, err := t.expectOrRefused(c, request, want)
				switch {
				case err != nil:
					return fmt.Errorf("client %d, answer %d: %w", i+1, j+1, err)
				case ok && j == 0:
					right++
				case !ok:
					wrong++
				}
			}
		}
		for i, c := range clients {
			if err := t.ask(c, hello); err != nil {
				return fmt.Errorf("client %d afterwards: %w", i+1, err)
			}
		}
		if right < t.places() || wrong == 0 {
			return fmt.Errorf("%d of %d requests that wait were answered, and %d requests refused; want %d at least, "+
				"and some", right, len(clients), wrong, t.places())
		}
		p.found = fmt.Sprintf("of %d requests at once %d were answered, others got 503", len(clients), right)
		return nil
	})
}

// places is how many requests may be in the stage that handles them: at work, and in its queue.
func (t *target) places() int {
	if queue := t.probe.subject.Variant.Queue; queue > 0 {
		return t.settings.Workers + queue
	}
	return 2 * t.settings.Workers
}
