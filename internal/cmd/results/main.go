// Command results writes docs/results.md: the accuracy of the trained models in
// ../shared/models at 90, 75, 50 and 25 % of their MACs, after compression with
// calibration data, with none, and by slicing alone.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"onnxcompress/internal/engine"
)

func main() {
	shared := flag.String("shared", "../shared", "folder of models and data")
	out := flag.String("out", "docs/results.md", "file to write")
	only := flag.String("models", "", "models to measure, separated by commas; all if not given")
	flag.Parse()
	if err := run(context.Background(), *shared, *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "results:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, shared, out, only string) error {
	models, err := readModels(shared)
	if err != nil {
		return err
	}
	peers, err := readPeers(filepath.Join(shared, "models", "peers.json"))
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "results-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	b := &bench{engine: engine.New(ctx, "", 0, func(s string) { fmt.Fprintln(os.Stderr, s) }), scratch: scratch, tests: map[string]*test{}}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	page, err := readPage(out)
	if err != nil {
		return err
	}
	for _, m := range models {
		if only != "" && !strings.Contains(","+only+",", ","+m.name+",") {
			continue
		}
		fmt.Fprintln(os.Stderr, m.name)
		rows, err := b.measure(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		page.model(m, rows, peers)
		if err := os.WriteFile(out, []byte(page.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
