//go:build linux && race

package conformance

var raceFlag = []string{"-race"}

// The race detector allows a program 8,128 goroutines at a time.
const mostConns = 2000

// Rows that are checked at the same time: the detector makes them busy.
const rowsAtATime = "2"
