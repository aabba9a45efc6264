package op

import (
	"errors"
	"slices"

	"onnxcompress/graph/tensor"
)

const takesLoss = "takes a loss over this axis"

// miscRows are operators without relatives.
var miscRows = map[string]*Spec{
	"NonMaxSuppression":         {Infer: inferNonMaxSuppression, Links: silent("selects boxes"), Forward: forwardNonMaxSuppression},
	"NegativeLogLikelihoodLoss": {Infer: inferLoss, Links: silent(takesLoss), Forward: forwardLikelihoodLoss, Compile: compileLoss(false)},
	"SoftmaxCrossEntropyLoss":   {Infer: inferLoss, Links: silent(takesLoss), Forward: forwardCrossEntropyLoss, Compile: compileLoss(true)},
	"TensorScatter":             strict(Spec{Infer: inferTensorScatter, Links: linkTensorScatter, Dead: deadTensorScatter, Forward: forwardTensorScatter, Compile: compileTensorScatter}),
	"CausalConvWithState":       strictMany(Spec{Infer: inferCausalConv, Links: linkCausalConv, Dead: deadCausalConv, Forward: forwardCausalConv, Compile: compileCausalConv}),
}

func inferNonMaxSuppression(n *Node) ([]Fact, error) {
	return []Fact{Of(tensor.Int64, n.Fresh(), 3)}, nil
}

func inferLoss(n *Node) ([]Fact, error) {
	loss, scores := Of(n.DType(0)), likeFirst(n)[0]
	if n.Attrs.Str("reduction", "mean") == "none" {
		shape, ok := n.Shape(1)
		loss = Fact{DType: n.DType(0), Known: ok, Shape: shape}
	}
	return []Fact{loss, scores}, nil
}

func inferTensorScatter(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	update, okUpdate := n.Shape(1)
	if !ok || !okUpdate {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	if at, ok := n.Shape(2); len(update) != len(shape) || ok && len(at) != 1 {
		return nil, errors.New("the update does not fit what it is written to")
	}
	return likeFirst(n), nil
}

// linkTensorScatter ties all axes but that of the positions written to.
func linkTensorScatter(n *Node, l *Linker) {
	l.Silence = "writes to positions of this axis"
	rank := n.In[0].Rank()
	along, err := Axis(n.Attrs.Int("axis", -2), rank)
	if err != nil {
		return
	}
	for axis := range rank {
		if axis == along {
			continue
		}
		for slot := range 2 {
			l.Same(In(slot, axis), Out(0, axis))
		}
	}
	if n.Has(2) && along != 0 {
		l.Same(In(2, 0), Out(0, 0))
	}
}

func deadTensorScatter(_ *Node, _, _ int, in []State) State { return in[0].Join(in[1]) }

func inferCausalConv(n *Node) ([]Fact, error) {
	x, ok := n.Shape(0)
	w, okW := n.Shape(1)
	if !ok || !okW {
		return []Fact{Unknown(n.DType(0)), Unknown(n.DType(0))}, nil
	}
	if len(x) != 3 || len(w) != 3 || w[0] != x[1] || w[2] < 1 {
		return nil, errors.New("the weight is not one kernel for each channel")
	}
	for slot, rank := range map[int]int{2: 1, 3: 3} {
		if extra, ok := n.Shape(slot); ok && len(extra) != rank {
			return nil, errors.New("bias or state have another rank")
		}
	}
	state := slices.Clone(x)
	state[2] = w[2] - 1
	return []Fact{Of(n.DType(0), x...), Of(n.DType(0), state...)}, nil
}

// linkCausalConv ties each channel to its own kernel, bias and state.
func linkCausalConv(n *Node, l *Linker) {
	l.Silence = slides
	for o, out := range n.Out {
		if out == nil {
			continue
		}
		l.Same(In(0, 0), Out(o, 0))
		l.Same(In(0, 1), Out(o, 1))
		l.Same(In(1, 0), Out(o, 1))
		if n.Has(2) {
			l.Same(In(2, 0), Out(o, 1))
		}
		if n.Has(3) {
			l.Same(In(3, 0), Out(o, 0))
			l.Same(In(3, 1), Out(o, 1))
		}
	}
}

// deadCausalConv: the output has no part in kernels that are zero, the state
// passes the input on.
func deadCausalConv(n *Node, out, axis int, in []State) State {
	switch {
	case axis == 1 && out == 0 && in[1] == Zero && (!n.Has(2) || in[2] == Zero):
		return Zero
	case axis == 1 && out == 1 && in[0] == Zero && (!n.Has(3) || in[3] == Zero):
		return Zero
	}
	return Varying
}
