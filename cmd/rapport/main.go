// Command rapport is the whole product: the daemon, and the command line that
// speaks to it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // a machine without zone files knows the zones, too

	"github.com/alecthomas/kong"

	"rapport/internal/config"
	"rapport/web"
)

// version is set by the linker.
var version = "devel"

// While a command starts, its heap may grow to five times what it holds instead
// of twice: hardly anything it has made is garbage by then, so that collecting
// it would be a seventh of the work of a command that ends at once.
const (
	startCollecting = 400 // percent
	startTime       = 100 * time.Millisecond
)

func main() {
	usual := debug.SetGCPercent(startCollecting)
	time.AfterFunc(startTime, func() { debug.SetGCPercent(usual) })
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2 // or configuration
	exitPartly      = 3
	exitInterrupted = 130
)

// coded is an error with the exit code it ends the command with.
type coded struct {
	error
	code int
}

func (c coded) Unwrap() error { return c.error }

// errSilent ends a command whose output says already what is wrong.
var errSilent = errors.New("")

func failed() error  { return coded{errSilent, exitFailed} }
func partly() error  { return coded{errSilent, exitPartly} }
func misused() error { return coded{errSilent, exitUsage} }

// usage says that the command line is wrong.
func usage(format string, args ...any) error {
	return coded{fmt.Errorf(format, args...), exitUsage}
}

// run does one command and returns its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	s := &session{
		ctx: ctx, in: in, out: out, err: errs, screen: screenOf(out, os.Getenv), notes: screenOf(errs, os.Getenv),
		env: os.Getenv, now: time.Now, loc: time.Local, args: args,
	}
	return s.report(s.command(args))
}

// command parses and runs one command line.
func (s *session) command(args []string) (err error) {
	var model cli
	parser, err := newParser(&model, s.out, s.err)
	if err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(helpShown); !ok {
				panic(r)
			}
			err = nil
		}
	}()
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help":
		args = append(args[1:len(args):len(args)], "--help")
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return misspelt(err)
	}
	s.config, s.json = model.Config, model.JSON
	return parsed.Run(s)
}

// helpShown unwinds the parser after help: nothing else is to run.
type helpShown struct{}

func newParser(model *cli, out, errs io.Writer) (*kong.Kong, error) {
	return kong.New(model,
		kong.Name("rapport"),
		kong.Writers(out, errs),
		kong.Help(printHelp),
		kong.Exit(func(int) { panic(helpShown{}) }),
	)
}

// misspelt names the help that shows how it is written.
func misspelt(err error) error {
	where := "rapport --help"
	var pe *kong.ParseError
	if errors.As(err, &pe) && pe.Context != nil {
		if node := pe.Context.Selected(); node != nil {
			where = commandName(node) + " --help"
		}
	}
	return usage("%s, see `%s`", strings.ReplaceAll(err.Error(), "\n", " "), where)
}

// report prints an error as `rapport: what` and returns the exit code. Faults
// of a configuration stand one a line, as check prints them.
func (s *session) report(err error) int {
	if err == nil {
		return exitDone
	}
	if s.ctx.Err() != nil && !errors.Is(err, errSilent) {
		fmt.Fprintln(s.err, "rapport: interrupted")
		return exitInterrupted
	}
	code := exitFailed
	var c coded
	if errors.As(err, &c) {
		code = c.code
	}
	var problem *web.Problem
	if errors.As(err, &problem) && problem.Status == http.StatusBadRequest {
		code = exitUsage // what was typed cannot be understood
	}
	var faults config.Faults
	switch {
	case errors.Is(err, errSilent):
	case errors.As(err, &faults):
		for _, f := range faults {
			fmt.Fprintln(s.err, plain(f.String()))
		}
		code = exitUsage
	default:
		fmt.Fprintln(s.err, "rapport: "+plain(err.Error()))
	}
	return code
}
