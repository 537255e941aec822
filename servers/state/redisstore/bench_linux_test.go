package redisstore

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"serverlab/servers/state"
)

// BenchmarkAdvance is what a read costs its caller, one after the other, and what a session costs Redis.
func BenchmarkAdvance(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("sessions=%d", n), func(b *testing.B) {
			server := startRedis(b)
			before := server.memory()
			st := openAt(b, "redis://"+server.addr, state.Limits{Sessions: n, Idle: time.Hour})
			ids := make([]state.ID, n)
			var all sync.WaitGroup
			for part := range 8 {
				all.Go(func() {
					for i := part; i < n; i += 8 {
						ids[i] = state.NewID()
						if err := st.Open(ids[i], "file", 1<<40); err != nil {
							b.Error(err)
						}
					}
				})
			}
			all.Wait()
			each := float64(server.memory()-before) / float64(n)
			for i := 0; b.Loop(); i++ {
				if _, err := st.Advance(ids[i%n], 1); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(each, "B/session")
		})
	}
}

// memory is what Redis has in use, in bytes.
func (s *server) memory() int {
	s.t.Helper()
	_, rest, _ := strings.Cut(s.do("INFO", "memory").(string), "used_memory:")
	text, _, _ := strings.Cut(rest, "\r")
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}
