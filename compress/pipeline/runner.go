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
	// Train says how training fares, after every step.
	Train(s TrainStatus)
	// Note tells what the user should know although the run goes on.
	Note(text string)
}

// TrainStatus is how far training is. Epochs that are done have been measured,
// too: the status in which Epoch rises has the Held of that epoch.
type TrainStatus struct {
	// Epoch of Epochs and Step of Steps are done; Step counts through all epochs.
	Epoch, Epochs, Step, Steps int
	Loss                       float64
	// Held is how good the net was on what is held back when that was last
	// measured, nil before; Judged says what it is a share of.
	Held   *float64
	Judged string
	// MACs is the share of the original's that is left.
	MACs float64
	// Left is the time that is left, 0 where it is not known.
	Left time.Duration
}

type silent struct{}

func (silent) Stage(string)      {}
func (silent) Advance(int, int)  {}
func (silent) Train(TrainStatus) {}
func (silent) Note(string)       {}
