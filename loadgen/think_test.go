package loadgen

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseThink(t *testing.T) {
	for text, want := range map[string]Think{
		"0s":                {},
		"10ms":              {10 * time.Millisecond, false},
		"exponential:1.5s":  {1500 * time.Millisecond, true},
		"exponential:0s":    {},
		"24h":               {24 * time.Hour, false},
		"exponential:100ns": {100, true},
	} {
		got, err := ParseThink(text)
		if err != nil || got != want {
			t.Errorf("%q: %v, error %v", text, got, err)
		}
		if again, err := ParseThink(got.String()); got.Mean > 0 && (err != nil || again != got) {
			t.Errorf("%q is written %q", text, got)
		}
	}
	for _, text := range []string{"", "x", "10", "-1s", "25h", "uniform:1s", "exponential:", "exponential:-1s"} {
		_, err := ParseThink(text)
		if err == nil || !strings.HasPrefix(err.Error(), `think "`+text+`": give a time`) {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

// The first thoughts of many clients, and many thoughts of one, are exponential and don't depend on each other.
func TestThoughts(t *testing.T) {
	const n = 20000
	think := Think{time.Second, true}
	across, along := make([]float64, n), make([]float64, n)
	one := thoughts(7, 3)
	for i := range n {
		r := thoughts(7, uint64(i))
		across[i] = float64(think.draw(&r)) / 1e9
		along[i] = float64(think.draw(&one)) / 1e9
	}
	for name, sample := range map[string][]float64{"clients": across, "thoughts": along} {
		var sum, product float64
		for i, v := range sample {
			sum += v
			product += (v - 1) * (sample[(i+1)%n] - 1)
		}
		if math.Abs(sum/n-1) > 4/math.Sqrt(n) || math.Abs(product/n) > 4/math.Sqrt(n) {
			t.Errorf("many %s: mean %.4f, correlation with the next %.4f", name, sum/n, product/n)
		}
		if d := fromExponential(slices.Clone(sample)); d > 1.95/math.Sqrt(n) {
			t.Errorf("many %s: %.5f away from exponential", name, d)
		}
	}
	a, b := thoughts(7, 3), thoughts(8, 3)
	if think.draw(&a) == think.draw(&b) {
		t.Error("two seeds think alike")
	}
}

// Clients that all think as long begin one after the other.
func TestBeginInTheMidst(t *testing.T) {
	think := Think{Mean: 10 * time.Millisecond}
	for i, want := range []int64{0, 25e5, 5e6, 75e5} {
		if got := think.rest(i, 4, nil); got != want {
			t.Errorf("client %d begins at %d, want %d", i, got, want)
		}
	}
	r, again := rand.NewPCG(1, 2), rand.NewPCG(1, 2)
	random := Think{time.Second, true}
	if got, want := random.rest(3, 4, r), random.draw(again); got != want {
		t.Errorf("an exponential rest of %d, want %d", got, want)
	}
	if (Think{}).rest(3, 4, nil) != 0 {
		t.Error("who does not think begins at once")
	}
}
