package app

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/valyala/fasthttp"

	"serverlab/servers/state"
)

// sessionCookie begins the cookie that names a session.
const sessionCookie = "session="

var cookieHeader = []byte(fasthttp.HeaderCookie)

// sessionOf reads the session's name from a request's cookies; false: there is none that is well formed. The header is
// looked at as it came: to have it parsed would cost more than to find the file.
func sessionOf(ctx *fasthttp.RequestCtx) (id state.ID, ok bool) {
	cookies := ctx.Request.Header.PeekBytes(cookieHeader)
	for len(cookies) > 0 && !ok {
		one := cookies
		if end := bytes.IndexByte(cookies, ';'); end >= 0 {
			one, cookies = cookies[:end], cookies[end+1:]
		} else {
			cookies = nil
		}
		for len(one) > 0 && (one[0] == ' ' || one[0] == '\t') {
			one = one[1:]
		}
		if value, found := bytes.CutPrefix(one, []byte(sessionCookie)); found {
			id, ok = state.Parse(bytes.TrimRight(value, " \t"))
		}
	}
	return id, ok
}

// tell has the client know its session.
func tell(ctx *fasthttp.RequestCtx, id state.ID) {
	cookie := id.AppendTo([]byte(sessionCookie))
	cookie = append(cookie, "; Path=/; HttpOnly"...)
	ctx.Response.Header.SetCanonical([]byte(fasthttp.HeaderSetCookie), cookie)
}

// OffsetHeader says where in the file the bytes of an answer begin.
const OffsetHeader = "X-Offset"

var offsetHeader = []byte(OffsetHeader)

func setOffset(ctx *fasthttp.RequestCtx, offset int64) {
	var digits [20]byte
	ctx.Response.Header.SetCanonical(offsetHeader, strconv.AppendInt(digits[:0], offset, 10))
}

// readSoft answers as the stateless service does, by the file that it has kept open for the session, if it has.
func (s *fileService) readSoft(ctx *fasthttp.RequestCtx) {
	name, offset, count, err := readArgs(ctx.QueryArgs())
	if err != nil {
		fail(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	}
	id, known := sessionOf(ctx)
	var f *openFile
	if known {
		f = s.kept.get(id, name)
	} else {
		id = state.NewID()
		tell(ctx, id)
	}
	if f == nil {
		if f = s.openFor(ctx, id, string(name)); f == nil {
			return
		}
	}
	send(ctx, f.file, offset, count)
	f.release()
}

// open begins a session.
func (s *fileService) open(ctx *fasthttp.RequestCtx) {
	file, err := fileArg(ctx.QueryArgs(), state.MaxName, openUsage)
	if err != nil {
		fail(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	}
	name := string(file)
	id := state.NewID()
	f := s.openFor(ctx, id, name)
	if f == nil {
		return
	}
	size, err := f.size()
	f.release()
	if err != nil { // no regular file
		s.kept.drop(id)
		fail(ctx, fasthttp.StatusNotFound, noSuchFile)
		return
	}
	if err := s.Store.Open(id, name, size); err != nil {
		s.kept.drop(id)
		failStore(ctx, err)
		return
	}
	tell(ctx, id)
	say(ctx, "opened "+name+", "+strconv.FormatInt(size, 10)+" bytes\n")
}

// readOn answers with the next bytes of the session. Whatever can be wrong with its file is found before the cursor
// moves, so that a request that fails has taken nothing: only where no open file is at hand does that cost one call of
// the store more.
func (s *fileService) readOn(ctx *fasthttp.RequestCtx) {
	n, err := number(ctx.QueryArgs(), "count", MaxCount)
	if err != nil {
		fail(ctx, fasthttp.StatusBadRequest, err.Error())
		return
	}
	id, ok := sessionOf(ctx)
	if !ok {
		fail(ctx, fasthttp.StatusBadRequest, noSession)
		return
	}
	f := s.kept.get(id, nil)
	if f == nil {
		known, err := s.Store.Advance(id, 0)
		if err != nil {
			failStore(ctx, err)
			return
		}
		if f = s.openFor(ctx, id, known.File); f == nil {
			return
		}
	}
	defer f.release()
	was, err := s.Store.Advance(id, n)
	if err != nil {
		if errors.Is(err, state.ErrUnknown) {
			s.kept.drop(id) // nobody will come for it again
		}
		failStore(ctx, err)
		return
	}
	send(ctx, f.file, was.Offset, int(min(n, was.Size-was.Offset)))
}

// close ends a session.
func (s *fileService) close(ctx *fasthttp.RequestCtx) {
	id, ok := sessionOf(ctx)
	if !ok {
		fail(ctx, fasthttp.StatusBadRequest, noSession)
		return
	}
	err := s.Store.Close(id)
	s.kept.drop(id) // only now: a read on its way would open it again
	if err != nil {
		failStore(ctx, err)
		return
	}
	say(ctx, "closed\n")
}

const noSession = "no session: send the cookie that the answer to POST /open?file=F has set"

// failStore says what a store could not do.
func failStore(ctx *fasthttp.RequestCtx, err error) {
	switch {
	case errors.Is(err, state.ErrUnknown):
		fail(ctx, fasthttp.StatusGone, "no such session: it has ended, or was lost; begin another by POST /open?file=F")
	case errors.Is(err, state.ErrFull):
		fail(ctx, fasthttp.StatusServiceUnavailable, "too many sessions: try again later")
	case errors.Is(err, state.ErrUnreachable):
		fail(ctx, fasthttp.StatusServiceUnavailable, "the session store can't be reached: try again later")
	default:
		fail(ctx, fasthttp.StatusInternalServerError, "the session store has failed")
	}
}

func say(ctx *fasthttp.RequestCtx, text string) {
	ctx.Response.Header.SetContentType("text/plain; charset=utf-8")
	ctx.Response.SetBodyString(text)
}
