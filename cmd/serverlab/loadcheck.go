package main

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"serverlab/loadgen"
	"serverlab/results"
)

// checkFlags say what a right answer is.
type checkFlags []string

func (f *checkFlags) register(fs *pflag.FlagSet) {
	fs.StringArrayVar((*[]string)(f), "check", nil, "`WHAT` a right answer is; may be repeated: status=200,3xx "+
		"(else any 2xx), length=BYTES, body=TEXT or body=@FILE, sha256=HEX, regexp=RE (in a body of at most "+
		fmt.Sprint(loadgen.MatchMost>>10)+" KiB), file (what the file service must answer to the URL)")
}

// check reads what was given.
func (f checkFlags) check() (loadgen.Check, error) {
	check := loadgen.Check{Length: -1}
	for _, text := range f {
		name, value, _ := strings.Cut(text, "=")
		if name == "body" {
			body, err := textOrFile(value)
			if err != nil {
				return check, usagef("--check body: %w", err)
			}
			value = string(body)
		}
		if err := check.Set(name, value); err != nil {
			return check, usagef("--%w", err)
		}
	}
	return check, nil
}

// remoteHint makes a wrong use of a load that was not allowed to leave the machine.
func remoteHint(err error) error {
	if errors.Is(err, loadgen.ErrRemote) {
		return usagef("%w by --allow-remote, if it is yours to load", err)
	}
	return err
}

// portsHint says what to do where the machine ran out of local ports.
func portsHint(w io.Writer, l *results.Load) {
	n := l.Errors[loadgen.ErrPorts]
	if n == 0 {
		return
	}
	fmt.Fprintf(w, "serverlab load: %d requests found no free local port: keep connections open, use fewer, give a "+
		"lower --rate, or widen net.ipv4.ip_local_port_range\n", n)
	if u, err := url.Parse(l.URL); err == nil {
		if a, err := netip.ParseAddr(u.Hostname()); err == nil && a == netip.IPv6Loopback() {
			fmt.Fprintln(w, "serverlab load: ::1 is one address only; 127.0.0.1 is loaded from 1,000 addresses in turn")
		}
	}
}
