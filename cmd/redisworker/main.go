//go:build linux

// The worker of a server that makes a process for each request and keeps its sessions in a Redis: serverlab-worker,
// with what it takes to speak to that. serverlab itself could do the same, but what it links has goroutines from the
// start, which a process that is to be forked must not have.
package main

import (
	"os"

	"serverlab/servers/app"
	"serverlab/servers/state"
	"serverlab/servers/state/redisstore"
	"serverlab/servers/worker"
)

func main() { os.Exit(worker.Main("serverlab-redisworker", os.Args[1:], app.OfOneRequest(open))) }

// open opens the store of a process that serves one request at a time.
func open(s *app.Settings) (state.Store, error) {
	if s.InTier() {
		return redisstore.Open(s.StoreName, s.Limits(), 1)
	}
	return s.Inherit()
}
