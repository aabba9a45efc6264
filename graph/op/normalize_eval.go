package op

import (
	"errors"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// forwardAlong rewrites the lists of elements along an axis, or along several
// as one, in place.
func forwardAlong(axes func(n *Node, rank int) ([]bool, error), rewrite func(n *Node, v []float64)) func(*Node, []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		drop, err := axes(n, in[0].Rank())
		if err != nil {
			return nil, err
		}
		x, err := reals(in[0])
		if err != nil {
			return nil, err
		}
		first, within := places(in[0].Shape, drop)
		list := make([]float64, len(within))
		for _, from := range first {
			if len(within) == 0 {
				break
			}
			for j, step := range within {
				list[j] = x[from+step]
			}
			rewrite(n, list)
			for j, step := range within {
				x[from+step] = list[j]
			}
		}
		return result(&Fact{DType: in[0].DType, Shape: in[0].Shape}, x)
	}
}

// softmaxAxes are the axis, or before opset 13 it and all behind it.
func softmaxAxes(n *Node, rank int) ([]bool, error) {
	matrix, def := n.Version < 13, int64(-1)
	if matrix {
		def = 1
	}
	at := n.Attrs.Int("axis", def)
	if at < 0 {
		at += int64(rank)
	}
	if at < 0 || at > int64(rank) || at == int64(rank) && !matrix && rank > 0 {
		return nil, errors.New("axis is out of range")
	}
	drop := make([]bool, rank)
	for axis := range drop {
		drop[axis] = int64(axis) == at || matrix && int64(axis) > at
	}
	return drop, nil
}

// softmax makes shares of numbers; -Inf has none. Where all are -Inf, none is a
// number.
func softmax(_ *Node, v []float64) {
	top, sum := slices.Max(v), 0.0
	for i, x := range v {
		v[i] = math.Exp(x - top)
		sum += v[i]
	}
	for i := range v {
		v[i] /= sum
	}
}

func logSoftmax(_ *Node, v []float64) {
	total := logOfExps(v)
	for i := range v {
		v[i] -= total
	}
}

// hardmax marks the first of the largest.
func hardmax(_ *Node, v []float64) {
	at := 0
	for i, x := range v {
		if x > v[at] {
			at = i
		}
	}
	clear(v)
	v[at] = 1
}

// lastAxis is the axis of the attribute, the last where it is not given.
func lastAxis(n *Node, rank int) ([]bool, error) {
	axis, err := Axis(n.Attrs.Int("axis", -1), rank)
	if err != nil {
		return nil, err
	}
	return only(axis, rank), nil
}

func lpNormalize(n *Node, v []float64) {
	norm := normOf(v, float64(n.Attrs.Int("p", 2)))
	if norm == 0 {
		return
	}
	for i := range v {
		v[i] /= norm
	}
}

// varianceAxes are those that share mean and variance.
func varianceAxes(n *Node, rank int) ([]bool, error) {
	axes := []int64{0, 2, 3}
	if a, ok := n.Attrs["axes"]; ok {
		axes = a.Ints
	}
	drop := make([]bool, rank)
	for _, a := range axes {
		axis, err := Axis(a, rank)
		if err != nil {
			return nil, err
		}
		drop[axis] = true
	}
	return drop, nil
}

func meanVariance(_ *Node, v []float64) {
	mean, variance := moments(v)
	deviation := math.Sqrt(variance) + 1e-9
	for i := range v {
		v[i] = (v[i] - mean) / deviation
	}
}

// forwardLRN divides by the squares of the neighbours among the channels.
func forwardLRN(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	_, facts, err := settled(n, in, inferLRN)
	if err != nil {
		return nil, err
	}
	x, err := reals(in[0])
	if err != nil {
		return nil, err
	}
	size := n.Attrs.Int("size", 0)
	if size < 1 {
		return nil, errors.New("size is not positive")
	}
	share := float64(n.Attrs.Float("alpha", 1e-4)) / float64(size)
	bias, beta := float64(n.Attrs.Float("bias", 1)), float64(n.Attrs.Float("beta", 0.75))
	count, area := planes(in[0].Shape)
	channels := in[0].Shape[1]
	y, sums := make([]float64, len(x)), make([]float64, area)
	for i := range count {
		c := int64(i) % channels
		clear(sums)
		for k := max(c-(size-1)/2, 0); k <= min(c+size/2, channels-1); k++ {
			for j, v := range x[(i+int(k-c))*area:][:area] {
				sums[j] += v * v
			}
		}
		for j, v := range x[i*area:][:area] {
			y[i*area+j] = v / math.Pow(bias+share*sums[j], beta)
		}
	}
	return result(&facts[0], y)
}
