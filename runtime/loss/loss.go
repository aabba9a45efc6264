// Package loss measures how far predictions are from their targets, and which
// way each prediction would have to move. Values and gradients are PyTorch's
// under its default reduction, a mean; sums are taken in float64, and logits of
// any finite size are safe. What is not a number stays so.
package loss

import (
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// Loss is one way to judge predictions.
type Loss interface {
	// Value is the loss of pred, a Float32 tensor with the batch on axis 0,
	// against target. Where grad is not nil it has one place for each element
	// of pred and is overwritten with the gradient. Types, shapes or classes
	// that do not fit are an error, and leave grad unspecified. Nothing is
	// allocated, and a Loss may be used by several goroutines at once.
	Value(pred, target *tensor.Tensor, grad []float32) (float64, error)
}

// checkPred says why pred cannot be judged, or grad not hold its gradient.
func checkPred(pred *tensor.Tensor, grad []float32) error {
	switch {
	case pred.DType != tensor.Float32:
		return fmt.Errorf("predictions are %v, want %v", pred.DType, tensor.Float32)
	case grad != nil && len(grad) != pred.Len():
		return fmt.Errorf("gradient has %d elements, want %d", len(grad), pred.Len())
	}
	return nil
}

// checkPair is checkPred, and says why target is not a tensor of pred's type
// and shape.
func checkPair(pred, target *tensor.Tensor, grad []float32) error {
	switch err := checkPred(pred, grad); {
	case err != nil:
		return err
	case target.DType != tensor.Float32:
		return fmt.Errorf("target is %v, want %v", target.DType, tensor.Float32)
	case !slices.Equal(target.Shape, pred.Shape):
		return fmt.Errorf("target has shape %v, want %v", target.Shape, pred.Shape)
	}
	return nil
}
