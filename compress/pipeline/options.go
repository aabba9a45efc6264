package pipeline

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"onnxcompress/compress/dataset"
)

// Options are the settings of a run.
type Options struct {
	// Input is the model. Output is where the compact one goes; empty stands
	// for <stem>.compact.onnx beside the input. MaskedOutput, if not empty, is
	// where the original goes with the removed slices set to zero.
	Input, Output, MaskedOutput string
	// Force allows to overwrite outputs. KeepBest writes them although a target
	// or guard is missed. DryRun writes nothing and stops before validation.
	Force, KeepBest, DryRun bool
	// Method is one of Methods.
	Method string
	// Target is what must remain, nil for as little as the guard allows.
	Target *Target
	// NoCompensate keeps the exact values of the weights that stay; NoValidate
	// leaves out the comparison of the models.
	NoCompensate, NoValidate bool
	// RoundTo is the multiple of kept counts, MinKept the share of every family
	// that stays; Keep matches names of nodes and values that must stay whole.
	RoundTo int
	MinKept float64
	Keep    *regexp.Regexp
	// MaxAccuracyDrop is the guard on accuracy, nil for none.
	MaxAccuracyDrop *float64
	// Shapes are whole shapes of inputs by name.
	Shapes map[string][]int64
	// Inputs is an npz of inputs by name. Calib has samples to calibrate on,
	// Data samples with labels, Val samples that are only measured.
	Inputs, Calib, Data, Val string
	// Mean and Std normalise samples, and Pixels says how pictures become
	// inputs; NumSamples limits those to calibrate on.
	Mean, Std  []float64
	Pixels     dataset.Preprocessing
	NumSamples int
	Seed       int64
	// SkipBad leaves out samples that cannot be decoded, and names them.
	SkipBad bool
	// Whole removes nothing but what is unused.
	Whole bool
	// FoldBatchNorm puts BatchNormalization into the weights before it.
	FoldBatchNorm bool
	// Training are the settings of methods that train; NoTrain keeps those that
	// can do without from it. Threads is the number of cores to train on, 0 for
	// all.
	Training Training
	NoTrain  bool
	Threads  int
	// Origin is what the compact model and the report say of where they come
	// from.
	Origin Origin
	// NoLatency leaves out the timing of both models.
	NoLatency bool
}

// The methods of compression.
const (
	Auto      = "auto"
	Magnitude = "magnitude"
	Random    = "random"
	OBS       = "obs"
	DHSPG     = "dhspg"
	HESSO     = "hesso"
	Taylor    = "taylor"
	Uniform   = "uniform"
	Gradual   = "gradual"
	HESSOCRIC = "hesso-cric"
	SCL       = "scl"

	GradualWeights   = "gradual-weights"
	UniformWeights   = "uniform-weights"
	RandomWeights    = "random-weights"
	MagnitudeWeights = "magnitude-weights"
)

// Methods are the names that Options.Method takes.
func Methods() []string { return append([]string{Auto, Magnitude, OBS, Random}, trained...) }

// trained are the methods that choose while they train.
var trained = append([]string{DHSPG, HESSO, HESSOCRIC, Taylor, Uniform, Gradual}, sparse...)

// check fills in what is left open and refuses what does not go together,
// before anything is read.
func (o *Options) check() error {
	if o.Method == "" {
		o.Method = Auto
	}
	known := strings.Join(Methods(), ", ")
	switch {
	case o.Training.Lambda > 0 && (o.Method != SCL || o.Target != nil):
		return Fail(BadInput, "--lambda goes with method scl, in place of a target")
	case o.Training.Lambda > 0 && o.Data != "":
	case slices.Contains(sparse, o.Method) && o.Data != "" && (o.Target == nil || o.Target.Quantity != Sparsity):
		return Fail(BadInput, "method %s makes single weights zero: it needs --target-sparsity", o.Method)
	case slices.Contains(trained, o.Method) && (o.Data == "" || o.Target == nil):
		return Fail(BadInput, "method %s trains: it needs --data and a target", o.Method)
	case !slices.Contains(Methods(), o.Method):
		return Fail(BadInput, "method %q is not known; there are %s", o.Method, known)
	case o.RoundTo < 1:
		return Fail(BadInput, "--round-to %d: must be at least 1", o.RoundTo)
	case o.MinKept < 0 || o.MinKept > 1:
		return Fail(BadInput, "--min-kept %g: want a share", o.MinKept)
	case o.NumSamples < 0:
		return Fail(BadInput, "--num-samples %d: must not be negative", o.NumSamples)
	case o.MaxAccuracyDrop != nil && o.Data == "":
		return Fail(BadInput, "--max-accuracy-drop needs samples with labels: --data")
	}
	if err := o.Training.check(); err != nil {
		return err
	}
	if o.Output == "" {
		o.Output = strings.TrimSuffix(o.Input, filepath.Ext(o.Input)) + ".compact.onnx"
	}
	if o.Training.Checkpoint == "" {
		o.Training.Checkpoint = strings.TrimSuffix(o.Output, filepath.Ext(o.Output)) + ".checkpoint"
	}
	return o.checkOutputs()
}

// checkOutputs refuses outputs that would replace what is not theirs.
func (o *Options) checkOutputs() error {
	for _, out := range []string{o.Output, o.MaskedOutput} {
		if out == "" {
			continue
		}
		if same(o.Input, out) {
			return Fail(BadInput, "%s: the output is the input", out)
		}
		info, err := os.Stat(out)
		switch {
		case err == nil && info.IsDir():
			return Fail(BadInput, "%s: the output is a folder", out)
		case err == nil && !o.Force && !o.DryRun:
			return Fail(BadInput, "%s: exists; --force overwrites it", out)
		}
		if info, err := os.Stat(filepath.Dir(out)); err != nil || !info.IsDir() {
			return Fail(BadInput, "%s: there is no folder %s", out, filepath.Dir(out))
		}
	}
	if o.MaskedOutput != "" && (o.MaskedOutput == o.Output || same(o.MaskedOutput, o.Output)) {
		return Fail(BadInput, "%s: both outputs have this name", o.Output)
	}
	return nil
}

// same reports whether two names are of one file.
func same(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	if errA != nil || errB != nil {
		return filepath.Clean(a) == filepath.Clean(b)
	}
	return os.SameFile(x, y)
}
