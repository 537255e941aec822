package main

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"serverlab/results"
)

// blindFlags hide which row is which, and say where the key goes.
type blindFlags struct {
	on, seeded bool
	key        string
	seed       uint64
}

func (f *blindFlags) register(c *call) {
	c.flags.BoolVar(&f.on, "blind", false, "letters for the architectures' names, shuffled: which is which?")
	c.flags.StringVar(&f.key, "key", "", "write which letter is which to `FILE`, which must not exist (for --blind; "+
		"default: DIR-key.txt, beside DIR)")
	c.flags.Uint64Var(&f.seed, "seed", 0, "the same letters for the same `N` (for --blind; default: others each time)")
}

// check refuses a key that would be handed out with the rest: in the directory of the pictures, or in a file of files.
func (f *blindFlags) check(c *call, svg string, files []export) error {
	f.seeded = c.flags.Changed("seed")
	switch {
	case !f.on && (c.flags.Changed("key") || f.seeded):
		return usagef("--key and --seed are for --blind")
	case !f.on:
		return nil
	case c.flags.Changed("key") && (f.key == "" || f.key == toStdout):
		return usagef("--key names no file")
	case f.key == "":
		f.key = besideRun(c.flags.Arg(0))
	}
	if svg != "" && within(svg, f.key) {
		return usagef("--key %s lies in the directory of the pictures: it would be handed out with them", f.key)
	}
	if within(c.flags.Arg(0), f.key) {
		return usagef("--key %s lies in the directory of the run: it would be handed out with it", f.key)
	}
	return checkFiles(append([]export{{flag: "key", file: f.key}}, files...), nil)
}

// besideRun is where a key goes that nobody has named: not into the directory of the run, which may be handed out.
func besideRun(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil { // "." has no name to put anything behind
		dir = abs
	}
	return strings.TrimSuffix(dir, ".run") + "-key.txt"
}

// within tells whether a file is in a directory or below it.
func within(dir, file string) bool {
	dir, err1 := filepath.Abs(dir)
	file, err2 := filepath.Abs(file)
	rel, err3 := filepath.Rel(dir, file)
	return errors.Join(err1, err2, err3) == nil && filepath.IsLocal(rel)
}

// apply makes a run blind. The key is written first: nothing is shown that nobody could resolve.
func (f *blindFlags) apply(dir string, run results.Run, trials []results.Trial) (results.Run, []results.Trial, error) {
	if !f.on {
		return run, trials, nil
	}
	if run.Blind {
		return run, nil, fmt.Errorf("%s is blind already: show it without --blind", dir)
	}
	seed := f.seed
	if !f.seeded {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			return run, nil, fmt.Errorf("--blind: %w", err)
		}
		seed = binary.LittleEndian.Uint64(b[:])
	}
	run, trials, key := results.Blind(run, trials, seed)
	return run, trials, saveKey(f.key, dir, seed, key)
}

// saveKey writes a key that only its owner may read. One that is there stays: what was handed out with it would lose
// its meaning. The same key again is no error.
func saveKey(path, dir string, seed uint64, key []results.Alias) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# the letters of %s; the same again: --blind --seed %d\n", filepath.Base(dir), seed)
	for _, k := range key {
		fmt.Fprintf(&b, "%s  %s\n", k.Letter, printable(k.Name))
	}
	if old, err := os.ReadFile(path); err == nil && string(old) == b.String() {
		return nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("--key %s holds another key: give the --seed that it names for the same letters, or another "+
			"file by --key", path)
	}
	if err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	_, err = file.WriteString(b.String())
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	return nil
}
