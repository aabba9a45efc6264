package sparsify_test

import (
	"testing"

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
