package results

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Style is how a screen is drawn. Nothing is said by colour alone.
type Style struct {
	Width int  // columns of the terminal, 0 for 80; the closing screen always takes 80, wide tables what they need
	ASCII bool // no character beyond ASCII
	Color bool // ANSI colours
}

// ascii replaces one drawn character by one other, so that no column moves.
var ascii = strings.NewReplacer(
	"●", "*", "×", "x", "◆", "5", "◇", "9", "◈", "B", "–", "-", "—", "-", "·", ",", "µ", "u", "…", "~", "≥", ">", "≤", "<",
	"✓", "+", "✗", "x", "¹", "'", "²", "\"", "│", "|", "┬", "+", "─", "-", "┌", "+", "┐", "+", "├", "+",
	"┼", "+", "┤", "+", "└", "+", "┴", "+", "┘", "+", "▏", ".", "▎", ".", "▍", ":", "▌", ":", "▋", ":", "▊", "#",
	"▉", "#", "█", "#", "▁", ".", "▂", ":", "▃", "-", "▄", "=", "▅", "+", "▆", "%", "▇", "&",
	"→", ">")

// Plain puts a question mark in place of what could steer a terminal: control characters, those that Unicode calls
// formats, such as the ones that turn the direction of what follows (Unicode Technical Report 36, section 2.5), and its
// separators of lines and paragraphs. It is for strings.Map.
func Plain(r rune) rune {
	if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
		return '?'
	}
	return r
}

// text prepares finished text for the terminal: in ASCII what is not known above becomes a question mark, and so does
// what is not Plain anywhere, since a name in the record of somebody else must not be able to steer the terminal.
func (s Style) text(t string) string {
	t = strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return Plain(r)
	}, t)
	if !s.ASCII {
		return t
	}
	return strings.Map(func(r rune) rune {
		if r > 126 {
			return '?'
		}
		return r
	}, ascii.Replace(t))
}

// The colours that are used, each beside a mark or a word that says the same.
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
)

// paint wraps finished, padded text in a colour.
func (s Style) paint(code, t string) string {
	if !s.Color || strings.TrimSpace(t) == "" {
		return t
	}
	return "\x1b[" + code + "m" + t + "\x1b[0m"
}

func width(t string) int { return utf8.RuneCountInString(t) }

// left and right pad t to n characters, and clip what is longer; nothing is left of it where there is no room.
func left(t string, n int) string { t = clip(t, n); return t + strings.Repeat(" ", max(n-width(t), 0)) }
func right(t string, n int) string {
	t = clip(t, n)
	return strings.Repeat(" ", max(n-width(t), 0)) + t
}

func clip(t string, n int) string {
	if width(t) <= n {
		return t
	}
	if n < 1 {
		return ""
	}
	return string([]rune(t)[:n-1]) + "…"
}

// firstFit is the first of some ways to say a thing that fits n characters, or the last one.
func firstFit(n int, ways ...string) string {
	for _, w := range ways {
		if width(w) <= n {
			return w
		}
	}
	return ways[len(ways)-1]
}

// number rounds v to some significant digits and groups thousands: more digits than a figure repeats to mislead.
func number(v float64, digits int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "n/a"
	}
	if v == 0 {
		return "0"
	}
	decimals := digits - 1 - int(math.Floor(math.Log10(math.Abs(v))))
	if decimals <= 0 {
		unit := math.Pow(10, float64(-decimals))
		return group(strconv.FormatFloat(math.Round(v/unit)*unit, 'f', 0, 64))
	}
	t := strconv.FormatFloat(v, 'f', decimals, 64)
	if whole, err := strconv.ParseFloat(t, 64); err == nil && math.Abs(whole) >= math.Pow(10, float64(digits-decimals)) {
		t = strconv.FormatFloat(v, 'f', decimals-1, 64) // 9.996 is 10.0, not 10.00
	}
	return t
}

// exact prints v with at most two decimals and no idle zeros: for what was asked for, and for small counts.
func exact(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "n/a"
	}
	whole, decimals, found := strings.Cut(strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64), ".")
	if found {
		return group(whole) + "." + decimals
	}
	return group(whole)
}

// Capital begins a sentence: "Right answers". What is written small for a reason, "p99", stays.
func Capital(t string) string {
	first, n := utf8.DecodeRuneInString(t)
	if second, _ := utf8.DecodeRuneInString(t[n:]); unicode.IsDigit(second) {
		return t
	}
	return string(unicode.ToUpper(first)) + t[n:]
}

// firstLine is a text up to its first line break.
func firstLine(t string) string {
	t, _, _ = strings.Cut(t, "\n")
	return t
}

// count prints a whole number exactly.
func count[T int | int64 | uint64](n T) string { return group(strconv.FormatInt(int64(n), 10)) }

func group(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// Duration prints seconds in the unit that suits them, with three digits.
func Duration(seconds float64) string { return duration(seconds, 3) }

// duration prints seconds in the unit that suits them.
func duration(seconds float64, digits int) string {
	switch a := math.Abs(seconds); {
	case math.IsNaN(a):
		return "n/a"
	case a < 0.5e-9:
		return "0"
	case a < 999.5e-9:
		return number(seconds*1e9, digits) + " ns"
	case a < 999.5e-6:
		return number(seconds*1e6, digits) + " µs"
	case a < 0.9995:
		return number(seconds*1e3, digits) + " ms"
	}
	return number(seconds, digits) + " s"
}

// span prints a time that was asked for.
func span(seconds float64) string {
	if seconds > 0 && seconds < 1 {
		return duration(seconds, 3)
	}
	return exact(seconds) + " s"
}

// elapsed prints a time that a person waits.
func elapsed(seconds float64) string {
	n := int(math.Round(seconds))
	if n < 60 {
		return strconv.Itoa(n) + " s"
	}
	return strconv.Itoa(n/60) + " min " + strconv.Itoa(n%60) + " s"
}

// figure prints a value of a metric without its unit, which the column's head names.
func (m Metric) figure(v float64, clients int) string {
	switch m {
	case CPUPerRequest:
		return number(v*1e6, 3)
	case MemoryPerSilent:
		return number(v/1024, 3) + " KB"
	case Harmed:
		return strconv.FormatFloat(v, 'f', -1, 64) + " of " + strconv.Itoa(clients)
	case Latency, Outage, Stall:
		return duration(v, 3)
	}
	if m == Balance {
		return number(v, 3) + " of 1"
	}
	return number(v, 3)
}

// unit is what figure prints in.
func (m Metric) unit() string {
	switch m {
	case CPUPerRequest:
		return "µs"
	case MemoryPerSilent:
		return "KB of 1,024 bytes"
	case Throughput, Goodput:
		return "requests/s"
	}
	return ""
}

// wrap breaks t at spaces into lines of at most n characters.
func wrap(t string, n int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(t) {
		if line != "" && width(line)+1+width(word) > n {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
