package results

import (
	"encoding/json"
	"fmt"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Histogram is a whole HDR histogram of nanoseconds. Its JSON is HdrHistogram's compressed V2 encoding in base64, or
// null when nothing was recorded.
type Histogram struct{ *hdr.Histogram }

// The range of every histogram: 1 ns, so that nothing rounds to zero, to 100 s, with three significant digits.
const (
	HistogramMin    = 1
	HistogramMax    = 100_000_000_000
	HistogramDigits = 3
)

// NewHistogram returns an empty histogram of the common range.
func NewHistogram() Histogram { return Histogram{hdr.New(HistogramMin, HistogramMax, HistogramDigits)} }

// Count is the number of recorded values.
func (h Histogram) Count() int64 {
	if h.Histogram == nil {
		return 0
	}
	return h.TotalCount()
}

// MarshalJSON implements json.Marshaler.
func (h Histogram) MarshalJSON() ([]byte, error) {
	if h.Count() == 0 {
		return []byte("null"), nil
	}
	text, err := h.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		return nil, fmt.Errorf("encode histogram: %w", err)
	}
	return json.Marshal(string(text))
}

// UnmarshalJSON implements json.Unmarshaler.
func (h *Histogram) UnmarshalJSON(b []byte) error {
	var text *string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("decode histogram: %w", err)
	}
	if text == nil {
		h.Histogram = nil
		return nil
	}
	d, err := hdr.Decode([]byte(*text))
	if err != nil {
		return fmt.Errorf("decode histogram: %w", err)
	}
	if d.ByteSize() > NewHistogram().ByteSize() { // a few bytes of a forged record would take a hundred megabytes
		return fmt.Errorf("decode histogram: its range is wider than %d to %d with %d digits", HistogramMin, HistogramMax,
			HistogramDigits)
	}
	h.Histogram = d
	return nil
}

// mean is that of what was recorded, in seconds; ok is false where nothing was.
func (h Histogram) mean() (seconds float64, ok bool) {
	if h.Count() == 0 {
		return 0, false
	}
	return h.Mean() / 1e9, true
}
