//go:build !linux

package loadgen

import (
	"context"
	"errors"
	"runtime"

	"serverlab/results"
)

// Run needs Linux: it fails elsewhere.
func Run(_ context.Context, c Config) (*results.Load, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return nil, errors.New("making load needs Linux (epoll): on " + runtime.GOOS + " recorded results can be read")
}
