package op

import (
	"errors"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// quantizeRows go between real numbers and whole ones that stand for them.
// They are never folded: a quantised weight is cut as it is stored.
var quantizeRows = map[string]*Spec{
	"QuantizeLinear":        strict(Spec{Infer: inferQuantize, Links: linkQuantize, Dead: deadQuantize, Follow: []int{1, 2}, Forward: forwardQuantize, Unfolded: every}),
	"DequantizeLinear":      strict(Spec{Infer: inferDequantize, Links: linkQuantize, Dead: deadDequantize, Forward: forwardDequantize, Unfolded: every}),
	"DynamicQuantizeLinear": strictMany(Spec{Infer: inferDynamicQuantize, Links: linkDynamicQuantize, Dead: deadDynamicQuantize, Forward: forwardDynamicQuantize, Unfolded: every}),
}

var errNoScale = errors.New("has no scale")

func inferQuantize(n *Node) ([]Fact, error) {
	dt := tensor.DType(n.Attrs.Int("output_dtype", 0))
	switch {
	case !n.Has(1):
		return nil, errNoScale
	case n.Has(2):
		dt = n.DType(2)
	case dt == tensor.Undefined:
		dt = tensor.Uint8
	}
	facts := likeFirst(n)
	facts[0].DType = dt
	return facts, nil
}

func inferDequantize(n *Node) ([]Fact, error) {
	dt := tensor.DType(n.Attrs.Int("output_dtype", 0))
	switch {
	case !n.Has(1):
		return nil, errNoScale
	case dt == tensor.Undefined:
		dt = n.DType(1)
	}
	facts := likeFirst(n)
	facts[0].DType = dt
	return facts, nil
}

// linkQuantize ties every axis of the data, and the axis of the scales to the
// one they belong to: element by element, or block by block.
func linkQuantize(n *Node, l *Linker) {
	along, block := -1, n.Attrs.Int("block_size", 0)
	if axis, err := Axis(n.Attrs.Int("axis", 1), n.In[0].Rank()); err == nil && block > 1 {
		along = axis
	}
	for axis, size := range n.In[0].Shape {
		if axis != along || size%block != 0 {
			l.Same(In(0, axis), Out(0, axis))
			continue
		}
		l.Digits(In(0, axis), block, Out(0, axis), block, size/block)
		l.Digits(In(0, axis), 1, Out(0, axis), 1, block)
	}
	for slot := 1; slot <= 2; slot++ {
		if n.Has(slot) && product(n.In[slot].Shape) != 1 {
			linkScales(n, l, slot)
		}
	}
}

func linkScales(n *Node, l *Linker, slot int) {
	const odd = "shares scales that its size is no multiple of"
	shape, scales := n.In[0].Shape, n.In[slot].Shape
	along, err := Axis(n.Attrs.Int("axis", 1), len(shape))
	block := n.Attrs.Int("block_size", 0)
	switch {
	case err != nil:
		return
	case block == 0 && len(scales) == 1 && scales[0] == shape[along]:
		for _, r := range []Ref{In(0, along), Out(0, along)} {
			l.Same(In(slot, 0), r)
		}
		return
	case block < 1 || len(scales) != len(shape):
		return
	}
	for axis, size := range shape {
		switch {
		case axis != along:
			l.Same(In(slot, axis), In(0, axis))
			l.Same(In(slot, axis), Out(0, axis))
		case scales[axis]*block == size:
			for _, r := range []Ref{In(0, axis), Out(0, axis)} {
				l.Digits(In(slot, axis), 1, r, block, size/block)
				if block > 1 {
					l.PinDigit(r, 1, block, "shares a scale in a block along this axis")
				}
			}
		default:
			l.Pin(In(slot, axis), odd)
			l.Pin(In(0, axis), odd)
		}
	}
}

// zeroPoint is the state of the number that stands for zero.
func zeroPoint(n *Node, slot int, in []State) State {
	if n.Has(slot) {
		return in[slot]
	}
	return Zero
}

// deadQuantize is the zero point for zeros: scales are followed and never
// zero themselves.
func deadQuantize(n *Node, _, _ int, in []State) State {
	if in[0] == Zero {
		return zeroPoint(n, 2, in)
	}
	return Varying
}

// deadDequantize is zero where the scale is, and where the zero point is all
// there is.
func deadDequantize(n *Node, _, _ int, in []State) State {
	x, ok := in[0].Number()
	zero, okZero := zeroPoint(n, 2, in).Number()
	scale, okScale := in[1].Number()
	switch {
	case in[1] == Zero, ok && okZero && x == zero:
		return Zero
	case ok && okZero && okScale:
		return Const((x - zero) * scale)
	}
	return in[1].Join(Varying)
}

func inferDynamicQuantize(n *Node) ([]Fact, error) {
	facts := likeFirst(n)
	facts[0].DType = tensor.Uint8
	return append(facts, Of(n.DType(0)), Of(tensor.Uint8)), nil
}

// linkDynamicQuantize ties every axis. The range that is divided into steps
// always holds zero, so that zeros may go.
func linkDynamicQuantize(n *Node, l *Linker) {
	for axis := range n.In[0].Shape {
		if n.Out[0] != nil {
			l.Same(In(0, axis), Out(0, axis))
		}
		l.Reduce(In(0, axis))
	}
}

func deadDynamicQuantize(_ *Node, _, _ int, _ []State) State { return Varying }

// knownZero is the number that input slot takes off, where it is one constant
// for all; 0 where it is absent and NaN where it is not known.
func knownZero(n *Node, slot int) float64 {
	switch f := n.Input(slot); {
	case f == nil:
		return 0
	case f.Static && f.Value != nil:
		if c, ok := f.Value.Uniform(); ok {
			return c
		}
	}
	return math.NaN()
}

// integerProduct says where a product of quantised matrices has its inputs.
type integerProduct struct {
	a, b, zeroA, zeroB int
	// scaleA, scaleB and zeroY are those of the QLinear operators, -1 for the
	// integer ones.
	scaleA, scaleB, zeroY int
}

var integerProductRows = map[string]*Spec{
	"MatMulInteger": (&integerProduct{0, 1, 2, 3, -1, -1, -1}).spec(),
	"QLinearMatMul": (&integerProduct{0, 3, 2, 5, 1, 4, 7}).spec(),
}

func (k *integerProduct) spec() *Spec {
	return strict(Spec{Infer: k.infer, Links: k.link, Dead: k.dead, Cost: k.cost, Forward: k.forward, Unfolded: every})
}

func (k *integerProduct) infer(n *Node) ([]Fact, error) {
	dt := tensor.Int32
	if k.zeroY >= 0 {
		dt = n.DType(k.zeroY)
		if !n.Has(k.zeroY) || !n.Has(k.scaleA) || !n.Has(k.scaleB) {
			return nil, errNoScale
		}
	}
	a, ok := n.Shape(k.a)
	b, okB := n.Shape(k.b)
	if !ok || !okB {
		return []Fact{Unknown(dt)}, nil
	}
	out, err := matrixProduct(a, b)
	if err != nil {
		return nil, err
	}
	return []Fact{Of(dt, out...)}, nil
}

// matrixProduct is the shape of the product of two stacks of matrices; a
// vector is a matrix of one row on the left and of one column on the right.
func matrixProduct(a, b []int64) ([]int64, error) {
	if len(a) == 0 || len(b) == 0 {
		return nil, fmt.Errorf("shapes %v and %v do not multiply", a, b)
	}
	row, column := len(a) == 1, len(b) == 1
	if row {
		a = []int64{1, a[0]}
	}
	if column {
		b = []int64{b[0], 1}
	}
	ra, rb := len(a), len(b)
	if a[ra-1] != b[rb-2] {
		return nil, fmt.Errorf("shapes %v and %v do not multiply", a, b)
	}
	out, err := Broadcast(a[:ra-2], b[:rb-2])
	if err != nil {
		return nil, err
	}
	if !row {
		out = append(out, a[ra-2])
	}
	if !column {
		out = append(out, b[rb-1])
	}
	return out, nil
}

func (k *integerProduct) link(n *Node, l *Linker) {
	a, b, out := n.In[k.a].Shape, n.In[k.b].Shape, n.Out[0].Rank()
	inner := In(k.b, max(len(b)-2, 0))
	l.ContractFrom(l.whole(In(k.a, len(a)-1)), l.whole(inner), knownZero(n, k.zeroA), knownZero(n, k.zeroB))
	rows, columns := -1, -1
	stack := out
	if len(b) > 1 {
		stack--
		columns = stack
		l.Same(In(k.b, len(b)-1), Out(0, columns))
	}
	if len(a) > 1 {
		stack--
		rows = stack
		l.Same(In(k.a, len(a)-2), Out(0, rows))
	}
	for slot, shape := range map[int][]int64{k.a: a, k.b: b} {
		for axis := range len(shape) - 2 {
			if to := stack - (len(shape) - 2) + axis; shape[axis] == n.Out[0].Shape[to] {
				l.Same(In(slot, axis), Out(0, to))
			}
		}
	}
	for _, slot := range []int{k.zeroA, k.scaleA} {
		k.linkVector(n, l, slot, rows)
	}
	for _, slot := range []int{k.zeroB, k.scaleB} {
		k.linkVector(n, l, slot, columns)
	}
}

// linkVector ties scales and zero points that come one for each row or column.
func (k *integerProduct) linkVector(n *Node, l *Linker, slot, axis int) {
	if slot >= 0 && axis >= 0 && n.Has(slot) && n.In[slot].Rank() == 1 && n.In[slot].Shape[0] == n.Out[0].Shape[axis] {
		l.Same(In(slot, 0), Out(0, axis))
	}
}

// dead is the zero point where one side stands for zero or its scale is.
func (k *integerProduct) dead(n *Node, _, _ int, in []State) State {
	silent := func(x, zero, scale int) bool {
		c, ok := in[x].Number()
		z, okZero := zeroPoint(n, zero, in).Number()
		return ok && okZero && c == z || scale >= 0 && in[scale] == Zero
	}
	if !silent(k.a, k.zeroA, k.scaleA) && !silent(k.b, k.zeroB, k.scaleB) {
		return Varying
	}
	if k.zeroY < 0 {
		return Zero
	}
	return in[k.zeroY]
}

func (k *integerProduct) cost(n *Node) int64 {
	if len(n.Out) == 0 || !allKnown(n.Out[0], n.Input(k.a)) {
		return 0
	}
	a := n.In[k.a].Shape
	return product(n.Out[0].Shape) * a[len(a)-1]
}
