package op

import (
	"fmt"
	"slices"
)

var deformRows = map[string]*Spec{
	"DeformConv": strict(Spec{Infer: inferDeformConv, Links: linkDeformConv, Narrow: narrowConv, Dead: deadDeformConv, Forward: forwardDeformConv, Compile: compileDeformConv}),
}

func inferDeformConv(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	kernel, okKernel := n.Shape(1)
	if !ok || !okKernel {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	spatial, err := spatialOf(shape)
	if err != nil {
		return nil, err
	}
	groups := n.Attrs.Int("group", 1)
	if len(kernel) != len(shape) || groups < 1 || groups > shape[1] || shape[1] != kernel[1]*groups || kernel[0]%groups != 0 {
		return nil, fmt.Errorf("a weight of shape %v with %d groups does not fit shape %v", kernel, groups, shape)
	}
	w, err := windowsOf(n, spatial, kernel[2:])
	if err != nil {
		return nil, err
	}
	counts, err := w.counts(spatial)
	if err != nil {
		return nil, err
	}
	for slot, rank := range map[int]int{2: len(shape), 3: 1, 4: len(shape)} {
		if extra, ok := n.Shape(slot); len(extra) != rank && (ok || slot == 2) {
			return nil, fmt.Errorf("input %d has not rank %d", slot, rank)
		}
	}
	return []Fact{Of(n.DType(0), slices.Concat([]int64{shape[0], kernel[0]}, counts)...)}, nil
}

// linkDeformConv ties channels as a convolution does. Offsets and masks belong
// to positions and are left whole, and so are channels that share them in
// groups.
func linkDeformConv(n *Node, l *Linker) {
	w, groups := n.In[1].Shape, n.Attrs.Int("group", 1)
	out, in := w[0]/groups, w[1]
	l.Silence = slides
	l.Same(In(0, 0), Out(0, 0))
	l.Same(In(2, 0), Out(0, 0))
	if n.Has(4) {
		l.Same(In(4, 0), Out(0, 0))
	}
	linkGroups(l, groups, out, In(1, 0), Out(0, 1))
	l.Digits(In(0, 1), in, Out(0, 1), out, groups)
	l.ContractDigits(In(0, 1), 1, In(1, 1), 1, in)
	if n.Has(3) {
		linkGroups(l, groups, out, In(3, 0), Out(0, 1))
	}
	if n.Attrs.Int("offset_group", 1) != 1 {
		l.Pin(In(0, 1), "offsets groups of channels apart")
	}
}

func deadDeformConv(n *Node, _, axis int, in []State) State {
	switch {
	case axis == 0 && in[0] == Zero && !n.Has(3):
		return Zero
	case axis == 1 && in[1] == Zero && n.Has(3):
		return in[3]
	case axis == 1 && in[1] == Zero:
		return Zero
	}
	return Varying
}
