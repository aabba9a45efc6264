package dataset

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
)

func TestSkipBad(t *testing.T) {
	files := map[string][]byte{
		"a/1.png": pngOf(1, 1, red), "a/2.png": []byte("text"), "b/3.png": pngOf(1, 1, blue),
		"b/4.png": pngOf(1, 1, grey5)[:40], "b/5.png": pngOf(1, 1, grey5),
	}
	o := Options{Inputs: port("x", tensor.Float32, -1, 3, 1, 1), SkipBad: true}
	dir := writeTree(t, t.TempDir(), files)
	values := []float64{1, 0, 0, 0, 0, 1, 0, 0, 1, .2, .2, .2, .2, .2, .2}
	both := []string{"a/2.png", "b/4.png"}
	s := open1(t, dir, o)
	if got := s.Skipped(); len(got) > 0 {
		t.Errorf("skipped %v before anything was read", got)
	}
	wantBatch(t, s, o.Inputs[0], []int64{5, 3, 1, 1}, values, []int64{0, 1, 1, 1, 1})
	if !slices.Equal(s.Skipped(), both) {
		t.Errorf("skipped %v", s.Skipped())
	}
	// What stands in does not depend on what was found to be bad before.
	again := open1(t, dir, o)
	for _, i := range []int{3, 1} {
		a, _, errA := s.Batch([]int{i})
		b, _, errB := again.Batch([]int{i})
		if errA != nil || errB != nil || !slices.Equal(a["x"].Data, b["x"].Data) {
			t.Errorf("sample %d is %v (%v) and %v (%v)", i, a, errA, b, errB)
		}
	}
	good, err := open1(t, dir, o).Verified(context.Background())
	if err != nil || !slices.Equal(good.Skipped(), both) {
		t.Fatal(err, good.Skipped())
	}
	wantBatch(t, good, o.Inputs[0], []int64{3, 3, 1, 1}, slices.Concat(values[:6], values[12:]), []int64{0, 1, 1})

	o.SkipBad = false
	s = open1(t, dir, o)
	_, _, errBatch := s.Batch([]int{0, 1})
	_, errAll := s.Verified(context.Background())
	for _, err := range []error{errBatch, errAll} {
		if err == nil || !strings.Contains(err.Error(), dir+": a/2.png: ") {
			t.Errorf("error %v", err)
		}
	}
}

func TestMostlyBad(t *testing.T) {
	dir := writeTree(t, t.TempDir(), map[string][]byte{"1.png": []byte("text"), "2.png": []byte("text"), "3.png": pngOf(1, 1, red)})
	o := Options{Inputs: port("x", tensor.Float32, -1, 3, 1, 1), SkipBad: true}
	if _, _, err := open1(t, dir, o).Batch([]int{0}); err == nil || !strings.Contains(err.Error(), "more than half") {
		t.Error(err)
	}
	dir = writeTree(t, t.TempDir(), map[string][]byte{"1.png": []byte("text")})
	s := open1(t, dir, o)
	if _, err := s.Verified(context.Background()); err == nil || !strings.Contains(err.Error(), "none of 1 samples") {
		t.Error(err)
	}
	if _, _, err := s.Batch([]int{0}); err == nil {
		t.Error("a batch of none")
	}
}

func TestSkipBadLines(t *testing.T) {
	in := port("x", tensor.Float32, -1, 2)
	for name, c := range map[string]struct {
		text    string
		skipped []string
	}{
		"x.csv":   {"a,b,label\n1,2,0\n1,oops,1\n1,2\n3,4,1\n\"5,6,1\n", []string{"x.csv line 3", "x.csv line 4", "x.csv line 6"}},
		"x.jsonl": {"{\"x\": [1, 2], \"y\": 0}\nnonsense\n{\"x\": [3], \"y\": 1}\n{\"x\": [3, 4], \"y\": 1}\n", []string{"x.jsonl line 2", "x.jsonl line 3"}},
	} {
		s := open1(t, writeFile(t, filepath.Join(t.TempDir(), name), []byte(c.text)), Options{Inputs: in, SkipBad: true})
		wantBatch(t, s, in[0], []int64{2, 2}, []float64{1, 2, 3, 4}, []int64{0, 1})
		if !slices.Equal(s.Skipped(), c.skipped) {
			t.Errorf("skipped %v", s.Skipped())
		}
	}
	b := &bad{}
	for range maxNamed + 3 {
		b.leave("x")
	}
	if got := (&Set{bad: b}).Skipped(); len(got) != maxNamed+1 || got[maxNamed] != "and 3 more" {
		t.Errorf("%d names, the last %q", len(got), got[len(got)-1])
	}
}
