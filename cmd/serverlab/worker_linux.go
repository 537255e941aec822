package main

import (
	"serverlab/servers/app"
	"serverlab/servers/worker"
)

// answerOne is the worker of one request, as serverlab-worker is, for a server whose sessions are in a server of their
// own. Its exit status is what its parent learns from it.
func answerOne(args []string) int {
	return worker.Main("serverlab "+workerCommand, args, app.OfOneRequest(inheritStore))
}
