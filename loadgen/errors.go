package loadgen

import (
	"errors"

	"serverlab/results"
)

// ErrRemote is the error of Run where the target is on another machine and Config does not allow that.
var ErrRemote = errors.New("not a loopback address: loading other machines must be allowed")

// The kinds of error, as they stand in results.Load.Errors.
const (
	ErrRefused     = "refused"      // nobody listens there
	ErrConnect     = "connect"      // a connection could not be opened, for another reason
	ErrPorts       = "ports"        // no local port was left (EADDRNOTAVAIL)
	ErrDescriptors = "descriptors"  // no descriptor was left (EMFILE, ENFILE)
	ErrTimeout     = "timeout"      // no answer within Timeout: counted as censored too
	ErrClosed      = "closed"       // the server closed before the end of an answer
	ErrReset       = "reset"        // the connection was reset before the end of an answer
	ErrMalformed   = "malformed"    // what came is no HTTP/1.x answer, or more than one
	ErrStatus      = "status"       // a whole answer with a wrong status
	ErrLength      = "length"       // ... with a wrong length
	ErrBody        = "body"         // ... with a wrong body
	ErrLost        = "lost session" // the server knows no such session (410)
	ErrCookie      = "cookie"       // an answer that must name a session and does not
	ErrPosition    = "position"     // a read that began where it must not: skipped, repeated, or another client's
	ErrUnavailable = "unavailable"  // a client with a session was told that the server can't now (503)
	ErrSilent      = "silent"       // a silent connection that the server refused, or did not take in time
	ErrSlow        = "slow"         // a slow client's connection, likewise
)

// Wrong counts the errors that are wrong answers: whole, and not what was asked for.
func Wrong(l *results.Load) (n uint64) {
	for _, kind := range []string{ErrStatus, ErrLength, ErrBody, ErrMalformed, ErrCookie, ErrPosition} {
		n += l.Errors[kind]
	}
	return n
}
