//go:build !linux

package main

import (
	"context"

	"serverlab/internal/scoreboard"
)

func (f *serveFlags) createTable(context.Context, *scoreboard.Slot) error { return errLinux }
