//go:build linux

package servers

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// passer is the parent that accepts for its pool and hands each connection to a worker that is idle, as a descriptor in
// a message over the worker's channel (Stevens, chapter 30.9). With no idle worker it does not accept: connections wait
// in the backlog.
type passer struct {
	pool   *pool
	lfd    int
	free   []*member // idle workers; the last one first, whose memory is still in the caches
	held   int       // a connection whose worker had ended; -1: none
	rights []byte    // the control message, which ends with the descriptor
}

func newPasser(p *pool, lfd int) (*passer, error) {
	d := &passer{pool: p, lfd: lfd, held: -1, rights: unix.UnixRights(0)}
	p.give, p.idle, p.round, p.gone = func(int) []int { return nil }, d.idle, d.round, d.gone
	if err := unix.SetNonblock(lfd, true); err != nil {
		return nil, err
	}
	// Edge-triggered: while no worker is idle, those who wait must not wake the parent again and again.
	return d, p.watch(lfd, unix.EPOLLIN|unix.EPOLLET)
}

func (d *passer) close() {
	if d.held >= 0 {
		_ = unix.Close(d.held)
	}
}

func (d *passer) idle(m *member) { d.free = append(d.free, m) }

// gone forgets a worker.
func (d *passer) gone(m *member) {
	d.free = slices.DeleteFunc(d.free, func(f *member) bool { return f == m })
}

// round accepts and passes on until nobody waits or nobody is idle.
func (d *passer) round() (again time.Time) {
	for len(d.free) > 0 {
		if d.held < 0 {
			fd, err := accept4(d.lfd, unix.SOCK_CLOEXEC)
			switch {
			case errors.Is(err, unix.EAGAIN):
				return time.Time{}
			case err == nil:
				d.held = fd
			case exhausted(err):
				return time.Now().Add(retryAccept)
			default: // said of one connection
				continue
			}
		}
		m := d.free[len(d.free)-1]
		d.free = d.free[:len(d.free)-1]
		if m.retired {
			continue
		}
		switch err := d.pass(m); {
		case err == nil:
			_ = unix.Close(d.held)
			d.held = -1
		case !errors.Is(err, unix.EPIPE) && !errors.Is(err, unix.ECONNRESET): // too many are on their way, say
			d.free = append(d.free, m)
			return time.Now().Add(retryAccept)
		}
	}
	return time.Time{}
}

func (d *passer) pass(m *member) error {
	binary.NativeEndian.PutUint32(d.rights[unix.CmsgLen(0):], uint32(d.held))
	return unix.Sendmsg(m.channel, []byte{1}, d.rights, nil, unix.MSG_NOSIGNAL)
}

// passed is a message by which a connection comes, prepared once for all.
type passed struct {
	header unix.Msghdr
	data   unix.Iovec
	one    [1]byte
	rights [24]byte // of one descriptor
}

// take waits for the next connection that is passed to the worker. It returns an error when the worker is to end.
func (in *inherited) take() (int, error) {
	m := &in.message
	m.data.Base, m.header.Iov, m.header.Iovlen = &m.one[0], &m.data, 1
	m.data.SetLen(len(m.one))
	m.header.Control = &m.rights[0]
	for call := unix.RawSyscall; ; call = unix.Syscall {
		flags := uintptr(unix.MSG_CMSG_CLOEXEC)
		last := in.retired() // whoever is chosen to end is passed nothing more, but may have been just before
		if last {
			flags |= unix.MSG_DONTWAIT
		}
		m.header.SetControllen(len(m.rights))
		n, _, err := call(unix.SYS_RECVMSG, uintptr(in.channel), uintptr(unsafe.Pointer(&m.header)), flags)
		switch {
		case err == 0 && n == 0:
			return -1, io.EOF
		case err == 0 && m.header.Controllen > 0:
			return int(binary.NativeEndian.Uint32(m.rights[unix.CmsgLen(0):])), nil
		case err == 0: // this process had no descriptor left for it; it is lost, and the next may be given
			if _, err := unix.Write(in.channel, m.one[:]); err != nil {
				return -1, err
			}
		case last:
			return -1, errRetired
		case err != unix.EAGAIN && err != unix.EINTR:
			return -1, err
		}
	}
}
