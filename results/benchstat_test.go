package results

import (
	"bytes"
	"encoding/csv"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/perf/benchmath"
)

// stated is what benchstat says of one benchmark in one unit.
type stated struct{ center, interval string }

// benchstat runs it on a file and returns what it says, by benchmark and unit.
func benchstat(t *testing.T, text []byte) map[[2]string]stated {
	t.Helper()
	gocmd, err := exec.LookPath("go")
	if err != nil {
		t.Skip("benchstat is run by the go command: ", err)
	}
	file := filepath.Join(t.TempDir(), "bench.txt")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(gocmd, "tool", "benchstat", "-format", "csv", file)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, complaints.String())
	}
	in := csv.NewReader(bytes.NewReader(out))
	in.FieldsPerRecord = -1
	lines, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	all, unit := map[[2]string]stated{}, ""
	for _, line := range lines {
		switch {
		case len(line) < 3:
		case line[0] == "" && line[2] == "CI":
			unit = line[1]
		case line[0] != "" && line[0] != "geomean" && line[1] != "":
			all[[2]string{line[0], unit}] = stated{line[1], line[2]}
		}
	}
	return all
}

// benchstat's median and interval of every cell and unit are those of this package, and those of a column's metric are
// the ones that its verdict rests on.
func TestBenchstatAgrees(t *testing.T) {
	run, trials, err := Read("reference")
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := GoBench(&text, run, trials); err != nil {
		t.Fatal(err)
	}
	theirs := benchstat(t, text.Bytes())
	seen := map[[2]string]bool{}
	for key, s := range inFile(t, text.String()) {
		got, both := theirs[key]
		if !both {
			t.Errorf("benchstat does not tell %v", key)
			continue
		}
		seen[key] = true
		center, err := strconv.ParseFloat(got.center, 64)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(center-s.Median) > 1e-9*math.Abs(s.Median) || got.interval != benchstatInterval(s) {
			t.Errorf("%v: benchstat says %v %s, we say %v %s", key, center, got.interval, s.Median, benchstatInterval(s))
		}
	}
	if len(seen) != len(theirs) || len(seen) < 100 {
		t.Errorf("%d of %d figures of benchstat were compared, want all, and 100 at least", len(seen), len(theirs))
	}
	ranked := 0
	for _, col := range Columns(&run, trials) {
		for i := range col.Cells {
			c := &col.Cells[i]
			key, scale := cellKey(col.Situation, c)
			got, both := theirs[key]
			if !both || len(c.Values) == 0 {
				continue
			}
			ranked++
			center, err := strconv.ParseFloat(got.center, 64)
			// The file has one decimal, in nanoseconds where the cell has seconds.
			if err != nil || math.Abs(center-c.Summary.Median) > 0.051*scale {
				t.Errorf("%v: benchstat says %v, the cell says %v", key, center, c.Summary.Median)
			}
		}
	}
	if ranked < 20 {
		t.Errorf("%d cells were compared, want 20 at least", ranked)
	}
}

// inFile sums up every benchmark and unit of a file, by the base units that benchstat makes of them.
func inFile(t *testing.T, text string) map[[2]string]Summary {
	t.Helper()
	values := map[[2]string][]float64{}
	for line := range strings.Lines(text) {
		name, ok := strings.CutPrefix(line, "Benchmark")
		if !ok {
			continue
		}
		words := strings.Fields(name)
		for i := 2; i+1 < len(words); i += 2 {
			v, err := strconv.ParseFloat(words[i], 64)
			if err != nil {
				t.Fatal(err)
			}
			unit := words[i+1]
			if strings.Contains(unit, "ns") {
				v, unit = v/1e9, strings.Replace(unit, "ns", "sec", 1)
			}
			key := [2]string{words[0], unit}
			values[key] = append(values[key], v)
		}
	}
	all := map[[2]string]Summary{}
	for key, v := range values {
		all[key] = Summarize(v)
	}
	return all
}

// benchstatInterval is an interval in the words of benchstat: as a share of the median.
func benchstatInterval(s Summary) string {
	if math.IsNaN(s.Lo) {
		return "∞"
	}
	return benchmath.Summary{Center: s.Median, Lo: s.Lo, Hi: s.Hi}.PctRangeString()
}

// cellKey is a cell's benchmark and the unit of its column, and how big one of the file's units is in base units.
func cellKey(sit *Situation, c *Cell) (key [2]string, scale float64) {
	unit, scale := map[Metric]string{CPUPerRequest: "cpu-sec/op", Throughput: "requests/s", Harmed: "harmed",
		Latency: "p99-sec", MemoryPerSilent: "B/silent"}[sit.Metric], 1.0
	if strings.Contains(unit, "sec") {
		scale = 1e-9
	}
	return [2]string{"Serve/situation=" + sit.Name + "/arch=" + c.Architecture.Name, unit}, scale
}
