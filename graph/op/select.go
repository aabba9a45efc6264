package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

var nonZeroSpec = Spec{Infer: inferNonZero, Links: silent("lists where elements are not zero"), Forward: forwardNonZero}

func inferNonZero(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(tensor.Int64)}, nil
	}
	return []Fact{Of(tensor.Int64, int64(len(shape)), n.Fresh())}, nil
}

func forwardNonZero(_ *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	content := in[0].AsFloat64s()
	if content == nil && in[0].Len() > 0 {
		return nil, fmt.Errorf("cannot tell zeros of %v", in[0].DType)
	}
	rows := make([][]int64, in[0].Rank())
	steps := strides(in[0].Shape)
	for i, v := range content {
		if v == 0 {
			continue
		}
		for axis := range rows {
			rows[axis] = append(rows[axis], int64(i)/steps[axis]%in[0].Shape[axis])
		}
	}
	list := slices.Concat(rows...)
	count := int64(0)
	if len(rows) > 0 {
		count = int64(len(rows[0]))
	}
	return []*tensor.Tensor{tensor.FromInt64s([]int64{int64(len(rows)), count}, list)}, nil
}

var compressSpec = Spec{Infer: inferCompress, Links: linkCompress, Forward: forwardCompress, Carry: true, Dead: deadFirst, Compile: compileCompress}

// chosen lists the positions that the condition of Compress names.
func chosen(condition []int64) []int64 {
	at := []int64{}
	for i, c := range condition {
		if c != 0 {
			at = append(at, int64(i))
		}
	}
	return at
}

func inferCompress(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	count := int64(0)
	if condition, ok := n.Input(1).Ints(); ok {
		count = int64(len(chosen(condition)))
	} else {
		count = n.Fresh()
	}
	if _, ok := n.Attrs["axis"]; !ok {
		return []Fact{Of(n.DType(0), count)}, nil
	}
	axis, err := Axis(n.Attrs.Int("axis", 0), len(shape))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(shape)
	out[axis] = count
	return []Fact{Of(n.DType(0), out...)}, nil
}

func linkCompress(n *Node, l *Linker) {
	l.Silence = "selects by a condition"
	if _, ok := n.Attrs["axis"]; !ok {
		return
	}
	axis, err := Axis(n.Attrs.Int("axis", 0), n.In[0].Rank())
	if err != nil {
		return
	}
	for a := range n.In[0].Shape {
		if a != axis {
			l.Same(In(0, a), Out(0, a))
		}
	}
}

func forwardCompress(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	data, at := in[0], chosen(in[1].AsInt64s())
	axis := 0
	if _, ok := n.Attrs["axis"]; !ok {
		data = reshaped(data, []int64{int64(data.Len())})
	} else {
		var err error
		if axis, err = Axis(n.Attrs.Int("axis", 0), data.Rank()); err != nil {
			return nil, err
		}
	}
	shape, tables, step := slices.Clone(data.Shape), lines(data.Shape), strides(data.Shape)[axis]
	for i, k := range at {
		if k >= shape[axis] {
			return nil, errors.New("the condition is longer than the axis")
		}
		at[i] = k * step
	}
	shape[axis], tables[axis] = int64(len(at)), at
	t, err := pick(data, shape, tables, nil)
	return []*tensor.Tensor{t}, err
}

var uniqueSpec = Spec{Infer: inferUnique, Links: silent("lists distinct elements"), Forward: forwardUnique}

func inferUnique(n *Node) ([]Fact, error) {
	count := n.Fresh()
	places := Of(tensor.Int64, count)
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0)), places, Unknown(tensor.Int64), places}, nil
	}
	if _, ok := n.Attrs["axis"]; !ok {
		return []Fact{Of(n.DType(0), count), places, Of(tensor.Int64, product(shape)), places}, nil
	}
	axis, err := Axis(n.Attrs.Int("axis", 0), len(shape))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(shape)
	out[axis] = count
	return []Fact{Of(n.DType(0), out...), places, Of(tensor.Int64, shape[axis]), places}, nil
}

var triluSpec = Spec{
	Infer: func(n *Node) ([]Fact, error) { return likeFirst(n), nil },
	Links: linkTrilu, Forward: forwardTrilu, Compile: compileTrilu, ZeroIn: []int{0},
}

func linkTrilu(n *Node, l *Linker) {
	rank := n.In[0].Rank()
	for axis := range rank {
		if axis < rank-2 {
			l.Same(In(0, axis), Out(0, axis))
			continue
		}
		l.Pin(In(0, axis), "masks by position")
		l.Pin(Out(0, axis), "masks by position")
	}
}

func forwardTrilu(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	k := int64(0)
	if len(in) > 1 && in[1] != nil {
		if v := in[1].AsInt64s(); len(v) == 1 {
			k = v[0]
		}
	}
	rank, size := in[0].Rank(), in[0].DType.Size()
	if rank < 2 || size == 0 {
		return nil, fmt.Errorf("cannot mask %v of rank %d", in[0].DType, rank)
	}
	out := in[0].Clone()
	rows, columns := out.Shape[rank-2], out.Shape[rank-1]
	k = max(min(k, columns), -rows)
	upper := n.Attrs.Int("upper", 1) != 0
	for row := range product(out.Shape[:rank-1]) {
		diagonal := max(min(row%rows+k, columns), -1)
		lo, hi := int64(0), diagonal
		if !upper {
			lo, hi = diagonal+1, columns
		}
		if lo < hi {
			clear(out.Data[(row*columns+lo)*int64(size) : (row*columns+hi)*int64(size)])
		}
	}
	return []*tensor.Tensor{out}, nil
}

var oneHotSpec = Spec{Infer: inferOneHot, Links: linkOneHot, Forward: forwardOneHot}

// hotAxis is the axis of the output that OneHot adds to the indices.
func hotAxis(n *Node, rank int) (int, error) { return Axis(n.Attrs.Int("axis", -1), rank+1) }

func inferOneHot(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(2))}, nil
	}
	axis, err := hotAxis(n, len(shape))
	if err != nil {
		return nil, err
	}
	depth := int64(0)
	if f := n.Input(1); f != nil && f.Value != nil {
		v := f.Value.AsFloat64s()
		if len(v) != 1 || !(v[0] >= 0 && v[0] < tensor.MaxElements) {
			return nil, errors.New("depth is no size")
		}
		depth = int64(v[0])
	} else {
		depth = n.Fresh()
	}
	return []Fact{Of(n.DType(2), slices.Insert(slices.Clone(shape), axis, depth)...)}, nil
}

func linkOneHot(n *Node, l *Linker) {
	l.Silence = "counts along this axis"
	rank := n.In[0].Rank()
	axis, err := hotAxis(n, rank)
	if err != nil {
		return
	}
	for a := range rank {
		to := a
		if a >= axis {
			to++
		}
		l.Same(In(0, a), Out(0, to))
	}
}

func forwardOneHot(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	facts, err := inferOneHot(given(n, in))
	if err != nil {
		return nil, err
	}
	axis, err := hotAxis(n, in[0].Rank())
	if err != nil {
		return nil, err
	}
	index := in[0].AsFloat64s()
	if index == nil || in[2].Len() != 2 {
		return nil, errors.New("needs numbers to index by and two values")
	}
	shape := facts[0].Shape
	if err := bounded(tensor.Int64, shape); err != nil {
		return nil, err
	}
	at, depth, inner := make([]int64, product(shape)), shape[axis], product(shape[axis+1:])
	for i, v := range index {
		k := int64(v)
		if k < 0 {
			k += depth
		}
		if k >= 0 && k < depth {
			at[(int64(i)/inner*depth+k)*inner+int64(i)%inner] = 1
		}
	}
	t, err := pick(in[2], shape, [][]int64{at}, nil)
	return []*tensor.Tensor{t}, err
}
