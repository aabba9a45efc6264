// Command compress makes trained ONNX models smaller: it cuts out whole
// channels, heads and hidden units, and has onnxruntime agree with the result.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"onnxcompress/compress/pipeline"
	"onnxcompress/onnx"
	"onnxcompress/runtime/ort"
)

const (
	exitInternal    = 1
	exitUsage       = int(pipeline.BadInput)
	exitInterrupted = 130
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole command; it returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The second signal ends the program at once.
	context.AfterFunc(ctx, stop)
	verbose := false
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(stderr, "compress: internal error: %v\n", p)
			if verbose {
				_, _ = stderr.Write(debug.Stack())
			}
			code = exitInternal
		}
	}()
	root := newRoot(&verbose)
	root.Annotations = map[string]string{commandLine: joined(args)}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetArgs(withValues(args))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	code = exitCode(ctx, err)
	if code == exitInterrupted {
		err = errors.New("interrupted")
	}
	fmt.Fprintf(stderr, "compress: %s\n", onnx.OneLine(err))
	return code
}

// exitCode is the number that tells scripts how a command ended.
func exitCode(ctx context.Context, err error) int {
	var failure *pipeline.Failure
	var usage usageError
	switch {
	case errors.Is(err, ort.ErrLibrary):
		return exitInternal
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return exitInterrupted
	case errors.As(err, &failure):
		return int(failure.Kind)
	case errors.As(err, &usage), errors.Is(err, onnx.ErrInvalid):
		return exitUsage
	}
	return exitInternal
}

// usageError is wrong use of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// withValues lets --json stand without a file where no file can follow: it is
// standard output then.
func withValues(args []string) []string {
	var out []string
	for i, a := range args {
		if a == "--json" && (i+1 == len(args) || len(args[i+1]) > 1 && strings.HasPrefix(args[i+1], "-")) {
			a = "--json=-"
		}
		out = append(out, a)
	}
	return out
}
