package main

import (
	"errors"

	"serverlab/internal/proc"
	"serverlab/loadgen"
)

// bill reads what the server's process tree has used, at the edges of the window.
type bill struct {
	tree       *proc.Tree
	begin, end proc.Usage
	err        error
}

// newBill is of the process pid, or of nobody if that is 0.
func newBill(pid int) (*bill, error) {
	if pid == 0 {
		return &bill{}, nil
	}
	tree, err := proc.NewTree(pid)
	return &bill{tree: tree}, err
}

func (b *bill) edge(e loadgen.Edge) {
	if b.tree == nil {
		return
	}
	var err error
	switch e {
	case loadgen.Begin:
		b.begin, err = b.tree.Usage()
	case loadgen.End:
		b.end, err = b.tree.Usage()
	}
	b.err = errors.Join(b.err, err)
}

// used is nil where no server was named.
func (b *bill) used() (*float64, error) {
	if b.tree == nil || b.err != nil {
		return nil, b.err
	}
	cpu := b.end.Sub(b.begin).CPU
	return &cpu, nil
}
