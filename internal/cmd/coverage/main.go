// Command coverage writes docs/coverage.md: what can be pruned in each model of
// the zoo, whether the compact model computes what the masked one does, and what
// stands in the way where little can be pruned; and how far the native engine is
// from onnxruntime.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"onnxcompress/internal/engine"
)

func main() {
	out := flag.String("o", filepath.FromSlash("docs/coverage.md"), "file to write")
	library := flag.String("ort-lib", "", "onnxruntime's library")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: coverage [flags] [zip or folder of models]...")
		flag.PrintDefaults()
	}
	flag.Parse()
	sources := flag.Args()
	if len(sources) == 0 {
		sources = []string{"../shared/zoo/dev.zip", "../shared/zoo/real.zip"}
	}
	if err := write(*out, *library, sources); err != nil {
		fmt.Fprintln(os.Stderr, "coverage:", err)
		os.Exit(1)
	}
}

func write(out, library string, sources []string) error {
	scratch, err := os.MkdirTemp("", "coverage-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	models, err := collect(sources, scratch)
	if err != nil {
		return err
	}
	results, err := tryAll(models, library, scratch)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o777); err != nil {
		return err
	}
	return os.WriteFile(out, []byte(report(results)), 0o666)
}

// tryAll tries the models, as many at once as there are processors.
func tryAll(models []model, library, scratch string) ([]result, error) {
	results := make([]result, len(models))
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	var done atomic.Int32
	for i, m := range models {
		workers.Go(func() error {
			dir, err := os.MkdirTemp(scratch, "work-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			// One thread each keeps sums, and so the figures, the same.
			t := trial{model: m, dir: dir, engine: engine.New(context.Background(), library, 1, note)}
			results[i] = t.run()
			fmt.Fprintf(os.Stderr, "%d of %d: %s: %s\n", done.Add(1), len(models), m.name, results[i].verdict())
			return nil
		})
	}
	return results, workers.Wait()
}

func note(text string) { fmt.Fprintln(os.Stderr, text) }
