package op

import (
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// maxBytes bounds what Forward allocates for one output: a few numbers in a
// file may ask for any size.
const maxBytes = 1 << 32

// bounded refuses a shape that is too large to evaluate.
func bounded(dt tensor.DType, shape []int64) error {
	count, err := tensor.Count(shape)
	if err == nil && count*int64(max(dt.Bits()/8, 1)) > maxBytes {
		err = fmt.Errorf("shape %v is too large to evaluate", shape)
	}
	return err
}

// alloc is tensor.New for a shape that contents chose.
func alloc(dt tensor.DType, shape []int64) (*tensor.Tensor, error) {
	if err := bounded(dt, shape); err != nil {
		return nil, err
	}
	return tensor.New(dt, shape...), nil
}

// given is n as seen with the contents of its inputs.
func given(n *Node, in []*tensor.Tensor) *Node {
	seen := *n
	seen.In = make([]*Fact, len(in))
	for i, t := range in {
		if t != nil {
			seen.In[i] = &Fact{DType: t.DType, Known: true, Shape: t.Shape, Value: t, Static: true}
		}
	}
	return &seen
}

// deadFirst is the state of the channel in input 0: the answer of an operator
// whose other inputs say only where elements go.
func deadFirst(_ *Node, _, _ int, in []State) State { return in[0] }

// strides are the row-major strides of a shape.
func strides(shape []int64) []int64 {
	s, step := make([]int64, len(shape)), int64(1)
	for axis := len(shape) - 1; axis >= 0; axis-- {
		s[axis], step = step, step*shape[axis]
	}
	return s
}

// product multiplies sizes whose product is known to be sound.
func product(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}

// line is start, start+step, ... of n numbers.
func line(n, start, step int64) []int64 {
	v := make([]int64, n)
	for i := range v {
		v[i] = start + int64(i)*step
	}
	return v
}

// lines are the tables with which pick copies a tensor as it is.
func lines(shape []int64) [][]int64 {
	tables := make([][]int64, len(shape))
	for axis, stride := range strides(shape) {
		tables[axis] = line(shape[axis], 0, stride)
	}
	return tables
}

// reshaped is t with another shape of the same size.
func reshaped(t *tensor.Tensor, shape []int64) *tensor.Tensor {
	return &tensor.Tensor{DType: t.DType, Shape: shape, Data: t.Data, Strings: t.Strings}
}

// pick returns a tensor of the given shape whose element at (i, j, ...) is
// element tables[0][i] + tables[1][j] + ... of t. A negative entry stands for
// fill, the bytes of an element of t's type, or for zero where fill is nil. The tables have
// as many positions as the shape has elements, though not always its axes.
func pick(t *tensor.Tensor, shape []int64, tables [][]int64, fill []byte) (*tensor.Tensor, error) {
	size := int64(t.DType.Size())
	switch {
	case t.DType == tensor.String:
		return pickStrings(t, shape, tables, fill)
	case size == 0:
		return pickCodes(t, shape, tables, fill)
	}
	out, err := alloc(t.DType, shape)
	if err != nil || len(out.Data) == 0 {
		return out, err
	}
	places := int64(1)
	for _, table := range tables {
		places *= int64(len(table))
	}
	if places*size != int64(len(out.Data)) {
		return nil, fmt.Errorf("has places for %d elements of shape %v", places, shape)
	}
	if fill != nil {
		for at := 0; at < len(out.Data); at += len(fill) {
			copy(out.Data[at:], fill)
		}
	}
	if len(t.Data) == 0 {
		return out, nil
	}
	p := newPicker(t.Data, out.Data, tables, size)
	p.copy(0, p.base, 0)
	return out, nil
}

func pickStrings(t *tensor.Tensor, shape []int64, tables [][]int64, fill []byte) (*tensor.Tensor, error) {
	ids := tensor.FromInt64s(t.Shape, line(int64(len(t.Strings)), 1, 1))
	moved, err := pick(ids, shape, tables, nil)
	if err != nil {
		return nil, err
	}
	out := tensor.New(tensor.String, shape...)
	for i, id := range moved.Int64s() {
		if id > 0 {
			out.Strings[i] = t.Strings[id-1]
		} else {
			out.Strings[i] = fill
		}
	}
	return out, nil
}

// pickCodes moves elements of less than a byte.
func pickCodes(t *tensor.Tensor, shape []int64, tables [][]int64, fill []byte) (*tensor.Tensor, error) {
	whole, ok := bytewise(t)
	if !ok {
		return nil, fmt.Errorf("elements of %v cannot be moved one by one", t.DType)
	}
	moved, err := pick(whole, shape, tables, fill)
	if err != nil {
		return nil, err
	}
	return tensor.FromCodes(t.DType, shape, moved.Data), nil
}

// bytewise is t with the patterns of its elements in a byte each; ok is false
// where they take more.
func bytewise(t *tensor.Tensor) (whole *tensor.Tensor, ok bool) {
	codes := t.Codes()
	return &tensor.Tensor{DType: tensor.Uint8, Shape: t.Shape, Data: codes}, codes != nil || t.DType.Bits() > 0 && t.DType.Bits() <= 8
}

// picker copies runs of bytes; its tables and strides count bytes.
type picker struct {
	src, dst []byte
	tables   [][]int64
	spans    []int64
	base     int64
	run      int64
}

// newPicker merges the last axes into runs while they are contiguous.
func newPicker(src, dst []byte, tables [][]int64, size int64) *picker {
	p := &picker{src: src, dst: dst, run: size}
	last := len(tables) - 1
	for ; last >= 0 && consecutive(tables[last], p.run/size); last-- {
		p.base += tables[last][0] * size
		p.run *= int64(len(tables[last]))
	}
	p.spans = make([]int64, last+1)
	span := p.run
	for axis := last; axis >= 0; axis-- {
		bytes := slices.Clone(tables[axis])
		for i := range bytes {
			bytes[i] *= size
		}
		p.tables = append(p.tables, bytes)
		p.spans[axis], span = span, span*int64(len(bytes))
	}
	slices.Reverse(p.tables)
	return p
}

func consecutive(table []int64, step int64) bool {
	for i, at := range table {
		if at < 0 || at != table[0]+int64(i)*step {
			return false
		}
	}
	return true
}

func (p *picker) copy(axis int, from, to int64) {
	switch axis - len(p.tables) {
	case 0:
		copy(p.dst[to:to+p.run], p.src[from:])
		return
	case -1:
		p.row(p.tables[axis], p.src[from:], p.dst[to:])
		return
	}
	for i, at := range p.tables[axis] {
		if at >= 0 {
			p.copy(axis+1, from+at, to+int64(i)*p.spans[axis])
		}
	}
}

// row copies along the last axis; the usual element sizes are moved as one.
func (p *picker) row(table []int64, src, dst []byte) {
	for i, at := range table {
		if at < 0 {
			continue
		}
		switch p.run {
		case 4:
			*(*[4]byte)(dst[i*4:]) = [4]byte(src[at:])
		case 8:
			*(*[8]byte)(dst[i*8:]) = [8]byte(src[at:])
		default:
			to := int64(i) * p.run
			copy(dst[to:to+p.run], src[at:])
		}
	}
}
