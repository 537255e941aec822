package main

import (
	"context"
	"time"

	"serverlab/internal/scoreboard"
	"serverlab/servers/state"
)

// countTable is how often the scoreboard is told of the sessions in a table that all processes share.
const countTable = 250 * time.Millisecond

// createTable makes a table of sessions for this process and those that it will start, and shows their number in slot
// until ctx ends.
func (f *serveFlags) createTable(ctx context.Context, slot *scoreboard.Slot) error {
	table, err := state.CreateTable(f.app.Limits())
	if err != nil {
		return err
	}
	f.app.Store, f.app.Table = table, table.Fd()
	go func() {
		tick := time.NewTicker(countTable)
		defer tick.Stop()
		for ctx.Err() == nil {
			slot.Sessions.Store(uint64(table.Len()))
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	return nil
}
