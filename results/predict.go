package results

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Question asks, before a run, which of its rows will be best in a column. Where each row has a rate of its own, rows
// are not ranked with each other but each one's states are: then it asks for the situation in which a row is cheapest.
type Question struct {
	Title   string   // of the column; of the row whose states are compared
	Meaning string   // one sentence
	Asks    string   // "Which needs the least CPU time per request?"
	Choices []string // names of rows, or of situations
	Labels  []string // of the choices

	of     string // the situation; the row whose states are compared
	states bool
}

// Questions are those that a run can answer, in the order of its columns: where there are two rows to choose from, or
// two states. References are not ranked. Of a load that is swept the peak is asked for, once.
func Questions(run *Run) (all []Question) {
	asked := map[string]bool{}
	for i := range run.Situations {
		s := &run.Situations[i]
		q := Question{Title: s.Title, Meaning: s.Meaning, Asks: s.Metric.asks(), of: s.Name}
		if s.point() {
			if s.Sweep != LoadSweep || asked[s.Sweep] {
				continue
			}
			asked[s.Sweep] = true
			q = sweepQuestion(run)
		}
		for j := range run.Architectures {
			a := &run.Architectures[j]
			if a.Reference || s.point() || !planned(run.Plan, s, a) {
				continue
			}
			if !stateCost(s) {
				q.Choices, q.Labels = append(q.Choices, a.Name), append(q.Labels, a.Label)
			} else if !asked[a.Name] {
				asked[a.Name] = true
				all = append(all, stateQuestion(run, a))
			}
		}
		all = append(all, q)
	}
	return slices.DeleteFunc(all, func(q Question) bool { return len(q.Choices) < 2 })
}

// sweepQuestion asks for the row with the highest peak of a sweep; each row has rates of its own.
func sweepQuestion(run *Run) Question {
	q := Question{Title: "a rising load", Asks: Goodput.asks(), of: LoadSweep}
	sits := sweepOf(run, LoadSweep)
	for i := range run.Architectures {
		a := &run.Architectures[i]
		if !a.Reference && slices.ContainsFunc(sits, func(s *Situation) bool { return planned(run.Plan, s, a) }) {
			q.Choices, q.Labels = append(q.Choices, a.Name), append(q.Labels, a.Label)
		}
	}
	return q
}

// stateQuestion asks for the state that is cheapest for one row.
func stateQuestion(run *Run, a *Architecture) Question {
	q := Question{Title: a.Label, of: a.Name, states: true,
		Asks: "With which state does it need the least CPU time per request?"}
	for i := range run.Situations {
		if s := &run.Situations[i]; stateCost(s) && planned(run.Plan, s, a) {
			q.Meaning = s.Meaning
			q.Choices, q.Labels = append(q.Choices, s.Name), append(q.Labels, strings.TrimPrefix(s.Name, "state-"))
		}
	}
	return q
}

// asks is the question of a metric.
func (m Metric) asks() string {
	switch m {
	case CPUPerRequest:
		return "Which needs the least CPU time per request?"
	case Throughput:
		return "Which gives the most right answers per second?"
	case MemoryPerSilent:
		return "Which needs the least memory for a silent client?"
	case Harmed:
		return "With which are the fewest clients harmed?"
	case Latency:
		return "Which has the shortest p99 of response times?"
	case Outage:
		return "Which gives the first right answer soonest after the fault?"
	case Goodput:
		return "Which answers the most at its peak, however much is offered?"
	case Balance:
		return "With which do the workers share the requests most evenly?"
	case Stall:
		return "With which do the others wait least while one request blocks?"
	}
	return ""
}

// Choose finds a choice by its number from 1, its name or label, or a beginning that no other one has.
func (q *Question) Choose(word string) (int, error) {
	if n, err := strconv.Atoi(word); err == nil {
		if n < 1 || n > len(q.Choices) {
			return 0, fmt.Errorf("no number %s: choose from 1 to %d", word, len(q.Choices))
		}
		return n - 1, nil
	}
	at, err := find(word, q.Choices)
	if err == nil {
		return at, nil
	}
	if at, e := find(word, q.Labels); e == nil {
		return at, nil
	}
	return 0, err
}

// find is the place of the name that a word is, or that it alone begins.
func find(word string, names []string) (int, error) {
	var begun []string
	at := 0
	for i, name := range names {
		if strings.EqualFold(name, word) {
			return i, nil
		}
		if word != "" && len(name) > len(word) && strings.EqualFold(name[:len(word)], word) {
			begun, at = append(begun, name), i
		}
	}
	switch len(begun) {
	case 1:
		return at, nil
	case 0:
		return 0, fmt.Errorf("no %q: choose of %s", word, strings.Join(names, ", "))
	}
	return 0, fmt.Errorf("%q may be %s: write more of it", word, strings.Join(begun, " or "))
}

// Predict is the answer that a choice is best: factor times as good as the choice than, or, where that is negative, as
// the worst that has a figure. A factor of 0 says nothing.
func (q *Question) Predict(choice int, factor float64, than int) Prediction {
	p := Prediction{Situation: q.of, Winner: q.Choices[choice], Factor: factor}
	if q.states {
		p.Situation, p.Winner = q.Choices[choice], q.of
	}
	if factor > 0 && than >= 0 {
		p.Than = q.Choices[than]
	}
	return p
}

// The factors that can be predicted.
const (
	leastFactor = 1
	mostFactor  = 1e6
)

// ParseFactor reads "3", "3x", "3 x" or "1.5×".
func ParseFactor(word string) (float64, error) {
	number := strings.TrimSpace(strings.TrimRight(word, "xX×"))
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(f) || f < leastFactor || f > mostFactor {
		return 0, fmt.Errorf("no factor %q: give one from %d to 1,000,000, such as 3x", word, leastFactor)
	}
	return f, nil
}

// ReadPredictions reads a line for each prediction: "trivial: iterative 3x prefork" says that iterative is best and
// three times as good as prefork, "waits: goroutine 50x" that it is 50 times as good as the worst that has a figure,
// and "crowd: epoll" no factor. Where states of one row are compared, "state-soft: epoll 2x state-redis" says that it
// is cheapest with soft state. Names may be cut short as long as they are clear. What stands behind # is a comment.
//
// Errors name the line and what there is to choose from.
func ReadPredictions(r io.Reader, questions []Question) (all []Prediction, err error) {
	lines := bufio.NewScanner(r)
	seen := map[string]int{}
	for number := 1; lines.Scan(); number++ {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		p, q, err := parsePrediction(line, questions)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if first, twice := seen[q.of]; twice {
			return nil, fmt.Errorf("line %d: %s is predicted in line %d already", number, q.of, first)
		}
		seen[q.of] = number
		all = append(all, p)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read predictions: %w", err)
	}
	if len(all) == 0 {
		return nil, errors.New(`it holds no prediction: write a line for each, such as "` + example(questions) + `"`)
	}
	return all, nil
}

// example is a line that would be right.
func example(questions []Question) string {
	if len(questions) == 0 {
		return "trivial: iterative 3x"
	}
	p := questions[0].Predict(0, 0, -1)
	return p.Situation + ": " + p.Winner + " 3x"
}

// parsePrediction reads one line and finds the question that it answers.
func parsePrediction(line string, questions []Question) (p Prediction, q *Question, err error) {
	column, rest, found := strings.Cut(line, ":")
	words := strings.Fields(rest)
	if !found || len(words) == 0 || len(words) > 3 {
		return p, nil, fmt.Errorf("%q: write COLUMN: ROW, COLUMN: ROW 3x, or COLUMN: ROW 3x OTHER",
			strings.TrimSpace(line))
	}
	var columns []string
	for _, q := range questions {
		names := []string{q.of}
		if q.states {
			names = q.Choices
		}
		for _, name := range names {
			if !slices.Contains(columns, name) {
				columns = append(columns, name)
			}
		}
	}
	at, err := find(strings.TrimSpace(column), columns)
	if err != nil {
		return p, nil, fmt.Errorf("column: %w", err)
	}
	q, choice, err := answered(columns[at], words[0], questions)
	if err != nil {
		return p, nil, fmt.Errorf("%s: %w", columns[at], err)
	}
	factor, than := 0.0, -1
	if len(words) > 1 {
		if factor, err = ParseFactor(words[1]); err != nil {
			return p, nil, fmt.Errorf("%s: %w", columns[at], err)
		}
	}
	if len(words) > 2 {
		if than, err = find(words[2], q.Choices); err != nil {
			return p, nil, fmt.Errorf("%s: %w", columns[at], err)
		}
		if than == choice {
			return p, nil, fmt.Errorf("%s: %s can't be better than itself", columns[at], q.Choices[choice])
		}
	}
	return q.Predict(choice, factor, than), q, nil
}

// answered is the question that a column and a row answer, and the choice.
func answered(column, row string, questions []Question) (q *Question, choice int, err error) {
	var rows []string // whose states are compared in this column
	var of []*Question
	for i := range questions {
		q := &questions[i]
		if !q.states && q.of == column {
			choice, err = find(row, q.Choices)
			return q, choice, err
		}
		if q.states && slices.Contains(q.Choices, column) {
			rows, of = append(rows, q.of), append(of, q)
		}
	}
	at, err := find(row, rows)
	if err != nil {
		return nil, 0, err
	}
	return of[at], slices.Index(of[at].Choices, column), nil
}

// AskLines shows a question and what there is to choose from, in lines of at most 80 columns.
func AskLines(q *Question, head string, s Style) (lines []string) {
	title := head + q.Title
	if q.Meaning != "" {
		title += ": " + q.Meaning
	}
	for i, line := range wrap(title, screenWidth-2) {
		lines = append(lines, s.paint(bold, s.text([]string{"", "  "}[min(i, 1)]+line)))
	}
	widest := 0
	for i, name := range q.Choices {
		widest = max(widest, width(name)+len(strconv.Itoa(i+1))+1)
	}
	line := "  "
	for i, name := range q.Choices {
		choice := left(fmt.Sprintf("%d %s", i+1, name), widest)
		if line != "  " && width(line)+2+widest > screenWidth {
			lines, line = append(lines, s.text(line)), "  "
		}
		line += choice + "  "
	}
	return append(lines, s.text(strings.TrimRight(line, " ")))
}
