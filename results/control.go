package results

import (
	"math"
	"slices"
	"strconv"
)

// serial tells the row whose CPU time is subtracted: it serves one connection at a time, in one process; it accepts,
// reads, works, writes and closes, and controls nothing. Records from before a row said how many it serves at a time
// have only its name.
func serial(a *Architecture) bool {
	return a.AtOnce == 1 && a.Processes == "" && !a.Reference || a.AtOnce == 0 && a.Name == "iterative"
}

// controlMeaning is what a column says that shows the bill.
const controlMeaning = "a request without work; control: its CPU above the iterative server's"

// control is the bill of process control: the row's CPU per request minus that of the iterative server, which only does
// the work, in seconds (Stevens, Fenner, Rudoff, UNIX Network Programming, volume 1, 3rd ed., chapter 30). Trials are
// paired by block, so what disturbs both cancels out, and only valid ones count. ok is false in columns of another
// metric and where the iterative server has no valid trial; N of a row without a pair is 0.
func (col *Column) control() (bills []Summary, ok bool) {
	if col.Situation.Metric != CPUPerRequest || col.Situation.State != "" { // with sessions rows have rates of their own
		return nil, false
	}
	i := col.baseline()
	if i < 0 {
		return nil, false
	}
	base := col.Cells[i].byBlock(CPUPerRequest)
	for j := range col.Cells {
		var bill []float64
		for block, v := range col.Cells[j].byBlock(CPUPerRequest) {
			if b, paired := base[block]; paired {
				bill = append(bill, v-b)
			}
		}
		bills = append(bills, Summarize(bill))
	}
	return bills, len(base) > 0
}

// baseline is the first row that serves one connection at a time, -1 where there is none.
func (col *Column) baseline() int {
	return slices.IndexFunc(col.Cells, func(c Cell) bool { return serial(c.Architecture) })
}

// byBlock is the figure of each valid trial.
func (c *Cell) byBlock(m Metric) map[int]float64 {
	values := map[int]float64{}
	for _, t := range c.Trials {
		v, ok := t.Value(m)
		if word, _ := trialWord(t, m, ok); word == "" {
			values[t.Block] = v
		}
	}
	return values
}

// signed prints a difference in microseconds with its sign, no finer than the figures that it is the difference of.
func signed(seconds float64) string {
	if math.IsNaN(seconds) {
		return "n/a"
	}
	sign, us := "+", seconds*1e6
	if us < 0 {
		sign, us = "-", -us
	}
	if us < 100 {
		return sign + strconv.FormatFloat(us, 'f', 1, 64)
	}
	return sign + number(us, 3)
}
