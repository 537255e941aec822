//go:build linux && !race

package spawner

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The spawner's code lies in huge pages, as far as the system has any, and it forks as well without.
func TestCompact(t *testing.T) {
	if from, to, err := program(); err != nil || upTo(hugePage, from) >= to&^(hugePage-1) {
		t.Logf("%#x to %#x hold no huge page: %v", from, to, err)
	} else if err := hugePages(); err != nil {
		t.Logf("no huge pages here: %v", err)
	} else if n := hugeCode(t, started(t)); n == 0 {
		t.Error("the code does not lie in huge pages")
	}
	s, err := start(t, beSmall)
	if err != nil {
		t.Fatal(err)
	}
	if n := hugeCode(t, s); n != 0 {
		t.Errorf("%d kB of huge pages where they are forbidden", n)
	}
	pid, connection := forked(t, s, "g", false)
	if answer, status := said(t, pid, connection); answer != "done" || status != 3 {
		t.Errorf("without huge pages, a child said %q and ended with %d", answer, status)
	}
}

// hugePages tells whether the system has any.
func hugePages() error {
	room, err := unix.Mmap(-1, 0, 2*hugePage, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return err
	}
	defer unix.Munmap(room)
	start := uintptr(unsafe.Pointer(unsafe.SliceData(room)))
	huge := room[upTo(hugePage, start)-start:][:hugePage]
	huge[0] = 1
	return unix.Madvise(huge, unix.MADV_COLLAPSE)
}

// hugeCode is how much of a spawner's code is in huge pages, in kB.
func hugeCode(t *testing.T, s *Process) (n int) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", s.PID()))
	if err != nil {
		t.Fatal(err)
	}
	code := false
	for line := range strings.Lines(string(maps)) {
		switch words := strings.Fields(line); {
		case !strings.HasSuffix(words[0], ":"):
			code = words[1] == "r-xp"
		case code && words[0] == "AnonHugePages:":
			one, err := strconv.Atoi(words[1])
			if err != nil {
				t.Fatal(err)
			}
			n += one
		}
	}
	return n
}
