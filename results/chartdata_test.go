package results

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"serverlab/results/plot"
)

// raw is a trial of the reference as encoding/json reads it, with only what the oracle needs.
type raw struct {
	Situation, Architecture string
	Load                    struct {
		Requests float64
		Window   float64
		Harmed   float64
		Silent   float64
		Ended    float64
		Response Histogram
	}
	Server struct {
		Requests, Switches, CPU float64
		PSSStart                float64 `json:"pss_start"`
		PSSSilent               float64 `json:"pss_silent"`
		PSSPeak                 float64 `json:"pss_peak"`
		Threads, Processes      float64
		CPUUser                 float64 `json:"cpu_user"`
	}
	Failure  string
	Findings []struct {
		Kind  string
		Voids []string
	}
}

// rawTrials are the lines of a file of trials.
func rawTrials(t *testing.T, file string) (all []raw) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r raw
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// rank99 is the p99 in seconds, and NaN below 570 samples: the smallest recorded value with 99 % of all at or below it.
func rank99(h Histogram) float64 {
	if h.Count() < 570 {
		return math.NaN()
	}
	need, seen := int64(math.Ceil(0.99*float64(h.Count())-1e-9)), int64(0)
	for _, b := range h.Distribution() {
		if seen += b.Count; seen >= need {
			return float64(b.To) / 1e9
		}
	}
	return math.NaN()
}

// plainMedian is the middle of the values that are numbers, with the smallest and the biggest: what the order-statistic
// interval of six values runs between.
func plainMedian(values []float64) (median, low, high float64, n int) {
	values = slices.DeleteFunc(values, math.IsNaN)
	sort.Float64s(values)
	n = len(values)
	if n == 0 {
		return math.NaN(), 0, 0, 0
	}
	if n%2 == 1 {
		return values[n/2], values[0], values[n-1], n
	}
	return (values[n/2-1] + values[n/2]) / 2, values[0], values[n-1], n
}

// oracle is what a chart's figure is, computed from the record by other code than the chart's.
type oracle struct {
	situation, metric string
	scale             float64 // from base units to those of the table
	of                func(*raw) float64
}

func rawCPU(r *raw) float64 { return r.Server.CPU / r.Load.Requests }

var oracles = map[string][]oracle{
	"trivial-cpu":    {{"trivial", "cpu-per-request", 1e6, rawCPU}},
	"trivial-trials": {{"trivial", "cpu-per-request", 1e6, rawCPU}},
	"trivial-switches": {{"trivial", "cpu-per-request", 1, func(r *raw) float64 {
		return r.Server.Switches / r.Server.Requests
	}}},
	"trivial-memory": {{"trivial", "", 1.0 / (1 << 20), func(r *raw) float64 { return r.Server.PSSPeak }}},
	"trivial-tasks": {{"trivial", "", 1, func(r *raw) float64 { return r.Server.Processes }},
		{"trivial", "", 1, func(r *raw) float64 { return r.Server.Threads }}},
	"waits":         {{"waits", "throughput", 1, func(r *raw) float64 { return r.Load.Requests / r.Load.Window }}},
	"waits-trials":  {{"waits", "throughput", 1, func(r *raw) float64 { return r.Load.Requests / r.Load.Window }}},
	"waits-per-cpu": {{"waits", "cpu-per-request", 1, func(r *raw) float64 { return r.Load.Requests / r.Server.CPU }}},
	"crowd": {{"crowd", "memory-per-silent", 1.0 / 1024, func(r *raw) float64 {
		if slices.ContainsFunc(r.Findings, func(f struct {
			Kind  string
			Voids []string
		}) bool {
			return f.Kind == "starved"
		}) {
			return math.NaN()
		}
		return (r.Server.PSSSilent - r.Server.PSSStart) / r.Load.Silent
	}}},
	"kill": {{"kill", "harmed", 1, func(r *raw) float64 { return r.Load.Harmed }}},
	"stall": {{"stall", "stall", 1e3, func(r *raw) float64 {
		longest := 0.0
		for _, bar := range r.Load.Response.Distribution() {
			if bar.Count > 0 {
				longest = float64(bar.To) / 1e9
			}
		}
		return longest
	}}},
	"arrivals-trials": {{"arrivals", "latency", 1e3, func(r *raw) float64 { return rank99(r.Load.Response) }}},
	"states-cpu": {{"state-stateless", "cpu-per-request", 1e6, rawCPU},
		{"state-soft", "cpu-per-request", 1e6, rawCPU},
		{"state-stateful", "cpu-per-request", 1e6, rawCPU}},
}

// expect computes the figure of one row; that of the trials that the metric's findings do not void, or of all where
// they void each.
func (o oracle) expect(all []raw, row string) (median, low, high float64, n int) {
	var good, void []float64
	for i := range all {
		r := &all[i]
		if r.Situation != o.situation || r.Architecture != row || r.Failure != "" {
			continue
		}
		spoiled := false
		for _, f := range r.Findings {
			spoiled = spoiled || slices.Contains(f.Voids, o.metric) ||
				o.metric == "goodput" && slices.Contains(f.Voids, "latency") &&
					!slices.Contains([]string{"overloaded", "queued", "errors", "starved", "shifted", "shed"}, f.Kind)
		}
		if spoiled {
			void = append(void, o.of(r)*o.scale)
		} else {
			good = append(good, o.of(r)*o.scale)
		}
	}
	if len(slices.DeleteFunc(slices.Clone(good), math.IsNaN)) == 0 {
		good = void
	}
	return plainMedian(good)
}

// TestTablesAreMediansOfTheRecord compares every table of the reference that holds medians with figures that are
// computed from its lines by other code.
func TestTablesAreMediansOfTheRecord(t *testing.T) {
	run, trials, err := Read("reference")
	if err != nil {
		t.Fatal(err)
	}
	all := rawTrials(t, "reference/trials.jsonl")
	byLabel := map[string]string{}
	for _, a := range run.Architectures {
		byLabel[a.Label] = a.Name
	}
	checked := map[string]int{}
	for _, p := range Charts(run, trials) {
		for k, row := range medianRows(t, p) {
			o := oracles[p.Name][k%len(oracles[p.Name])]
			median, low, high, n := o.expect(all, byLabel[row.name])
			if n == 0 {
				if row.median != "n/a" || row.n != "0" {
					t.Errorf("%s of %s: %+v, want no figure", p.Name, row.name, row)
				}
				continue
			}
			for _, c := range [][2]string{{row.median, fmt.Sprintf("%.6g", median)}, {row.n, strconv.Itoa(n)}} {
				if !sameFigure(c[0], c[1]) {
					t.Errorf("%s of %s: %q, want %q", p.Name, row.name, c[0], c[1])
				}
			}
			ends := sameFigure(row.low, fmt.Sprintf("%.6g", low)) && sameFigure(row.high, fmt.Sprintf("%.6g", high))
			if n == MinTrials && !ends {
				t.Errorf("%s of %s: interval %s to %s, want %g to %g", p.Name, row.name, row.low, row.high, low, high)
			}
			checked[p.Name]++
		}
	}
	for _, p := range Charts(run, trials) {
		other := slices.ContainsFunc([]string{"-percentiles", "-timeline", "-wait", "-balance", "connection-memory",
			"system-calls"}, func(suffix string) bool { return strings.HasSuffix(p.Name, suffix) })
		if checked[p.Name] == 0 && !other && p.About != AboutLoad { // the load has a test of its own, below
			t.Errorf("nothing says whether the figures of %s are right", p.Name)
		}
	}
	for name := range oracles {
		if checked[name] == 0 {
			t.Errorf("no figure of %s was checked", name)
		}
	}
}

// sameFigure compares two printed figures, which may differ in their sixth digit.
func sameFigure(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && math.Abs(x-y) <= 1.1e-5*math.Abs(y)
}

type medianRow struct{ name, median, low, high, n string }

// medianRows reads the medians out of a chart's table by its header.
func medianRows(t *testing.T, p Picture) (rows []medianRow) {
	t.Helper()
	if oracles[p.Name] == nil {
		return nil
	}
	table := p.Chart.Table()
	low := slices.IndexFunc(table.Header, func(h string) bool { return strings.HasPrefix(h, "95 % low") })
	if low < 1 {
		t.Fatalf("%s: no interval in %q", p.Name, table.Header)
	}
	n := slices.Index(table.Header, "trials")
	for _, r := range table.Rows {
		m := medianRow{name: r[0], median: r[low-1], low: r[low], high: r[low+1]}
		if _, dots := p.Chart.(*plot.Dots); !dots {
			m.n = r[n]
		} else if k, ok := strings.CutPrefix(r[1], "median of "); ok {
			m.n = k
		} else {
			continue
		}
		rows = append(rows, m)
	}
	return rows
}

// TestLoadTablesAreOfTheRecord does so for the rising load, each point of which is a situation.
func TestLoadTablesAreOfTheRecord(t *testing.T) {
	run, trials, err := Read("reference")
	if err != nil {
		t.Fatal(err)
	}
	all, byLabel, situations := rawTrials(t, "reference/trials.jsonl"), map[string]string{}, map[[2]string]string{}
	for _, a := range run.Architectures {
		byLabel[a.Label] = a.Name
	}
	check := func(r []string, o oracle) {
		t.Helper()
		median, _, _, n := o.expect(all, byLabel[r[0]])
		if !sameFigure(r[2], fmt.Sprintf("%.6g", median)) || r[5] != strconv.Itoa(n) {
			t.Errorf("%s of %s: %q, want %g of %d trials", o.situation, r[0], r, median, n)
		}
	}
	charts := Charts(run, trials)
	for _, r := range picture(t, charts, "load-throughput-offered").Chart.Table().Rows {
		if byLabel[r[0]] != "" {
			situations[[2]string{r[0], r[2]}] = "load-" + r[1]
			check(r, oracle{"load-" + r[1], "goodput", 1, func(r *raw) float64 { return r.Load.Ended / r.Load.Window }})
		}
	}
	p99 := picture(t, charts, "load-latency-throughput-p99").Chart.Table().Rows
	for _, r := range p99 {
		check(r, oracle{situations[[2]string{r[0], r[1]}], "goodput", 1e3,
			func(r *raw) float64 { return rank99(r.Load.Response) }})
	}
	if len(situations) < 30 || len(p99) < 30 {
		t.Errorf("%d and %d points", len(situations), len(p99))
	}
}

// TestTablesOfOneMeasurement holds the tables that are no medians against the record.
func TestTablesOfOneMeasurement(t *testing.T) {
	run, trials, err := Read("reference")
	if err != nil {
		t.Fatal(err)
	}
	all := Charts(run, trials)
	rows := picture(t, all, "connection-memory").Chart.Table().Rows
	for i, a := range run.Architectures {
		idle := run.Calibration.Idle[a.Name]
		for k, v := range []*float64{idle.Silent, idle.Used} {
			r, want := rows[2*i+k], "n/a"
			if v != nil {
				want = fmt.Sprintf("%.6g", *v/1024)
			}
			if r[0] != a.Label || r[2] != want {
				t.Errorf("memory of a connection: %q, want %s of %s", r, want, a.Label)
			}
		}
	}
	for i, r := range picture(t, all, "system-calls").Chart.Table().Rows {
		sum := 0
		for _, n := range run.Calibration.Traces[run.Architectures[i].Name].Requests[0].Calls() {
			sum += n
		}
		if r[7] != strconv.Itoa(sum) || sum == 0 {
			t.Errorf("system calls: %q, want %d", r, sum)
		}
	}
	workers, share := map[string]int{}, map[string]float64{}
	for _, r := range picture(t, all, "trivial-balance").Chart.Table().Rows {
		v, err := strconv.ParseFloat(r[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		workers[r[0]], share[r[0]] = workers[r[0]]+1, share[r[0]]+v
	}
	for name, n := range workers {
		if mean := share[name] / float64(n); n != run.Setup.Workers || math.Abs(mean-100) > 0.01 {
			t.Errorf("balance of %s: %d workers with %g %% of a fair share in the mean", name, n, mean)
		}
	}
	if len(workers) != 2 {
		t.Errorf("balance of %d rows, want the two that have a pool", len(workers))
	}
}

// TestPercentilesAreMedians holds the end of each percentile curve against the medians of the trials' own p99.
func TestPercentilesAreMedians(t *testing.T) {
	run, trials, err := Read("reference")
	if err != nil {
		t.Fatal(err)
	}
	all := rawTrials(t, "reference/trials.jsonl")
	checked := 0
	for _, p := range Charts(run, trials) {
		situation, ok := strings.CutSuffix(p.Name, "-percentiles")
		if !ok {
			continue
		}
		for _, s := range p.Chart.(*plot.Lines).Series {
			o := oracle{situation, "latency", 1, func(r *raw) float64 { return rank99(r.Load.Response) }}
			row := run.Architectures[s.Style].Name
			want, low, high, n := o.expect(all, row)
			for _, point := range s.Points {
				if math.Abs(point.X-0.99) > 1e-9 || n == 0 {
					continue
				}
				checked++
				if math.Abs(point.Y-want) > 1e-9*want || point.N != n {
					t.Errorf("%s of %s: p99 %g of %d, want %g of %d", p.Name, s.Name, point.Y, point.N, want, n)
				}
				if i := point.Interval; n == MinTrials && (i == nil || i.Low != low || i.High != high) {
					t.Errorf("%s of %s: interval %v, want %g to %g", p.Name, s.Name, i, low, high)
				}
			}
		}
	}
	if checked < 10 {
		t.Errorf("%d points were checked, want those of two situations", checked)
	}
}
