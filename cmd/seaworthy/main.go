// Command seaworthy assesses container images and keeps the connections to the
// registries and ticketing servers that hold them. See the README for its use.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes are API (docs/cli.md).
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitPolicy = 3
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// terminal is where a command reads and writes.
type terminal struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// run executes one command line and gives its exit code.
func run(ctx context.Context, args []string, t terminal) int {
	root := rootCommand(t)
	root.SetArgs(args)
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	err := root.ExecuteContext(ctx)
	code := exitCode(err)
	if err != nil && !errors.Is(err, errSaid) {
		fmt.Fprintln(t.err, "seaworthy: "+oneLine(ctx, err))
		if code == exitUsage {
			fmt.Fprintln(t.err, "Run 'seaworthy --help' for the commands, or a command with --help for its flags.")
		}
	}
	return code
}

// usageError is a command line that cannot be carried out as it stands.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// usagef makes a usageError.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

var (
	// errSaid ends a command that has already said what failed.
	errSaid = errors.New("some of it failed")
	// errPolicy ends a command whose findings are worse than asked for.
	errPolicy = fmt.Errorf("the findings are worse than allowed: %w", errSaid)
)

func exitCode(err error) int {
	_, usage := errors.AsType[usageError](err)
	switch {
	case err == nil:
		return exitOK
	case usage:
		return exitUsage
	case errors.Is(err, errPolicy):
		return exitPolicy
	default:
		return exitFailed
	}
}

// oneLine is err for a person; an interruption needs no more than its name.
func oneLine(ctx context.Context, err error) string {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return "interrupted"
	}
	return clean(err.Error())
}

func rootCommand(t terminal) *cobra.Command {
	root := &cobra.Command{
		Use:           "seaworthy",
		Short:         "Know what is in every container image, and what one action makes it safe",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return flagsFromEnvironment(cmd, os.LookupEnv)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(assessCommand(t), advisoriesCommand(t), versionCommand(t), demoCommand(t))
	return root
}

// noArgs refuses arguments, and a misspelt command with them.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("there is no command %q in %q", clean(args[0]), cmd.CommandPath())
	}
	return nil
}
