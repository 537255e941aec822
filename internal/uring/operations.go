//go:build linux

package uring

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The constants of linux/io_uring.h.
const (
	opPollAdd     = 6
	opAccept      = 13
	opAsyncCancel = 14
	opClose       = 19
	opSend        = 26
	opRecv        = 27

	entryBufferSelect = 1 << 5
	entrySkipSuccess  = 1 << 6

	acceptMultishot  = 1 << 0
	receiveMultishot = 1 << 1

	cancelAll = 1 << 0
	cancelFD  = 1 << 1
)

// Accept takes connections from a listening socket, with a completion for each, until More is false.
func (r *Ring) Accept(lfd int, data uint64) {
	e := r.next()
	e.op, e.fd, e.data = opAccept, int32(lfd), data
	e.ioprio, e.opFlags = acceptMultishot, unix.SOCK_CLOEXEC
}

// Receive takes input from a socket into buffers of b as it comes, with a completion for each piece, until More is
// false: at the end of the input (0), for want of a buffer (ENOBUFS) or when it is canceled.
func (r *Ring) Receive(fd int, b *Buffers, data uint64) {
	e := r.receive(fd, b, data)
	e.ioprio = receiveMultishot
}

// ReceiveOnce takes the next piece of input from a socket into a buffer of b, or its end, when there is one.
func (r *Ring) ReceiveOnce(fd int, b *Buffers, data uint64) { r.receive(fd, b, data) }

func (r *Ring) receive(fd int, b *Buffers, data uint64) *entry {
	e := r.next()
	e.op, e.flags, e.fd, e.group, e.data = opRecv, entryBufferSelect, int32(fd), b.group, data
	return e
}

// Send sends what the socket takes of b, when it takes some. Until it is complete b must not change, and something on
// the heap must hold it: the ring does not keep it alive.
func (r *Ring) Send(fd int, b []byte, data uint64) { r.send(fd, b, data).opFlags = unix.MSG_NOSIGNAL }

// SendNow sends what the socket takes of b at once. Only if that is not all of it there is a completion, with the bytes
// sent or EAGAIN, and it is there when Enter has handed over: then all is over, and b may change.
func (r *Ring) SendNow(fd int, b []byte, data uint64) {
	e := r.send(fd, b, data)
	e.flags, e.opFlags = entrySkipSuccess, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT|unix.MSG_WAITALL
}

func (r *Ring) send(fd int, b []byte, data uint64) *entry {
	e := r.next()
	e.op, e.fd, e.data = opSend, int32(fd), data
	e.addr, e.len = uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))), uint32(len(b))
	return e
}

// CloseDescriptor closes a descriptor on which no operation is left: one that is holds it open. It completes only when
// it fails.
func (r *Ring) CloseDescriptor(fd int, data uint64) {
	e := r.next()
	e.op, e.flags, e.fd, e.data = opClose, entrySkipSuccess, int32(fd), data
}

// CancelAll ends all operations on a descriptor, each of which completes, mostly with ECANCELED. It completes itself
// only when it fails; that there is none is no failure.
func (r *Ring) CancelAll(fd int, data uint64) {
	e := r.next()
	e.op, e.flags, e.fd, e.data, e.opFlags = opAsyncCancel, entrySkipSuccess, int32(fd), data, cancelAll|cancelFD
}

// Cancel ends the operation that was given data of, which completes, mostly with ECANCELED. It completes itself only
// when it fails, such as by ENOENT: there is none.
func (r *Ring) Cancel(of, data uint64) {
	e := r.next()
	e.op, e.flags, e.fd, e.addr, e.data = opAsyncCancel, entrySkipSuccess, -1, of, data
}

// Readable completes once, when there is something to read from a descriptor.
func (r *Ring) Readable(fd int, data uint64) {
	e := r.next()
	e.op, e.fd, e.data = opPollAdd, int32(fd), data
	*(*uint16)(unsafe.Pointer(&e.opFlags)) = unix.POLLIN // 16 bits here, whatever the byte order
}
