//go:build linux

package uring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The constants of linux/io_uring.h.
const (
	registerPbufRing   = 22
	unregisterPbufRing = 23
)

// Buffers are what the kernel receives into. It takes one when input comes, so a connection that is silent holds none.
type Buffers struct {
	ring   *Ring
	group  uint16
	size   int
	memory []byte // the buffers
	offers []byte // a ring of what the kernel may take: an offer each, and its tail in the first
	tail   uint16 // ours: with what is not Offered yet
}

// offer is struct io_uring_buf. The last field of the first is the tail of their ring.
type offer struct {
	addr     uint64
	len      uint32
	id, tail uint16
}

// registration is struct io_uring_buf_reg.
type registration struct {
	addr    uint64
	entries uint32
	group   uint16
	_       uint16
	_       [3]uint64
}

// NewBuffers gives the kernel count buffers of size bytes; count must be a power of two, at most 32,768, and group a
// number that no other Buffers of the ring have.
func (r *Ring) NewBuffers(group uint16, count, size int) (*Buffers, error) {
	b := &Buffers{ring: r, group: group, size: size}
	var err error
	if b.memory, err = anonymous(count * size); err != nil {
		return nil, err
	}
	if b.offers, err = anonymous(count * int(unsafe.Sizeof(offer{}))); err != nil {
		return nil, errors.Join(err, unix.Munmap(b.memory))
	}
	reg := registration{addr: uint64(uintptr(unsafe.Pointer(&b.offers[0]))), entries: uint32(count), group: group}
	if err := b.register(registerPbufRing, &reg); err != nil {
		return nil, errors.Join(err, unix.Munmap(b.memory), unix.Munmap(b.offers))
	}
	for id := range count {
		b.Return(id)
	}
	b.Offer()
	return b, nil
}

func anonymous(size int) ([]byte, error) {
	m, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of buffers: %w", size, err)
	}
	return m, nil
}

func (b *Buffers) register(what uintptr, reg *registration) error {
	_, _, errno := unix.Syscall6(unix.SYS_IO_URING_REGISTER, uintptr(b.ring.fd), what, uintptr(unsafe.Pointer(reg)), 1,
		0, 0)
	if errno != 0 {
		return fmt.Errorf("io_uring_register: %w", errno)
	}
	return nil
}

// Close takes the buffers away, when no operation can take one any more.
func (b *Buffers) Close() error {
	return errors.Join(b.register(unregisterPbufRing, &registration{group: b.group}), unix.Munmap(b.memory),
		unix.Munmap(b.offers))
}

// Bytes are the first n of a buffer; they may be used until it is returned.
func (b *Buffers) Bytes(id, n int) []byte { return b.memory[id*b.size:][:n:n] }

// Return gives a buffer back; the kernel learns of it by Offer.
func (b *Buffers) Return(id int) {
	mask := uint16(len(b.offers)/int(unsafe.Sizeof(offer{})) - 1)
	o := b.at(b.tail & mask)
	o.addr, o.len, o.id = uint64(uintptr(unsafe.Pointer(&b.memory[id*b.size]))), uint32(b.size), uint16(id)
	b.tail++
}

func (b *Buffers) at(i uint16) *offer {
	return (*offer)(unsafe.Pointer(&b.offers[int(i)*int(unsafe.Sizeof(offer{}))]))
}

// Offer lets the kernel take what has been returned. The tail of the ring has 16 bits, and there is no atomic store of
// so few: so it is stored together with the number of the first buffer, which lies beside it and stays as it is.
func (b *Buffers) Offer() {
	first := b.at(0)
	var both [4]byte
	binary.NativeEndian.PutUint16(both[:], first.id)
	binary.NativeEndian.PutUint16(both[2:], b.tail)
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&first.id)), binary.NativeEndian.Uint32(both[:]))
}
