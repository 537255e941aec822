//go:build linux

// The worker of a server that spawns a process for each request. Its descriptor 0 is the connection, so a super server
// can start it as well as serverlab: `http stream tcp nowait nobody /path/to/serverlab-worker serverlab-worker`.
//
// Its start is its cost, so it links little and parses its flags with the plainest package there is. Of the stores of
// sessions it knows those that need no network: serverlab-redisworker is the same and knows all.
package main

import (
	"os"

	"serverlab/servers/app"
	"serverlab/servers/worker"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	return worker.Main("serverlab-worker", args, app.OfOneRequest((*app.Settings).Inherit))
}
