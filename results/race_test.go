//go:build race

package results

// raceEnabled is true under the race detector, which makes simulations ten times as slow and finds nothing in them.
const raceEnabled = true
