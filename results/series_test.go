package results

import (
	"encoding/json"
	"math"
	"testing"
)

// A step keeps every count in the record, and its quantiles to within a hundredth.
func TestPointInTheRecord(t *testing.T) {
	p := Point{Requests: 1000, Errors: 2, InFlight: 3, Waiting: 0.25, Response: NewPacked(), Service: NewPacked()}
	for i := range int64(1000) {
		if err := p.Response.RecordValue(1_000_000 + 7919*i); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var q Point
	if err := json.Unmarshal(text, &q); err != nil {
		t.Fatal(err)
	}
	if q.Requests != p.Requests || q.Errors != p.Errors || q.InFlight != p.InFlight || q.Waiting != p.Waiting ||
		q.Response.Count() != p.Response.Count() || q.Service.Count() != 0 {
		t.Errorf("%s became %+v", text, q)
	}
	for _, of := range []float64{0.5, 0.9, 0.99} {
		want, ok := p.Response.Quantile(of)
		got, still := q.Response.Quantile(of)
		if !ok || !still || math.Abs(got/want-1) > 0.01 {
			t.Errorf("p%v was %v and is %v", 100*of, want, got)
		}
	}
	h := NewHistogram()
	q.Response.AddTo(h)
	if h.Count() != 1000 {
		t.Errorf("%d of 1000 values were added", h.Count())
	}
	for _, wrong := range []string{`{"response":"!"}`, `{"response":7}`} {
		if err := json.Unmarshal([]byte(wrong), &q); err == nil {
			t.Errorf("%s is no step, and there was no error", wrong)
		}
	}
}
