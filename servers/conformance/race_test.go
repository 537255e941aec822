//go:build linux && race

package conformance

var raceFlag = []string{"-race"}
