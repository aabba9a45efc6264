package engine

import (
	"math/rand/v2"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
	"onnxcompress/compress/pipeline"
	"onnxcompress/runtime/ort"
)

// yardstick is how models are fed and compared, whatever runs them.
type yardstick struct{}

// Random implements pipeline.Runner.
func (yardstick) Random(ports []dataset.Port, shapes map[string][]int64, seed int64) (compress.Inputs, error) {
	return dataset.Random(ports, shapes, rand.New(rand.NewPCG(uint64(seed), 0)))
}

// Difference implements pipeline.Runner.
func (yardstick) Difference(want, got pipeline.Outputs) float64 {
	worst := 0.0
	for name, t := range want {
		worst = max(worst, ort.CompareTensors(name, t, got[name]).RelError)
	}
	return worst
}
