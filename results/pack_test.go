package results

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

func packed(t testing.TB, run Run, trials []Trial) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Pack(&b, run, trials); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A packed run is read as its directory is, and packed again it is the same bytes.
func TestPackRoundTrip(t *testing.T) {
	run, trials := stored(2, 1)
	text := packed(t, run, trials)
	path := filepath.Join(t.TempDir(), "a.run")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	gotRun, got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(gotRun, run) {
		t.Errorf("run differs:\n%+v\n%+v", gotRun, run)
	}
	sameTrials(t, got, trials)
	if !bytes.Equal(packed(t, gotRun, got), text) {
		t.Error("the same run, packed again, is another file")
	}
}

// No home of a user is packed, wherever an error's text has it; the run that was given stays as it is.
func TestPackHidesHomes(t *testing.T) {
	run, trials := stored(2, 1)
	secret := "open /home/mallory/lab/x: no such file; dir=/mnt/home/mallory, /Users/mallory"
	run.Notes, run.LeftOut = []string{secret}, []LeftOut{{"nginx", secret}}
	trials = append([]Trial(nil), trials[:2]...)
	trials[0].Failure, trials[0].Server.Exit = secret, secret
	trials[0].Server.Settings = map[string]string{"files": secret}
	trials[0].Findings = []Finding{{"errors", secret, nil}}
	run.Calibration.Idle = map[string]Idle{"epoll": {Why: secret}}
	gotRun, got, err := unpack(bytes.NewReader(packed(t, run, trials)), "a.run")
	if err != nil {
		t.Fatal(err)
	}
	const want = "open ~/lab/x: no such file; dir=~, ~"
	for _, text := range []string{gotRun.Notes[0], gotRun.LeftOut[0].Why, got[0].Failure, got[0].Server.Exit,
		got[0].Server.Settings["files"], got[0].Findings[0].Evidence,
		gotRun.Calibration.Idle["epoll"].Why} {
		if text != want {
			t.Errorf("packed as %q, want %q", text, want)
		}
	}
	if run.Notes[0] != secret || trials[0].Findings[0].Evidence != secret {
		t.Error("the run that was packed has changed")
	}
}

// archived is a gzip'd tar of files, each a name and its content.
func archived(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	archive := tar.NewWriter(zip)
	for i := 0; i < len(files); i += 2 {
		if err := put(archive, files[i], []byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What is not a packed run is named and refused, and so is what is cut short anywhere.
func TestPackDamage(t *testing.T) {
	run, trials := stored(2, 1)
	whole := packed(t, run, trials[:2])
	head := `{"version":1}`
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-6] ^= 1 // the checksum
	for name, c := range map[string]struct {
		text []byte
		want error
		word string
	}{
		"empty":         {nil, ErrForeign, "--pack"},
		"text":          {[]byte("hello"), ErrForeign, ""},
		"other archive": {archived(t, "paper.pdf", "x"), ErrForeign, ""},
		"empty archive": {archived(t), ErrForeign, ""},
		"no trials":     {archived(t, runFile, head), ErrDamaged, trialsFile},
		"more files":    {archived(t, runFile, head, trialsFile, "", "more", "x"), ErrDamaged, "follows"},
		"newer":         {archived(t, runFile, `{"version":99}`, trialsFile, ""), ErrNewer, "99"},
		"newer trial":   {archived(t, runFile, head, trialsFile, `{"version":99}`+"\n"), ErrNewer, "trials.jsonl:1 "},
		"bad line":      {archived(t, runFile, head, trialsFile, "{}\n"), ErrDamaged, "trials.jsonl:1 "},
		"half a line":   {archived(t, runFile, head, trialsFile, `{"version":1`), ErrDamaged, "trials.jsonl:1 "},
		"bad checksum":  {flipped, ErrDamaged, "end"},
		"big run":       {archived(t, runFile, strings.Repeat(" ", maxRunBytes+1)), ErrDamaged, "at most"},
		"many trials":   {archived(t, runFile, head, trialsFile, strings.Repeat("\n", maxTrials+1)), ErrDamaged, "2001"},
		"long tail": {archived(t, runFile, head, trialsFile, strings.Repeat(" ", maxTrialsBytes+1)), ErrDamaged,
			"at most"},
	} {
		_, _, err := unpack(bytes.NewReader(c.text), "a.run")
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "a.run") || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: %v, want %v with %q", name, err, c.want, c.word)
		}
	}
	for n := range len(whole) {
		if n%97 != 0 && n < len(whole)-30 {
			continue
		}
		if _, _, err := unpack(bytes.NewReader(whole[:n]), "a.run"); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrForeign) {
			t.Errorf("the first %d of %d bytes: %v", n, len(whole), err)
		}
	}
}

// A file of a few bytes cannot take all memory: neither by what follows the archive nor by a histogram's range.
func TestPackBombs(t *testing.T) {
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	archive := tar.NewWriter(zip)
	if err := errors.Join(put(archive, runFile, []byte(`{"version":1}`)), put(archive, trialsFile, nil),
		archive.Close()); err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range maxRunBytes>>20 + 1 {
		if _, err := zip.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := unpack(&b, "a.run"); !errors.Is(err, ErrDamaged) {
		t.Errorf("zeros behind the archive: %v", err)
	}
	wide := Histogram{hdr.New(1, math.MaxInt64, 5)}
	if err := wide.RecordValue(1); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(wide)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &Histogram{}); err == nil || !strings.Contains(err.Error(), "wider") {
		t.Errorf("%d bytes of a histogram that takes %d: %v, want it refused", len(text), wide.ByteSize(), err)
	}
}

func FuzzUnpack(f *testing.F) {
	run, trials := stored(1, 1)
	f.Add(packed(f, run, trials[:1]))
	f.Add(archived(f, runFile, `{"version":1}`, trialsFile, ""))
	f.Fuzz(func(t *testing.T, text []byte) {
		run, trials, err := unpack(bytes.NewReader(text), "a.run")
		if err == nil {
			packed(t, run, trials) // what was read can be written
		}
	})
}
