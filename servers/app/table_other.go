//go:build !linux

package app

import (
	"errors"

	"serverlab/servers/state"
)

func inheritTable(int, state.Limits) (state.Store, error) {
	return nil, errors.New("sessions in shared memory need Linux")
}
