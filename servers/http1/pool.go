package http1

import (
	"bufio"
	"bytes"
	"sync"

	"github.com/valyala/fasthttp"
)

// The parts that a session borrows. A RequestCtx lives from the end of the header to the answer, a buffer while a
// block of lines is incomplete or Feed has input to spare, a reader only while fasthttp's parser runs.
var (
	ctxs    = sync.Pool{New: newCtx}
	buffers = sync.Pool{New: func() any { return new(buffer) }}
	readers = sync.Pool{New: func() any { return newReader(DefaultLimits().Header) }}
)

// keepBytes is the largest buffer that is kept for reuse.
const keepBytes = 64 << 10

type buffer struct {
	b  []byte
	at int // where the line at hand, or what is unused, begins
}

func getBuffer() *buffer { return buffers.Get().(*buffer) }

func putBuffer(b *buffer) {
	if cap(b.b) <= keepBytes {
		b.b, b.at = b.b[:0], 0
		buffers.Put(b)
	}
}

// silent is the logger of a RequestCtx that has no server to log for.
type silent struct{}

func (silent) Printf(string, ...any) {}

func newCtx() any {
	ctx := new(fasthttp.RequestCtx)
	ctx.Init2(nil, silent{}, true) // true: bodies come from fasthttp's pools and go back there
	return ctx
}

func getCtx() *fasthttp.RequestCtx { return ctxs.Get().(*fasthttp.RequestCtx) }

func putCtx(ctx *fasthttp.RequestCtx) {
	ctx.Request.Reset()
	ctx.Response.Reset()
	ctx.SetRemoteAddr(nil)
	ctxs.Put(ctx)
}

// reader hands a complete block of lines to fasthttp, which wants the whole of it in the buffer of a bufio.Reader.
type reader struct {
	src   bytes.Reader
	bufio bufio.Reader
}

func newReader(size int) *reader {
	r := new(reader)
	r.bufio = *bufio.NewReaderSize(&r.src, size) // of one piece: neighbours in memory
	return r
}

// parse reports whether read takes block without error and to its last byte.
func parse(block []byte, read func(*bufio.Reader) error) bool {
	r := readers.Get().(*reader)
	if r.bufio.Size() < len(block) {
		r = newReader(len(block)) // the limit was raised
	}
	r.src.Reset(block)
	err := read(&r.bufio)
	ok := err == nil && r.bufio.Buffered() == 0 && r.src.Len() == 0
	r.src.Reset(nil)
	if !ok { // otherwise it is as good as new
		r.bufio.Reset(&r.src)
	}
	readers.Put(r)
	return ok
}
