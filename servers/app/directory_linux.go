package app

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// directory is the served directory. No path leads out of it: the kernel itself resolves beneath it (openat2 with
// RESOLVE_BENEATH, Linux 5.6), in one system call where os.Root takes several and allocates. Links are not followed.
type directory struct {
	fd   int
	root *os.Root // in place of fd where openat2 is missing or forbidden by a container
}

// file is an open regular file. It is a bare descriptor: the stateless service opens one for each request, and an
// os.File would bring a finalizer and a place in the poller for nothing.
type file int

func openDirectory(path string) (*directory, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	d := &directory{fd: fd}
	probe, err := d.open(".")
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		if d.root, err = os.OpenRoot(path); err != nil {
			return nil, errors.Join(err, unix.Close(fd))
		}
		return d, unix.Close(fd)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), unix.Close(fd))
	}
	return d, probe.Close()
}

// open opens a file that lies directly or deeper beneath the directory. O_NONBLOCK keeps a named pipe that someone
// put there from stopping the server.
func (d *directory) open(name string) (file, error) {
	if d.root != nil {
		return d.openRoot(name)
	}
	how := unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	}
	for {
		fd, err := unix.Openat2(d.fd, name, &how)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) { // EAGAIN: a rename raced with the look-up
			continue
		}
		return file(fd), err
	}
}

func (d *directory) openRoot(name string) (file, error) {
	f, err := d.root.OpenFile(name, unix.O_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	return file(fd), err
}

// ReadAt implements io.ReaderAt. It reads until p is full or the file ends.
func (f file) ReadAt(p []byte, offset int64) (n int, err error) {
	for n < len(p) {
		m, err := unix.Pread(int(f), p[n:], offset+int64(n))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return n, err
		case m == 0:
			return n, io.EOF
		default:
			n += m
		}
	}
	return n, nil
}

// size returns the length of a regular file in bytes.
func (f file) size() (int64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f), &st); err != nil {
		return 0, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return 0, errors.New("no regular file")
	}
	return st.Size, nil
}

// Close implements io.Closer.
func (f file) Close() error { return unix.Close(int(f)) }

func exhausted(err error) bool {
	return errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ENOMEM)
}
