package main

import "golang.org/x/sys/unix"

// maxConns is how many connections the limit of descriptors leaves room for.
func maxConns() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 1
	}
	return max(1, int(min(limit.Cur, 1<<30))-128)
}
