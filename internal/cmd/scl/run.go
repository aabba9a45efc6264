package main

import (
	"context"
	"errors"
	"time"

	"onnxcompress/compress"
	"onnxcompress/compress/connection"
	"onnxcompress/compress/dataset"
	"onnxcompress/compress/optim"
	"onnxcompress/compress/train"
	"onnxcompress/runtime"
	"onnxcompress/runtime/loss"
)

// rate is the highest of the training.
const rate = 0.1

// result is what a run ends with.
type result struct {
	accuracy float64
	count    connection.Count
	// dense are the MACs of the compact model, and removed the groups it lacks.
	dense, removed int64
	seconds        float64
}

// trial is one training from the beginning.
type trial struct {
	method train.Method
	seed   uint64
	epochs int
	learn  *dataset.Set
	judge  *dataset.Set
}

func (t trial) run(ctx context.Context) (r result, err error) {
	m, err := untrained(t.seed)
	if err != nil {
		return r, err
	}
	own, err := train.Prepare(m, train.Preparation{Threads: 1})
	if err = errors.Join(err, m.Close()); err != nil {
		return r, err
	}
	n, err := train.NewNet(own, nil, runtime.TrainOptions{Threads: 1, Seed: t.seed})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	source := &shuffled{set: t.learn, seed: t.seed}
	task := &train.Task{
		Net: n, Method: t.method, Source: source, Objective: &train.Objective{Truth: loss.CrossEntropy{}},
		Optimiser: &optim.SGD{Momentum: 0.9}, Rate: rate, Schedule: optim.Cosine{Steps: t.epochs * source.Steps()},
		Epochs: t.epochs,
	}
	begin := time.Now()
	if _, err := task.Run(ctx); err != nil {
		return r, err
	}
	r.seconds = time.Since(begin).Seconds()
	if r.accuracy, err = accuracy(n, t.judge); err != nil {
		return r, err
	}
	r.count, r.removed = connection.Of(n), int64(n.Removed())
	r.dense = compress.SizeWithout(n.Graph, n.Cut()).MACs
	return r, nil
}
