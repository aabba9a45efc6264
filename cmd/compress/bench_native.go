package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"onnxcompress/compress"
	"onnxcompress/compress/optim"
	"onnxcompress/compress/pipeline"
	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
	"onnxcompress/runtime/loss"
	"onnxcompress/runtime/ort"
)

// timeNative times models in the native engine. It adds to the timings how much
// memory trainings work in.
func (f *benchFlags) timeNative(in compress.Inputs, paths []string, timings []timing) ([]ort.Stats, error) {
	limit, err := f.memoryLimit()
	if err != nil {
		return nil, err
	}
	var runs []func() (time.Duration, error)
	for i, path := range paths {
		m, err := onnx.Load(path)
		if err != nil {
			return nil, err
		}
		defer m.Close()
		var run func() error
		var end func()
		if f.train {
			run, end, timings[i].PlanBytes, err = f.training(m, in, limit)
		} else {
			run, end, err = f.inferring(m, in)
		}
		if err != nil {
			return nil, failed(path, err)
		}
		defer end()
		runs = append(runs, func() (time.Duration, error) {
			begin := time.Now()
			err := run()
			return time.Since(begin), failed(path, err)
		})
	}
	return ort.Time(f.timing, runs...)
}

// memoryLimit is in bytes, 0 where none is given.
func (f *benchFlags) memoryLimit() (int64, error) {
	if f.memory == "" {
		return 0, nil
	}
	t, err := pipeline.ParseTarget(pipeline.Size, f.memory)
	if err != nil || !(t.Amount >= 1 && t.Amount < 1<<62) {
		return 0, usageError{fmt.Errorf("--memory-limit %q: want a number of bytes, as 500MB or 2GiB", f.memory)}
	}
	return int64(t.Amount), nil
}

// failed says of which model an error is, and whose fault: of a model that the
// engine cannot run, of too little memory, or of inputs that do not suit it.
func failed(path string, err error) error {
	var lacking *runtime.Unsupported
	var failure *pipeline.Failure
	var memory *runtime.MemoryError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failure):
		return pipeline.Fail(failure.Kind, "%s: %w", path, err)
	case errors.As(err, &memory):
		return pipeline.Fail(pipeline.BadInput, "%s: %w", path, err)
	case errors.As(err, &lacking), errors.Is(err, runtime.ErrNoDerivative):
		return pipeline.Fail(pipeline.Unsupported, "%s: %w", path, err)
	}
	return pipeline.BadInputs(fmt.Errorf("%s: %w", path, err))
}

// inferring readies runs of a model; end gives them up.
func (f *benchFlags) inferring(m *onnx.Model, in compress.Inputs) (run func() error, end func(), err error) {
	s, err := runtime.Open(m, runtime.Options{Threads: f.threads, Seed: uint64(f.seed)})
	if err != nil {
		return nil, nil, err
	}
	run = func() error { _, err := s.Run(in); return err }
	return run, func() { _ = s.Close() }, nil
}

// training readies steps of a training towards random labels, which work in as
// many bytes of memory as it says.
func (f *benchFlags) training(m *onnx.Model, in compress.Inputs, limit int64) (run func() error, end func(), memory int64, err error) {
	own, err := pass.Trainable(m)
	if err != nil {
		return nil, nil, 0, err
	}
	t, err := runtime.NewTrainer(own, runtime.TrainOptions{Threads: f.threads, Seed: uint64(f.seed), MemoryLimit: limit})
	if err != nil {
		return nil, nil, 0, untrainable(errors.Join(err, own.Close()))
	}
	end = func() { _, _ = t.Close(), own.Close() }
	var inputs []*tensor.Tensor
	for _, name := range t.Inputs() {
		inputs = append(inputs, in[name])
	}
	if err := t.Forward(inputs...); err != nil {
		end()
		return nil, nil, 0, err
	}
	labels, err := f.labels(t.Output().Shape)
	if err != nil {
		end()
		return nil, nil, 0, untrainable(err)
	}
	var of loss.Loss = loss.CrossEntropy{}
	rule := &optim.SGD{LR: 0.01, Momentum: 0.9}
	params := make([]optim.Param, len(t.Variables()))
	return func() error {
		if _, err := t.Gradients(of, labels, inputs...); err != nil {
			return err
		}
		for i, v := range t.Variables() {
			params[i] = optim.Param{Value: v.Value, Grad: v.Grad}
		}
		return rule.Step(params)
	}, end, t.Memory(), nil
}

func untrainable(err error) error { return &pipeline.Failure{Kind: pipeline.Unsupported, Err: err} }

// labels draws a class for each position of an output, whose axis 1 holds the
// classes.
func (f *benchFlags) labels(output []int64) (*tensor.Tensor, error) {
	if len(output) < 2 || output[1] < 1 {
		return nil, fmt.Errorf("the first output, of shape %v, has no classes", output)
	}
	t := tensor.New(tensor.Int64, slices.Delete(slices.Clone(output), 1, 2)...)
	rng := rand.New(rand.NewPCG(uint64(f.seed), 2))
	class := t.Int64s()
	for i := range class {
		class[i] = rng.Int64N(output[1])
	}
	return t, nil
}
