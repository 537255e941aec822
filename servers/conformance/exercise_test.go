//go:build linux

package conformance

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"serverlab/servers"
	"serverlab/servers/exercise"
)

// The exercise builds as it is shipped, and its grader says that all is to be done, where, and how much. Whoever has
// written it takes Unfinished off its row: then it is tested like any other.
func TestExercise(t *testing.T) {
	arch, _, err := servers.Lookup("exercise")
	if err != nil {
		t.Fatal(err)
	}
	if !arch.Unfinished {
		t.Skip("it is finished: TestArchitectures checks it")
	}
	cmd := exec.Command(program, "check", "--arch=exercise", "--files="+files)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("the grader ended with %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, p := range Properties() {
		if words := strings.Fields(lines[i]); words[0] != Failed || words[1] != p.Name ||
			!strings.Contains(lines[i], exercise.ErrUnwritten.Error()) {
			t.Errorf("%s: %s", p.Name, lines[i])
		}
	}
	if !strings.HasPrefix(lines[len(lines)-1], "exercise: 0 ok, ") || strings.Count(stderr.String(), "\n") != 1 ||
		!strings.Contains(stderr.String(), "exercise lacks ") {
		t.Errorf("the sum: %q, %q", lines[len(lines)-1], stderr.String())
	}
}
