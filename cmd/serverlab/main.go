// The command serverlab serves one handler by every server architecture of the lecture, loads it, and shows what came
// of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUndecided   = 3 // report --expect: nothing is refuted, but something can't be told
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() {
		time.Sleep(sameSignal)
		stop() // another signal ends the process at once
	})
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// sameSignal is how long a second signal counts as the first one again: timeout(1) sends each to the process and to its
// group.
const sameSignal = 500 * time.Millisecond

// commit is what the program was built from; the Makefile sets it.
var commit = "unknown commit"

// command is one subcommand.
type command struct {
	name, args, about string
	run               func(ctx context.Context, c *call) error
}

// call is one use of a command: its arguments and where it writes.
type call struct {
	args           []string
	stdout, stderr io.Writer
	flags          *pflag.FlagSet
	more           string // of --help, beneath the flags
}

var commands = []command{
	{"bench", "[EXPERIMENT …]", "measure all architectures and show what came of it", runBench},
	{"serve", "--arch NAME", "serve the handler by one architecture", serve},
	{"load", "--url URL", "load any HTTP/1.1 server and show its latency", load},
	{"check", "--arch NAME", "check an architecture, or by --instrument the load generator", check},
	{"demo", "[ARCH …]", "show live servers side by side, for a lecture", runDemo},
	{"trace", "ARCH", "draw the system calls of one request", traceCalls},
	{"report", "DIR", "show the result of a run again", report},
	{"compare", "DIR DIR …", "compare two runs, or the order of the rows in many", compare},
	{"list", "[ARCH]", "list the architectures, or draw who does what in one", list},
	{"explain", "[TERM]", "explain a term in a few lines", explain},
}

// hidden are the commands that the program starts for itself.
var hidden = []command{
	{"null", "", "answer without a server behind it, for calibration", null},
	{"member", "--arch NAME", "be one process of a pool", member},
}

// usageError is a wrong use of the command line.
type usageError struct{ error }

// usagef makes a usageError.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errInterrupted says that the user has stopped a command; what it had so far is written.
var errInterrupted = errors.New("interrupted")

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		help(stdout)
		if len(args) == 0 {
			return exitUsage
		}
		return exitDone
	}
	if args[0] == "version" || args[0] == "--version" {
		fmt.Fprintf(stdout, "serverlab %s\n", commit)
		return exitDone
	}
	for _, cmd := range slices.Concat(commands, hidden) {
		if cmd.name == args[0] {
			return runCommand(ctx, cmd, args[1:], stdout, stderr)
		}
	}
	fmt.Fprintf(stderr, "serverlab: no command %q: `serverlab help` lists them\n", args[0])
	return exitUsage
}

func runCommand(ctx context.Context, cmd command, args []string, stdout, stderr io.Writer) int {
	c := &call{args: args, stdout: stdout, stderr: stderr, flags: pflag.NewFlagSet(cmd.name, pflag.ContinueOnError)}
	c.flags.SortFlags = false
	c.flags.SetOutput(io.Discard) // pflag would print the whole usage after an error; one line is enough
	err := remoteHint(cmd.run(ctx, c))
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, pflag.ErrHelp):
		fmt.Fprintf(stdout, "serverlab %s: %s\n\nusage: serverlab %s %s [flags]\n\n%s%s", cmd.name, cmd.about, cmd.name,
			cmd.args, c.flags.FlagUsagesWrapped(80), c.more)
		return exitDone
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "serverlab %s: %s; see `serverlab %s --help`\n", cmd.name, oneLine(err), cmd.name)
		return exitUsage
	case errors.Is(err, errUndecided):
		fmt.Fprintf(stderr, "serverlab %s: %s\n", cmd.name, oneLine(err))
		return exitUndecided
	case errors.Is(err, errInterrupted):
		fmt.Fprintf(stderr, "serverlab %s: %s\n", cmd.name, oneLine(err))
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "serverlab %s: %s\n", cmd.name, oneLine(err))
	return exitFailed
}

// oneLine keeps an error on one line, whatever it wraps.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// parse reads the flags and refuses arguments beyond most.
func (c *call) parse(most int) error {
	if err := c.flags.Parse(c.args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return err
		}
		return usageError{clearer(err)}
	}
	if c.flags.NArg() > most {
		return usagef("unexpected argument %q", c.flags.Arg(most))
	}
	return nil
}

// clearer says of a value that a flag can't have what it can.
func clearer(err error) error {
	var wrong *pflag.InvalidValueError
	if !errors.As(err, &wrong) {
		return err
	}
	f, want := wrong.GetFlag(), ""
	switch f.Value.Type() {
	case "duration":
		want = "a time such as 2s or 50ms"
	case "int":
		want = "a whole number"
	case "uint64":
		want = "a whole number from 0"
	case "float64":
		want = "a number such as 5 or 0.5"
	case "bool":
		want = "true or false"
	default:
		return err
	}
	return fmt.Errorf("--%s %q: give %s", f.Name, wrong.GetValue(), want)
}

func help(w io.Writer) {
	fmt.Fprint(w, "serverlab: which server architecture is most efficient?\n\n")
	for _, c := range commands {
		fmt.Fprintf(w, "  %-32s %s\n", strings.TrimSpace("serverlab "+c.name+" "+c.args), c.about)
	}
	fmt.Fprint(w, "\nEach explains its flags by --help.\n")
}
