// Command untrained writes docs/untrained.md: the accuracy of the trained models in
// ../shared/models at 90, 75, 50 and 25 % of their MACs, after compression with
// calibration data, with none, and by slicing alone.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"onnxcompress/internal/engine"
	"onnxcompress/internal/trained"
)

func main() {
	shared := flag.String("shared", "../shared", "folder of models and data")
	out := flag.String("out", "docs/untrained.md", "file to write")
	only := flag.String("models", "", "models to measure, separated by commas; all if not given")
	flag.Parse()
	if err := run(context.Background(), *shared, *out, *only); err != nil {
		fmt.Fprintln(os.Stderr, "untrained:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, shared, out, only string) error {
	models, err := trained.Models(shared)
	if err != nil {
		return err
	}
	peers, err := trained.Peers(shared)
	if err != nil {
		return err
	}
	peers = slices.DeleteFunc(peers, func(p trained.Peer) bool { return !strings.HasPrefix(p.Method, "onnxsim") })
	scratch, err := os.MkdirTemp("", "untrained-")
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
		if only != "" && !strings.Contains(","+only+",", ","+m.Name+",") {
			continue
		}
		fmt.Fprintln(os.Stderr, m.Name)
		rows, err := b.measure(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		page.model(m, rows, peers)
		if err := os.WriteFile(out, []byte(page.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
