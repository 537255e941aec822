//go:build !linux

package app

import "time"

func blockInKernel(d time.Duration) { time.Sleep(d) }
