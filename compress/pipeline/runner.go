package pipeline

import (
	"time"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
	"onnxcompress/graph/tensor"
)

// Outputs are a model's outputs by name.
type Outputs = map[string]*tensor.Tensor

// Runner executes, compares and times models. A run that needs none of it does
// not call it.
type Runner interface {
	compress.Runner
	// Random makes one batch of random inputs of the given shapes by name.
	Random(ports []dataset.Port, shapes map[string][]int64, seed int64) (compress.Inputs, error)
	// Difference is the largest relative error of any output of got; infinite
	// where they cannot be compared.
	Difference(want, got Outputs) float64
	// Latency is the median duration of a run of each model file, timed in turn.
	Latency(in compress.Inputs, files ...string) ([]time.Duration, error)
}

// Progress is told how far a run is.
type Progress interface {
	// Stage begins a stage and ends the one before.
	Stage(name string)
	// Advance says how much of the stage is done.
	Advance(done, total int)
	// Note tells what the user should know although the run goes on.
	Note(text string)
}

type silent struct{}

func (silent) Stage(string)     {}
func (silent) Advance(int, int) {}
func (silent) Note(string)      {}
