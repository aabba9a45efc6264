package op

import (
	"errors"

	"onnxcompress/graph/tensor"
)

// formula computes one element of the output from the elements of the inputs at
// its position. The place of an absent optional input means nothing.
type formula struct {
	// float is the definition on real numbers.
	float func(n *Node, v []float64) float64
	// whole is the definition on whole numbers and booleans; nil where float
	// serves for them too.
	whole func(n *Node, v []int64) (int64, error)
}

// errUndefined says that a whole-number formula has no result.
var errUndefined = errors.New("division by zero")

// elementwise is an operator whose output element follows from the input
// elements at its broadcast position. result gives the output's element type.
func elementwise(f formula, result func(*Node) tensor.DType, options ...func(*Spec)) *Spec {
	s := &Spec{
		Infer:       func(n *Node) ([]Fact, error) { return inferBroadcast(n, result(n)) },
		Links:       linkBroadcast,
		Elementwise: true,
	}
	if f.float != nil || f.whole != nil {
		s.Forward = func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
			return f.apply(n, in, result(given(n, in)))
		}
	}
	for _, option := range options {
		option(s)
	}
	return s
}

// zeroIn lists inputs whose zero alone makes the output zero.
func zeroIn(slots ...int) func(*Spec) { return func(s *Spec) { s.ZeroIn = slots } }

// partial lists inputs for which not every number gives a finite result; those
// that are constants are cut and never zeroed.
func partial(slots ...int) func(*Spec) {
	return func(s *Spec) {
		s.Partial = slots
		s.Follow = slots
	}
}

// likeInput gives the output the element type of input slot.
func likeInput(slot int) func(*Node) tensor.DType {
	return func(n *Node) tensor.DType { return n.DType(slot) }
}

// always gives the output one element type.
func always(dt tensor.DType) func(*Node) tensor.DType {
	return func(*Node) tensor.DType { return dt }
}

// apply evaluates the formula on tensors.
func (f formula) apply(n *Node, in []*tensor.Tensor, dt tensor.DType) ([]*tensor.Tensor, error) {
	facts, err := inferBroadcast(given(n, in), dt)
	if err != nil {
		return nil, err
	}
	if !facts[0].Known {
		return nil, errors.New("the shape is not known")
	}
	out, err := alloc(dt, facts[0].Shape)
	if err != nil {
		return nil, err
	}
	walk := newWalk(in, facts[0].Shape)
	if f.whole != nil && wholeOnly(in) {
		return f.applyWhole(n, in, out, walk)
	}
	if f.float == nil {
		return nil, errors.New("has no meaning for these element types")
	}
	lists, err := columns(in, (*tensor.Tensor).AsFloat64s)
	if err != nil {
		return nil, err
	}
	v := make([]float64, len(lists))
	for i := range out.Len() {
		for k, list := range lists {
			if list != nil {
				v[k] = list[walk.at[k]]
			}
		}
		if !out.Set(i, f.float(n, v)) {
			return nil, errors.New("the element type cannot be computed with")
		}
		walk.next()
	}
	return []*tensor.Tensor{out}, nil
}

func (f formula) applyWhole(n *Node, in []*tensor.Tensor, out *tensor.Tensor, walk *walk) ([]*tensor.Tensor, error) {
	lists, err := columns(in, (*tensor.Tensor).AsInt64s)
	if err != nil {
		return nil, err
	}
	size := out.DType.Size()
	v := make([]int64, len(lists))
	for i := range out.Len() {
		for k, list := range lists {
			if list != nil {
				v[k] = list[walk.at[k]]
			}
		}
		x, err := f.whole(n, v)
		if err != nil {
			return nil, err
		}
		putInt(out.Data[i*size:(i+1)*size], x)
		walk.next()
	}
	return []*tensor.Tensor{out}, nil
}

// wholeOnly reports whether all tensors hold whole numbers or booleans.
func wholeOnly(in []*tensor.Tensor) bool {
	for _, t := range in {
		if t != nil && !t.DType.IsInt() && t.DType != tensor.Bool {
			return false
		}
	}
	return true
}

func columns[T any](in []*tensor.Tensor, read func(*tensor.Tensor) []T) ([][]T, error) {
	lists := make([][]T, len(in))
	for k, t := range in {
		if t == nil {
			continue
		}
		if lists[k] = read(t); lists[k] == nil && t.Len() > 0 {
			return nil, errors.New("the element type cannot be computed with")
		}
	}
	return lists, nil
}

// walk steps through the elements of a broadcast shape and keeps the place of
// each input.
type walk struct {
	shape   []int64
	index   []int64
	strides [][]int64
	at      []int64
}

func newWalk(in []*tensor.Tensor, shape []int64) *walk {
	w := &walk{shape: shape, index: make([]int64, len(shape)), strides: make([][]int64, len(in)), at: make([]int64, len(in))}
	for k, t := range in {
		w.strides[k] = make([]int64, len(shape))
		if t == nil {
			continue
		}
		own, shift := strides(t.Shape), len(shape)-t.Rank()
		for axis, d := range t.Shape {
			if d != 1 {
				w.strides[k][shift+axis] = own[axis]
			}
		}
	}
	return w
}

func (w *walk) next() {
	for axis := len(w.shape) - 1; axis >= 0; axis-- {
		w.index[axis]++
		wrapped := w.index[axis] == w.shape[axis]
		for k := range w.at {
			w.at[k] += w.strides[k][axis]
			if wrapped {
				w.at[k] -= w.strides[k][axis] * w.shape[axis]
			}
		}
		if !wrapped {
			return
		}
		w.index[axis] = 0
	}
}
