//go:build !linux

package servers

// As in elsewhere.go: the rows can be read where they can't be served.
var netHTTP, fastHTTP, nginx, apachePrefork, apacheWorker, apacheEvent Serve

func needsNginx() error  { return nil }
func needsApache() error { return nil }
