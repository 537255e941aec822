//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"serverlab/internal/corpus"
	"serverlab/servers"
	"serverlab/servers/conformance"
)

// checkSummary is the last line of `check --json`.
type checkSummary struct {
	Arch    string  `json:"arch"`
	OK      int     `json:"ok"`
	Failed  int     `json:"failed"`
	Skipped int     `json:"skipped"`
	Seconds float64 `json:"seconds"`
}

// check checks one architecture as `serverlab serve` serves it, in processes of its own.
func check(ctx context.Context, c *call) error {
	name := c.flags.String("arch", "", "`ROW` to check: a name, or prefork:accept=pass and the like")
	files := c.flags.String("files", corpus.DefaultDir(), "`directory` of the served files, created on first use")
	asJSON := c.flags.Bool("json", false, "one JSON object per property, and one that sums up")
	var instrument instrumentFlags
	instrument.register(c)
	if err := c.parse(0); err != nil {
		return err
	}
	if instrument.on {
		return checkInstrument(ctx, c, &instrument, *asJSON)
	}
	for _, name := range []string{"quick", "seed", "server-cpus", "client-cpus"} {
		if c.flags.Changed(name) {
			return usagef("--%s belongs to --instrument", name)
		}
	}
	if *name == "" {
		return usagef("--arch is missing: `serverlab list` shows what there is")
	}
	arch, variant, err := servers.Lookup(*name)
	if err != nil {
		return usageError{err}
	}
	if err := runnable(arch); err != nil {
		return err
	}
	if err := corpus.Ensure(*files); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program to check: %w", err)
	}
	row := servers.Row(arch, variant)
	begun, sum := time.Now(), checkSummary{Arch: row}
	subject := conformance.Subject{Arch: arch, Variant: variant, Start: conformance.Child(self, row, *files), Files: *files}
	var written error
	err = conformance.Run(ctx, subject, func(r conformance.Result) {
		sum.count(r)
		if *asJSON {
			written = json.NewEncoder(c.stdout).Encode(r)
		} else {
			written = printResult(c.stdout, r)
		}
	})
	switch {
	case err != nil:
		return fmt.Errorf("%w after %d properties", errInterrupted, sum.OK+sum.Failed+sum.Skipped)
	case written != nil:
		return fmt.Errorf("write the results: %w", written)
	}
	sum.Seconds = time.Since(begun).Seconds()
	if *asJSON {
		err = json.NewEncoder(c.stdout).Encode(sum)
	} else {
		_, err = fmt.Fprintf(c.stdout, "%s: %d ok, %d failed, %d skipped in %.0f s\n", sum.Arch, sum.OK, sum.Failed,
			sum.Skipped, sum.Seconds)
	}
	if err == nil && sum.Failed > 0 {
		err = fmt.Errorf("%s lacks %d of %d properties", sum.Arch, sum.Failed, sum.OK+sum.Failed)
	}
	return err
}

func (s *checkSummary) count(r conformance.Result) {
	switch r.Outcome {
	case conformance.OK:
		s.OK++
	case conformance.Failed:
		s.Failed++
	default:
		s.Skipped++
	}
}

// printResult prints one line: the outcome, the property, and what it asks or why it is not so.
func printResult(w io.Writer, r conformance.Result) error {
	text := r.Asks
	if r.Reason != "" {
		text = r.Reason
	}
	_, err := fmt.Fprintf(w, "%-7s  %-15s %s\n", r.Outcome, r.Property, text)
	return err
}
