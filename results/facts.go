package results

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Fact is a thing that is true of a whole run, ready to print.
type Fact struct{ Name, Value string }

// MachineFacts are the machine and the settings that hold for all rows; what the machine does not tell is left out.
func MachineFacts(run *Run) (facts []Fact) {
	m, set := &run.Machine, &run.Setup
	add := func(name, value string) {
		if value != "" {
			facts = append(facts, Fact{name, value})
		}
	}
	add("program", run.Program)
	add("CPU", fmt.Sprintf("%s, %d usable", m.CPU, m.Cores))
	add("SMT", m.SMT)
	add("governor", m.Governor)
	add("battery", m.Battery)
	add("hypervisor", m.Hypervisor)
	add("container", m.Container)
	add("CPU quota", m.CPUQuota)
	add("memory", fmt.Sprintf("%s MB", exact(math.Round(float64(m.MemoryBytes)/(1<<20)))))
	add("system", fmt.Sprintf("%s %s, %s", m.OS, m.Kernel, m.GoVersion))
	add("load average", exact(m.LoadAverage1))
	add("descriptors", count(m.Descriptors))
	for _, k := range slices.Sorted(maps.Keys(m.Sysctls)) {
		add("sysctl", k+" = "+m.Sysctls[k])
	}
	apart := "on different cores"
	if !set.Apart {
		apart = "which share cores"
	}
	add("CPU sets", fmt.Sprintf("server %v, client %v, %s", set.ServerCPUs, set.ClientCPUs, apart))
	add("workers", fmt.Sprint(set.Workers))
	for _, l := range run.LeftOut {
		add("left out", l.Name+": "+l.Why)
	}
	for _, n := range run.Notes {
		add("note", n)
	}
	return facts
}

// CalibrationFacts are what was measured before the first trial, in the order of the rows.
func CalibrationFacts(run *Run) (facts []Fact) {
	cal := &run.Calibration
	for _, mode := range slices.Sorted(maps.Keys(cal.Ceiling)) {
		facts = append(facts, Fact{"load generator alone, " + mode, number(cal.Ceiling[mode], 3) + " requests/s"})
	}
	if cal.Floor > 0 {
		facts = append(facts, Fact{"median response time of one connection to a server that does nothing",
			duration(cal.Floor, 3)})
	}
	for _, a := range run.Architectures {
		c, ok := cal.Capacity[a.Name]
		if !ok {
			continue
		}
		f := Fact{"closed-loop capacity, " + a.Label, number(c, 3) + " requests/s"}
		if top := cal.Ceiling["per-connection"]; top > 0 {
			f.Value += fmt.Sprintf(", %.0f %% of the load generator's", 100*c/top)
		}
		facts = append(facts, f)
		if c, ok := cal.LoadCapacity[a.Name]; ok {
			facts = append(facts, Fact{"... of requests that compute, " + a.Label, number(c, 3) + " requests/s"})
		}
	}
	if p := cal.Spawn; p != nil {
		us := func(v float64) string { return number(v*1e6, 3) + " µs" }
		facts = append(facts, Fact{"CPU to start one process", fmt.Sprintf("medians of %d: fork and exec %s; "+
			"with the Go runtime %s; with the worker's packages %s; only forked %s", p.Count, us(p.Exec), us(p.Runtime),
			us(p.Init), p.fork())})
	}
	return facts
}

// SettingFacts are the settings in force of each row, as its servers reported them; none of a blind run, since they
// tell which row is which.
func SettingFacts(run *Run, trials []Trial) (facts []Fact) {
	if run.Blind {
		return nil
	}
	for _, a := range run.Architectures {
		var parts []string
		values := settingsOf(run, trials, a.Name)
		for _, k := range slices.Sorted(maps.Keys(values)) {
			parts = append(parts, k+"="+strings.Join(values[k], "|"))
		}
		if len(parts) == 0 {
			parts = []string{"n/a"}
		}
		facts = append(facts, Fact{a.Label, strings.Join(parts, " ")})
	}
	return facts
}

// settingsOf are the values that each setting of a row had in its trials, in the order of the situations.
func settingsOf(run *Run, trials []Trial, row string) map[string][]string {
	values := map[string][]string{}
	for _, s := range run.Situations {
		for i := range trials {
			if t := &trials[i]; t.Situation == s.Name && t.Architecture == row {
				for k, v := range t.Server.Settings {
					if strings.HasPrefix(v, "redis://") { // each trial has one of its own, at another port
						v = "redis"
					}
					if k != "keepalive" && !slices.Contains(values[k], v) { // the situation's, not the row's
						values[k] = append(values[k], v)
					}
				}
			}
		}
	}
	return values
}

// PlanText is how much of its plan a run has measured, in what order, and how many of the trials more than once.
func PlanText(run *Run, trials []Trial) string {
	text, again := fmt.Sprintf("%d of %d planned trials, seed %d", len(trials), len(run.Plan), run.Setup.Seed), 0
	for i := range trials {
		if trials[i].Tries > 1 {
			again++
		}
	}
	if again > 0 {
		text += fmt.Sprintf("; %d of them measured again, since other programs had disturbed them", again)
	}
	return text
}
