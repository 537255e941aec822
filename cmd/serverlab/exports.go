package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"serverlab/loadgen"
	"serverlab/results"
)

// exports are the files that a load is written to for the programs of others, as its flags say; "-" is standard output.
type exports struct {
	hgrm, hlog, csv, gobench string
	began                    time.Time // when the measured window began
}

func (e *exports) register(fs *pflag.FlagSet) {
	fs.StringVar(&e.hgrm, "hgrm", "", "write response times as HdrHistogram's percentile text to `FILE`, in ms, and "+
		"service times beside it (to a.service.hgrm for a.hgrm)")
	fs.StringVar(&e.hlog, "hlog", "", "write a `FILE` in HdrHistogram's log format, a histogram per second and clock")
	fs.StringVar(&e.csv, "csv", "", "write to `FILE` the rate and quantiles of each 100 ms (of a sweep, its points)")
	registerGoBench(fs, &e.gobench)
}

func registerGoBench(fs *pflag.FlagSet, file *string) {
	fs.StringVar(file, "gobench", "", "write `FILE` for benchstat, in the format of Go's benchmarks (- is standard "+
		"output, as for every file)")
}

// export is one file and what fills it.
type export struct {
	flag, file string
	write      func(io.Writer) error
}

// toStdout is the file's name that stands for standard output.
const toStdout = "-"

// all are the files that were asked for, to be filled with a load.
func (e *exports) all(t *results.Trial) (files []export) {
	l := &t.Load
	for _, x := range []export{
		{"hgrm", e.hgrm, func(w io.Writer) error { return results.PercentileText(w, l.Response) }},
		{"hgrm", serviceFile(e.hgrm), func(w io.Writer) error { return results.PercentileText(w, l.Service) }},
		{"hlog", e.hlog, func(w io.Writer) error { return results.HistogramLog(w, l, e.began) }},
		{"csv", e.csv, func(w io.Writer) error { return results.SeriesCSV(w, l) }},
		{"gobench", e.gobench, func(w io.Writer) error {
			return results.LoadGoBench(w, t, runtime.GOOS, runtime.GOARCH, cpuModel())
		}},
	} {
		if x.file != "" {
			files = append(files, x)
		}
	}
	return files
}

// serviceFile is the file of the service times. A percentile text holds one histogram, and HdrHistogram's plotter draws
// a line for each file that it is given and calls it by the file's name; so each clock has a file of its own.
func serviceFile(hgrm string) string {
	if hgrm == "" || hgrm == toStdout {
		return ""
	}
	ext := filepath.Ext(hgrm)
	return strings.TrimSuffix(hgrm, ext) + ".service" + ext
}

// check refuses what can't be written, before the load begins. json says that standard output is taken.
func (e *exports) check(c *call, json bool) error {
	for _, name := range []string{"hgrm", "hlog", "csv", "gobench"} {
		if f := c.flags.Lookup(name); f != nil && f.Changed && f.Value.String() == "" {
			return usagef("--%s names no file", name)
		}
	}
	seen := map[string]string{}
	if json {
		seen[toStdout] = "json"
	}
	return checkFiles(e.all(&results.Trial{}), seen)
}

// checkFiles refuses two files of one name, and those that can't be written. seen are names that are taken, and by which
// flag.
func checkFiles(files []export, seen map[string]string) error {
	if seen == nil {
		seen = map[string]string{}
	}
	for _, x := range files {
		path := x.file
		if path != toStdout {
			path = target(path)
		}
		if other, twice := seen[path]; twice {
			return usagef("--%s and --%s can't both write to %s", other, x.flag, x.file)
		}
		seen[path] = x.flag
	}
	for _, x := range files {
		if err := x.check(); err != nil {
			return err
		}
	}
	return nil
}

// stdout tells whether standard output is taken by one of the files: then nothing else goes there.
func (e *exports) stdout() bool { return stdoutTaken(e.all(&results.Trial{})) }

func stdoutTaken(files []export) bool {
	return slices.ContainsFunc(files, func(x export) bool { return x.file == toStdout })
}

// edge notes when the window begins, and calls next.
func (e *exports) edge(next func(loadgen.Edge)) func(loadgen.Edge) {
	return func(at loadgen.Edge) {
		if at <= loadgen.Begin { // a load that is interrupted earlier began then
			e.began = time.Now()
		}
		if next != nil {
			next(at)
		}
	}
}

// save writes all files, as many as can be written.
func (e *exports) save(c *call, t *results.Trial) (err error) {
	for _, x := range e.all(t) {
		err = errors.Join(err, x.save(c.stdout))
	}
	return err
}

// save fills the file at once, so that it is there completely or not at all.
func (x *export) save(stdout io.Writer) error {
	var text bytes.Buffer
	if err := x.write(&text); err != nil {
		return fmt.Errorf("--%s %s: %w", x.flag, x.file, err)
	}
	if x.file == toStdout {
		if _, err := stdout.Write(text.Bytes()); err != nil {
			return fmt.Errorf("--%s: write to standard output: %w", x.flag, err)
		}
		return nil
	}
	path := target(x.file)
	var err error
	if info, e := os.Stat(path); e == nil && !info.Mode().IsRegular() { // a pipe or a device stays what it is
		err = pour(path, text.Bytes())
	} else {
		err = results.WriteFile(path, text.Bytes())
	}
	if err != nil {
		return fmt.Errorf("--%s: %w", x.flag, err)
	}
	return nil
}

// pour writes to a pipe or a device. A pipe that nobody reads is an error: opening it would wait for a reader for ever.
func pour(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// check tells why the file could not be written. It leaves nothing behind.
func (x *export) check() error {
	if x.file == toStdout {
		return nil
	}
	path := target(x.file)
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("--%s %s: it is a directory: name a file", x.flag, x.file)
	case err == nil && !info.Mode().IsRegular():
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("--%s: %w", x.flag, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("--%s: can't write to the directory of %s: %w", x.flag, x.file, err)
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return fmt.Errorf("--%s %s: %w", x.flag, x.file, err)
	}
	return nil
}

// target is the file that a name stands for: where it is a link, the file behind it is replaced and not the link.
func target(name string) string {
	if path, err := filepath.EvalSymlinks(name); err == nil {
		return path
	}
	return filepath.Clean(name)
}

// cpuModel is the model of this machine's CPU; "" where it does not say.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(rest, "\n")
	_, model, _ := strings.Cut(line, ":")
	return strings.TrimSpace(model)
}

// loaded is what --json prints: the record of the load (times in seconds, each histogram whole, in nanoseconds, as
// HdrHistogram's compressed V2 encoding in base64), what follows from its histogram, and what the server used
// meanwhile. Programs of others read it: names stay as they are, and what is not known is null.
type loaded struct {
	*results.Load
	P50       *float64 `json:"p50"` // response time, seconds; null where there are too few answers for it
	P99       *float64 `json:"p99"`
	ServerCPU *float64 `json:"server_cpu"` // seconds of its process tree in the window; null if it was not named
}

func newLoaded(t *results.Trial) loaded {
	quantile := func(q float64) *float64 {
		if v, ok := t.Load.Response.Quantile(q); ok {
			return &v
		}
		return nil
	}
	return loaded{&t.Load, quantile(0.5), quantile(0.99), t.Server.CPU}
}
