package op

import (
	"errors"

	"onnxcompress/runtime/kernel"
)

// normalizeRows relate the elements along an axis to each other. Those with
// trained scales are in a file of their own.
var normalizeRows = map[string]*Spec{
	"Softmax":                   strict(Spec{Infer: inferLike, Links: linkSoftmax, Dead: deadFinite, Forward: forwardAlong(softmaxAxes, softmax), Compile: compileRowwise(rowwise{kernel.Softmax, kernel.SoftmaxGrad}), Shares: sharesLast, Layout: layoutAlike}),
	"LogSoftmax":                strict(Spec{Infer: inferLike, Links: linkSoftmax, Dead: deadFinite, Forward: forwardAlong(softmaxAxes, logSoftmax), Compile: compileRowwise(rowwise{kernel.LogSoftmax, kernel.LogSoftmaxGrad}), Layout: layoutAlike}),
	"Hardmax":                   strict(Spec{Infer: inferLike, Links: linkSoftmax, Dead: deadFinite, Forward: forwardAlong(softmaxAxes, hardmax), Compile: compileHardmax}),
	"LpNormalization":           strict(Spec{Infer: inferLike, Links: linkLpNormalization, Dead: deadIfZero, Forward: forwardAlong(lastAxis, lpNormalize), Compile: compileLpNormalization, Layout: layoutAlike}),
	"MeanVarianceNormalization": strict(Spec{Infer: inferLike, Links: linkMeanVariance, Dead: deadMeanVariance, Forward: forwardAlong(varianceAxes, meanVariance), Compile: compileMeanVariance, Layout: layoutAlike}),
	"LRN":                       strict(Spec{Infer: inferLRN, Links: linkLRN, Dead: deadIfZero, Forward: forwardLRN, Compile: compileLRN, Layout: layoutAlike}),
}

const normalizes = "normalises over this axis"

// pinBoth keeps an axis of input 0 and of output 0.
func pinBoth(l *Linker, axis int, reason string) {
	l.Pin(In(0, axis), reason)
	l.Pin(Out(0, axis), reason)
}

// linkSoftmax keeps the axis that is normalised over. Before opset 13 the
// input is a matrix that is divided at the axis, and all its columns are; an
// axis behind the last leaves a matrix of one column.
func linkSoftmax(n *Node, l *Linker) {
	rank, matrix, def := n.In[0].Rank(), n.Version < 13, int64(-1)
	if matrix {
		def = 1
	}
	at := n.Attrs.Int("axis", def)
	if at < 0 {
		at += int64(rank)
	}
	for axis := range rank {
		if int64(axis) == at || matrix && int64(axis) > at {
			pinBoth(l, axis, normalizes)
		} else {
			l.Same(In(0, axis), Out(0, axis))
		}
	}
}

// deadFinite is for operators that answer any finite input with finite
// numbers which say nothing.
func deadFinite(_ *Node, _, _ int, in []State) State { return in[0].Join(Varying) }

// linkLpNormalization ties every axis: a zero adds nothing to the norm and
// stays zero, so that channels of the axis may go where they hold zero.
func linkLpNormalization(n *Node, l *Linker) {
	axis, err := Axis(n.Attrs.Int("axis", -1), n.In[0].Rank())
	if err != nil {
		return
	}
	for a := range n.In[0].Shape {
		l.Same(In(0, a), Out(0, a))
	}
	l.Reduce(In(0, axis))
}

// linkMeanVariance keeps the axes that share mean and variance.
func linkMeanVariance(n *Node, l *Linker) {
	rank := n.In[0].Rank()
	axes := []int64{0, 2, 3}
	if a, ok := n.Attrs["axes"]; ok {
		axes = a.Ints
	}
	over := make([]bool, rank)
	for _, a := range axes {
		axis, err := Axis(a, rank)
		if err != nil {
			l.Silence = normalizes
			return
		}
		over[axis] = true
	}
	for axis := range rank {
		if over[axis] {
			pinBoth(l, axis, normalizes)
		} else {
			l.Same(In(0, axis), Out(0, axis))
		}
	}
}

// deadMeanVariance: runtimes divide by the deviation of a constant, which is
// nothing but rounding.
func deadMeanVariance(_ *Node, _, _ int, in []State) State {
	if _, constant := in[0].Number(); constant {
		return Bad
	}
	return in[0]
}

func inferLRN(n *Node) ([]Fact, error) {
	if shape, ok := n.Shape(0); ok && len(shape) < 2 {
		return nil, errors.New("needs batch and channels")
	}
	return likeFirst(n), nil
}

func linkLRN(n *Node, l *Linker) {
	for axis := range n.In[0].Shape {
		if axis == 1 {
			pinBoth(l, axis, "divides by the neighbours along this axis")
		} else {
			l.Same(In(0, axis), Out(0, axis))
		}
	}
}
