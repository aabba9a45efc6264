package pipeline

import (
	"context"
	"fmt"
	"strings"

	"onnxcompress/compress/dataset"
	"onnxcompress/compress/train"
	"onnxcompress/graph/tensor"
)

// epochs is a set as a train.Source: shuffled anew for each epoch. What is left
// of an epoch is left out.
type epochs struct {
	*dataset.Loader
	truth func(dataset.Batch) *tensor.Tensor
}

// seenOften is how often pictures are seen before it pays to change them: a model
// that sees them seldom does not learn them by heart, and learns slower what is
// moved, from a teacher that must be asked anew.
const seenOften = 20

// source goes through the training data in batches of the training's size.
func (t *training) source() (*epochs, error) {
	a, err := dataset.ParseAugment(t.Training.Augment)
	if err != nil {
		return nil, Fail(BadInput, "--%w", err)
	}
	if a.Auto && t.Training.Epochs < seenOften && t.set.Enlarged() == 0 {
		a = dataset.Augment{}
	}
	l, err := dataset.NewLoader(t.set, dataset.LoaderOptions{
		Batch: t.Training.BatchSize, Seed: t.Seed, Workers: t.Threads, Augment: a, DropLast: true,
	})
	if err != nil {
		return nil, Fail(BadInput, "%s: %w", t.Data, err)
	}
	if changes := l.Augment(); changes != "none" {
		t.note("pictures are changed as they are seen: " + changes)
	}
	return &epochs{l, t.truth}, nil
}

// tellFirst tells what the inputs of the first batch are like.
func (t *training) tellFirst(ctx context.Context, e *epochs) error {
	b, err := e.Loader.Next(ctx)
	if err != nil {
		return &Failure{BadInput, err}
	}
	for _, m := range dataset.Statistics(b) {
		t.note(fmt.Sprintf("the first batch: %v", m))
		t.report.Data = strings.TrimPrefix(fmt.Sprintf("%s; %v", t.report.Data, m), "; ")
	}
	return e.Seek(0, 0)
}

// Next implements train.Source.
func (e *epochs) Next(ctx context.Context) (train.Batch, error) {
	b, err := e.Loader.Next(ctx)
	if err != nil {
		if ctx.Err() == nil {
			err = &Failure{BadInput, err}
		}
		return train.Batch{}, err
	}
	batch := train.Batch{Inputs: b.Inputs, Truth: e.truth(b)}
	if e.Augment() == "none" {
		batch.Index = b.Index
	}
	return batch, nil
}
