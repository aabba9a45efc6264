package op

import (
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

var scatterElementsSpec = Spec{
	Infer: inferScatterElements, Links: linkScatterElements, Dead: deadScatter, Forward: forwardScatterElements,
	Compile: compileScatterElements,
}

var scatterNDSpec = Spec{
	Infer: inferScatterND, Links: linkScatterND, Dead: deadScatter, Forward: forwardScatterND,
	Compile: compileScatterND,
}

// deadScatter joins what the data holds with the updates written over it.
func deadScatter(n *Node, _, _ int, in []State) State {
	if n.Attrs.Str("reduction", "none") == "none" || in[0] == Zero && in[2] == Zero {
		return in[0].Join(in[2])
	}
	if in[0] == Bad || in[2] == Bad {
		return Bad
	}
	return Varying
}

func inferScatterElements(n *Node) ([]Fact, error) {
	data, ok := n.Shape(0)
	index, okIndex := n.Shape(1)
	if ok && okIndex {
		if err := elementwiseIndex(n, data, index); err != nil {
			return nil, err
		}
		if updates, ok := n.Shape(2); ok && !slices.Equal(updates, index) {
			return nil, fmt.Errorf("updates of shape %v for indices of shape %v", updates, index)
		}
	}
	return likeFirst(n), nil
}

// likeFirst is an output of the type and shape of input 0.
func likeFirst(n *Node) []Fact {
	if shape, ok := n.Shape(0); ok {
		return []Fact{Of(n.DType(0), shape...)}
	}
	return []Fact{Unknown(n.DType(0))}
}

func linkScatterElements(n *Node, l *Linker) {
	data, index := n.In[0].Shape, n.In[1].Shape
	axis, err := Axis(n.Attrs.Int("axis", 0), len(data))
	if err != nil || elementwiseIndex(n, data, index) != nil {
		return
	}
	for a := range data {
		if a == axis {
			for _, r := range []Ref{In(0, a), In(1, a), In(2, a), Out(0, a)} {
				l.Pin(r, "writes to computed positions of this axis")
			}
			continue
		}
		l.Same(In(0, a), Out(0, a))
		l.Same(In(1, a), In(2, a))
		linkPrefix(l, Out(0, a), In(2, a))
	}
}

func forwardScatterElements(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	at, err := elementOffsets(n, in[0].Shape, in[1])
	if err != nil {
		return nil, err
	}
	return scatter(n, in[0], at, in[2], 1)
}

// scatter writes runs of updates at flat positions of data, or joins them with
// what is there.
func scatter(n *Node, data *tensor.Tensor, at []int64, updates *tensor.Tensor, run int64) ([]*tensor.Tensor, error) {
	if updates.DType != data.DType || int64(updates.Len()) != int64(len(at))*run {
		return nil, fmt.Errorf("updates of shape %v do not fit", updates.Shape)
	}
	if r := n.Attrs.Str("reduction", "none"); r != "none" {
		return scatterReduced(r, data, at, updates, run)
	}
	from := line(int64(data.Len()), 0, 1)
	for i, to := range at {
		for k := range run {
			from[to+k] = int64(data.Len()) + int64(i)*run + k
		}
	}
	both, err := joined([]*tensor.Tensor{flat(data), flat(updates)})
	if err != nil {
		return nil, err
	}
	t, err := pick(both, data.Shape, [][]int64{from}, nil)
	return []*tensor.Tensor{t}, err
}

// scatterReduced joins updates with the elements of data one after the other.
func scatterReduced(reduction string, data *tensor.Tensor, at []int64, updates *tensor.Tensor, run int64) ([]*tensor.Tensor, error) {
	if isWhole(data) {
		bounds := reduction == "max" || reduction == "min"
		v, w := data.AsInt64s(), updates.AsInt64s()
		if bounds {
			v, w = signless(data.DType, v), signless(data.DType, w)
		}
		if err := joinAt(reduction, v, at, w, run); err != nil {
			return nil, err
		}
		if bounds {
			v = signless(data.DType, v)
		}
		t, err := ofWhole(data.DType, data.Shape, v)
		return []*tensor.Tensor{t}, err
	}
	v, err := numbersOf(data)
	if err != nil {
		return nil, err
	}
	if err := joinAt(reduction, v, at, updates.AsFloat64s(), run); err != nil {
		return nil, err
	}
	t, err := ofNumbers(data.DType, data.Shape, v)
	return []*tensor.Tensor{t}, err
}

func joinAt[T number](reduction string, v []T, at []int64, updates []T, run int64) error {
	join := map[string]func(a, b T) T{
		"add": func(a, b T) T { return a + b },
		"mul": func(a, b T) T { return a * b },
		"max": func(a, b T) T { return max(a, b) },
		"min": func(a, b T) T { return min(a, b) },
	}[reduction]
	if join == nil {
		return fmt.Errorf("reduction %q is not one of ONNX's", reduction)
	}
	for i, to := range at {
		for k := range run {
			v[to+k] = join(v[to+k], updates[int64(i)*run+k])
		}
	}
	return nil
}

func inferScatterND(n *Node) ([]Fact, error) {
	data, ok := n.Shape(0)
	index, okIndex := n.Shape(1)
	if ok && okIndex {
		t, err := tuplesOf(data, index, 0)
		if err != nil {
			return nil, err
		}
		if updates, ok := n.Shape(2); ok && !slices.Equal(updates, slices.Concat(t.outer, t.inner)) {
			return nil, fmt.Errorf("updates of shape %v for indices of shape %v", updates, index)
		}
	}
	return likeFirst(n), nil
}

func linkScatterND(n *Node, l *Linker) {
	t, err := tuplesOf(n.In[0].Shape, n.In[1].Shape, 0)
	if err != nil {
		return
	}
	const reason = "writes to computed positions of this axis"
	for a := range n.In[0].Shape {
		if a < t.depth {
			l.Pin(In(0, a), reason)
			l.Pin(Out(0, a), reason)
			continue
		}
		l.Same(In(0, a), Out(0, a))
		l.Same(In(2, len(t.outer)+a-t.depth), Out(0, a))
	}
	for a := range t.outer {
		l.Pin(In(1, a), reason)
		l.Pin(In(2, a), reason)
	}
	l.Pin(In(1, len(t.outer)), "holds the parts of an index")
}

func forwardScatterND(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	t, err := tuplesOf(in[0].Shape, in[1].Shape, 0)
	if err != nil {
		return nil, err
	}
	at, err := t.offsets(in[0].Shape, in[1])
	if err != nil {
		return nil, err
	}
	return scatter(n, in[0], at, in[2], product(t.inner))
}
