package pipeline

import (
	"context"

	"onnxcompress/compress/dataset"
	"onnxcompress/compress/train"
	"onnxcompress/graph/tensor"
)

// epochs is a loader as a train.Source.
type epochs struct {
	*dataset.Loader
	truth func(dataset.Batch) *tensor.Tensor
}

// Next implements train.Source. Samples that are changed at random have no
// number: what is known of one is not true of it the next time.
func (e epochs) Next(ctx context.Context) (train.Batch, error) {
	b, err := e.Loader.Next(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return train.Batch{}, err
	case err != nil:
		return train.Batch{}, &Failure{BadInput, err}
	}
	batch := train.Batch{Inputs: b.Inputs, Truth: e.truth(b)}
	if !e.Changes() {
		batch.Index = b.Index
	}
	return batch, nil
}
