//go:build linux

package servers

import (
	"errors"
	"net"
	"os"
	"strconv"

	"github.com/panjf2000/gnet/v2"
	"golang.org/x/sys/unix"
)

// What gnet's accept needs from outside. It hides that a port is in use, ends the engine when there is no descriptor
// left, and cannot be told to listen no longer.

// spareDescriptors are left for what the handler opens, and for connections that other loops accept meanwhile.
const spareDescriptors = 32

// scarce tells whether a new connection with this descriptor is one of the last that may be opened. The kernel gives
// the lowest free number, so all below are in use. A loop that accepts for itself refuses it, and closes it before it
// accepts another: its accept never fails for want of a descriptor.
// The limit may have changed meanwhile: see prlimit(1).
func (s *gnetServer) scarce(fd int) bool { return fd >= descriptorLimit()-spareDescriptors }

func descriptorLimit() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1 << 20
	}
	return int(min(limit.Cur, 1<<20))
}

// OnShutdown is called when the engine is to end, and holds it up until it returns. The loop that only accepts takes
// whatever comes, however long the others are busy, until there is no descriptor left: then it ends, and with it the
// engine would. But the other loops still run: so accepting goes on from here.
func (s *gnetServer) OnShutdown(gnet.Engine) {
	if s.accepting >= 0 {
		if s.ctx.Err() == nil {
			s.cfg.Log.Warn("gnet could not accept, and does so no more: serverlab does from here on")
			s.acceptOn()
		}
		_ = unix.Close(s.accepting)
	}
	s.cutLeavers()
}

// acceptOn gives new connections to gnet's loops until the server is to stop.
func (s *gnetServer) acceptOn() {
	for s.ctx.Err() == nil {
		fd, err := accept4(s.accepting, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			s.enroll(fd)
		case errors.Is(err, unix.EAGAIN):
			s.awaitConnection()
		case !acceptAgain(err):
			return
		}
	}
}

// awaitConnection sleeps until somebody connects, a tenth of a second at the most.
func (s *gnetServer) awaitConnection() {
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(s.accepting), Events: unix.POLLIN}}, 100)
}

// enroll gives a connection to one of gnet's loops, which takes a copy of its descriptor.
func (s *gnetServer) enroll(fd int) {
	f := os.NewFile(uintptr(fd), "connection")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil { // out of descriptors, or it is gone
		return
	}
	enrolled, err := s.engine.Register(gnet.NewNetConnContext(s.ctx, c))
	if err != nil {
		_ = c.Close()
		return
	}
	<-enrolled
}

// unlisten closes the listening sockets. gnet does that only in its end, after all loops, and does not tell their
// numbers; so whatever descriptor of this process listens on the port is made to mean a socket to which nobody
// connects, and the kernel closes what it meant before. It runs on a loop: an accept that was due has happened.
func (s *gnetServer) unlisten() {
	mute, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return // it accepts on, and closes what comes
	}
	defer unix.Close(mute)
	if unix.Bind(mute, &unix.SockaddrUnix{}) != nil || unix.Listen(mute, 1) != nil { // a name that the kernel makes up
		return
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, entry := range fds {
		fd, err := strconv.Atoi(entry.Name())
		if err == nil && listensOn(fd, s.addr.(*net.TCPAddr).Port) {
			_ = unix.Dup3(mute, fd, unix.O_CLOEXEC)
		}
	}
}

func listensOn(fd, port int) bool {
	if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
		return false
	}
	switch addr, _ := unix.Getsockname(fd); addr := addr.(type) {
	case *unix.SockaddrInet4:
		return addr.Port == port
	case *unix.SockaddrInet6:
		return addr.Port == port
	}
	return false
}
