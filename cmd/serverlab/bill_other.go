//go:build !linux

package main

import (
	"errors"

	"serverlab/loadgen"
)

// bill charges a server on Linux only.
type bill struct{}

func newBill(pid int) (*bill, error) {
	if pid != 0 {
		return nil, errors.New("a server can be charged on Linux only")
	}
	return &bill{}, nil
}

func (*bill) edge(loadgen.Edge) {}

func (*bill) used() (*float64, error) { return nil, nil }
