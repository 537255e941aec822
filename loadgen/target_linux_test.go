package loadgen

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

// An address that is not loopback is refused before a packet is sent. 192.0.2.1 and 2001:db8::1 are for examples
// (RFC 5737, RFC 3849): nobody is there.
func TestRemoteRefused(t *testing.T) {
	for _, host := range []string{"192.0.2.1", "[2001:db8::1]", "[::ffff:192.0.2.1]:8080", "10.0.0.1"} {
		_, err := Run(context.Background(), Config{
			URL: "http://" + host + "/", Connections: 1, Duration: time.Hour, Check: Check{Length: -1},
		})
		if !errors.Is(err, ErrRemote) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v", host, err)
		}
	}
}

// What is allowed is tried: here the call is over before that, so nothing is sent.
func TestRemoteAllowed(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := find(ctx, &url.URL{Host: "192.0.2.1"}, time.Minute, true)
	if err == nil || errors.Is(err, ErrRemote) {
		t.Errorf("error %v", err)
	}
}

// A name may have loopback addresses and others. They are tried in turn, and the first one decides that answers, or
// that must not be asked.
func TestRemoteAmongAddresses(t *testing.T) {
	s := newServer(t, hello)
	port := s.listener.Addr().(*net.TCPAddr).AddrPort().Port()
	for _, test := range []struct {
		addresses string
		remote    bool
	}{
		{"127.0.0.1", false},
		{"::ffff:127.0.0.1 192.0.2.1", false},
		{"127.0.0.9 127.0.0.1", false}, // nobody listens at the first one
		{"127.0.0.9 192.0.2.1", true},
		{"192.0.2.1 127.0.0.1", true},
	} {
		var all []netip.Addr
		for _, a := range strings.Fields(test.addresses) {
			all = append(all, netip.MustParseAddr(a))
		}
		a, err := try(context.Background(), "example.test", all, port, time.Minute, false)
		if test.remote && !errors.Is(err, ErrRemote) {
			t.Errorf("%s: %v, error %v", test.addresses, a, err)
		}
		want := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)
		if !test.remote && (err != nil || a != want) {
			t.Errorf("%s: %v, error %v", test.addresses, a, err)
		}
	}
}
