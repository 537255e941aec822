package servers_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"serverlab/servers"
)

// start serves a row of the table until the test ends.
func start(t *testing.T, a servers.Architecture, cfg servers.Config, h fasthttp.RequestHandler) *net.TCPAddr {
	t.Helper()
	bound := make(chan net.Addr, 1)
	cfg.Ready = func(addr net.Addr) { bound <- addr }
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Serve(ctx, cfg, h) }()
	select {
	case addr := <-bound:
		t.Cleanup(func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
		return addr.(*net.TCPAddr)
	case err := <-ended:
		stop()
		t.Fatalf("it does not serve: %v", err)
		return nil
	}
}

// A client that ends its input right after its last request is answered and closed, though one read may bring both:
// the end must not be waited for as if it were still to come.
func TestGoroutineSeesTheEndThatCameWithARequest(t *testing.T) {
	a, _, err := servers.Lookup("goroutine")
	if err != nil {
		t.Fatal(err)
	}
	handling, goOn := make(chan struct{}), make(chan struct{})
	addr := start(t, a, servers.DefaultConfig(), func(ctx *fasthttp.RequestCtx) {
		if string(ctx.Path()) == "/wait" {
			handling <- struct{}{}
			<-goOn
		}
		ctx.SetBodyString("done")
	})
	c, err := net.DialTCP("tcp", nil, addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	send := func(path string) {
		if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: lab\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	send("/wait")
	<-handling
	send("/last") // while nobody reads
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil { // the idle time-out is a minute
		t.Fatal(err)
	}
	out, err := io.ReadAll(c)
	if err != nil || strings.Count(string(out), "done") != 2 {
		t.Errorf("got %q, %v; want two answers and the end", out, err)
	}
}
