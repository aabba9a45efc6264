package loss

import (
	"errors"
	"math"

	"onnxcompress/graph/tensor"
)

// MSE is the mean squared error over all elements; the target is a Float32
// tensor of pred's shape.
type MSE struct{}

// L1 is the mean absolute error over all elements; the target is a Float32
// tensor of pred's shape. Where both agree the gradient is zero.
type L1 struct{}

// BCE is the binary cross-entropy of logits, a mean over all elements; the
// target is a Float32 tensor of pred's shape that holds probabilities.
type BCE struct{}

// Value implements Loss.
func (MSE) Value(pred, target *tensor.Tensor, grad []float32) (float64, error) {
	return mean(pred, target, grad, squared)
}

// Value implements Loss.
func (L1) Value(pred, target *tensor.Tensor, grad []float32) (float64, error) {
	return mean(pred, target, grad, absolute)
}

// Value implements Loss.
func (BCE) Value(pred, target *tensor.Tensor, grad []float32) (float64, error) {
	return mean(pred, target, grad, binary)
}

// mean is the mean of a loss that judges each element alone.
func mean(pred, target *tensor.Tensor, grad []float32, point func(x, t float64) (value, slope float64)) (float64, error) {
	if err := checkPair(pred, target, grad); err != nil {
		return 0, err
	}
	xs, ts := pred.Float32s(), target.Float32s()
	if len(xs) == 0 {
		return 0, errors.New("predictions are empty")
	}
	var sum float64
	n := float64(len(xs))
	for i, x := range xs {
		value, slope := point(float64(x), float64(ts[i]))
		sum += value
		if grad != nil {
			grad[i] = float32(slope / n)
		}
	}
	return sum / n, nil
}

func squared(x, t float64) (value, slope float64) {
	d := x - t
	return d * d, 2 * d
}

func absolute(x, t float64) (value, slope float64) {
	switch d := x - t; {
	case d > 0:
		return d, 1
	case d < 0:
		return -d, -1
	default: // zero, or not a number
		return d, d
	}
}

// binary writes both the loss and its slope in terms of exp(-|x|), which never
// overflows.
func binary(x, t float64) (value, slope float64) {
	e := math.Exp(-math.Abs(x))
	p := 1 / (1 + e)
	if x < 0 {
		p = e / (1 + e)
	}
	return max(x, 0) - x*t + math.Log1p(e), p - t
}
