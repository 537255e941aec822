package http1

import (
	"bytes"
	"reflect"
	"slices"
	"time"
	"unsafe"

	"github.com/valyala/fasthttp"
)

// OwnDates has all sessions of this process date their answers themselves, by what now says. Otherwise fasthttp does,
// whose clock is a goroutine that looks once per second: cheap for a server that answers often, and dear for a process
// that answers once and begins it for the sake of one line. Call it before there is a session. (Where a body is a stream
// fasthttp's clock is asked all the same.)
func OwnDates(now func() time.Time) {
	if canUndate {
		clock = now
	}
}

var clock func() time.Time // nil: fasthttp's

// undated is the switch that has fasthttp leave out its date. It is meant for fasthttp's own server, which we are not.
var undated, canUndate = reflect.TypeFor[fasthttp.ResponseHeader]().FieldByName("noDefaultDate")

// appendHeader appends a header, in place where there is room.
func appendHeader(dst []byte, h *fasthttp.ResponseHeader) []byte {
	start := len(dst)
	if clock == nil {
		return append(dst, h.AppendBytes(dst[start:])...)
	}
	*(*bool)(unsafe.Add(unsafe.Pointer(h), undated.Offset)) = true
	dst = append(dst, h.AppendBytes(dst[start:])...)
	at := start // of the date, where fasthttp has it: below the status and the server's name
	for range 2 {
		at += bytes.IndexByte(dst[at:], '\n') + 1
	}
	var line [64]byte
	date := fasthttp.AppendHTTPDate(append(line[:0], "Date: "...), clock())
	return slices.Insert(dst, at, append(date, "\r\n"...)...)
}
