package state

import (
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What parent and children of the crash test know of each other, besides the table.
const (
	crashEnv  = "STATE_TEST_CRASH" // descriptor of the table, its idle limit
	crashIDs  = 32                 // sessions that all children fight for
	reportLen = 32                 // bytes: which session, where, how many bytes, of a file of how many
	reports   = 64                 // that a child makes at a time: less than PIPE_BUF, so that none is torn
)

func crashLimits(idle time.Duration) Limits { return Limits{Sessions: 3 * crashIDs, Idle: idle} }

// The session with number n, a different one for each n.
func crashSession(n uint64) (id ID, file string, size int64) {
	r := rand.NewPCG(n, 1)
	binary.LittleEndian.PutUint64(id[:8], r.Uint64())
	binary.LittleEndian.PutUint64(id[8:], r.Uint64())
	file = strconv.FormatUint(n, 36)
	for n%2 == 1 && len(file) < MaxName {
		file += "x"
	}
	return id, file, int64(100 + n%1000)
}

// Several processes open, advance and close the same sessions, while they are killed, stopped and continued at moments
// that nobody chose. No byte of a session may be given out twice, nor with another's file or size; those that are left
// go on; and when all is over, the table takes as many sessions as at first.
func TestTableUnderFire(t *testing.T) {
	if os.Getenv(crashEnv) != "" {
		crashChild(t)
		return
	}
	for _, idle := range []time.Duration{time.Minute, 3 * time.Millisecond} {
		t.Run(idle.String(), func(t *testing.T) { underFire(t, idle) })
	}
}

func underFire(t *testing.T, idle time.Duration) {
	table, err := CreateTable(crashLimits(idle))
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	said, say, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	defer say.Close()
	board, _, err := sharedBoard(-1)
	if err != nil {
		t.Fatal(err)
	}
	start := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^TestTableUnderFire$")
		cmd.Env = append(os.Environ(), crashEnv+"="+strconv.Itoa(table.Fd()), "STATE_TEST_IDLE="+idle.String())
		cmd.ExtraFiles = []*os.File{say, board}
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		return cmd
	}
	children := []*exec.Cmd{start(), start(), start(), start()}
	stopped := map[*exec.Cmd]bool{}
	given := map[uint64][]bool{}
	seed := rand.Uint64()
	t.Logf("seed %#x", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	for range 100 {
		listen(t, said, 1+random.IntN(3000), given)
		i := random.IntN(len(children))
		child := children[i]
		switch what := random.IntN(3); {
		case stopped[child] && what > 0:
			signal(t, child, syscall.SIGCONT)
			delete(stopped, child)
		case what == 0 && len(stopped) < len(children)-1:
			signal(t, child, syscall.SIGSTOP)
			stopped[child] = true
		default:
			kill(t, child)
			delete(stopped, child)
			children[i] = start()
		}
	}
	for _, child := range children {
		kill(t, child)
	}
	if len(given) < 2*crashIDs {
		t.Errorf("only %d sessions were read from", len(given))
	}
	table.Wait(idle + time.Minute)
	for range table.limits.Sessions {
		if err := table.Open(NewID(), "file", 1); err != nil {
			t.Fatalf("with everybody dead and their time over: %v; %d sessions are counted", err, table.Len())
		}
	}
	if err := table.Open(NewID(), "file", 1); !errors.Is(err, ErrFull) {
		t.Errorf("one too many: got %v, want %v", err, ErrFull)
	}
}

func signal(t *testing.T, child *exec.Cmd, s syscall.Signal) {
	t.Helper()
	if err := child.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// kill ends a child, which must not have ended by itself before.
func kill(t *testing.T, child *exec.Cmd) {
	t.Helper()
	signal(t, child, syscall.SIGKILL)
	_ = child.Wait() // says how it has ended
	if how := child.ProcessState.Sys().(syscall.WaitStatus); !how.Signaled() || how.Signal() != syscall.SIGKILL {
		t.Fatalf("a child ended by itself: %v", child.ProcessState)
	}
}

// listen checks so many reports.
func listen(t *testing.T, said *os.File, count int, given map[uint64][]bool) {
	t.Helper()
	if err := said.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var report [reportLen]byte
	for range count {
		if _, err := io.ReadFull(said, report[:]); err != nil {
			t.Fatalf("the survivors do not go on: %v", err)
		}
		var word [reportLen / 8]uint64
		for i := range word {
			word[i] = binary.LittleEndian.Uint64(report[8*i:])
		}
		n, offset, bytes, size := word[0], word[1], word[2], word[3]
		if _, _, want := crashSession(n); size != uint64(want) || bytes == 0 || offset+bytes > size {
			t.Fatalf("session %d was said to have %d bytes at %d of %d, not %d", n, bytes, offset, size, want)
		}
		if given[n] == nil {
			given[n] = make([]bool, size)
		}
		for at := offset; at < offset+bytes; at++ {
			if given[n][at] {
				t.Fatalf("session %d: byte %d was given out twice", n, at)
			}
			given[n][at] = true
		}
	}
}

// A board is shared by the children: the first word counts sessions, the others name those that are fought for.
func sharedBoard(fd int) (*os.File, []atomic.Uint64, error) {
	size := 8 * (1 + crashIDs)
	if fd < 0 {
		var err error
		if fd, err = unix.MemfdCreate("board", unix.MFD_CLOEXEC); err != nil {
			return nil, nil, err
		}
		if err := unix.Ftruncate(fd, int64(size)); err != nil {
			return nil, nil, err
		}
	}
	memory, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fd), "board"), unsafe.Slice((*atomic.Uint64)(unsafe.Pointer(&memory[0])), 1+crashIDs), nil
}

// crashChild does what a worker does, as fast as it can, until it is killed.
func crashChild(t *testing.T) {
	fd, err := strconv.Atoi(os.Getenv(crashEnv))
	if err != nil {
		t.Fatal(err)
	}
	idle, err := time.ParseDuration(os.Getenv("STATE_TEST_IDLE"))
	if err != nil {
		t.Fatal(err)
	}
	table, err := InheritTable(fd, crashLimits(idle))
	if err != nil {
		t.Fatal(err)
	}
	_, board, err := sharedBoard(4)
	if err != nil {
		t.Fatal(err)
	}
	say := os.NewFile(3, "reports")
	var batch []byte
	for {
		cell := &board[1+rand.IntN(crashIDs)]
		n, count := cell.Load(), 1+rand.Int64N(20)
		id, file, size := crashSession(n)
		got, err := table.Advance(id, count)
		if err == nil && (got.File != file || got.Size != size) || err != nil && !errors.Is(err, ErrUnknown) {
			t.Fatalf("session %d: got %+v and %v", n, got, err)
		}
		if bytes := min(count, got.Size-got.Offset); err == nil && bytes > 0 {
			for _, word := range []uint64{n, uint64(got.Offset), uint64(bytes), uint64(got.Size)} {
				batch = binary.LittleEndian.AppendUint64(batch, word)
			}
		} else {
			crashOpen(t, table, &board[0], cell)
		}
		if len(batch) == reports*reportLen {
			if _, err := say.Write(batch); err != nil {
				t.Fatal(err)
			}
			batch = batch[:0]
		}
	}
}

// crashOpen opens a session in the place of one that has come to its end, and closes that.
func crashOpen(t *testing.T, table *Table, count, cell *atomic.Uint64) {
	n := count.Add(1)
	id, file, size := crashSession(n)
	if err := table.Open(id, file, size); err != nil && !errors.Is(err, ErrFull) {
		t.Fatal(err)
	}
	id, _, _ = crashSession(cell.Swap(n))
	if err := table.Close(id); err != nil && !errors.Is(err, ErrUnknown) {
		t.Fatal(err)
	}
}
