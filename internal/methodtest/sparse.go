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
	"onnxcompress/compress/connection"
	"onnxcompress/compress/train"
)

// HoldSparse holds a method that masks single connections, which made makes at its
// start for a sparsity, to the promises of train.Method.
func HoldSparse(t *testing.T, made func(sparsity float64) train.Method) {
	t.Run("targets", func(t *testing.T) { holdSparsities(t, made) })
	t.Run("short", func(t *testing.T) { holdShortly(t, made) })
	t.Run("resuming", func(t *testing.T) { holdResumed(t, made) })
}

// unaimed is the target of trainings whose methods have one of their own.
var unaimed = Target{compress.MACs, 1}

// holdSparsities holds that exactly as many connections are left as the sparsity
// says, whether the net shrinks or not, and that what is masked stays so once the
// method is done.
func holdSparsities(t *testing.T, made func(float64) train.Method) {
	for _, sparsity := range []float64{0.3, 0.97} {
		for _, whole := range []bool{false, true} {
			task := Task(t, t.TempDir(), made(sparsity), unaimed, 5)
			task.Whole = whole
			var zeros [][]bool
			task.Tell = func(p train.Point) {
				if whole && task.Method.Done() {
					now := zero(task.Net.Values())
					if zeros != nil && !slices.EqualFunc(zeros, now, slices.Equal) {
						t.Errorf("%v: other weights are zero after step %d", sparsity, p.Step)
					}
					zeros = now
				}
			}
			run(t, task)
			if !task.Method.Done() {
				t.Errorf("%v: not done at the end", sparsity)
			}
			c := connection.Of(task.Net)
			if want := int(math.Round((1 - sparsity) * float64(c.Total))); c.Live != want {
				t.Errorf("%v, whole %v: %d of %d connections, want %d", sparsity, whole, c.Live, c.Total, want)
			}
		}
	}
}

// zero tells which numbers are.
func zero(values train.Arrays) [][]bool {
	list := make([][]bool, len(values))
	for i, v := range values {
		for _, x := range v {
			list[i] = append(list[i], x == 0)
		}
	}
	return list
}

// holdShortly holds that a training of few steps ends well, too.
func holdShortly(t *testing.T, made func(float64) train.Method) {
	for steps := 1; steps <= 5; steps++ {
		task := Task(t, t.TempDir(), made(0.8), unaimed, 1)
		task.Source = &few{task.Source, steps}
		run(t, task)
		if c := connection.Of(task.Net); math.Abs(c.Sparsity()-0.8) > 1e-3 {
			t.Errorf("%d steps: sparsity %v", steps, c.Sparsity())
		}
	}
}

// holdResumed holds that a training that was broken off ends as one that was not.
func holdResumed(t *testing.T, made func(float64) train.Method) {
	whole := Task(t, t.TempDir(), made(0.97), unaimed, 5)
	run(t, whole)
	want := weights(whole)
	for _, stop := range []int{1, 18, 31} {
		t.Run(fmt.Sprint(stop), func(t *testing.T) {
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			first := Task(t, dir, made(0.97), unaimed, 5)
			first.Tell = func(p train.Point) {
				if p.Step == stop {
					cancel()
				}
			}
			if _, err := first.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			second := Task(t, dir, made(0.97), unaimed, 5)
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
