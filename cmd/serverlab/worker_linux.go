package main

import (
	"context"
	"os"

	"serverlab/servers/app"
	"serverlab/servers/worker"
)

// answerOne is the worker of one request, as serverlab-worker is, for a server whose sessions are in a server of their
// own. Its exit status is what its parent learns from it, so no other way leads out of here.
func answerOne(_ context.Context, c *call) error {
	os.Exit(worker.Main("serverlab worker", c.args, app.OfOneRequest(inheritStore)))
	return nil
}
