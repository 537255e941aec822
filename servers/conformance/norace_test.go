//go:build linux && !race

package conformance

var raceFlag []string

const mostConns = 0 // as many as the limits allow
