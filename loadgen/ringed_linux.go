package loadgen

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"serverlab/internal/uring"
)

// ringed is a prototype, to be measured and no more: a network that receives through a ring, many at a time into provided
// buffers. The letters in the environment's GEN say what else: b the ring sends as well, what is asked for in a turn with
// the next wait; e it only sends, beside epoll; f direct descriptors, r a registered ring, n no array of indices,
// s buffers of 512 bytes; u a table of descriptors of the thread's own, also beside epoll alone; c the clock is read once
// in a turn; m a wait goes on for 50 µs or until 64 answers are there. What can fail and does not here, panics.
type ringed struct {
	*kernel
	ring                 *uring.Ring
	buffers              *uring.Buffers
	socks                []rsock
	ready                []unix.EpollEvent
	back                 []int
	batch                bool
	fixed, cached, epoll bool
	at                   int64
}

type rsock struct {
	index, tag int32
	gen        int32
	armed      bool
	live       bool
	id, n      int // pending buffer
	err        int32
	has        bool
}

const (
	rRecv = iota
	rSend
	rWake
	rPoll
)

func newRinged(k *kernel) *ringed {
	return &ringed{kernel: k, batch: trying("b") || trying("e"), fixed: trying("f"), cached: trying("c"), epoll: trying("e")}
}

func trying(letter string) bool { return strings.Contains(os.Getenv("GEN"), letter) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// start makes the ring; it belongs to the calling thread.
func (r *ringed) start() {
	uring.NoSQArray = trying("n")
	size := 4096
	if trying("s") {
		size = 512
	}
	var err error
	r.ring, err = uring.New(256, 4096)
	must(err)
	r.buffers, err = r.ring.NewBuffers(0, 256, size)
	must(err)
	r.socks = make([]rsock, 20000)
	if r.fixed {
		must(r.ring.RegisterFiles(1024))
	}
	if trying("r") {
		must(r.ring.RegisterRing())
	}
	if trying("m") {
		r.ring.MinWait = 50
	}
	if !r.epoll {
		r.ring.Readable(r.wake, rWake)
	}
}

func (r *ringed) String() string { return "io_uring" }

func (r *ringed) wait(ns int64) []unix.EpollEvent {
	if r.epoll {
		r.at = 0
		must(r.ring.Enter(0))
		if r.ring.Ready() > 0 {
			panic("send failed")
		}
		return r.kernel.wait(ns)
	}
	for _, id := range r.back {
		r.buffers.Return(id)
	}
	if len(r.back) > 0 {
		r.buffers.Offer()
		r.back = r.back[:0]
	}
	must(r.ring.Enter(time.Duration(max(0, ns))))
	r.at = 0
	r.ready = r.ready[:0]
	n := r.ring.Ready()
	for i := range n {
		d := r.ring.Completion(i)
		fd := int32(d.Data >> 32)
		s := &r.socks[fd]
		switch d.Data & 3 {
		case rWake:
			r.ready = append(r.ready, unix.EpollEvent{Fd: -1})
			continue
		case rSend:
			panic("send failed")
		case rPoll:
			r.ready = append(r.ready, unix.EpollEvent{Events: unix.EPOLLOUT, Fd: s.index, Pad: s.tag})
			continue
		}
		if int32(d.Data>>2)&0xffff != s.gen {
			if id, ok := d.Buffer(); ok {
				r.back = append(r.back, id)
			}
			continue
		}
		ev := uint32(unix.EPOLLIN)
		if id, ok := d.Buffer(); ok {
			r.back = append(r.back, id)
			if s.has {
				panic("two")
			}
			s.id, s.n, s.has, s.err = id, int(d.Result), true, 0
		} else {
			s.n, s.has, s.err = 0, true, min(0, d.Result)
			if s.err == -int32(unix.ENOBUFS) {
				s.has = false
			} else {
				ev |= unix.EPOLLRDHUP
			}
		}
		if !d.More() {
			r.ring.Receive(int(fd), r.buffers, uint64(fd)<<32|uint64(s.gen)<<2|rRecv)
			if r.fixed {
				r.ring.Fixed()
			}
		}
		r.ready = append(r.ready, unix.EpollEvent{Events: ev, Fd: s.index, Pad: s.tag})
	}
	r.ring.Seen(n)
	return r.ready
}

func (r *ringed) watch(op uintptr, fd, index, tag int32, events uint32) unix.Errno {
	if r.epoll {
		return r.kernel.watch(op, fd, index, tag, events)
	}
	s := &r.socks[fd]
	s.index, s.tag = index, tag
	if !s.armed {
		s.armed = true
		if r.fixed {
			must(r.ring.SetFile(fd, fd))
		}
		r.ring.Receive(int(fd), r.buffers, uint64(fd)<<32|uint64(s.gen)<<2|rRecv)
		if r.fixed {
			r.ring.Fixed()
		}
	}
	if events&writable != 0 {
		r.ring.Writable(int(fd), uint64(fd)<<32|rPoll)
	}
	return 0
}

func (r *ringed) send(fd int32, p []byte) (int, unix.Errno) {
	s := &r.socks[fd]
	if !r.batch || !s.live {
		s.live = true
		return send(fd, p)
	}
	r.ring.SendNow(int(fd), p, uint64(fd)<<32|rSend)
	if r.fixed {
		r.ring.Fixed()
	}
	return len(p), 0
}

func (r *ringed) receive(fd int32, p []byte) (int, unix.Errno) {
	if r.epoll {
		return r.kernel.receive(fd, p)
	}
	s := &r.socks[fd]
	if !s.has {
		return 0, unix.EAGAIN
	}
	s.has = false
	if s.err != 0 {
		return 0, unix.Errno(-s.err)
	}
	if s.n == 0 {
		return 0, 0
	}
	return copy(p, r.buffers.Bytes(s.id, s.n)), 0
}

func (r *ringed) shut(fd int32) {
	if r.epoll {
		shut(fd)
		return
	}
	r.socks[fd] = rsock{gen: (r.socks[fd].gen + 1) & 0xffff}
	r.ring.CancelAll(int(fd), 0)
	if r.fixed {
		must(r.ring.SetFile(fd, -1))
	}
	must(r.ring.Enter(0))
	shut(fd)
}

func (r *ringed) clock() int64 {
	if r.cached && r.at != 0 {
		return r.at
	}
	r.at = r.kernel.clock()
	return r.at
}
