package train

import (
	"context"
	"fmt"

	"onnxcompress/graph/tensor"
)

// Batch is what one step is made of.
type Batch struct {
	// Inputs are those of the model by name, the first axis counting samples.
	Inputs map[string]*tensor.Tensor
	// Truth holds the classes of the samples, or the numbers to be met; nil for
	// samples without.
	Truth *tensor.Tensor
	// Index numbers the samples; nil where they are not the same each time.
	Index []int
}

// InOrder are the inputs of those names, in their order.
func (b Batch) InOrder(names []string) ([]*tensor.Tensor, error) {
	list := make([]*tensor.Tensor, len(names))
	for i, name := range names {
		if list[i] = b.Inputs[name]; list[i] == nil {
			return nil, fmt.Errorf("the data has no input %s", name)
		}
	}
	return list, nil
}

// Source gives batches, epoch after epoch, the same ones for the same seed.
type Source interface {
	// Steps is the number of batches of an epoch.
	Steps() int
	// Next is the next batch, valid until the next call.
	Next(ctx context.Context) (Batch, error)
	// Seek goes on with a step of an epoch.
	Seek(epoch, step int) error
}
