package results

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Kind is what a line of strace tells of.
type Kind string

// The kinds.
const (
	KindCall   Kind = "call"
	KindSignal Kind = "signal" // Name is the signal
	KindExit   Kind = "exit"   // of a thread or a process; Result says how
)

// Syscall is one system call as strace saw it, or a signal or an end of which it tells.
type Syscall struct {
	Kind   Kind
	Thread int    // the kernel's number of it; a process has that of its first thread
	Name   string // "accept4"
	Args   string // as strace prints them, strings cut short
	Result string // as strace prints it; empty while the call has not returned
	Begin  int64  // nanoseconds since 1970
	Length int64  // nanoseconds; -1: it has not returned, or nobody knows when
}

// End is when the call returned, nanoseconds since 1970; for ever where it has not.
func (c *Syscall) End() int64 {
	if c.Length < 0 {
		return math.MaxInt64
	}
	return c.Begin + c.Length
}

// errLine says that a line is none of strace's.
var errLine = errors.New("not a line of `strace -f -ttt -T`")

// longestLine is the longest line that is read, bytes.
const longestLine = 1 << 20

// ParseStrace reads what `strace -f -ttt -T -o FILE` wrote, and joins a call that others interrupted ("unfinished",
// "resumed"). The calls are in the order in which they began. A line that is not strace's is an error that names it; a
// last line without its end is a call that has not returned.
func ParseStrace(r io.Reader) (calls []Syscall, err error) {
	open := map[int]int{} // the call in which a thread is
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	n := 0
	for n = 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		if calls, err = addLine(calls, open, lines.Text()); err != nil {
			return nil, fmt.Errorf("strace's line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("strace's line %d: %w", n, err)
	}
	return calls, nil
}

// addLine enters one line: "THREAD SECONDS.MICROSECONDS TEXT".
func addLine(calls []Syscall, open map[int]int, line string) ([]Syscall, error) {
	head, rest, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
	stamp, text, found := strings.Cut(strings.TrimLeft(rest, " "), " ")
	thread, err := strconv.Atoi(head)
	at, ok := unixNano(stamp)
	if err != nil || thread < 1 || !found || !ok {
		return nil, errLine
	}
	c := Syscall{Kind: KindCall, Thread: thread, Begin: at, Length: -1}
	switch {
	case strings.HasPrefix(text, "+++ "):
		c.Kind, c.Name, c.Result = KindExit, "exit", strings.Trim(text, "+ ")
		delete(open, thread) // the call in which it was never returned
	case strings.HasPrefix(text, "--- "):
		name, _, _ := strings.Cut(strings.TrimPrefix(text, "--- "), " ")
		c.Kind, c.Name = KindSignal, name
	case strings.HasPrefix(text, "<... "):
		_, tail, found := strings.Cut(text, " resumed>")
		i, known := open[thread]
		if !found || !known {
			return nil, fmt.Errorf("a call resumed that did not begin: %w", errLine)
		}
		delete(open, thread)
		calls[i].finish(calls[i].Args + tail)
		return calls, nil
	default:
		name, args, found := strings.Cut(text, "(")
		if !found || name == "" || strings.ContainsAny(name, " \"<>") {
			return nil, errLine
		}
		c.Name = name
		if !c.finish(args) {
			open[thread] = len(calls)
		}
	}
	return append(calls, c), nil
}

// finish takes "ARGS) = RESULT <SECONDS>" apart, and reports whether the call has returned.
func (c *Syscall) finish(text string) bool {
	args, unfinished := strings.CutSuffix(text, " <unfinished ...>")
	c.Args = args
	if unfinished {
		return false
	}
	i := strings.LastIndex(text, " = ")
	if i < 0 {
		return false
	}
	before := strings.TrimRight(text[:i], " ")
	if !strings.HasSuffix(before, ")") {
		return false
	}
	c.Args, c.Result = strings.TrimSuffix(before, ")"), strings.TrimSpace(text[i+3:])
	if j := strings.LastIndex(c.Result, " <"); j >= 0 && strings.HasSuffix(c.Result, ">") {
		if ns, ok := unixNano(c.Result[j+2 : len(c.Result)-1]); ok {
			c.Result, c.Length = c.Result[:j], ns
		}
	}
	if c.Result == "?" { // it never returned: the thread ended in it
		c.Result = ""
	}
	return true
}

// unixNano reads seconds with their fraction as nanoseconds, without the rounding of a floating-point number.
func unixNano(t string) (int64, bool) {
	whole, fraction, _ := strings.Cut(t, ".")
	if len(whole) == 0 || len(whole) > 10 || len(fraction) > 9 || strings.Trim(whole+fraction, "0123456789") != "" {
		return 0, false
	}
	fraction += strings.Repeat("0", 9-len(fraction))
	s, err := strconv.ParseInt(whole+fraction, 10, 64)
	return s, err == nil
}
