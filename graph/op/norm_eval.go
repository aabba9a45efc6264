package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// moments are the mean and the variance of numbers, the variance by a second
// pass so that it does not cancel.
func moments(v []float64) (mean, variance float64) {
	mean = meanOf(v)
	for _, x := range v {
		variance += (x - mean) * (x - mean)
	}
	return mean, variance / float64(len(v))
}

func epsilon(n *Node) float64 { return float64(n.Attrs.Float("epsilon", 1e-5)) }

// batchNorm is a node with the numbers of its inputs; each statistic belongs to
// an element index of a sample divided by share.
type batchNorm struct {
	x, scale, shift, mean, variance []float64
	share                           int
}

// trains reports whether a node takes statistics from its batch: by attribute
// since opset 14, by asking for them before.
func trains(n *Node) bool {
	if n.Version >= 14 {
		return n.Attrs.Int("training_mode", 0) != 0
	}
	return n.Outputs > 1
}

func forwardBatchNorm(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	_, facts, err := settled(n, in, inferBatchNorm)
	if err != nil {
		return nil, err
	}
	lists, err := allReals(in)
	if err != nil {
		return nil, err
	}
	if len(lists) < 5 {
		return nil, errors.New("needs scale, shift, mean and variance")
	}
	count := int64(len(lists[1]))
	for _, list := range lists[1:5] {
		if list == nil || int64(len(list)) != count {
			return nil, errors.New("scale, shift, mean and variance differ in length")
		}
	}
	b := &batchNorm{lists[0], lists[1], lists[2], lists[3], lists[4], 1}
	if len(b.x) > 0 {
		sample := len(b.x) / int(in[0].Shape[0])
		if in[0].Rank() < 2 {
			sample = 1
		}
		b.share = sample / len(b.scale)
	}
	y := make([]float64, len(b.x))
	if !trains(n) {
		b.apply(n, y, b.mean, b.variance)
		return result(&facts[0], y)
	}
	return b.train(n, facts, y)
}

// channel is the statistic that element i belongs to.
func (b *batchNorm) channel(i int) int { return i / b.share % len(b.scale) }

func (b *batchNorm) apply(n *Node, y, mean, variance []float64) {
	if len(y) == 0 {
		return
	}
	factors := make([]float64, len(variance))
	for c, v := range variance {
		factors[c] = b.scale[c] / math.Sqrt(v+epsilon(n))
	}
	for at := 0; at < len(y); at += b.share {
		c := b.channel(at)
		for i, x := range b.x[at : at+b.share] {
			y[at+i] = (x-mean[c])*factors[c] + b.shift[c]
		}
	}
}

// train normalises by the statistics of the batch and gives the running ones
// that follow, and before opset 14 those of the batch as well.
func (b *batchNorm) train(n *Node, facts []Fact, y []float64) ([]*tensor.Tensor, error) {
	if len(y) == 0 {
		return nil, errors.New("an empty batch has no statistics")
	}
	count := len(b.scale)
	groups := make([][]float64, count)
	for i, x := range b.x {
		groups[b.channel(i)] = append(groups[b.channel(i)], x)
	}
	mean, variance := make([]float64, count), make([]float64, count)
	for c, v := range groups {
		mean[c], variance[c] = moments(v)
	}
	b.apply(n, y, mean, variance)
	momentum := float64(n.Attrs.Float("momentum", 0.9))
	running := func(old, now []float64) []float64 {
		v := make([]float64, count)
		for c := range v {
			v[c] = old[c]*momentum + now[c]*(1-momentum)
		}
		return v
	}
	all := [][]float64{y, running(b.mean, mean), running(b.variance, variance), mean, variance}
	return results(facts[:min(len(facts), len(all))], all)
}

// results are the outputs of a node, with the types and shapes of facts.
func results(facts []Fact, lists [][]float64) ([]*tensor.Tensor, error) {
	out := make([]*tensor.Tensor, len(facts))
	for o := range facts {
		if int64(len(lists[o])) != product(facts[o].Shape) {
			return nil, fmt.Errorf("output %d has not shape %v", o, facts[o].Shape)
		}
		t, err := rounded(facts[o].DType, facts[o].Shape, lists[o])
		if err != nil {
			return nil, err
		}
		out[o] = t
	}
	return out, nil
}

// eachChannel makes a group of every channel.
func eachChannel(_ *Node, channels int64) int64 { return channels }

func groupCount(n *Node, _ int64) int64 { return n.Attrs.Int("num_groups", 1) }

// forwardGroups normalises the channels of each sample in groups.
func forwardGroups(groupsOf func(n *Node, channels int64) int64) func(*Node, []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		shape := in[0].Shape
		if len(shape) < 2 || len(in) < 3 {
			return nil, errors.New("needs batch and channels, scale and shift")
		}
		groups := groupsOf(n, shape[1])
		if groups < 1 || shape[1]%groups != 0 {
			return nil, fmt.Errorf("%d channels do not divide into %d groups", shape[1], groups)
		}
		lists, err := allReals(in)
		if err != nil {
			return nil, err
		}
		x, scale, shift := lists[0], lists[1], lists[2]
		count, size := planes(shape)
		y, each := make([]float64, len(x)), int(shape[1]/groups)
		if len(scale) != len(shift) || len(scale) == 0 || int(shape[1])%len(scale) != 0 {
			return nil, errors.New("scale and shift do not fit the channels")
		}
		share := int(shape[1]) / len(scale)
		for from := 0; from < count && size > 0; from += each {
			mean, variance := moments(x[from*size : (from+each)*size])
			factor := 1 / math.Sqrt(variance+epsilon(n))
			for c := from; c < from+each; c++ {
				k := c % int(shape[1]) / share
				for i, v := range x[c*size : (c+1)*size] {
					y[c*size+i] = (v-mean)*factor*scale[k] + shift[k]
				}
			}
		}
		return result(&Fact{DType: in[0].DType, Shape: shape}, y)
	}
}

func forwardLayerNorm(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	seen, facts, err := settled(n, in, inferLayerNorm)
	if err != nil {
		return nil, err
	}
	first, err := firstNormalised(seen)
	if err != nil {
		return nil, err
	}
	x, err := reals(in[0])
	if err != nil {
		return nil, err
	}
	y, size := make([]float64, len(x)), max(int(product(in[0].Shape[first:])), 1)
	mean, inverse := []float64{}, []float64{}
	for at := 0; at < len(x); at += size {
		m, variance := moments(x[at : at+size])
		factor := 1 / math.Sqrt(variance+epsilon(n))
		for i, v := range x[at : at+size] {
			y[at+i] = (v - m) * factor
		}
		mean, inverse = append(mean, m), append(inverse, factor)
	}
	if err := scaleAndShift(y, in); err != nil {
		return nil, err
	}
	return results(facts[:min(len(facts), 3)], [][]float64{y, mean, inverse})
}

func forwardRMSNorm(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	first, err := firstNormalised(given(n, in))
	if err != nil {
		return nil, err
	}
	x, err := reals(in[0])
	if err != nil {
		return nil, err
	}
	y, size := make([]float64, len(x)), max(int(product(in[0].Shape[first:])), 1)
	for at := 0; at < len(x); at += size {
		factor := 1 / math.Sqrt(sumOfSquares(x[at:at+size])/float64(size)+epsilon(n))
		for i, v := range x[at : at+size] {
			y[at+i] = v * factor
		}
	}
	if err := scaleAndShift(y, in); err != nil {
		return nil, err
	}
	return result(&Fact{DType: in[0].DType, Shape: in[0].Shape}, y)
}

// scaleAndShift multiplies y, of the shape of input 0, by input 1 and adds input 2
// where there is one; both broadcast.
func scaleAndShift(y []float64, in []*tensor.Tensor) error {
	for slot := 1; slot < min(len(in), 3); slot++ {
		if in[slot] == nil {
			continue
		}
		v, err := reals(in[slot])
		if err != nil {
			return err
		}
		if shape, err := Broadcast(in[0].Shape, in[slot].Shape); err != nil || !slices.Equal(shape, in[0].Shape) {
			return fmt.Errorf("shape %v does not broadcast to %v", in[slot].Shape, in[0].Shape)
		}
		walk := newWalk(in[slot:slot+1], in[0].Shape)
		for i := range y {
			if slot == 1 {
				y[i] *= v[walk.at[0]]
			} else {
				y[i] += v[walk.at[0]]
			}
			walk.next()
		}
	}
	return nil
}
