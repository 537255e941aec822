package results

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// Alias says which row a letter of a blind run stands for.
type Alias struct{ Letter, Name string }

// keptBack stands for a text of a row that could tell what it is.
const keptBack = "kept back"

// blinder replaces the names of one run.
type blinder struct {
	letters map[string]string
	tells   *regexp.Regexp // a name, label, idea or lecture's word, as a whole word; nil: there is none
}

// Blind replaces the names of a run's rows by letters, shuffled by seed, so that a class can find out by the figures
// which is which: in every place of the record, so that whatever is drawn of it is blind. What is said of a row and not
// measured (its idea, its settings, who does what in it, how many it serves at once) goes, and so does the text of a
// trial that has a name in it. Figures stay, and so do the order of the trials and the references' place behind the
// rows. The run and the trials that are passed in are not changed. The key is in the order of the letters.
func Blind(run Run, trials []Trial, seed uint64) (Run, []Trial, []Alias) {
	rows, references := rowNames(&run, trials)
	rng := rand.New(rand.NewPCG(seed, uint64(len(rows))))
	for _, names := range [][]string{rows, references} {
		rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	}
	b := blinder{letters: map[string]string{}, tells: telling(&run, slices.Concat(rows, references))}
	var key []Alias
	for i, name := range slices.Concat(rows, references) {
		key = append(key, Alias{letter(i), name})
		b.letters[name] = letter(i)
	}
	run.Blind, run.Choices = true, choices(&run, key)
	run.Architectures = b.architectures(run.Architectures)
	run.Situations = slices.Clone(run.Situations)
	for i := range run.Situations {
		s := &run.Situations[i]
		s.OwnRates, s.OwnWindows, s.Rows = rename(&b, s.OwnRates), rename(&b, s.OwnWindows), b.names(s.Rows)
	}
	run.Experiments = b.experiments(run.Experiments)
	run.Calibration = b.calibration(run.Calibration)
	run.Plan = slices.Clone(run.Plan)
	for i := range run.Plan {
		run.Plan[i].Architecture = b.name(run.Plan[i].Architecture)
	}
	run.Predictions = slices.Clone(run.Predictions)
	for i := range run.Predictions {
		p := &run.Predictions[i]
		p.Winner, p.Than = b.name(p.Winner), b.name(p.Than)
	}
	run.LeftOut = slices.Clone(run.LeftOut)
	for i := range run.LeftOut {
		run.LeftOut[i] = LeftOut{"a row", keptBack}
	}
	run.Notes = slices.Clone(run.Notes)
	for i := range run.Notes {
		run.Notes[i] = b.text(run.Notes[i])
	}
	trials = slices.Clone(trials)
	for i := range trials {
		b.trial(&trials[i])
	}
	return run, trials, key
}

// rowNames are the names of a run's rows in the order of its table, and of its references. A name that only trials or
// the plan have is a row.
func rowNames(run *Run, trials []Trial) (rows, references []string) {
	add := func(to *[]string, name string) {
		if !slices.Contains(rows, name) && !slices.Contains(references, name) {
			*to = append(*to, name)
		}
	}
	for _, a := range run.Architectures {
		if a.Reference {
			add(&references, a.Name)
		} else {
			add(&rows, a.Name)
		}
	}
	for _, p := range run.Plan {
		add(&rows, p.Architecture)
	}
	for i := range trials {
		add(&rows, trials[i].Architecture)
	}
	return rows, references
}

// telling finds whatever tells a row of the run in a text.
func telling(run *Run, names []string) *regexp.Regexp {
	words := map[string]bool{}
	add := func(texts ...string) {
		for _, t := range texts {
			base, _, _ := strings.Cut(t, ":") // prefork:accept=pass
			for _, w := range []string{t, base, strings.TrimRight(t, " 0123456789")} {
				if w = strings.TrimSpace(w); w != "" {
					words[regexp.QuoteMeta(w)] = true
				}
			}
		}
	}
	add(names...)
	for _, a := range run.Architectures {
		add(a.Label, a.Idea, a.Lecture)
	}
	for _, l := range run.LeftOut {
		add(l.Name)
	}
	for _, p := range run.Predictions {
		add(p.Winner, p.Than)
	}
	if len(words) == 0 {
		return nil
	}
	all := strings.Join(slices.Sorted(maps.Keys(words)), "|")
	return regexp.MustCompile(`(?i)(?:^|[^\pL\pN_])(?:` + all + `)(?:$|[^\pL\pN_])`)
}

// letter is A to Z, and then AA to ZZ and so on.
func letter(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return letter(i/26-1) + letter(i%26)
}

// choices are what the letters may stand for: each row and its idea, in the order of the alphabet.
func choices(run *Run, key []Alias) (all []string) {
	for _, k := range key {
		text := k.Name
		for _, a := range run.Architectures {
			if a.Name == k.Name && a.Idea != "" {
				text = k.Name + ": " + a.Idea
				break
			}
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

// name is the letter of a row. One that the run does not have has none.
func (b *blinder) name(row string) string {
	if row == "" {
		return ""
	}
	return cmp.Or(b.letters[row], "?")
}

func (b *blinder) names(rows []string) []string {
	rows = slices.Clone(rows)
	for i := range rows {
		rows[i] = b.name(rows[i])
	}
	slices.Sort(rows) // their order was that of the table
	return rows
}

// text leaves a text as it is if it tells no row.
func (b *blinder) text(t string) string {
	if b.tells != nil && b.tells.MatchString(t) {
		return keptBack
	}
	return t
}

// rename makes letters of the names by which m is ordered. What belongs to no row of the run is left out.
func rename[V any](b *blinder, m map[string]V) map[string]V {
	if m == nil {
		return nil
	}
	renamed := make(map[string]V, len(m))
	for name, v := range m {
		if l := b.letters[name]; l != "" {
			renamed[l] = v
		}
	}
	return renamed
}

// experiments keep their questions, and lose their lessons: these say which row is good at what.
func (b *blinder) experiments(all []Experiment) []Experiment {
	all = slices.Clone(all)
	for i := range all {
		e := &all[i]
		e.Question, e.Lessons = b.text(e.Question), nil
		e.X.Title, e.X.Unit = b.text(e.X.Title), b.text(e.X.Unit)
	}
	return all
}

// architectures are the rows with their letters alone, in the order of the letters.
func (b *blinder) architectures(rows []Architecture) (all []Architecture) {
	for _, a := range rows {
		l := b.name(a.Name)
		all = append(all, Architecture{Name: l, Label: l, Reference: a.Reference})
	}
	slices.SortStableFunc(all, func(x, y Architecture) int {
		return cmp.Or(cmp.Compare(len(x.Name), len(y.Name)), cmp.Compare(x.Name, y.Name))
	})
	return all
}

func (b *blinder) calibration(c Calibration) Calibration {
	c.Capacity, c.LoadCapacity, c.Start = rename(b, c.Capacity), rename(b, c.LoadCapacity), rename(b, c.Start)
	c.Idle = rename(b, c.Idle)
	for l, idle := range c.Idle {
		if idle.Why != "" { // how many it serves at once, in words
			idle.Why = keptBack
			c.Idle[l] = idle
		}
	}
	c.Held = maps.Clone(c.Held)
	for situation, rows := range c.Held {
		rows = rename(b, rows)
		for l, held := range rows {
			if held.Why != "" {
				held.Why = keptBack
				rows[l] = held
			}
		}
		c.Held[situation] = rows
	}
	c.Traces = rename(b, c.Traces)
	for l, t := range c.Traces {
		c.Traces[l] = b.trace(t, l)
	}
	return c
}

// trace keeps the calls, which are evidence like any figure, and drops texts in them that tell the row.
func (b *blinder) trace(t SysTrace, letter string) SysTrace {
	t.Arch = letter
	t.Requests = slices.Clone(t.Requests)
	for i := range t.Requests {
		r := &t.Requests[i]
		r.Steps = slices.Clone(r.Steps)
		for j := range r.Steps {
			s := &r.Steps[j]
			s.Args = b.text(s.Args)
			if s.Result != aThread && s.Result != aProcess {
				s.Result = b.text(s.Result)
			}
		}
	}
	return t
}

func (b *blinder) trial(t *Trial) {
	t.Architecture = b.name(t.Architecture)
	t.Failure, t.Server.Exit, t.Load.URL = b.text(t.Failure), b.text(t.Server.Exit), b.text(t.Load.URL)
	t.Server.Settings = nil
	for _, findings := range []*[]Finding{&t.Findings, &t.Load.Findings} {
		*findings = slices.Clone(*findings)
		for i := range *findings {
			f := &(*findings)[i]
			f.Kind, f.Evidence = b.text(f.Kind), b.text(f.Evidence)
		}
	}
}

// Riddle is what a class is asked of a blind run: the question, and what the letters may stand for, a line each; nil of
// any other run.
func Riddle(run *Run) []string {
	if !run.Blind || len(run.Architectures) == 0 {
		return nil
	}
	first, last := run.Architectures[0].Label, run.Architectures[len(run.Architectures)-1].Label
	question := fmt.Sprintf("Which of %s to %s is which? Give two reasons for each, from the figures.", first, last)
	if first == last {
		question = fmt.Sprintf("What is %s? Give two reasons, from the figures.", first)
	}
	return append([]string{question}, run.Choices...)
}

// WriteRiddle prints the riddle of a blind run in lines of at most 80 columns, and an empty line; nothing of another.
func WriteRiddle(w io.Writer, run *Run, s Style) error {
	var lines []string
	for i, t := range Riddle(run) {
		if i == 0 {
			lines = append(lines, s.paint(bold, s.text(t)))
			continue
		}
		for j, part := range wrap(t, screenWidth-4) {
			lines = append(lines, s.text(clip([]string{"  ", "    "}[min(j, 1)]+part, screenWidth)))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	if _, err := io.WriteString(w, strings.Join(lines, "\n")+"\n\n"); err != nil {
		return fmt.Errorf("print the question: %w", err)
	}
	return nil
}
