package results

import "strings"

// glyphs are figures for a projector, 3 by 5: a line of a glyph is three bits, the left one first.
var glyphs = map[rune][5]uint8{
	'0': {7, 5, 5, 5, 7}, '1': {2, 6, 2, 2, 7}, '2': {7, 1, 7, 4, 7}, '3': {7, 1, 3, 1, 7}, '4': {5, 5, 7, 1, 1},
	'5': {7, 4, 7, 1, 7}, '6': {7, 4, 7, 5, 7}, '7': {7, 1, 1, 2, 2}, '8': {7, 5, 7, 5, 7}, '9': {7, 5, 7, 1, 7},
	'.': {0, 0, 0, 0, 1}, '-': {0, 0, 7, 0, 0},
}

// strokes are the same for a terminal that has no blocks: three lines, as on a pocket calculator.
var strokes = map[rune][3]string{
	'0': {" _ ", "| |", "|_|"}, '1': {"   ", "  |", "  |"}, '2': {" _ ", " _|", "|_ "}, '3': {" _ ", " _|", " _|"},
	'4': {"   ", "|_|", "  |"}, '5': {" _ ", "|_ ", " _|"}, '6': {" _ ", "|_ ", "|_|"}, '7': {" _ ", "  |", "  |"},
	'8': {" _ ", "|_|", "|_|"}, '9': {" _ ", "|_|", " _|"}, '.': {"   ", "   ", " . "}, '-': {"   ", " _ ", "   "},
}

// The sizes of large figures: lines, and columns of a figure with the space behind it.
const (
	smallLines, smallColumns = 3, 4
	largeLines, largeColumns = 5, 8
)

// bigDigits draws a text of glyphs in so many lines: of smallLines in half blocks or strokes, or of largeLines in blocks
// two columns wide, which look square. What is no glyph stays empty.
func bigDigits(text string, lines int, ascii bool) []string {
	drawn := make([]strings.Builder, lines)
	for _, r := range text {
		for i := range drawn {
			switch {
			case lines == largeLines:
				drawn[i].WriteString(pixels(glyphs[r][i], glyphs[r][i], "██", "", "") + "  ")
			case ascii:
				drawn[i].WriteString(left(strokes[r][i], smallColumns))
			default:
				lower := uint8(0)
				if 2*i+1 < len(glyphs[r]) {
					lower = glyphs[r][2*i+1]
				}
				drawn[i].WriteString(pixels(glyphs[r][2*i], lower, "█", "▀", "▄") + " ")
			}
		}
	}
	all := make([]string, lines)
	for i := range drawn {
		all[i] = drawn[i].String()
	}
	return all
}

// pixels draws two lines of a glyph, one above the other.
func pixels(upper, lower uint8, both, above, below string) string {
	line := ""
	for bit := uint8(4); bit > 0; bit >>= 1 {
		switch up, down := upper&bit != 0, lower&bit != 0; {
		case up && down:
			line += both
		case up:
			line += above
		case down:
			line += below
		default:
			line += strings.Repeat(" ", width(both))
		}
	}
	return line
}
