//go:build linux

package bench

import (
	"testing"

	"serverlab/results"
)

// Both modes are offered the same rate, and a slow row its own in both: else what differs would not be the connection.
func TestModesShareTheirRates(t *testing.T) {
	for name, rate := range map[string]float64{HelloName: 7500, ConnectionsName: connectsRate} {
		b := asked(t, results.MinTrials, name)
		setRates(b.sits, b.rows, calibrated())
		each, kept := b.situation(name+"-each"), b.situation(name+"-kept")
		if each.Rate != rate || kept.Rate != each.Rate || each.OwnRates["process"] != 270 ||
			kept.OwnRates["process"] != 270 {
			t.Errorf("%s: rates %v and %v, own %v and %v", name, each.Rate, kept.Rate, each.OwnRates, kept.OwnRates)
		}
		if each.KeepAlive || !kept.KeepAlive || each.Connections != kept.Connections || each.Window != kept.Window {
			t.Errorf("%s: the modes differ in more than the connection: %+v and %+v", name, each, kept)
		}
	}
	b := asked(t, results.MinTrials, ConnectionsName)
	if n := b.sits[0].Connections; n != connectsClients {
		t.Errorf("%d clients: some pools have fewer workers", n)
	}
}
