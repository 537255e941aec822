package loadgen

import (
	"math"
	"math/rand/v2"
	"testing"

	"serverlab/results"
)

// The buckets are those of the library, for values at and beside every edge, and stay so through pack and unpack.
func TestRecorderIsAnHDRHistogram(t *testing.T) {
	r, want := newRecorder(), results.NewHistogram()
	record := func(v int64) {
		if v >= 0 && v <= results.HistogramMax {
			r.record(v)
			if err := want.RecordValue(v); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range buckets {
		for d := int64(-1); d <= 1; d++ {
			record(lowest(i) + d)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		record(int64(math.Exp(random.Float64() * math.Log(results.HistogramMax))))
	}
	got := results.NewHistogram()
	r.addTo(got)
	if !got.Equals(want.Histogram) {
		t.Error("the recorder's buckets differ from the library's")
	}
	for round := range 2 { // the second one has nothing left
		packed := r.pack(make([]byte, 0, packedMost))
		got, packedGot := results.NewHistogram(), results.NewPacked()
		for _, add := range []func(v, n int64) error{got.RecordValues, packedGot.RecordValues} {
			unpack(packed, add)
		}
		if round == 1 {
			want.Reset()
		}
		if !got.Equals(want.Histogram) || packedGot.Count() != want.Count() {
			t.Errorf("round %d: packed and unpacked, %d values became %d", round, want.Count(), got.Count())
		}
	}
}

func TestRecorderClamps(t *testing.T) {
	r := newRecorder()
	for _, v := range []int64{math.MinInt64, -1, 0, results.HistogramMax, results.HistogramMax + 1, math.MaxInt64} {
		r.record(v)
	}
	h := results.NewHistogram()
	r.addTo(h)
	if r.clamped != 4 || h.Count() != 6 || h.ValueAtPercentile(50) != 0 ||
		!h.ValuesAreEquivalent(h.Max(), results.HistogramMax) {
		t.Errorf("%d clamped of %d, from %d to %d", r.clamped, h.Count(), h.ValueAtPercentile(50), h.Max())
	}
}

func TestPackDoesNotAllocate(t *testing.T) {
	r, arena := newRecorder(), make([]byte, 0, packedMost)
	if n := testing.AllocsPerRun(100, func() {
		for i := range int64(1000) {
			r.record(i * i * i)
		}
		if len(r.pack(arena)) == 0 {
			t.Error("nothing was packed")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
