package state_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"serverlab/servers/state"
)

// BenchmarkTableAdvance looks sessions up in a random order, since each lies anywhere. A session's bytes are those of
// all pages of the table that were touched.
func BenchmarkTableAdvance(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			table := newTable(b, state.Limits{Sessions: n, Idle: time.Hour})
			ids := make([]state.ID, n)
			before := touched(b)
			for i := range ids {
				ids[i] = state.NewID()
				if err := table.Open(ids[i], "file", 1<<40); err != nil {
					b.Fatal(err)
				}
			}
			each := float64(touched(b)-before) / float64(n)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := table.Advance(ids[i%n], 4096); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(each, "B/session")
		})
	}
}

func BenchmarkTableOpenClose(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			table := newTable(b, state.Limits{Sessions: n + 1, Idle: time.Hour})
			for range n {
				if err := table.Open(state.NewID(), "file", 1); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				id := state.NewID()
				if err := table.Open(id, "file", 1); err != nil {
					b.Fatal(err)
				}
				if err := table.Close(id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTableUnknown looks for what is not there, in all the places where it might be.
func BenchmarkTableUnknown(b *testing.B) {
	const n = 100_000
	table := newTable(b, state.Limits{Sessions: n, Idle: time.Hour})
	for range n {
		if err := table.Open(state.NewID(), "file", 1); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := table.Advance(state.NewID(), 1); err == nil {
			b.Fatal("a session was found that nobody opened")
		}
	}
}

// touched is what this process has of shared memory, in bytes.
func touched(b *testing.B) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssShmem:")
	var kB int
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		b.Fatal(err)
	}
	return kB << 10
}
