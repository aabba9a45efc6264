package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
	// fresh runs what is there already, too; done are the commands that have run
	// meanwhile.
	fresh bool
	done  map[string]bool
	log   io.Writer
}

// want runs a trial unless it is in the store.
func (b *bench) want(ctx context.Context, t trial) error {
	if _, ok := b.store.get(t.command()); ok && (!b.fresh || b.done[t.command()]) {
		return nil
	}
	return b.run(ctx, t)
}

// run runs a trial and keeps what it says.
func (b *bench) run(ctx context.Context, t trial) error {
	if err := b.ready(ctx, t); err != nil {
		return err
	}
	r, err := b.measure(ctx, t)
	if err != nil {
		return err
	}
	b.done[t.command()] = true
	return b.store.add(r)
}

// ready makes what a trial begins with. Models that other trials leave are made
// again where their files are gone.
func (b *bench) ready(ctx context.Context, t trial) error {
	if err := os.MkdirAll(filepath.FromSlash(t.folder), 0o777); err != nil {
		return err
	}
	for _, f := range append(b.suite.data, t.input(t.seed)) {
		if of := f.of; of != nil {
			_, gone := os.Stat(of.output())
			if gone != nil && b.done[of.command()] {
				return gone
			}
			if gone != nil {
				if err := b.run(ctx, *of); err != nil {
					return fmt.Errorf("%s: %w", of.title(), err)
				}
			}
			if f.make != nil && newer(of.output(), f.path) {
				if err := os.Remove(f.path); err != nil {
					return err
				}
			}
		}
		if err := f.ensure(); err != nil {
			return err
		}
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
