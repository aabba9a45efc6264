package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// forwardLikelihoodLoss reads scores that are logarithms of likelihoods.
func forwardLikelihoodLoss(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	x, err := reals(in[0])
	if err != nil {
		return nil, err
	}
	t, err := lossOf(n, in, x)
	return []*tensor.Tensor{t}, err
}

// forwardCrossEntropyLoss takes the logarithms of the shares first, and gives
// them as well.
func forwardCrossEntropyLoss(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if in[0].Rank() < 2 {
		return nil, errors.New("scores have batch and classes")
	}
	x, err := reals(in[0])
	if err != nil {
		return nil, err
	}
	first, within := places(in[0].Shape, only(1, in[0].Rank()))
	list := make([]float64, len(within))
	for _, from := range first {
		for k, step := range within {
			list[k] = x[from+step]
		}
		total := logOfExps(list)
		for _, step := range within {
			x[from+step] -= total
		}
	}
	loss, err := lossOf(n, in, x)
	if err != nil {
		return nil, err
	}
	scores, err := rounded(in[0].DType, in[0].Shape, x)
	return []*tensor.Tensor{loss, scores}, err
}

// lossOf is the loss for logarithms of likelihoods [batch, classes, ...].
func lossOf(n *Node, in []*tensor.Tensor, x []float64) (*tensor.Tensor, error) {
	shape := in[0].Shape
	if len(shape) < 2 || len(in) < 2 || !slices.Equal(in[1].Shape, slices.Concat(shape[:1], shape[2:])) {
		return nil, errors.New("the classes do not fit the scores")
	}
	classes := in[1].AsInt64s()
	weights, err := reals(operand(in, 2))
	if err != nil {
		return nil, err
	}
	if err := holds(weights, shape[1], "the weight"); err != nil {
		return nil, err
	}
	ignored, ignores := n.Attrs["ignore_index"]
	area := int(product(shape[2:]))
	loss, total, sum := make([]float64, len(classes)), 0.0, 0.0
	for i, class := range classes {
		if ignores && class == ignored.Int {
			continue
		}
		if class < 0 || class >= shape[1] {
			return nil, fmt.Errorf("there is no class %d", class)
		}
		weight := 1.0
		if weights != nil {
			weight = weights[class]
		}
		loss[i] = -weight * x[(i/area*int(shape[1])+int(class))*area+i%area]
		total, sum = total+weight, sum+loss[i]
	}
	switch reduction := n.Attrs.Str("reduction", "mean"); reduction {
	case "none":
		return rounded(in[0].DType, in[1].Shape, loss)
	case "sum":
		return rounded(in[0].DType, nil, []float64{sum})
	case "mean":
		return rounded(in[0].DType, nil, []float64{sum / total})
	default:
		return nil, fmt.Errorf("reduction %q is not one of a loss", reduction)
	}
}
