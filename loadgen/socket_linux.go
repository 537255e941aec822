package loadgen

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// address is a socket address as the kernel takes it: the larger of the two families.
type address struct {
	raw unix.RawSockaddrInet6
	len uintptr
}

func newAddress(a netip.AddrPort) (s address) {
	port := (*[2]byte)(unsafe.Pointer(&s.raw.Port)) // the same place in both families
	binary.BigEndian.PutUint16(port[:], a.Port())
	if ip := a.Addr().Unmap(); ip.Is4() {
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(&s.raw))
		in.Family, in.Addr, s.len = unix.AF_INET, ip.As4(), unix.SizeofSockaddrInet4
	} else {
		s.raw.Family, s.raw.Addr, s.len = unix.AF_INET6, ip.As16(), unix.SizeofSockaddrInet6
		s.raw.Scope_id = scope(ip.Zone())
	}
	return s
}

// scope returns the number of an IPv6 zone, such as "eth0" or "2"; 0 where there is none.
func scope(zone string) uint32 {
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	return 0
}

// sources are the addresses that connections come from. Where the target is IPv4 loopback, these are 127.0.0.2,
// 127.0.0.3 and so on, so that connections that come and go don't use up the ports of one address. Elsewhere there are
// none, and the kernel chooses.
type sources []address

func newSources(target netip.Addr) (s sources) {
	if target = target.Unmap(); !target.Is4() || !target.IsLoopback() {
		return nil
	}
	for i := range 1000 {
		ip := netip.AddrFrom4([4]byte{127, 0, byte(i / 250), byte(2 + i%250)})
		s = append(s, newAddress(netip.AddrPortFrom(ip, 0)))
	}
	return s
}

// of returns the address of the i-th connection, or nil.
func (s sources) of(i int) *address {
	if len(s) == 0 {
		return nil
	}
	return &s[i%len(s)]
}

// open opens a socket and starts to connect it to target. It returns none where the connection is open or under way.
// The local port is chosen by connect, which may share it among targets and take one that is in TIME_WAIT.
//
// A narrow one takes little at a time, as over a slow line: a small window, and segments so short that the other side
// sets little aside for what it sends (tcp_init_buffer_space in net/ipv4/tcp_input.c), else loopback takes megabytes.
func open(target, from *address, nodelay, narrow bool) (int32, kind) {
	r, _, errno := unix.RawSyscall(unix.SYS_SOCKET, uintptr(target.raw.Family),
		unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if errno != 0 {
		return -1, connectKind(errno)
	}
	fd := int32(r)
	if narrow {
		setOption(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, unsafe.Pointer(&narrowSegment))
		setOption(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, unsafe.Pointer(&narrowWindow))
	}
	if nodelay {
		setOption(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, unsafe.Pointer(&on))
		if from != nil {
			// Nothing is congested on loopback, and a system's default such as BBR paces what is sent by a timer: that
			// would delay requests, and it was 3 to 7 % of the load generator's CPU time.
			setOption(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, unsafe.Pointer(&reno))
		}
	}
	if from != nil {
		setOption(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, unsafe.Pointer(&on))
		_, _, errno = unix.RawSyscall(unix.SYS_BIND, uintptr(fd), uintptr(unsafe.Pointer(&from.raw)), from.len)
	}
	if errno == 0 {
		_, _, errno = unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&target.raw)), target.len)
	}
	if errno != 0 && errno != unix.EINPROGRESS {
		shut(fd)
		return -1, connectKind(errno)
	}
	return fd, none
}

// The values of the socket options that are set, each of four bytes.
var (
	on   = int32(1)
	reno = [4]byte{'r', 'e', 'n', 'o'}

	narrowSegment = int32(536)  // bytes: what every network takes, RFC 9293
	narrowWindow  = int32(2048) // bytes
)

// setOption sets a socket option to the four bytes at value. No failure of those used here harms more than speed.
func setOption(fd int32, level, name uintptr, value unsafe.Pointer) {
	unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), level, name, uintptr(value), 4, 0)
}

// socketError takes the pending error of a socket.
func socketError(fd int32) unix.Errno {
	var value int32
	size := uint32(4)
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_ERROR,
		uintptr(unsafe.Pointer(&value)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return errno
	}
	return unix.Errno(value)
}

func send(fd int32, p []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)),
		unix.MSG_NOSIGNAL, 0, 0)
	return int(n), errno
}

func receive(fd int32, p []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)),
		0, 0, 0)
	return int(n), errno
}

func shut(fd int32) { unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// watch adds a socket to an epoll instance, or changes what it waits for (which also reports anew what is ready).
func watch(epoll int, op uintptr, fd, index, tag int32, events uint32) unix.Errno {
	ev := unix.EpollEvent{Events: events, Fd: index, Pad: tag}
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(epoll), op, uintptr(fd),
		uintptr(unsafe.Pointer(&ev)), 0, 0)
	return errno
}

// connectKind is the kind of an error met while a connection was being opened.
func connectKind(errno unix.Errno) kind {
	switch errno {
	case unix.ECONNREFUSED:
		return refused
	case unix.EADDRNOTAVAIL:
		return ports
	case unix.EMFILE, unix.ENFILE:
		return descriptors
	case unix.ETIMEDOUT:
		return timeout
	case unix.ECONNRESET, unix.EPIPE:
		return reset
	}
	return connectFailed
}
