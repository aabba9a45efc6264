package op

import (
	"errors"
	"slices"

	"onnxcompress/graph/tensor"
)

// poolRows are the operators that slide a window over each channel by itself.
var poolRows = map[string]*Spec{
	"MaxPool":           strictMany(Spec{Infer: inferMaxPool, Links: linkMaxPool, Dead: deadPool(poolMax), Forward: forwardMaxPool, Compile: compileMaxPool, Layout: layoutMaxPool}),
	"AveragePool":       strict(Spec{Infer: inferPool, Links: linkPool, Dead: deadPool(poolMean), Forward: forwardPool(average), Compile: compileAveragePool, Layout: layoutImage}),
	"LpPool":            strict(Spec{Infer: inferPool, Links: linkPool, Dead: deadPool(poolSum), Forward: forwardPool(lpPool), Compile: compileLpPool}),
	"GlobalMaxPool":     strict(Spec{Infer: inferGlobalPool, Links: linkGlobalPool, Dead: deadGlobalPool(true), Forward: forwardGlobalPool(wholeOf(slices.Max[[]float64])), Compile: compileGlobalMaxPool, Layout: layoutImage}),
	"GlobalAveragePool": strict(Spec{Infer: inferGlobalPool, Links: linkGlobalPool, Dead: deadGlobalPool(true), Forward: forwardGlobalPool(wholeOf(meanOf)), Compile: compileGlobalAveragePool, Layout: layoutImage}),
	"GlobalLpPool":      strict(Spec{Infer: inferGlobalPool, Links: linkGlobalPool, Dead: deadGlobalPool(false), Forward: forwardGlobalPool(lpNorm), Compile: compileGlobalLpPool, Layout: layoutAlike}),
	"MaxUnpool":         strict(Spec{Infer: inferMaxUnpool, Links: linkMaxUnpool, Dead: deadIfZero, Forward: forwardMaxUnpool, Compile: compileMaxUnpool}),
}

const slides = "slides a window over this axis"

// spatialOf is the shape behind batch and channels.
func spatialOf(shape []int64) ([]int64, error) {
	if len(shape) < 3 {
		return nil, errors.New("needs batch, channels and at least one spatial axis")
	}
	return shape[2:], nil
}

func poolShape(n *Node, shape []int64) ([]int64, error) {
	spatial, err := spatialOf(shape)
	if err != nil {
		return nil, err
	}
	w, err := windowsOf(n, spatial, n.Attrs.Ints("kernel_shape"))
	if err != nil {
		return nil, err
	}
	counts, err := w.counts(spatial)
	return slices.Concat(shape[:2], counts), err
}

func inferPool(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	out, err := poolShape(n, shape)
	if err != nil {
		return nil, err
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

func inferMaxPool(n *Node) ([]Fact, error) {
	facts, err := inferPool(n)
	if err != nil {
		return nil, err
	}
	places := facts[0]
	places.DType = tensor.Int64
	return append(facts, places), nil
}

// linkPool ties batch and channels and keeps the axes that windows slide over.
func linkPool(n *Node, l *Linker) {
	for axis := range n.In[0].Shape {
		if axis < 2 {
			l.Same(In(0, axis), Out(0, axis))
			continue
		}
		l.Pin(In(0, axis), slides)
		l.Pin(Out(0, axis), slides)
	}
}

// linkMaxPool keeps all axes where the places of the maxima are asked for:
// they are positions in the whole tensor, and count its channels.
func linkMaxPool(n *Node, l *Linker) {
	if n.Out[0] != nil {
		linkPool(n, l)
	}
	if len(n.Out) < 2 || n.Out[1] == nil {
		return
	}
	for axis := range n.Out[1].Shape {
		if axis < 2 {
			l.Same(In(0, axis), Out(1, axis))
		}
		l.Pin(Out(1, axis), "gives positions that count the channels before")
	}
}

// The ways in which pooling makes one number of a window.
const (
	poolMax = iota
	poolMean
	poolSum
)

// deadPool is what windows over a channel give that holds one number. A window
// of padding alone has no maximum and no mean.
func deadPool(kind int) func(n *Node, out, axis int, in []State) State {
	return func(n *Node, out, _ int, in []State) State {
		c, ok := in[0].Number()
		if !ok || out > 0 {
			return in[0].Join(Varying)
		}
		spatial, err := spatialOf(n.In[0].Shape)
		if err != nil {
			return Varying
		}
		w, err := windowsOf(n, spatial, n.Attrs.Ints("kernel_shape"))
		switch {
		case err != nil:
			return Varying
		case kind != poolSum && !w.touch(spatial):
			return Bad
		case c == 0:
			return Zero
		case kind == poolMax, kind == poolMean && (!w.padded() || n.Attrs.Int("count_include_pad", 0) == 0):
			return in[0]
		}
		return Varying
	}
}

func inferGlobalPool(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	if len(shape) < 2 {
		return nil, errors.New("needs batch and channels")
	}
	out := line(int64(len(shape)), 1, 0)
	copy(out, shape[:2])
	return []Fact{Of(n.DType(0), out...)}, nil
}

func linkGlobalPool(n *Node, l *Linker) {
	for axis := range n.In[0].Shape {
		if axis < 2 {
			l.Same(In(0, axis), Out(0, axis))
		} else {
			l.Pin(In(0, axis), "pools over this axis")
		}
	}
}

// deadGlobalPool is the state after pooling; keeps says that a constant stays
// what it is.
func deadGlobalPool(keeps bool) func(n *Node, out, axis int, in []State) State {
	return func(n *Node, _, _ int, in []State) State {
		if _, ok := in[0].Number(); !ok {
			return in[0]
		}
		switch {
		case product(n.In[0].Shape[2:]) == 0:
			return Bad
		case keeps || in[0] == Zero:
			return in[0]
		}
		return Varying
	}
}

// deadIfZero is for operators that are linear in input 0, or move its elements
// among zeros: zero stays zero and nothing else is known.
func deadIfZero(_ *Node, _, _ int, in []State) State {
	if in[0] == Zero {
		return Zero
	}
	return in[0].Join(Varying)
}

func inferMaxUnpool(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	spatial, err := spatialOf(shape)
	if err != nil {
		return nil, err
	}
	if places, ok := n.Shape(1); !ok || !slices.Equal(places, shape) {
		return nil, errors.New("the positions are not those of the elements")
	}
	if n.Has(2) {
		want, ok := n.In[2].Ints()
		switch {
		case !ok:
			return []Fact{Unknown(n.DType(0))}, nil
		case len(want) != len(shape):
			return nil, errors.New("output_shape has another rank than the input")
		}
		return []Fact{Of(n.DType(0), want...)}, nil
	}
	w, err := windowsOf(n, spatial, n.Attrs.Ints("kernel_shape"))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(shape)
	for i, size := range spatial {
		out[2+i] = (size-1)*w.strides[i] - w.before[i] - w.after[i] + w.kernel[i]
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

func linkMaxUnpool(n *Node, l *Linker) {
	l.Silence = "goes to positions that count the channels before"
	for axis := range 2 {
		l.Same(In(0, axis), In(1, axis))
		l.Same(In(0, axis), Out(0, axis))
		l.Pin(In(1, axis), l.Silence)
	}
}
