// Command results writes docs/results.md: what becomes of the trained models in
// ../shared when they are compressed and trained, next to what other tools make of
// them. Each row is a command of the program; those that have run are kept in
// docs/results.jsonl and not run again, so that it can be stopped at any time.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"

	"onnxcompress/internal/machine"
)

// options are the flags.
type options struct {
	shared, compress, only      string
	quick, fresh, list, prepare bool
}

func main() {
	var o options
	flag.StringVar(&o.shared, "shared", "../shared", "folder of models and data")
	flag.StringVar(&o.compress, "compress", filepath.FromSlash("bin/compress"), "the compress command")
	flag.StringVar(&o.only, "only", "", "regular expression: commands to run; all if not given")
	flag.BoolVar(&o.quick, "quick", false, "the quick form: docs/results-quick.md")
	flag.BoolVar(&o.fresh, "fresh", false, "run again what has been run")
	flag.BoolVar(&o.list, "list", false, "list the commands and run nothing")
	flag.BoolVar(&o.prepare, "prepare", false, "make the models and data that commands begin with, as far as that takes no run of another")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "results:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	s, err := newSuite(o.shared, o.quick)
	if err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	stem := filepath.FromSlash("docs/results")
	if o.quick {
		stem += "-quick"
	}
	kept, err := openStore(stem + ".jsonl")
	if err != nil {
		return err
	}
	b := &bench{
		suite: s, store: kept, program: o.compress, fresh: o.fresh, tried: map[string]error{}, log: os.Stderr,
		machine: fmt.Sprintf("%s, %d cores", machine.Processor(), runtime.NumCPU()),
	}
	var chosen []trial
	for _, t := range s.trials() {
		if only.MatchString(t.command()) {
			chosen = append(chosen, t)
		}
	}
	switch {
	case o.list:
		return b.list(chosen)
	case o.prepare:
		return b.prepare(chosen)
	}
	return b.all(ctx, chosen, stem+".md")
}

// list prints the commands, marking those that have run.
func (b *bench) list(trials []trial) error {
	for _, t := range trials {
		mark := " "
		if _, ok := b.store.get(t.command()); ok {
			mark = "*"
		}
		fmt.Printf("%s %d %s\n", mark, t.section, t.command())
	}
	return nil
}

// prepare makes what trials begin with.
func (b *bench) prepare(trials []trial) error {
	files := b.suite.data
	for _, t := range trials {
		f := t.input(t.seed)
		if f.of != nil {
			if _, err := os.Stat(f.of.output()); err != nil {
				continue
			}
		}
		files = append(files, f)
	}
	for _, f := range files {
		if err := f.ensure(); err != nil {
			return err
		}
	}
	return nil
}

// all runs trials and writes the page after each. One that fails does not keep the
// others from running.
func (b *bench) all(ctx context.Context, trials []trial, page string) error {
	if err := b.write(page); err != nil {
		return err
	}
	failed := 0
	for i, t := range trials {
		err := b.want(ctx, t)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed++
			fmt.Fprintf(b.log, "%d of %d: %s: %v\n", i+1, len(trials), t.title(), err)
			continue
		}
		r, _ := b.store.get(t.command())
		fmt.Fprintf(b.log, "%d of %d: %s: %.0f s\n", i+1, len(trials), t.title(), r.Wall)
		if err := b.write(page); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d rows failed", failed, len(trials))
	}
	return nil
}

// write writes the page as far as it goes.
func (b *bench) write(page string) error {
	text, err := b.suite.page(b.store)
	if err != nil {
		return err
	}
	return replace(page, []byte(text))
}
