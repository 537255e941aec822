package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"serverlab/results"
	"serverlab/results/plot"
)

// savePictures writes NAME.svg and NAME.csv for each chart into dir, which it makes. It replaces files of these names
// and leaves all others alone.
func savePictures(dir string, all []results.Picture) error {
	if len(all) == 0 {
		return errors.New("--svg: the run holds no trial that could be drawn")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("--svg: make the directory: %w", err)
	}
	for _, p := range all {
		path := filepath.Join(dir, p.Name)
		err := results.WriteFile(path+".svg", plot.SVG(p.Chart, plot.Options{ID: p.Name}))
		if err == nil {
			err = results.WriteFile(path+".csv", p.Chart.Table().CSV())
		}
		if err != nil {
			return fmt.Errorf("--svg: %w", err)
		}
	}
	return nil
}
