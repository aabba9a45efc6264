package op

import (
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

var gatherElementsSpec = Spec{
	Infer: inferGatherElements, Links: linkGatherElements, Forward: forwardGatherElements, Carry: true, Dead: deadFirst,
	Compile: compileGatherElements,
}

var gatherNDSpec = Spec{
	Infer: inferGatherND, Links: linkGatherND, Forward: forwardGatherND, Carry: true, Dead: deadFirst,
	Compile: compileGatherND,
}

func inferGatherElements(n *Node) ([]Fact, error) {
	data, ok := n.Shape(0)
	index, okIndex := n.Shape(1)
	if !ok || !okIndex {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	if err := elementwiseIndex(n, data, index); err != nil {
		return nil, err
	}
	return []Fact{Of(n.DType(0), index...)}, nil
}

// elementwiseIndex checks indices that replace the position along one axis
// element by element.
func elementwiseIndex(n *Node, data, index []int64) error {
	axis, err := Axis(n.Attrs.Int("axis", 0), len(data))
	if err != nil {
		return err
	}
	if len(index) != len(data) {
		return fmt.Errorf("indices of shape %v do not fit shape %v", index, data)
	}
	for a, d := range index {
		if a != axis && d > data[a] {
			return fmt.Errorf("indices of shape %v do not fit shape %v", index, data)
		}
	}
	return nil
}

func linkGatherElements(n *Node, l *Linker) {
	data, index := n.In[0].Shape, n.In[1].Shape
	if elementwiseIndex(n, data, index) != nil {
		return
	}
	axis, err := Axis(n.Attrs.Int("axis", 0), len(data))
	if err != nil {
		return
	}
	for a := range data {
		l.Same(In(1, a), Out(0, a))
		if a == axis {
			l.Pin(In(0, a), "looks up elements along this axis")
		} else {
			linkPrefix(l, Out(0, a), In(0, a))
		}
	}
}

// linkPrefix ties two axes of which one may be longer and is then used up to
// the length of the other.
func linkPrefix(l *Linker, a, b Ref) {
	if l.Size(a) == l.Size(b) {
		l.Same(a, b)
	} else {
		l.Range(a, 0, b, 0, min(l.Size(a), l.Size(b)))
	}
}

// elementOffsets are the flat positions in data that indices of
// GatherElements or ScatterElements name, in the order of the indices.
func elementOffsets(n *Node, shape []int64, index *tensor.Tensor) ([]int64, error) {
	if err := elementwiseIndex(n, shape, index.Shape); err != nil {
		return nil, err
	}
	axis, err := Axis(n.Attrs.Int("axis", 0), len(shape))
	if err != nil {
		return nil, err
	}
	at, err := wrapped(index.AsInt64s(), shape[axis])
	if err != nil {
		return nil, err
	}
	own, steps := strides(index.Shape), strides(shape)
	for i := range at {
		at[i] *= steps[axis]
		for a, d := range index.Shape {
			if a != axis {
				at[i] += int64(i) / own[a] % d * steps[a]
			}
		}
	}
	return at, nil
}

func forwardGatherElements(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	at, err := elementOffsets(n, in[0].Shape, in[1])
	if err != nil {
		return nil, err
	}
	t, err := pick(in[0], in[1].Shape, [][]int64{at}, nil)
	return []*tensor.Tensor{t}, err
}

// tuples describes indices whose last axis names a place in the axes of data
// that follow the batch axes.
type tuples struct {
	batch, depth int
	// outer is the shape of the indices without their last axis, inner that of
	// the data elements that one tuple names.
	outer, inner []int64
}

func tuplesOf(data, index []int64, batch int64) (tuples, error) {
	t := tuples{batch: int(batch)}
	if len(index) == 0 || batch < 0 || batch >= int64(min(len(index), len(data))) {
		return t, fmt.Errorf("indices of shape %v do not fit shape %v", index, data)
	}
	last := index[len(index)-1]
	if last < 1 || last > int64(len(data))-batch || !slices.Equal(data[:batch], index[:batch]) {
		return t, fmt.Errorf("indices of shape %v do not fit shape %v", index, data)
	}
	t.depth = int(last)
	t.outer, t.inner = index[:len(index)-1], data[t.batch+t.depth:]
	return t, nil
}

// offsets are the flat positions in data of what each tuple names.
func (t *tuples) offsets(data []int64, index *tensor.Tensor) ([]int64, error) {
	steps, depth := strides(data), int64(t.depth)
	list, at := index.AsInt64s(), make([]int64, product(t.outer))
	if int64(len(list)) != int64(len(at))*depth {
		return nil, fmt.Errorf("indices of %v do not fit shape %v", index.DType, index.Shape)
	}
	rows := product(t.outer[t.batch:])
	block := product(data[t.batch:])
	for i := range at {
		at[i] = int64(i) / rows * block
		place := list[int64(i)*depth : int64(i+1)*depth]
		for k, p := range place {
			axis := t.batch + k
			if p < 0 {
				p += data[axis]
			}
			if p < 0 || p >= data[axis] {
				return nil, fmt.Errorf("index %v is out of range for shape %v", place, data)
			}
			at[i] += p * steps[axis]
		}
	}
	return at, nil
}

func inferGatherND(n *Node) ([]Fact, error) {
	data, ok := n.Shape(0)
	index, okIndex := n.Shape(1)
	if !ok || !okIndex {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	t, err := tuplesOf(data, index, n.Attrs.Int("batch_dims", 0))
	if err != nil {
		return nil, err
	}
	return []Fact{Of(n.DType(0), slices.Concat(t.outer, t.inner)...)}, nil
}

func linkGatherND(n *Node, l *Linker) {
	data, index := n.In[0].Shape, n.In[1].Shape
	t, err := tuplesOf(data, index, n.Attrs.Int("batch_dims", 0))
	if err != nil {
		return
	}
	for a := range data {
		switch k := a - t.batch - t.depth; {
		case a < t.batch:
			l.Same(In(0, a), Out(0, a))
		case k < 0:
			l.Pin(In(0, a), "looks up elements along this axis")
		default:
			l.Same(In(0, a), Out(0, len(t.outer)+k))
		}
	}
	for a := range t.outer {
		l.Same(In(1, a), Out(0, a))
	}
	l.Pin(In(1, len(t.outer)), "holds the parts of an index")
}

func forwardGatherND(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	t, err := tuplesOf(in[0].Shape, in[1].Shape, n.Attrs.Int("batch_dims", 0))
	if err != nil {
		return nil, err
	}
	at, err := t.offsets(in[0].Shape, in[1])
	if err != nil {
		return nil, err
	}
	out, err := pick(in[0], slices.Concat(t.outer, t.inner), [][]int64{at, line(product(t.inner), 0, 1)}, nil)
	return []*tensor.Tensor{out}, err
}
