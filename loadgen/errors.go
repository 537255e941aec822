package loadgen

import "errors"

// ErrRemote is the error of Run where the target is on another machine and Config does not allow that.
var ErrRemote = errors.New("not a loopback address: loading other machines must be allowed")

// The kinds of error, as they stand in results.Load.Errors.
const (
	ErrRefused     = "refused"     // nobody listens there
	ErrConnect     = "connect"     // a connection could not be opened, for another reason
	ErrPorts       = "ports"       // no local port was left (EADDRNOTAVAIL)
	ErrDescriptors = "descriptors" // no descriptor was left (EMFILE, ENFILE)
	ErrTimeout     = "timeout"     // no answer within Timeout: counted as censored too
	ErrClosed      = "closed"      // the server closed before the end of an answer
	ErrReset       = "reset"       // the connection was reset before the end of an answer
	ErrMalformed   = "malformed"   // what came is no HTTP/1.x answer, or more than one
	ErrStatus      = "status"      // a whole answer with a wrong status
	ErrLength      = "length"      // ... with a wrong length
	ErrBody        = "body"        // ... with a wrong body
	ErrSilent      = "silent"      // a silent connection could not be opened, for whatever reason
)
