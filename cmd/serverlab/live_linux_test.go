package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/loadgen"
	"serverlab/results"
)

// screen is a terminal that knows as much as the live view asks of one. It scrolls at its lower end, and goes on in the
// next line after the last column.
type screen struct {
	t       *testing.T
	cells   [][]rune
	columns int
	x, y    int
	writes  int
}

func newScreen(t *testing.T, columns, rows int) *screen {
	s := &screen{t: t, columns: columns}
	for range rows {
		s.cells = append(s.cells, nil)
	}
	return s
}

func (s *screen) Write(p []byte) (int, error) {
	s.writes++
	text := string(p)
	for text != "" {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			end := strings.IndexFunc(rest, func(r rune) bool { return r >= '@' })
			if end < 0 {
				s.t.Fatalf("a sequence without an end: %q", text)
			}
			s.control(rest[:end], rest[end])
			text = rest[end+1:]
			continue
		}
		r := []rune(text)[0]
		s.put(r)
		text = text[len(string(r)):]
	}
	return len(p), nil
}

func (s *screen) control(number string, what byte) {
	switch what {
	case 'A':
		n, err := strconv.Atoi(number)
		if err != nil || n > s.y {
			s.t.Fatalf("up by %q from line %d", number, s.y)
		}
		s.y -= n
	case 'H':
		s.x, s.y = 0, 0
	case 'J':
		if number == "2" {
			clear(s.cells)
		}
		clear(s.cells[s.y+1:])
		fallthrough
	case 'K':
		s.cells[s.y] = s.cells[s.y][:min(s.x, len(s.cells[s.y]))]
	case 'm':
	default:
		s.t.Fatalf("unknown sequence %s%c", number, what)
	}
}

func (s *screen) put(r rune) {
	switch r {
	case '\r':
		s.x = 0
	case '\n':
		s.x = 0
		if s.y++; s.y == len(s.cells) {
			s.cells, s.y = append(s.cells[1:], nil), s.y-1
		}
	default:
		line := append([]rune(nil), s.cells[s.y]...)
		for len(line) <= s.x {
			line = append(line, ' ')
		}
		line[s.x] = r
		s.cells[s.y] = line
		if s.x++; s.x == s.columns {
			s.put('\n')
		}
	}
}

// String returns the lines down to the last one that is not empty.
func (s *screen) String() string {
	var b strings.Builder
	for _, line := range s.cells {
		b.WriteString(string(line) + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// Every frame replaces the one before, in one write, whatever is above, however its height and the terminal change.
func TestLiveViewStaysInItsPlace(t *testing.T) {
	s := newScreen(t, 80, 24)
	fmt.Fprint(s, "$ serverlab load\n")
	columns, rows := 80, 24
	v := &liveView{w: s, size: func() (int, int) { return columns, rows }}
	l := &results.Load{URL: "http://127.0.0.1:1/", Model: "closed", Window: 10, Response: results.NewHistogram(),
		Series: &results.Series{Step: 0.1}, Errors: map[string]uint64{}}
	above := "$ serverlab load\n"
	for i, change := range []func(){
		func() {},
		func() { // the first figures: the frame grows
			if err := l.Response.RecordValues(1_000_000, 10_000); err != nil {
				t.Fatal(err)
			}
			l.Series.Points = append(l.Series.Points, results.Point{Requests: 10_000})
		},
		func() { l.Errors["timeout"] = 12 },
		func() { l.Response = results.NewHistogram() }, // it shrinks
		func() { columns, above = 60, "" },
		func() { rows = 8 },
		func() { columns, rows = 79, 40 },
	} {
		change()
		before := s.writes
		elapsed := time.Duration(i) * time.Second
		v.watch(loadgen.Progress{Elapsed: elapsed, Window: true, Load: l})
		want := above + results.LiveFrame(l, elapsed.Seconds(), rows-1, results.Style{Width: columns})
		if got := s.String(); got != want {
			t.Errorf("frame %d:\n%swant\n%s", i, got, want)
		}
		if s.writes != before+1 {
			t.Errorf("frame %d took %d writes", i, s.writes-before)
		}
	}
}

// pseudoTerminal returns both ends of one of the given size.
func pseudoTerminal(t *testing.T, columns, rows uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0),
		unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows})); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// On a terminal a load shows itself while it goes on, and if it is interrupted, what it has measured is printed below.
func TestLoadShowsItself(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	master, slave := pseudoTerminal(t, 82, 60)
	var stderr bytes.Buffer
	cmd := exec.Command(program(t), "load", "--url", server.URL+"/", "--connections=4", "--warmup=0s", "--duration=10m",
		"--rate=1000")
	cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=1")
	cmd.Stdout, cmd.Stderr = slave, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	slave.Close()
	var all bytes.Buffer
	buffer := make([]byte, 64<<10)
	for asked := false; ; {
		n, err := master.Read(buffer)
		all.Write(buffer[:n])
		if err != nil { // EIO: nobody has the other end open
			break
		}
		if !asked && strings.Count(all.String(), "bars from zero") >= 2 {
			asked = true
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("interrupted: %v, %q; want exit code %d", err, stderr.String(), exitInterrupted)
	}
	s := newScreen(t, 82, 60)
	if _, err := s.Write(all.Bytes()); err != nil {
		t.Fatal(err)
	}
	text := s.String()
	for _, want := range []string{"\nwindow  ", "INTERRUPTED", "the live view took"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is there %d times", want, strings.Count(text, want))
		}
	}
	if strings.Contains(all.String(), "\x1b[2m") {
		t.Error("it is coloured in spite of NO_COLOR")
	}
	if strings.Index(text, "\nwindow  ") > strings.Index(text, "INTERRUPTED") {
		t.Error("the summary is not below the view")
	}
	if t.Failed() {
		t.Log("\n" + text)
	}
}
