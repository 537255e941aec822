package page

import (
	"bytes"
	"testing"

	"serverlab/results"
)

// reference is the committed run.
func reference(t testing.TB) (results.Run, []results.Trial) {
	t.Helper()
	run, trials, err := results.Read("../reference")
	if err != nil {
		t.Fatal(err)
	}
	return run, trials
}

func written(t testing.TB, run results.Run, trials []results.Trial, damage ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, run, trials, damage); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
