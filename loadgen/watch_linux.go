package loadgen

import (
	"runtime"
	"time"
)

// watchEvery is how often a watcher is called. It reads what the threads have packed away and stops none of them.
const watchEvery = 250 * time.Millisecond

// watched has r.Watch called until the function that it returns is called, and once more then.
func (r *run) watched() (end func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // so that its CPU time can be told
		defer runtime.UnlockOSThread()
		from := threadCPU()
		r.watch(stop)
		r.cpuWatch = time.Duration(threadCPU() - from).Seconds()
	}()
	return func() {
		close(stop)
		<-done
	}
}

func (r *run) watch(stop <-chan struct{}) {
	seen := r.asked()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for on := true; on; {
		select {
		case <-tick.C:
		case <-stop:
			on = false
		}
		elapsed := max(0, time.Since(r.plan.base))
		steps, _ := r.stepsEnded()
		from := len(seen.Series.Points)
		r.addSteps(seen, steps)
		r.Watch(Progress{Elapsed: elapsed, Window: elapsed >= r.Warmup, Load: seen, Points: seen.Series.Points[from:]})
	}
}
