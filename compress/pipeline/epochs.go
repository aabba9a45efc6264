package pipeline

import (
	"context"
	"math/rand/v2"

	"onnxcompress/compress/dataset"
	"onnxcompress/compress/train"
	"onnxcompress/graph/tensor"
)

// epochs is a set as a train.Source: shuffled anew for each epoch.
type epochs struct {
	set         *dataset.Set
	truth       func(dataset.Batch) *tensor.Tensor
	size        int
	seed        uint64
	epoch, step int
	order       []int
}

func newEpochs(set *dataset.Set, truth func(dataset.Batch) *tensor.Tensor, size int, seed int64) *epochs {
	return &epochs{set: set, truth: truth, size: min(size, set.Len()), seed: uint64(seed)}
}

// Steps implements train.Source. What is left of an epoch is left out.
func (e *epochs) Steps() int { return e.set.Len() / e.size }

// Seek implements train.Source.
func (e *epochs) Seek(epoch, step int) error {
	e.epoch, e.step = epoch, step
	e.order = rand.New(rand.NewPCG(e.seed, uint64(epoch))).Perm(e.set.Len())
	return nil
}

// Next implements train.Source.
func (e *epochs) Next(context.Context) (train.Batch, error) {
	if e.step == e.Steps() {
		if err := e.Seek(e.epoch+1, 0); err != nil {
			return train.Batch{}, err
		}
	}
	index := e.order[e.step*e.size:][:e.size]
	e.step++
	b, err := e.set.Read(index)
	if err != nil {
		return train.Batch{}, &Failure{BadInput, err}
	}
	return train.Batch{Inputs: b.Inputs, Truth: e.truth(b), Index: index}, nil
}
