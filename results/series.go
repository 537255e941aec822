package results

import (
	"encoding/json"
	"fmt"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Series is a load as it went along: the window in steps of equal length, and what came after it in an open loop, which
// waits for the answers of its window. An answer stands in the step in which it arrived, a request that was censored in
// the one in which it was given up; over all steps they are those of Load.Response.
type Series struct {
	Step   float64 `json:"step"` // seconds
	Points []Point `json:"points"`
}

// Point is one step of a Series.
type Point struct {
	Requests uint64  `json:"requests"`            // right answers
	Errors   uint64  `json:"errors,omitempty"`    // of all kinds
	Shed     uint64  `json:"shed,omitempty"`      // requests refused with 503
	InFlight int     `json:"in_flight,omitempty"` // requests without an answer when the step ended
	Waiting  float64 `json:"waiting,omitempty"`   // for how long the oldest that was due and not sent had waited then, seconds
	Response Packed  `json:"response"`            // response times, nanoseconds
	Service  Packed  `json:"-"`                   // service times, nanoseconds; not part of the record
}

// Packed is an HDR histogram of the common range that holds no more than what was recorded. In the record it has two
// significant digits: a time line needs no more, and ten of them a second are a fifth as long.
type Packed struct{ *hdr.PackedHistogram }

const recordDigits = 2

// NewPacked returns an empty one.
func NewPacked() Packed { return Packed{hdr.NewPacked(HistogramMin, HistogramMax, HistogramDigits)} }

// Count is the number of recorded values.
func (p Packed) Count() int64 {
	if p.PackedHistogram == nil {
		return 0
	}
	return p.TotalCount()
}

// Quantile returns the q-quantile in seconds; ok is false where there are too few values for it.
func (p Packed) Quantile(q float64) (v float64, ok bool) {
	if !Enough(p.Count(), q) {
		return 0, false
	}
	return float64(p.ValueAtPercentile(percentile(q, p.Count()))) / 1e9, true
}

// AddTo adds p to h.
func (p Packed) AddTo(h Histogram) {
	if p.Count() > 0 {
		p.MergeInto(h.Histogram) // of the same range: nothing is dropped
	}
}

// MarshalJSON implements json.Marshaler.
func (p Packed) MarshalJSON() ([]byte, error) {
	if p.Count() == 0 {
		return []byte("null"), nil
	}
	coarse := hdr.NewPacked(HistogramMin, HistogramMax, recordDigits)
	p.ForEachBucket(func(value, count int64) bool { return coarse.RecordValues(value, count) == nil })
	text, err := coarse.Encode()
	if err != nil {
		return nil, fmt.Errorf("encode histogram: %w", err)
	}
	return json.Marshal(string(text))
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *Packed) UnmarshalJSON(b []byte) error {
	var text *string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("decode histogram: %w", err)
	}
	if text == nil {
		p.PackedHistogram = nil
		return nil
	}
	d, err := hdr.DecodePacked([]byte(*text))
	if err != nil {
		return fmt.Errorf("decode histogram: %w", err)
	}
	p.PackedHistogram = d
	return nil
}
