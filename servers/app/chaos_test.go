package app

import (
	"testing"

	"github.com/valyala/fasthttp"
)

// Nothing can be broken unless it was allowed, and every kind can then be asked for.
func TestChaosMustBeAllowed(t *testing.T) {
	allowed := routes(Options{State: Stateless, AllowChaos: true})
	refused := New(Options{})
	for kind := range chaos {
		path := "/chaos/" + kind
		if allowed[path] == nil || allowed[path].answer == nil {
			t.Errorf("%s is not served", path)
		}
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI(path)
		if refused(&ctx); ctx.Response.StatusCode() != fasthttp.StatusNotFound {
			t.Errorf("%s that was not allowed: status %d", path, ctx.Response.StatusCode())
		}
	}
}

// A leak is bounded, happens once, and answers as any other request.
func TestLeakIsBounded(t *testing.T) {
	h := New(Options{AllowChaos: true})
	var first *byte
	for range 2 {
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI("/chaos/leak")
		if h(&ctx); string(ctx.Response.Body()) != Greeting {
			t.Errorf("answer %q", ctx.Response.Body())
		}
		if len(leaked) != LeakBytes || first != nil && first != &leaked[0] {
			t.Fatalf("%d bytes are lost, or again", len(leaked))
		}
		first = &leaked[0]
	}
	for i := 0; i < len(leaked); i += 4096 {
		if leaked[i] == 0 {
			t.Fatalf("the page at %d was never written to", i)
		}
	}
	leaked = nil // the other tests need none of it
}

// A panic leaves the handler: who calls it decides.
func TestPanicLeavesTheHandler(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("the handler returned")
		}
	}()
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI("/chaos/panic")
	New(Options{AllowChaos: true})(&ctx)
}
