package loadgen

// audit keeps a sample of what a thread saw, from every part of the window alike, by which the instrument can be
// checked: moments at which one arrival and the next one were sent, and service times of one answer and the next one.
type audit struct {
	gaps, services  [][2]int64 // nanoseconds; of a thread's own arrivals and answers
	each            int        // pairs that are taken in a step of the series
	gapsLeft        int        // in this step
	servicesLeft    int
	sentAt, service int64 // the last ones; 0: the next one has no neighbour
}

// auditPairs is how many pairs of each kind a thread keeps.
const auditPairs = 2048

func newAudit(steps int) audit {
	each := max(1, auditPairs/max(1, steps))
	return audit{gaps: make([][2]int64, 0, auditPairs), services: make([][2]int64, 0, auditPairs), each: each,
		gapsLeft: each, servicesLeft: each}
}

// next begins a step.
func (a *audit) next() {
	a.gapsLeft, a.servicesLeft = a.each, a.each
	a.sentAt, a.service = 0, 0
}

func (a *audit) sent(now int64) {
	if a.gapsLeft > 0 && len(a.gaps) < cap(a.gaps) {
		if a.sentAt != 0 {
			a.gaps = append(a.gaps, [2]int64{a.sentAt, now})
			a.gapsLeft--
		}
		a.sentAt = now
	}
}

func (a *audit) served(ns int64) {
	if a.servicesLeft > 0 && len(a.services) < cap(a.services) {
		if a.service != 0 {
			a.services = append(a.services, [2]int64{a.service, ns})
			a.servicesLeft--
		}
		a.service = ns
	}
}
