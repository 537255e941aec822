package results

import (
	"math/big"
	"testing"
)

// A quantile is the smallest value that at least its share of all values do not exceed.
func TestQuantileIsOfTheRightRank(t *testing.T) {
	whole, packed := NewHistogram(), NewPacked()
	for n := int64(1); n < 2048; n++ { // values below 2,048 are kept exactly
		if whole.RecordValue(n) != nil || packed.RecordValue(n) != nil {
			t.Fatal("can't record", n)
		}
		for _, c := range []struct {
			q    float64
			text string
		}{{0.5, "0.5"}, {0.9, "0.9"}, {0.99, "0.99"}} {
			share, _ := new(big.Rat).SetString(c.text)
			want := int64(1)
			for new(big.Rat).SetFrac64(want, n).Cmp(share) < 0 {
				want++
			}
			a, ok := whole.Quantile(c.q)
			b, okPacked := packed.Quantile(c.q)
			if ok != okPacked || ok && (a != float64(want)/1e9 || b != a) {
				t.Errorf("of 1 to %d ns the %v-quantile is %v s, packed %v s, not %d ns", n, c.q, a, b, want)
			}
		}
	}
}
