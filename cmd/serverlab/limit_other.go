//go:build !linux

package main

func maxConns() int { return 1 } // nothing is served here
