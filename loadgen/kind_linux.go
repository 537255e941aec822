package loadgen

// kind is an error's kind as an index, so that counting one allocates nothing.
type kind uint8

const (
	none kind = iota
	refused
	connectFailed
	ports
	descriptors
	timeout
	closed
	reset
	malformed
	wrongStatus
	wrongLength
	wrongBody
	lostSession
	noSession
	wrongPosition
	unavailable
	shed // no error: counted apart from them
	kinds
)

var kindNames = [kinds]string{
	none: "", refused: ErrRefused, connectFailed: ErrConnect, ports: ErrPorts, descriptors: ErrDescriptors,
	timeout: ErrTimeout, closed: ErrClosed, reset: ErrReset, malformed: ErrMalformed, wrongStatus: ErrStatus,
	wrongLength: ErrLength, wrongBody: ErrBody, lostSession: ErrLost, noSession: ErrCookie, wrongPosition: ErrPosition,
	unavailable: ErrUnavailable, shed: "shed",
}

func (k kind) String() string { return kindNames[k] }

// judge says what is wrong with a complete answer.
func (e *expected) judge(r *response) kind {
	switch {
	case !e.status[r.status] && r.status == 503:
		return shed
	case !e.status[r.status]:
		return wrongStatus
	case e.length >= 0 && r.body != e.length, e.body != nil && r.body != int64(len(e.body)):
		return wrongLength
	case r.differs:
		return wrongBody
	}
	return none
}
