package baseline_test

import (
	"testing"

	"onnxcompress/compress"
	"onnxcompress/compress/baseline"
	"onnxcompress/compress/train"
	"onnxcompress/internal/methodtest"
)

// TestMethods holds every baseline to what methods promise.
func TestMethods(t *testing.T) {
	for name, made := range map[string]func() train.Method{
		"magnitude": func() train.Method { return baseline.NewOnce(baseline.Rating{By: baseline.Magnitude}) },
		"taylor": func() train.Method {
			return baseline.NewOnce(baseline.Rating{By: baseline.Taylor, Batches: 12, PerCost: true})
		},
		"random":  func() train.Method { return baseline.NewOnce(baseline.Rating{By: baseline.Random, Seed: 1}) },
		"uniform": func() train.Method { return baseline.NewOnce(baseline.Rating{By: baseline.Uniform}) },
		"gradual magnitude": func() train.Method {
			return baseline.NewGradual(baseline.Rating{By: baseline.Magnitude}, baseline.UsualRamp())
		},
		"gradual taylor": func() train.Method {
			return baseline.NewGradual(baseline.Rating{By: baseline.Taylor, Batches: 3}, baseline.UsualRamp())
		},
	} {
		t.Run(name, func(t *testing.T) { methodtest.Hold(t, made) })
	}
}

// TestUniform holds that every family loses the same share.
func TestUniform(t *testing.T) {
	for _, share := range []float64{0.25, 0.5, 0.75} {
		task := methodtest.Task(t, t.TempDir(), baseline.NewOnce(baseline.Rating{By: baseline.Uniform}), methodtest.Target{Measure: compress.Sparsity, Share: share}, 1)
		if _, err := task.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, f := range task.Net.Graph.Families {
			gone := 0
			for _, g := range f.Groups {
				if task.Net.Gone(g) {
					gone++
				}
			}
			if got := float64(gone) / float64(len(f.Groups)); got < share-0.1 || got > share+0.1 {
				t.Errorf("family %d of %d lost %v, want %v", i, len(f.Groups), got, share)
			}
		}
	}
}
