//go:build !linux

package main

import (
	"context"
	"errors"

	"serverlab/results"
)

// What measures runs on Linux; elsewhere results can be read.
var errLinux = errors.New("servers are measured on Linux only; here `report`, `list` and `explain` work")

func runBench(context.Context, *call) error   { return errLinux }
func runDemo(context.Context, *call) error    { return errLinux }
func null(context.Context, *call) error       { return errLinux }
func traceCalls(context.Context, *call) error { return errLinux }
func questions() []results.Experiment         { return nil }
