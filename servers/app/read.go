package app

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"serverlab/servers/state"
)

// MaxCount is the most bytes that one read returns.
const MaxCount = 1 << 20

// fileService is the file service in all its variants. What it always keeps open is its own directory.
type fileService struct {
	Options
	kept *openFiles // of sessions

	opening sync.Mutex
	root    atomic.Pointer[directory]
}

const (
	noSuchFile = "no such file: there are f00 to f15"
	readUsage  = "/read?file=F&offset=O&count=N"
	openUsage  = "POST /open?file=F"
)

// read is the stateless service: each request names file, offset and count; the server opens, reads and closes, and
// remembers nothing of the client.
func (s *fileService) read(ctx *fasthttp.RequestCtx) {
	name, offset, count, err := readArgs(ctx.QueryArgs())
	if err != nil {
		fail(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	}
	f, ok := s.openFile(ctx, string(name))
	if !ok {
		return
	}
	send(ctx, f, offset, count)
	_ = f.Close() // it was only read
}

// directory opens the served directory, if that was not done yet. An error holds for this request only: there may be a
// descriptor for the next.
func (s *fileService) directory() (*directory, error) {
	if d := s.root.Load(); d != nil {
		return d, nil
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	if d := s.root.Load(); d != nil {
		return d, nil
	}
	if s.Files == "" {
		return nil, errors.New("no directory is served")
	}
	d, err := openDirectory(s.Files)
	if err == nil {
		s.root.Store(d)
	}
	return d, err
}

// openFile opens a file, or fails.
func (s *fileService) openFile(ctx *fasthttp.RequestCtx, name string) (f file, ok bool) {
	root, err := s.directory()
	if err != nil && !exhausted(err) {
		fail(ctx, fasthttp.StatusInternalServerError, "the served directory can't be opened")
		return f, false
	}
	if err == nil {
		f, err = root.open(name)
		if err != nil && exhausted(err) {
			s.kept.shed()
			f, err = root.open(name)
		}
	}
	switch {
	case err == nil:
		return f, true
	case exhausted(err):
		fail(ctx, fasthttp.StatusServiceUnavailable, "the server has no descriptor left")
	default: // not there, a path that leaves the directory, a link: whoever asks is told the same
		fail(ctx, fasthttp.StatusNotFound, noSuchFile)
	}
	return f, false
}

// openFor opens a session's file and keeps it, if there is room; nil: it has failed. The caller releases it.
func (s *fileService) openFor(ctx *fasthttp.RequestCtx, id state.ID, name string) *openFile {
	f, ok := s.openFile(ctx, name)
	if !ok {
		return nil
	}
	return s.kept.keep(id, f, name)
}

// send answers with bytes of a file. They are read into the answer's own buffer: no copy, and no allocation once it has
// grown.
func send(ctx *fasthttp.RequestCtx, f file, offset int64, count int) {
	body := slices.Grow(ctx.Response.SwapBody(nil)[:0], count)[:count]
	n, err := f.ReadAt(body, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		fail(ctx, fasthttp.StatusNotFound, noSuchFile) // a directory, say
		return
	}
	ctx.Response.SwapBody(body[:n])
	ctx.Response.Header.SetContentType("application/octet-stream")
	setOffset(ctx, offset)
}

func readArgs(args *fasthttp.Args) (name []byte, offset int64, count int, err error) {
	if name, err = fileArg(args, 255, readUsage); err != nil {
		return nil, 0, 0, err
	}
	offset, err = number(args, "offset", math.MaxInt64-MaxCount)
	if err != nil {
		return nil, 0, 0, err
	}
	n, err := number(args, "count", MaxCount)
	return name, offset, int(n), err
}

// fileArg is the file that is asked for, its name of at most so many bytes.
func fileArg(args *fasthttp.Args, most int, usage string) ([]byte, error) {
	name := args.Peek("file")
	switch {
	case len(name) == 0:
		return nil, errors.New("file is missing: " + usage)
	case len(name) > most:
		return nil, fmt.Errorf("file is longer than %d bytes: %s", most, usage)
	}
	return name, nil
}

func number(args *fasthttp.Args, name string, most int64) (int64, error) {
	value := args.Peek(name)
	if len(value) == 0 {
		return 0, fmt.Errorf("%s is missing: give a whole number from 0 to %d", name, most)
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%s=%.20q: give a whole number from 0 to %d", name, value, most)
	}
	return n, nil
}
