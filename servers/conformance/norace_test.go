//go:build linux && !race

package conformance

var raceFlag []string

const mostConns = 0 // as many as the limits allow

// Rows that are checked at the same time, for two CPUs: most of the time a property waits.
const rowsAtATime = "4"
