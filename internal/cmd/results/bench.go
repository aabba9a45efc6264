package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// bench runs trials and keeps what they come to.
type bench struct {
	suite   *suite
	store   *store
	program string
	machine string
	// fresh runs what is there already, too; tried are the commands that have run
	// meanwhile, with what came of it.
	fresh bool
	tried map[string]error
	log   io.Writer
}

// want runs a trial unless it is in the store.
func (b *bench) want(ctx context.Context, t trial) error {
	if _, ok := b.store.get(t.command()); ok && !b.fresh {
		return nil
	}
	return b.run(ctx, t)
}

// run runs a trial, once, and keeps what it says.
func (b *bench) run(ctx context.Context, t trial) error {
	if err, ok := b.tried[t.command()]; ok {
		return err
	}
	err := b.ready(ctx, t)
	if err == nil {
		var r record
		if r, err = b.measure(ctx, t); err == nil {
			err = b.store.add(r)
		}
	}
	b.tried[t.command()] = err
	return err
}

// ready makes what a trial begins with. Models that other trials leave are made
// again where their files are gone.
func (b *bench) ready(ctx context.Context, t trial) error {
	if err := os.MkdirAll(filepath.FromSlash(t.folder), 0o777); err != nil {
		return err
	}
	for _, f := range append(slices.Clone(b.suite.data), t.input(t.seed)) {
		if err := b.left(ctx, f); err != nil {
			return err
		}
		if err := f.ensure(); err != nil {
			return err
		}
	}
	return nil
}

// left sees to what a file is made of, where that is what a trial leaves. The file
// itself goes if it is older.
func (b *bench) left(ctx context.Context, f file) error {
	if f.of == nil {
		return nil
	}
	source := f.of.output()
	if _, gone := os.Stat(source); gone != nil {
		if err := b.run(ctx, *f.of); err != nil {
			return fmt.Errorf("begins with %s: %w", source, err)
		}
	}
	if f.make != nil && newer(source, f.path) {
		return os.Remove(f.path)
	}
	return nil
}

// newer reports whether both files are there and the first is younger.
func newer(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && x.ModTime().After(y.ModTime())
}

// measure runs the program. What it tells goes to a file beside its output.
func (b *bench) measure(ctx context.Context, t trial) (record, error) {
	none := record{}
	told, err := os.Create(t.stem() + ".log")
	if err != nil {
		return none, err
	}
	defer told.Close()
	for _, stale := range []string{t.report(), t.stem() + ".checkpoint"} {
		if err := os.RemoveAll(stale); err != nil {
			return none, err
		}
	}
	c := exec.CommandContext(ctx, b.program, t.words()...)
	c.Stdout, c.Stderr = told, told
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = time.Minute
	started := time.Now()
	err = c.Run()
	wall := time.Since(started).Seconds()
	if ctx.Err() != nil {
		return none, ctx.Err()
	}
	if err != nil {
		return none, fmt.Errorf("%w: %s (%s)", err, lastLine(told.Name()), told.Name())
	}
	text, err := os.ReadFile(t.report())
	if err != nil {
		return none, err
	}
	report, err := shorten(text)
	if err != nil {
		return none, fmt.Errorf("%s: %w", t.report(), err)
	}
	return record{t.command(), t.seed, wall, b.machine, report}, nil
}

// shorten takes from a report what no page shows: the axes that stay.
func shorten(text []byte) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	delete(all, "pinned")
	delete(all, "unsupported")
	return json.Marshal(all)
}

func lastLine(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
