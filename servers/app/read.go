package app

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"sync"

	"github.com/valyala/fasthttp"
)

// MaxCount is the most bytes that one read returns.
const MaxCount = 1 << 20

// fileService is the stateless file service: each request names file, offset and count; the server opens, reads and
// closes, and remembers nothing of the client. What it keeps open is its own directory.
type fileService struct {
	dir string

	once sync.Once
	root *directory
	err  error
}

func (s *fileService) read(ctx *fasthttp.RequestCtx) {
	name, offset, count, err := readArgs(ctx.QueryArgs())
	if err != nil {
		fail(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	}
	s.once.Do(func() {
		if s.dir == "" {
			s.err = errors.New("no directory is served")
			return
		}
		s.root, s.err = openDirectory(s.dir)
	})
	if s.err != nil {
		fail(ctx, fasthttp.StatusInternalServerError, "the served directory can't be opened")
		return
	}
	f, err := s.root.open(name)
	if err != nil {
		if exhausted(err) {
			fail(ctx, fasthttp.StatusServiceUnavailable, "the server has no descriptor left")
			return
		}
		// Not there, a path that leaves the directory, a link: whoever asks is told the same.
		fail(ctx, fasthttp.StatusNotFound, "no such file")
		return
	}
	defer f.Close()
	// The answer's own buffer is read into: no copy, and no allocation once it has grown.
	body := slices.Grow(ctx.Response.SwapBody(nil)[:0], count)[:count]
	n, err := f.ReadAt(body, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		fail(ctx, fasthttp.StatusNotFound, "no such file") // a directory, say
		return
	}
	ctx.Response.SwapBody(body[:n])
	ctx.Response.Header.SetContentType("application/octet-stream")
}

func readArgs(args *fasthttp.Args) (name string, offset int64, count int, err error) {
	name = string(args.Peek("file"))
	if name == "" || len(name) > 255 {
		return "", 0, 0, errors.New("file is missing or longer than 255 bytes: /read?file=F&offset=O&count=N")
	}
	offset, err = number(args, "offset", math.MaxInt64-MaxCount)
	if err != nil {
		return "", 0, 0, err
	}
	n, err := number(args, "count", MaxCount)
	return name, offset, int(n), err
}

func number(args *fasthttp.Args, name string, most int64) (int64, error) {
	value := args.Peek(name)
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%s=%.20q: give a whole number from 0 to %d", name, value, most)
	}
	return n, nil
}
