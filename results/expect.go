package results

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// ErrExpect says that an expectation is none: it can't be read, or it names what a run does not have.
var ErrExpect = errors.New("expectation")

// Expectation is a line such as "cpu(mine) <= 1.2*cpu(threadpool)": two expressions of a run's figures, compared.
//
//	line    = sum ("<" | "<=" | ">" | ">=" | "==") sum
//	sum     = product { ("+" | "-") product }
//	product = factor { ("*" | "/") factor }
//	factor  = number [unit] | "-" factor | "(" sum ")" | metric "(" row ["," situation] ")"
//	        | ("best" | "worst") "(" metric ["," situation] ")"
type Expectation struct {
	Text        string
	op          string
	left, right *expNode
	figures     []*expFigure // in the order in which they stand
}

// Limits of a line, so that none can take long.
const (
	expLength   = 1000 // bytes
	expDepth    = 50   // of parentheses and signs
	expExtremes = 3    // best and worst
)

// expNode is a part of an expression.
type expNode struct {
	kind        byte // one of + - * / for two parts, n for a number, f for a figure
	number      float64
	unit        expUnit
	figure      *expFigure
	left, right *expNode
}

// expUnit is what a value is counted in: the powers of seconds and of bytes.
type expUnit struct{ seconds, bytes int }

// expFigure is one figure of a run, as a line names it.
type expFigure struct {
	metric         *expMetric
	extreme        string // "best" or "worst" of all rows; "": Row
	row, situation string // "": the one that is about the metric
}

func (f *expFigure) String() string {
	text := f.metric.name + "(" + f.row
	if f.extreme != "" {
		text = f.extreme + "(" + f.metric.name
	}
	if f.situation != "" {
		text += ", " + f.situation
	}
	return text + ")"
}

// expUnits are what may stand behind a number.
var expUnits = []struct {
	name   string
	factor float64
	unit   expUnit
}{
	{"ns", 1e-9, expUnit{seconds: 1}}, {"us", 1e-6, expUnit{seconds: 1}}, {"µs", 1e-6, expUnit{seconds: 1}},
	{"ms", 1e-3, expUnit{seconds: 1}}, {"s", 1, expUnit{seconds: 1}}, {"/s", 1, expUnit{}}, {"%", 0.01, expUnit{}},
	{"B", 1, expUnit{bytes: 1}}, {"KB", 1 << 10, expUnit{bytes: 1}}, {"MB", 1 << 20, expUnit{bytes: 1}},
	{"GB", 1 << 30, expUnit{bytes: 1}},
}

// ParseExpectation reads one line; its errors wrap ErrExpect and say where and what there is.
func ParseExpectation(text string) (*Expectation, error) {
	text = strings.TrimSpace(text)
	p := &expParser{text: text, e: &Expectation{Text: text}}
	if len(text) > expLength {
		return nil, fmt.Errorf("%w: it has %d bytes; give at most %d", ErrExpect, len(text), expLength)
	}
	err := p.line()
	if err != nil {
		return nil, fmt.Errorf("%w %q, column %d: %w", ErrExpect, text, width(text[:p.at])+1, err)
	}
	return p.e, nil
}

// expParser reads from left to right; at is what comes next, where an error is.
type expParser struct {
	text  string
	at    int
	depth int
	e     *Expectation
}

// next skips blanks and tells what follows, 0 at the end.
func (p *expParser) next() byte {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

// take skips a text if it follows.
func (p *expParser) take(t string) bool {
	p.next()
	if !strings.HasPrefix(p.text[p.at:], t) {
		return false
	}
	p.at += len(t)
	return true
}

func (p *expParser) line() (err error) {
	if p.e.left, err = p.sum(); err != nil {
		return err
	}
	for _, op := range []string{"<=", ">=", "==", "<", ">"} {
		if p.take(op) {
			p.e.op = op
			break
		}
	}
	if p.e.op == "" {
		return errors.New("give a comparison here: < <= > >= or == (the same within 2 %)")
	}
	if p.e.right, err = p.sum(); err != nil {
		return err
	}
	if p.next() != 0 {
		return errors.New("the line should end here")
	}
	extremes := 0
	for _, f := range p.e.figures {
		if f.extreme != "" {
			extremes++
		}
	}
	switch a, b := p.e.left.unit, p.e.right.unit; {
	case len(p.e.figures) == 0:
		return errors.New("it names no figure, such as cpu(iterative)")
	case extremes > expExtremes:
		return fmt.Errorf("at most %d of best and worst in a line", expExtremes)
	case a != b:
		return fmt.Errorf("%s can't be compared with %s: numbers have units, as in 5ms, 40us and 12KB", a, b)
	}
	return nil
}

func (p *expParser) sum() (*expNode, error)     { return p.chain("+-", p.product) }
func (p *expParser) product() (*expNode, error) { return p.chain("*/", p.factor) }

// chain reads parts with operators of the same rank between them.
func (p *expParser) chain(operators string, part func() (*expNode, error)) (*expNode, error) {
	n, err := part()
	for err == nil {
		kind := p.next()
		if kind == 0 || !strings.ContainsRune(operators, rune(kind)) {
			return n, nil
		}
		p.at++
		var right *expNode
		if right, err = part(); err == nil {
			n, err = joined(kind, n, right)
		}
	}
	return nil, err
}

// joined is an operation on two parts, whose units must fit.
func joined(kind byte, left, right *expNode) (*expNode, error) {
	n := &expNode{kind: kind, left: left, right: right, unit: left.unit}
	a, b := left.unit, right.unit
	switch kind {
	case '*':
		n.unit = expUnit{a.seconds + b.seconds, a.bytes + b.bytes}
	case '/':
		n.unit = expUnit{a.seconds - b.seconds, a.bytes - b.bytes}
	default:
		if a != b {
			return nil, fmt.Errorf("%s and %s can't be added", a, b)
		}
	}
	return n, nil
}

func (p *expParser) factor() (n *expNode, err error) {
	if p.depth++; p.depth > expDepth {
		return nil, errors.New("too many parentheses")
	}
	defer func() { p.depth-- }()
	switch c := p.next(); {
	case p.take("-"):
		if n, err = p.factor(); err != nil {
			return nil, err
		}
		return joined('*', &expNode{kind: 'n', number: -1}, n)
	case p.take("("):
		if n, err = p.sum(); err != nil {
			return nil, err
		}
		if !p.take(")") {
			return nil, errors.New("a ) is missing")
		}
		return n, nil
	case c >= '0' && c <= '9' || c == '.':
		return p.number()
	case isLetter(c):
		return p.function()
	}
	return nil, fmt.Errorf("give a number or a figure here, such as cpu(iterative); figures are %s", expNames())
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// span skips the bytes that are wanted and returns them.
func (p *expParser) span(wanted func(byte) bool) string {
	from := p.at
	for p.at < len(p.text) && wanted(p.text[p.at]) {
		p.at++
	}
	return p.text[from:p.at]
}

func (p *expParser) number() (*expNode, error) {
	digits := p.span(func(c byte) bool { return c >= '0' && c <= '9' || c == '.' })
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return nil, fmt.Errorf("%s is no number", digits)
	}
	n := &expNode{kind: 'n', number: v}
	from := p.at
	switch {
	case p.take("%"):
	case p.take("/"): // 5000/s has a unit, 1/starved(ROW) has none
		if p.span(isLetter) != "s" {
			p.at = from
		}
	default:
		p.take("µ")
		p.span(isLetter)
	}
	unit := strings.TrimSpace(p.text[from:p.at])
	if unit == "" {
		return n, nil
	}
	for _, u := range expUnits {
		if u.name == unit {
			n.number, n.unit = v*u.factor, u.unit
			return n, nil
		}
	}
	p.at = from
	return nil, fmt.Errorf("unknown unit %q: there are ns, us, ms, s, B, KB, MB, GB, /s and %%", unit)
}

// function reads metric(row, situation) or best(metric, situation).
func (p *expParser) function() (*expNode, error) {
	from := p.at
	name := p.span(func(c byte) bool { return isLetter(c) || c >= '0' && c <= '9' })
	f := &expFigure{metric: expMetricOf(name)}
	if name == "best" || name == "worst" {
		f.extreme = name
	} else if f.metric == nil {
		p.at = from
		return nil, fmt.Errorf("unknown figure %q: there are %s", name, expNames())
	}
	if !p.take("(") {
		return nil, fmt.Errorf("a ( is missing: %s(…)", name)
	}
	p.next()
	first := p.at
	args, err := p.arguments()
	if err != nil {
		return nil, err
	}
	if f.row = args[0]; f.extreme != "" {
		if f.row, f.metric = "", expMetricOf(args[0]); f.metric == nil {
			p.at = first
			return nil, fmt.Errorf("unknown figure %q: there are %s", args[0], expNames())
		}
	}
	if len(args) > 1 {
		f.situation = args[1]
	}
	p.e.figures = append(p.e.figures, f)
	return &expNode{kind: 'f', figure: f, unit: f.metric.unit}, nil
}

// arguments reads one or two names, with or without quotation marks, up to the parenthesis that closes.
func (p *expParser) arguments() (args []string, err error) {
	for {
		var name string
		if p.take(`"`) {
			name = p.span(func(c byte) bool { return c != '"' })
			if !p.take(`"`) {
				return nil, errors.New(`a " is missing`)
			}
		} else {
			name = strings.TrimSpace(p.span(func(c byte) bool { return !strings.ContainsRune(`,()"<>`, rune(c)) }))
		}
		if args = append(args, name); name == "" {
			return nil, errors.New("a name is missing")
		}
		switch {
		case p.take(")"):
			return args, nil
		case len(args) == 2 || !p.take(","):
			return nil, errors.New("a ) is missing")
		}
	}
}

// expNames lists the metrics.
func expNames() string {
	var names []string
	for i := range expMetrics {
		names = append(names, expMetrics[i].name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ") + "; best and worst of them"
}

func (u expUnit) String() string {
	switch u {
	case expUnit{}:
		return "a plain number"
	case expUnit{seconds: 1}:
		return "a time"
	case expUnit{bytes: 1}:
		return "a size"
	}
	return fmt.Sprintf("s^%d B^%d", u.seconds, u.bytes)
}

// figure prints a value of this unit.
func (u expUnit) figure(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "n/a"
	case u == expUnit{seconds: 1}:
		return duration(v, 3)
	case u == expUnit{bytes: 1} && math.Abs(v) < 1000:
		return number(v, 3) + " B"
	case u == expUnit{bytes: 1}:
		return number(v/1024, 3) + " KB"
	case v == math.Trunc(v) && math.Abs(v) < 1000:
		return exact(v)
	}
	return number(v, 3)
}
