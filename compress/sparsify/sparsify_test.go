package sparsify_test

import (
	"testing"

	"onnxcompress/compress"
	"onnxcompress/compress/sparsify"
	"onnxcompress/compress/train"
	"onnxcompress/internal/methodtest"
)

// TestMethod holds every way to run the method to what methods promise.
func TestMethod(t *testing.T) {
	for name, options := range map[string]func(sparsity float64) sparsify.Options{
		"gradual": func(x float64) sparsify.Options { return sparsify.Gradually(sparsify.Magnitude, x) },
		"at once": func(x float64) sparsify.Options { return sparsify.Once(sparsify.Magnitude, x, 0) },
		"uniform": func(x float64) sparsify.Options { return sparsify.Once(sparsify.Uniform, x, 0.5) },
		"random":  func(x float64) sparsify.Options { return sparsify.Gradually(sparsify.Random, x) },
	} {
		t.Run(name, func(t *testing.T) {
			methodtest.HoldSparse(t, func(sparsity float64) train.Method { return sparsify.New(options(sparsity)) })
		})
	}
}

// TestDrawn holds that what was drawn by chance is carried no longer than it is of use.
func TestDrawn(t *testing.T) {
	for _, at := range []float64{0, 0.5} {
		m := sparsify.New(sparsify.Once(sparsify.Random, 0.5, at))
		task := methodtest.Task(t, t.TempDir(), m, methodtest.Target{Measure: compress.MACs, Share: 1}, 1)
		task.Tell = func(p train.Point) {
			if _, carried := m.Carried()["drawn"]; carried == m.Done() {
				t.Errorf("step %d: done %v, scores carried %v", p.Step, m.Done(), carried)
			}
		}
		if _, err := task.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
