package loadgen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"serverlab/results"
)

// ParseGoals reads goals such as "p99=5ms,p50=1ms,errors=0.1%". Where nothing is said about errors, none is allowed:
// an error is never throughput.
func ParseGoals(text string) (goals []results.Goal, err error) {
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		g, err := parseGoal(name, value)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(goals, func(o results.Goal) bool { return o.Quantile == g.Quantile }) {
			return nil, fmt.Errorf("goal %q: %s is given twice", part, name)
		}
		goals = append(goals, g)
	}
	if !slices.ContainsFunc(goals, func(g results.Goal) bool { return g.Quantile == 0 }) {
		goals = append(goals, results.Goal{})
	}
	return goals, nil
}

func parseGoal(name, value string) (g results.Goal, err error) {
	if name == "errors" {
		number, percent := strings.CutSuffix(value, "%")
		if g.Limit, err = strconv.ParseFloat(number, 64); percent {
			g.Limit /= 100
		}
		if err != nil || !(g.Limit >= 0 && g.Limit < 1) {
			return g, fmt.Errorf("goal errors=%s: give a share such as 0.1%%, below 100%%", value)
		}
		return g, nil
	}
	digits, ok := strings.CutPrefix(name, "p")
	percent, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(percent > 0 && percent < 100) {
		return g, fmt.Errorf("goal %q: give a quantile and a time, such as p99=5ms, or errors=0.1%%", name+"="+value)
	}
	// Through the text, so that p99.9 is the 0.999 that is meant and not its neighbour.
	if g.Quantile, err = strconv.ParseFloat(strconv.FormatFloat(percent/100, 'g', 12, 64), 64); err != nil {
		return g, fmt.Errorf("goal %s: %w", name, err)
	}
	if _, ok := results.Samples(g.Quantile); !ok {
		return g, fmt.Errorf("goal %s: it would take too many requests to measure; the highest is p99.99", name)
	}
	limit, err := time.ParseDuration(value)
	if err != nil || limit <= 0 || limit > maxTime {
		return g, fmt.Errorf("goal %s=%s: give a time above 0s, such as 5ms", name, value)
	}
	g.Limit = limit.Seconds()
	return g, nil
}

// samples is the number of requests that all goals can be judged from.
func samples(goals []results.Goal) (n int64) {
	for _, g := range goals {
		if g.Quantile > 0 {
			if need, ok := results.Samples(g.Quantile); ok {
				n = max(n, need)
			}
		}
	}
	return n
}
