package app

import "serverlab/servers/state"

func inheritTable(fd int, l state.Limits) (state.Store, error) { return state.InheritTable(fd, l) }
