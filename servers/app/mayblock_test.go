package app

import (
	"testing"

	"github.com/valyala/fasthttp"
)

// Whoever can wait is told; only the fixed text is known not to, computed over or not.
func TestMayBlock(t *testing.T) {
	for uri, want := range map[string]bool{
		"/": false, "/?": false, "/?spin=3": false, "/?nonsense=1": false,
		"/?wait=5ms": true, "/?block=5ms": true, "/?spin=3&block=1ms": true,
		"/read?file=f01&offset=0&count=10": true, "/read": true, "/open?file=f01": true, "/close": true,
		"/chaos/exit": true, "/other": true,
	} {
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI(uri)
		if got := MayBlock(&ctx); got != want {
			t.Errorf("%s may block: %v, want %v", uri, got, want)
		}
	}
}
