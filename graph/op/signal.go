package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// signalRows are transforms of signals and what belongs to them.
var signalRows = map[string]*Spec{
	"DFT":             strict(Spec{Infer: inferDFT, Links: linkDFT, Dead: deadIfZero, Forward: forwardDFT}),
	"STFT":            strict(Spec{Infer: inferSTFT, Links: linkSTFT, Dead: deadIfZero, Forward: forwardSTFT}),
	"HannWindow":      {Infer: inferSignalWindow, Links: silent("counts along this axis"), Forward: forwardWindow(0.5, -0.5)},
	"HammingWindow":   {Infer: inferSignalWindow, Links: silent("counts along this axis"), Forward: forwardWindow(25.0/46, -21.0/46)},
	"BlackmanWindow":  {Infer: inferSignalWindow, Links: silent("counts along this axis"), Forward: forwardWindow(0.42, -0.5, 0.08)},
	"MelWeightMatrix": {Infer: inferMelWeightMatrix, Links: silent("counts frequencies along this axis"), Forward: forwardMelWeightMatrix},
	"Det":             strict(Spec{Infer: inferDet, Links: linkDet, Dead: deadIfZero, Forward: forwardDet}),
}

// oneInt is the only element of integer input i.
func oneInt(n *Node, i int) (int64, bool) {
	v, ok := n.Input(i).Ints()
	if !ok || len(v) != 1 {
		return 0, false
	}
	return v[0], true
}

// dftAxis is the axis that DFT transforms: an input since opset 20.
func dftAxis(n *Node, rank int) (axis int, known bool, err error) {
	at := n.Attrs.Int("axis", 1)
	if n.Version >= 20 {
		at = -2
		if n.Has(2) {
			if at, known = oneInt(n, 2); !known {
				return 0, false, nil
			}
		}
	}
	axis, err = Axis(at, rank)
	return axis, err == nil, err
}

func inferDFT(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	axis, known, err := dftAxis(n, len(shape))
	if err != nil || !known {
		return []Fact{Unknown(n.DType(0))}, err
	}
	out := slices.Clone(shape)
	onesided, inverse := n.Attrs.Int("onesided", 0) != 0, n.Attrs.Int("inverse", 0) != 0
	last := len(shape) - 1
	if onesided && inverse {
		out[axis] = 2 * (shape[axis] - 1)
	}
	if n.Has(1) {
		if out[axis], known = oneInt(n, 1); !known {
			out[axis] = n.Fresh()
		}
	}
	out[last] = 2
	switch {
	case onesided && inverse:
		out[last] = 1
	case onesided:
		out[axis] = out[axis]/2 + 1
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

func linkDFT(n *Node, l *Linker) {
	l.Silence = "transforms this axis to frequencies"
	rank := n.In[0].Rank()
	axis, known, err := dftAxis(n, rank)
	if err != nil || !known {
		return
	}
	for a := range rank - 1 {
		if a != axis {
			l.Same(In(0, a), Out(0, a))
		}
	}
}

func inferSTFT(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	step, okStep := oneInt(n, 1)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	length, okLength := oneInt(n, 3)
	if window, ok := n.Shape(2); ok && len(window) == 1 {
		length, okLength = window[0], true
	}
	if ok && len(shape) > 1 && !n.Has(2) && !n.Has(3) {
		length, okLength = shape[1], true
	}
	switch {
	case len(shape) < 2:
		return nil, errors.New("needs batch and signal")
	case !okStep || !okLength:
		return []Fact{Of(n.DType(0), shape[0], n.Fresh(), n.Fresh(), 2)}, nil
	case step < 1 || length < 1 || length > shape[1]:
		return nil, fmt.Errorf("frames of %d at every %d do not fit a signal of %d", length, step, shape[1])
	}
	bins := length
	if n.Attrs.Int("onesided", 1) != 0 {
		bins = length/2 + 1
	}
	return []Fact{Of(n.DType(0), shape[0], (shape[1]-length)/step+1, bins, 2)}, nil
}

func linkSTFT(_ *Node, l *Linker) {
	l.Silence = "transforms this axis to frequencies"
	l.Same(In(0, 0), Out(0, 0))
}

func inferSignalWindow(n *Node) ([]Fact, error) {
	dt := tensor.DType(n.Attrs.Int("output_datatype", int64(tensor.Float32)))
	size, ok := oneInt(n, 0)
	if !ok {
		size = n.Fresh()
	}
	return []Fact{Of(dt, size)}, nil
}

func inferMelWeightMatrix(n *Node) ([]Fact, error) {
	dt := tensor.DType(n.Attrs.Int("output_datatype", int64(tensor.Float32)))
	bins, ok := oneInt(n, 0)
	length, okLength := oneInt(n, 1)
	if !ok {
		bins = n.Fresh()
	}
	if !okLength {
		return []Fact{Of(dt, n.Fresh(), bins)}, nil
	}
	return []Fact{Of(dt, length/2+1, bins)}, nil
}

func inferDet(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	rank := len(shape)
	if rank < 2 || shape[rank-1] != shape[rank-2] {
		return nil, fmt.Errorf("shape %v holds no square matrices", shape)
	}
	return []Fact{Of(n.DType(0), shape[:rank-2]...)}, nil
}

func linkDet(n *Node, l *Linker) {
	l.Silence = "takes the determinant over this axis"
	for axis := range n.Out[0].Shape {
		l.Same(In(0, axis), Out(0, axis))
	}
}
