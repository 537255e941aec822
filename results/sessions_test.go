package results

import (
	"bytes"
	"strings"
	"testing"
)

// The summary of a load with sessions tells clients from connections, and what the clients met.
func TestSessionSummary(t *testing.T) {
	l := Load{Model: "closed", Connections: 16, Threads: 1, Window: 2, Requests: 20_000, KeepAlive: true, Unserved: 1,
		Errors:   map[string]uint64{"lost session": 3, "reset": 2},
		Sessions: &Sessions{State: "stateful", Clients: 64, Read: 4096, Opened: 80, Closed: 77, Lost: 3, Ambiguous: 2}}
	for state, want := range map[string]string{
		"stateful": "64 clients of a stateful file service read 4,096 bytes at a time, over\n16 connections, keep-alive, " +
			"1 thread\n|5 errors: lost session 3, reset 2\n80 sessions opened, 77 closed, 3 lost, 2 ambiguous reads\n" +
			"1 of 16 connections were never served\n",
		"soft": "64 clients of a soft-state file service read 4,096 bytes at a time, over\n|reset 2\n1 of 16 conn",
	} {
		var b bytes.Buffer
		l.Sessions.State = state
		if err := LoadSummary(&b, &l, Style{}); err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(want, "|") {
			if !strings.Contains(b.String(), part) {
				t.Errorf("%s: %q lacks %q", state, b.String(), part)
			}
		}
	}
	if got := LiveFrame(&l, 1, 20, Style{Width: 100}); !strings.Contains(got, "64 clients on 16 connections") {
		t.Errorf("%q", got)
	}
}
