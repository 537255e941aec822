package loadgen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// findTime is how long the search for an address may take at least: a short timeout is a goal for requests.
const findTime = 5 * time.Second

// find returns the first of the host's addresses that takes a connection.
func find(ctx context.Context, u *url.URL, limit time.Duration, remote bool) (netip.AddrPort, error) {
	port := u.Port()
	if port == "" {
		port = "80"
	}
	host := net.JoinHostPort(u.Hostname(), port)
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("connect to %s: port: %w", host, err)
	}
	limit = max(limit, findTime)
	lookup, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	all, err := net.DefaultResolver.LookupNetIP(lookup, "ip", u.Hostname())
	if err != nil {
		return netip.AddrPort{}, explain(host, err)
	}
	return try(ctx, host, all, uint16(number), limit, remote)
}

// try returns the first of a host's addresses that takes a connection. It ends with ErrRemote where it would have to
// turn to one that is not loopback and that is not allowed: nothing is sent there, not even to open a connection.
func try(ctx context.Context, host string, all []netip.Addr, port uint16, limit time.Duration, remote bool) (
	target netip.AddrPort, err error) {
	d := net.Dialer{Timeout: limit / time.Duration(max(1, len(all)))}
	var first error
	for _, a := range all {
		a = a.Unmap()
		target = netip.AddrPortFrom(a, port)
		if !remote && !loopback(a) {
			return target, fmt.Errorf("connect to %s: %s is %w", host, a, ErrRemote)
		}
		conn, err := d.DialContext(ctx, "tcp", target.String())
		if err == nil {
			return target, conn.Close()
		}
		if first == nil {
			first = explain(host, err)
		}
	}
	return target, first
}

// loopback reports whether what is sent to a stays within the machine. The kernel takes the unspecified address for
// loopback.
func loopback(a netip.Addr) bool {
	return a.IsLoopback() || a.IsUnspecified()
}

// explain makes one clear line of a failure to connect.
func explain(host string, err error) error {
	var unknown *net.DNSError
	var number syscall.Errno
	var slow net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("connect to %s: %w; is the server running?", host, syscall.ECONNREFUSED)
	case errors.As(err, &unknown):
		return fmt.Errorf("connect to %s: %w; is the name right?", host, unknown)
	case errors.As(err, &slow) && slow.Timeout():
		return fmt.Errorf("connect to %s: no answer in time: %w; is the address right?", host, err)
	case errors.As(err, &number):
		return fmt.Errorf("connect to %s: %w", host, number)
	}
	return fmt.Errorf("connect to %s: %w", host, err)
}
