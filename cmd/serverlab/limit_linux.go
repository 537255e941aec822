package main

import "golang.org/x/sys/unix"

// reservedDescriptors are for the server itself and for refused connections that are not quite gone.
const reservedDescriptors = 128

// maxConns is how many connections the limit of descriptors leaves room for; less than one is too few.
func maxConns() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return int(min(limit.Cur, 1<<30)) - reservedDescriptors
}
