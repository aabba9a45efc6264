package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// newBench is one in an empty folder, on two seeds of an experiment, one that
// fails, and one that begins with what the first leaves.
func newBench(t *testing.T) *bench {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv(standIn, "1")
	if err := os.WriteFile("a.onnx", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	s := &suite{folder: "out"}
	m := subject{name: "a", epochs: 3, seeds: 2, input: shipped("a.onnx")}
	first := s.add(1, m, automatic, 0.5)
	m.seeds = 1
	s.add(1, m, "broken", 0.5, "--fail")
	m.input = left(first)
	s.add(1, m, "second", 0.25)
	return &bench{suite: s, store: reopen(t), program: program, machine: "here", tried: map[string]error{}, log: io.Discard}
}

func reopen(t *testing.T) *store {
	t.Helper()
	s, err := openStore("kept.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// again is a bench as a new process would have it.
func (b *bench) again(t *testing.T) *bench {
	next := *b
	next.store, next.tried = reopen(t), map[string]error{}
	return &next
}

func TestResume(t *testing.T) {
	b := newBench(t)
	all := b.suite.trials()
	whole := []string{"a.onnx 0", "a.onnx 1", "out/a-auto-50-seed-0.onnx 0"}
	if err := b.all(context.Background(), all[:1], "page.md"); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		b = b.again(t)
		err := b.all(context.Background(), all, "page.md")
		if err == nil || err.Error() != "1 of 4 rows failed" {
			t.Errorf("pass %d: %v", i, err)
		}
		if got := ran(t); !slices.Equal(got, whole) {
			t.Errorf("pass %d: ran %q, want %q", i, got, whole)
		}
	}
	if _, ok := b.store.get(all[2].command()); ok {
		t.Error("a row that failed is kept")
	}
	if err := b.tried[all[2].command()]; err == nil || !strings.Contains(err.Error(), "as it was told") {
		t.Errorf("a row that failed says %v", err)
	}
	r, ok := b.store.get(all[0].command())
	if !ok || r.Machine != "here" || r.Wall <= 0 || strings.Contains(string(r.Report), "pinned") {
		t.Errorf("kept %+v", r)
	}
	if page, err := os.ReadFile("page.md"); err != nil || !strings.Contains(string(page), "Rows: 3 of 4") {
		t.Errorf("page: %v\n%s", err, page)
	}
}

func TestFresh(t *testing.T) {
	b := newBench(t)
	two := b.suite.trials()[:2]
	for _, fresh := range []bool{false, true, false} {
		b = b.again(t)
		b.fresh = fresh
		if err := b.all(context.Background(), two, "page.md"); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(ran(t)); got != 4 {
		t.Errorf("ran %d, want 4", got)
	}
	if got := len(reopen(t).lines); got != 2 {
		t.Errorf("keeps %d lines, want 2", got)
	}
}

// TestNeeds runs a row whose beginning is not there, and one whose beginning fails.
func TestNeeds(t *testing.T) {
	b := newBench(t)
	all := b.suite.trials()
	second := all[3]
	if err := b.want(context.Background(), second); err != nil {
		t.Fatal(err)
	}
	if got, want := ran(t), []string{"a.onnx 0", "out/a-auto-50-seed-0.onnx 0"}; !slices.Equal(got, want) {
		t.Errorf("ran %q, want %q", got, want)
	}
	if err := os.Remove(all[0].output()); err != nil {
		t.Fatal(err)
	}
	b = b.again(t)
	b.fresh = true
	if err := b.want(context.Background(), second); err != nil {
		t.Fatal(err)
	}
	if got := len(ran(t)); got != 4 {
		t.Errorf("ran %d, want 4: the beginning was gone", got)
	}
	orphan := *second.experiment
	orphan.input = func(int) file { return file{path: all[2].output(), of: &all[2]} }
	if err := b.want(context.Background(), trial{&orphan, 0}); err == nil || !strings.Contains(err.Error(), "begins with") {
		t.Errorf("a row without beginning says %v", err)
	}
}

// TestRemade makes a file anew when what it is made of is younger.
func TestRemade(t *testing.T) {
	b := newBench(t)
	of := b.suite.trials()[0]
	made := 0
	e := &experiment{section: 2, model: "a", way: "alone", left: 1, seeds: 1, folder: "out"}
	e.input = func(int) file {
		return file{path: filepath.Join("out", "start", "b.onnx"), of: &of, make: func(path string) error {
			made++
			return os.WriteFile(path, nil, 0o666)
		}}
	}
	for _, want := range []int{1, 1, 2} {
		if want == 2 {
			if err := os.Chtimes(e.input(0).path, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
		}
		b = b.again(t)
		b.fresh = true
		if err := b.want(context.Background(), trial{e, 0}); err != nil {
			t.Fatal(err)
		}
		if made != want {
			t.Errorf("made %d times, want %d", made, want)
		}
	}
}

func TestInterrupted(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.all(ctx, b.suite.trials(), "page.md"); err != context.Canceled {
		t.Errorf("says %v", err)
	}
	if got := len(reopen(t).lines); got != 0 {
		t.Errorf("keeps %d rows", got)
	}
}

func TestStoreRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kept.jsonl")
	if err := os.WriteFile(path, []byte("{\"command\": \"a\"}\n{\"comm"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := openStore(path); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("a broken line says %v", err)
	}
}
