package results

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
)

// Print draws the calls of each request as a table, one line each, in at most 80 columns.
func (t *SysTrace) Print(w io.Writer, style Style) error {
	var b bytes.Buffer
	for i := range t.Requests {
		if i > 0 {
			fmt.Fprintln(&b)
		}
		t.Requests[i].print(&b, t.Arch, style)
	}
	fmt.Fprint(&b, "\nstrace stops a thread at each call: read order and counts. Times are longer than\n",
		"without it, and where threads race another run may show another order.\n")
	if t.rings() {
		fmt.Fprint(&b, "Within io_uring_enter the kernel itself accepts, reads, writes and closes, as\n",
			"it was ordered to in memory: strace does not see that.\n")
	}
	if _, err := io.WriteString(w, style.text(b.String())); err != nil {
		return fmt.Errorf("print the trace: %w", err)
	}
	return nil
}

// Columns of the table.
const (
	atColumn  = 8
	whoColumn = 13
	lineWidth = 79
)

func (t *RequestTrace) print(b *bytes.Buffer, arch string, style Style) {
	on := "a fresh connection"
	if t.Kept {
		on = "a kept connection"
	}
	fmt.Fprintln(b, style.paint(bold, clip(arch+": one request on "+on+", "+plural(t.Total(), "system call"), lineWidth)))
	head := right("at", atColumn) + right("took", atColumn) + "  " + left("who", whoColumn) + " call"
	fmt.Fprintln(b, style.paint(dim, head))
	for _, s := range t.Steps {
		took := moment(s.Length)
		switch {
		case s.Waits != "":
			took = string(s.Waits)
		case s.Kind == KindExit || s.Length == 0:
			took = ""
		}
		fmt.Fprint(b, right(moment(s.At), atColumn), right(took, atColumn), "  ", left(s.who(), whoColumn), " ",
			s.text(lineWidth-2*atColumn-whoColumn-3), "\n")
	}
	t.printCounts(b)
}

// printCounts says how often each call was made, and what was folded.
func (t *RequestTrace) printCounts(b *bytes.Buffer) {
	for _, part := range []struct {
		head  string
		calls map[string]int
	}{
		{"calls", t.Calls()}, {"start of programs", t.Startup}, {"Go's runtime", t.Runtime},
	} {
		total := 0
		for _, n := range part.calls {
			total += n
		}
		if total == 0 {
			continue
		}
		text := fmt.Sprintf("%s, %s: %s", part.head, count(total), counts(part.calls))
		for i, line := range wrap(text, lineWidth-2) {
			if i > 0 {
				line = "  " + line
			}
			fmt.Fprintln(b, line)
		}
	}
}

// counts lists names with their numbers, the most frequent first.
func counts(n map[string]int) string {
	names := slices.SortedFunc(maps.Keys(n), func(a, b string) int {
		return cmp.Or(cmp.Compare(n[b], n[a]), cmp.Compare(a, b))
	})
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%s×%d", name, n[name])
	}
	return strings.Join(parts, " ")
}

// moment prints seconds; strace's clock counts microseconds.
func moment(seconds float64) string {
	if seconds < 0.9995e-3 {
		return exact(math.Round(seconds*1e6)) + " µs"
	}
	return duration(seconds, 3)
}

// who names the thread that makes a call.
func (s *Step) who() string {
	switch {
	case s.Spawned:
		return fmt.Sprintf("spawned %d t%d", s.Process-1, s.Thread)
	case s.Process > 1:
		return fmt.Sprintf("worker %d t%d", s.Process-1, s.Thread)
	}
	return fmt.Sprintf("server t%d", s.Thread)
}

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"(?:\.\.\.)?`)

// short leaves of a flag what tells it from its like.
var short = strings.NewReplacer("eventpoll", "epoll", "EPOLL_CTL_", "", "CLONE_", "")

// rings tells whether somebody hands over orders by io_uring.
func (t *SysTrace) rings() bool {
	return slices.ContainsFunc(t.Requests, func(r RequestTrace) bool {
		return slices.ContainsFunc(r.Steps, func(s Step) bool { return s.Name == ringCall })
	})
}

// handedOver says what is told to io_uring_enter: how many orders it is handed, and whether to wait for a completion.
func handedOver(args string) string {
	parts := strings.SplitN(args, ", ", 4)
	if len(parts) < 4 {
		return args
	}
	var says []string
	if n := number0(parts[1]); n > 0 {
		says = append(says, plural(n, "order"))
	}
	if parts[2] != "0" {
		says = append(says, "wait")
	}
	return strings.Join(append([]string{parts[0]}, says...), ", ")
}

// text is the call in n characters: strings are cut first, then the arguments, never the result.
func (s *Step) text(n int) string {
	if s.Kind == KindExit {
		return clip(s.Result, n)
	}
	result := ""
	if s.Result != "" {
		result = " = " + firstWords(s.Result)
	}
	shown := short.Replace(s.Args)
	if s.Name == ringCall {
		shown = handedOver(shown)
	}
	args := quoted.ReplaceAllStringFunc(shown, func(q string) string {
		text := strings.TrimSuffix(strings.Trim(strings.TrimSuffix(q, "..."), `"`), `\`)
		return `"` + clip(text, 14) + `"`
	})
	room := n - width(s.Name) - width(result) - 2
	return clip(s.Name+"("+clip(args, max(room, 1))+")"+result, n)
}

// firstWords leaves out what strace explains in brackets: "-1 EAGAIN (Resource temporarily unavailable)".
func firstWords(result string) string {
	t, _, _ := strings.Cut(result, " (")
	return t
}
