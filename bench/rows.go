//go:build linux

package bench

import "slices"

// rowsOf are the rows that an experiment is about where it is not about those of the lecture.
var rowsOf = map[string][]string{
	PoolSizeName: poolRows, AcceptName: acceptRows, CoresName: coresRows, GomaxprocsName: procsRows, PhaseName: phaseRows,
}

// Rows lists the rows that experiments name themselves, each once, and tells whether others among them, or none at all,
// are about the rows of the lecture.
func Rows(experiments []string) (names []string, lecture bool) {
	for _, e := range experiments {
		some, own := rowsOf[e]
		lecture = lecture || !own
		for _, name := range some {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, lecture || len(experiments) == 0
}
