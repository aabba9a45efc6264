package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// normRows normalise by statistics, stored or taken from the data.
var normRows = map[string]*Spec{
	"BatchNormalization":    guarded(Spec{Normalises: true, Infer: inferBatchNorm, Affine: affineBatchNorm, Links: linkBatchNorm, Dead: deadAffine, Follow: []int{3, 4}, Running: []int{3, 4}, Compile: compileBatchNorm, Tails: tailsBatchNorm, Layout: layoutBatchNorm, Forward: forwardBatchNorm}),
	"InstanceNormalization": guarded(Spec{Normalises: true, Infer: inferFirst, Links: linkInstanceNorm, Dead: deadInstanceNorm, Forward: forwardGroups(eachChannel), Compile: compileGroups(eachChannel), Layout: layoutAlike}),
	"GroupNormalization":    guarded(Spec{Normalises: true, Infer: inferFirst, Links: linkGroupNorm, Dead: deadInstanceNorm, Narrow: narrowGroupNorm, Forward: forwardGroups(groupCount), Compile: compileGroups(groupCount), Layout: layoutAlike}),
	"LayerNormalization":    guarded(Spec{Normalises: true, Infer: inferLayerNorm, Links: linkLayerNorm, Dead: deadLayerNorm, Compile: compileLayerNorm, Forward: forwardLayerNorm}),
	"RMSNormalization":      guarded(Spec{Normalises: true, Infer: inferFirst, Links: linkRMSNorm, Dead: deadRMSNorm, Narrow: narrowRMSNorm, Forward: forwardRMSNorm, Compile: compileRMSNorm}),
}

const normalises = "normalises over this axis"

func inferFirst(n *Node) ([]Fact, error) { return likeFirst(n), nil }

func inferBatchNorm(n *Node) ([]Fact, error) {
	facts := likeFirst(n)
	x, ok := n.Shape(0)
	if ok && len(x) < 1 {
		return nil, errors.New("data has no axes")
	}
	for range max(n.Outputs, 1) - 1 {
		f := Unknown(n.DType(0))
		if s, ok := n.Shape(1); ok {
			f = Of(n.DType(1), s...)
		}
		facts = append(facts, f)
	}
	if s, known := n.Shape(1); ok && known && !perElement(n, x, s) && (len(s) != 1 || s[0] != channelsOf(x)) {
		return nil, fmt.Errorf("scale of shape %v for data of shape %v", s, x)
	}
	return facts, nil
}

// perElement reports that the statistics are those of every element of a
// sample, as opsets before 9 can ask for.
func perElement(n *Node, x, scale []int64) bool {
	return n.Version < 9 && n.Attrs.Int("spatial", 1) == 0 && len(x) > 1 && slices.Equal(scale, x[1:])
}

// channelsOf is the size of axis 1, one where there is none.
func channelsOf(x []int64) int64 {
	if len(x) < 2 {
		return 1
	}
	return x[1]
}

func linkBatchNorm(n *Node, l *Linker) {
	if n.Attrs.Int("training_mode", 0) != 0 || n.Version < 9 && n.Attrs.Int("spatial", 1) == 0 {
		l.Silence = normalises
		return
	}
	for axis := range n.In[0].Shape {
		l.Same(In(0, axis), Out(0, axis))
	}
	if n.In[0].Rank() < 2 {
		return
	}
	for slot := 1; slot < len(n.In); slot++ {
		l.Same(In(slot, 0), Out(0, 1))
	}
	for o := 1; o < len(n.Out); o++ {
		if n.Out[o] != nil {
			l.Same(Out(o, 0), Out(0, 1))
		}
	}
}

// deadAffine: a scale and a shift that are both zero make zero of anything.
func deadAffine(_ *Node, _, _ int, in []State) State {
	switch {
	case in[0] == Bad:
		return Bad
	case in[1] == Zero:
		return in[2]
	}
	return Varying
}

func linkInstanceNorm(n *Node, l *Linker) {
	l.Silence = normalises
	for axis := range min(2, n.In[0].Rank()) {
		l.Same(In(0, axis), Out(0, axis))
	}
	if n.In[0].Rank() > 1 {
		l.Same(In(1, 0), Out(0, 1))
		l.Same(In(2, 0), Out(0, 1))
	}
}

// deadInstanceNorm: a channel that holds one number has no deviation, and what
// is left is the shift.
func deadInstanceNorm(n *Node, _, _ int, in []State) State {
	if _, ok := in[0].Number(); ok && n.Attrs.Float("epsilon", 1e-5) > 0 {
		return in[2]
	}
	if n.Attrs.Float("epsilon", 1e-5) <= 0 {
		return Bad
	}
	return deadAffine(n, 0, 0, in)
}

func linkGroupNorm(n *Node, l *Linker) {
	l.Silence = normalises
	x, groups := n.In[0], n.Attrs.Int("num_groups", 1)
	if x.Rank() < 2 || groups < 1 || x.Shape[1]%groups != 0 {
		return
	}
	l.Same(In(0, 0), Out(0, 0))
	each := x.Shape[1] / groups
	linkGroups(l, groups, each, In(0, 1), Out(0, 1))
	if each > 1 {
		l.PinDigit(In(0, 1), 1, each, "normalises over the channels of a group")
	}
	for slot := 1; slot < len(n.In); slot++ {
		if n.Version >= 21 {
			linkGroups(l, groups, each, In(slot, 0), Out(0, 1))
		} else {
			l.Digits(In(slot, 0), 1, Out(0, 1), each, groups)
		}
	}
}

func narrowGroupNorm(n *Node, c *Cut) error {
	groups := n.Attrs.Int("num_groups", 1)
	if n.In[0].Rank() < 2 || n.In[0].Shape[1] == 0 {
		return nil
	}
	c.SetInt("num_groups", c.Size(In(0, 1))*groups/n.In[0].Shape[1])
	return nil
}

// firstNormalised is the axis from which on statistics are taken.
func firstNormalised(n *Node) (int, error) {
	return Axis(n.Attrs.Int("axis", -1), n.In[0].Rank())
}

func inferLayerNorm(n *Node) ([]Fact, error) {
	facts := likeFirst(n)
	stash := tensor.DType(n.Attrs.Int("stash_type", int64(tensor.Float32)))
	for range max(n.Outputs, 1) - 1 {
		f := Unknown(stash)
		if facts[0].Known {
			first, err := firstNormalised(n)
			if err != nil {
				return nil, err
			}
			f = Of(stash, slices.Clone(facts[0].Shape)...)
			for axis := first; axis < len(f.Shape); axis++ {
				f.Shape[axis] = 1
			}
		}
		facts = append(facts, f)
	}
	return facts, nil
}

func linkLayerNorm(n *Node, l *Linker) {
	l.Silence = normalises
	first, err := firstNormalised(n)
	if err != nil {
		return
	}
	for axis := range first {
		for o := range n.Out {
			if n.Out[o] != nil {
				l.Same(In(0, axis), Out(o, axis))
			}
		}
	}
}

func deadLayerNorm(n *Node, _, _ int, in []State) State {
	if in[0] == Bad || n.Attrs.Float("epsilon", 1e-5) <= 0 {
		return Bad
	}
	return Varying
}

// linkRMSNorm: zeros add nothing to the sum of squares, so that only its divisor
// has to be put right.
func linkRMSNorm(n *Node, l *Linker) {
	l.Silence = normalises
	first, err := firstNormalised(n)
	if err != nil {
		return
	}
	for axis := range n.In[0].Shape {
		l.Same(In(0, axis), Out(0, axis))
		if axis >= first {
			l.Reduce(In(0, axis))
		}
	}
	linkOperand(n, l, 1)
}

func deadRMSNorm(n *Node, _, _ int, in []State) State {
	switch {
	case in[0] == Bad || n.Attrs.Float("epsilon", 1e-5) <= 0:
		return Bad
	case in[0] == Zero || in[1] == Zero:
		return Zero
	}
	return Varying
}

// narrowRMSNorm: with K of C channels left mean_C = (K/C)·mean_K, so that
// x/√(mean_C+ε) = √(C/K)·x/√(mean_K+ε·C/K).
func narrowRMSNorm(n *Node, c *Cut) error {
	first, err := firstNormalised(n)
	if err != nil {
		return err
	}
	ratio := 1.0
	for axis := first; axis < n.In[0].Rank(); axis++ {
		ratio *= float64(n.In[0].Shape[axis]) / float64(c.Size(In(0, axis)))
	}
	if ratio == 1 {
		return nil
	}
	c.Factors[0] = math.Sqrt(ratio)
	c.Attrs["epsilon"] = Attr{Float: float32(float64(n.Attrs.Float("epsilon", 1e-5)) * ratio)}
	return nil
}
