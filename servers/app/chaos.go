package app

import (
	"crypto/sha256"
	"fmt"
	"os"
	"sync"

	"github.com/valyala/fasthttp"
)

// chaos is what one bad request can do to the server that answers it, by the last word of its path. What it does to
// others is decided by what they share with it: the process, the thread, the memory.
var chaos = map[string]func(*fasthttp.RequestCtx){
	"exit":  exit,
	"panic": panics,
	"loop":  loop,
	"leak":  leak,
}

// exit ends the process as a crash would: no deferred call runs and nothing is flushed.
func exit(*fasthttp.RequestCtx) {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(fmt.Sprintf("could not end the process: %v", err))
	}
	select {} // the signal is on its way; no answer may overtake it
}

// panics fails as a handler with a bug does. Whoever calls the handler decides what becomes of it: a session answers 500
// and closes the connection (as net/http closes it), fasthttp's own server lets the process die.
func panics(*fasthttp.RequestCtx) { panic("GET /chaos/panic asked for it") }

// loop computes and never answers. It calls functions, so the runtime can take the CPU away from it also where it sends
// no signals for that (asyncpreemptoff): the other goroutines go on, and the garbage collector with them.
func loop(*fasthttp.RequestCtx) {
	var digest [sha256.Size]byte
	for {
		digest = sha256.Sum256(digest[:])
	}
}

// LeakBytes is what GET /chaos/leak loses, once in a process: enough to be seen, and never enough to hurt the machine.
const LeakBytes = 64 << 20

// leaked is what has been lost: nobody reads it, and no garbage collector may have it.
var (
	leaked   []byte
	leakOnce sync.Once
)

// leak allocates memory that stays, and answers as if nothing had happened.
func leak(ctx *fasthttp.RequestCtx) {
	leakOnce.Do(func() {
		leaked = make([]byte, LeakBytes)
		for i := 0; i < len(leaked); i += 4096 { // memory is used when it is written to, page by page
			leaked[i] = 1
		}
	})
	greet(ctx)
}
