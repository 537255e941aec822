package loadgen

import (
	"encoding/binary"
	"math/bits"

	"serverlab/results"
)

// recorder is a histogram of nanoseconds in the buckets of results.Histogram: values below 2,048 exactly, above that
// 1,024 buckets to each power of two (Tene, HdrHistogram). It takes every value, and it can be packed and emptied
// without allocating, which the library's histograms can't.
type recorder struct {
	counts  []uint64
	low, up int // counts[low:up] holds all that is not zero
	clamped uint64
}

// The geometry of a histogram from results.HistogramMin to HistogramMax with HistogramDigits.
const (
	halfBits = 10 // 1,024 buckets resolve a power of two to a thousandth
	half     = 1 << halfBits
	buckets  = 28 * half // the last one holds results.HistogramMax
)

func newRecorder() recorder { return recorder{counts: make([]uint64, buckets), low: buckets} }

// record counts a value. One out of range counts as the edge, and is counted as clamped too.
func (r *recorder) record(ns int64) {
	if uint64(ns) > results.HistogramMax { // negative ones as well
		r.clamped++
		ns = max(0, min(ns, results.HistogramMax))
	}
	i := bucket(uint64(ns))
	r.counts[i]++
	r.low, r.up = min(r.low, i), max(r.up, i+1)
}

// bucket is the number of the bucket that ns falls into.
func bucket(ns uint64) int {
	shift := bits.Len64(ns|(2*half-1)) - (halfBits + 1)
	return shift<<halfBits + int(ns>>shift)
}

// lowest is the smallest value of bucket i.
func lowest(i int) int64 {
	if i < 2*half {
		return int64(i)
	}
	shift := i>>halfBits - 1
	return int64(i-shift<<halfBits) << shift
}

// packedMost bounds what pack appends, bytes: a bucket takes one for the distance and ten for the count, and a longer
// distance saves more than it takes.
const packedMost = buckets * 11

// pack appends what was recorded to dst, bucket after bucket as the distance from the last one and the count, both as
// varints, and empties r. It allocates nothing where dst has room for packedMost bytes.
func (r *recorder) pack(dst []byte) []byte {
	last := 0
	for i := r.low; i < r.up; i++ {
		if n := r.counts[i]; n != 0 {
			dst = binary.AppendUvarint(dst, uint64(i-last))
			dst = binary.AppendUvarint(dst, n)
			last, r.counts[i] = i, 0
		}
	}
	r.low, r.up = buckets, 0
	return dst
}

// unpack calls add with each value of what pack has appended, and with its count. The values are within the common
// range, so a histogram takes them all.
func unpack(packed []byte, add func(ns, n int64) error) {
	for i := 0; len(packed) > 0; {
		distance, k := binary.Uvarint(packed)
		n, m := binary.Uvarint(packed[k:])
		packed = packed[k+m:]
		i += int(distance)
		_ = add(lowest(i), int64(n))
	}
}

// addTo adds what was recorded to h.
func (r *recorder) addTo(h results.Histogram) {
	for i := r.low; i < r.up; i++ {
		h.RecordValues(lowest(i), int64(r.counts[i])) // can't fail within the range
	}
}
