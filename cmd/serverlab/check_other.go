//go:build !linux

package main

import "context"

func check(context.Context, *call) error { return errLinux }
