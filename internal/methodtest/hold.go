package methodtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"onnxcompress/compress"
	"onnxcompress/compress/train"
)

// targets that every method must meet: from nothing to nearly all.
var targets = []Target{
	{compress.MACs, 1},
	{compress.MACs, 0.6},
	{compress.MACs, 0.15},
	{compress.Params, 0.4},
	{compress.Sparsity, 0.5},
}

// Hold holds a method, which made makes at its start, to the promises of
// train.Method.
func Hold(t *testing.T, made func() train.Method) {
	t.Run("targets", func(t *testing.T) { holdTargets(t, made) })
	t.Run("short", func(t *testing.T) { holdShort(t, made) })
	t.Run("shrinking", func(t *testing.T) { holdShrinking(t, made) })
	t.Run("resuming", func(t *testing.T) { holdResuming(t, made) })
}

// holdTargets holds that a training ends with the target met, and that what has
// gone stays gone.
func holdTargets(t *testing.T, made func() train.Method) {
	for i, target := range targets {
		task := Task(t, t.TempDir(), made(), target, 5)
		task.Whole = i%2 == 0
		watch(t, task)
		run(t, task)
		if !task.Method.Done() {
			t.Errorf("%+v: not done at the end", target)
		}
		if got := target.reached(task.Net); math.Abs(got-target.Share) > compress.Tolerance {
			t.Errorf("%+v: reached %v", target, got)
		}
		if target.Share == 1 && task.Net.Removed() > 0 {
			t.Errorf("%+v: %d groups have gone", target, task.Net.Removed())
		}
	}
}

// watch holds that groups that have gone are zero, and stay so.
func watch(t *testing.T, task *train.Task) {
	gone := map[int]bool{}
	task.Tell = func(p train.Point) {
		values := task.Net.Values()
		squares := task.Net.Dot(values, values, train.Both)
		for g := range task.Net.Graph.Groups {
			switch {
			case task.Net.Gone(g) && squares[g] != 0:
				t.Errorf("step %d: group %d is gone and not zero", p.Step, g)
			case gone[g] && !task.Net.Gone(g):
				t.Errorf("step %d: group %d is back", p.Step, g)
			}
			gone[g] = task.Net.Gone(g)
		}
	}
}

// holdShort holds that a training of few steps ends well, too.
func holdShort(t *testing.T, made func() train.Method) {
	for steps := 1; steps <= 6; steps++ {
		task := Task(t, t.TempDir(), made(), Target{compress.MACs, 0.5}, 1)
		task.Source = &few{task.Source, steps}
		run(t, task)
		if !task.Method.Done() {
			t.Errorf("%d steps: not done", steps)
		}
		if got := compress.SizeWithout(task.Net.Graph, task.Net.Cut()).MACs * 100 / compress.SizeOf(task.Net.Graph).MACs; got < 47 || got > 52 {
			t.Errorf("%d steps: %d %% of MACs", steps, got)
		}
	}
}

// few is a source of few steps.
type few struct {
	train.Source
	steps int
}

// Steps implements train.Source.
func (f *few) Steps() int { return f.steps }

// holdShrinking holds that the same groups go whether the net shrinks or not.
func holdShrinking(t *testing.T, made func() train.Method) {
	var gone [2][]int
	for i, whole := range []bool{false, true} {
		task := Task(t, t.TempDir(), made(), Target{compress.MACs, 0.3}, 5)
		task.Whole = whole
		run(t, task)
		for g := range task.Net.Graph.Groups {
			if task.Net.Gone(g) {
				gone[i] = append(gone[i], g)
			}
		}
	}
	if !slices.Equal(gone[0], gone[1]) {
		t.Errorf("shrunk without %v\n  whole without %v", gone[0], gone[1])
	}
}

// holdResuming holds that a training that was broken off ends as one that was not.
func holdResuming(t *testing.T, made func() train.Method) {
	target := Target{compress.MACs, 0.3}
	whole := Task(t, t.TempDir(), made(), target, 5)
	run(t, whole)
	want := weights(whole)
	for _, stop := range []int{1, 5, 9, 14, 20, 31} {
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			first := Task(t, dir, made(), target, 5)
			first.Tell = func(p train.Point) {
				if p.Step == stop {
					cancel()
				}
			}
			if _, err := first.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			second := Task(t, dir, made(), target, 5)
			if ok, err := second.Resume(); !ok || err != nil {
				t.Fatalf("resumed %v, %v", ok, err)
			}
			run(t, second)
			if !bytes.Equal(weights(second), want) {
				t.Error("other weights")
			}
		})
	}
}

func run(t *testing.T, task *train.Task) {
	t.Helper()
	if _, err := task.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// weights are all numbers of the compact model.
func weights(task *train.Task) []byte {
	m := task.Net.Model()
	defer m.Close()
	var all []byte
	for _, p := range m.Proto.GetGraph().GetInitializer() {
		all = append(all, p.GetRawData()...)
	}
	return all
}
