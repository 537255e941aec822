package main

import (
	"io"
	"path/filepath"

	"serverlab/results"
	"serverlab/results/page"
)

// pageFile is the page of a run, in its directory.
const pageFile = "report.html"

// savePage writes the page of a run beside its record.
func savePage(dir string, run results.Run, trials []results.Trial) error {
	x := export{"html", filepath.Join(dir, pageFile), func(w io.Writer) error {
		return page.Write(w, run, trials, nil)
	}}
	return x.save(nil)
}
