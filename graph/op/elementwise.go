package op

import (
	"errors"
	"slices"

	"onnxcompress/graph/tensor"
)

// formula computes one element of the output from the elements of the inputs at
// its position. The place of an absent optional input means nothing.
type formula struct {
	// float is the definition on real numbers.
	float func(n *Node, v []float64) float64
	// point is float where there is one input only.
	point func(n *Node, x float64) float64
	// whole is the definition on whole numbers and booleans; nil where float
	// serves for them too.
	whole func(n *Node, v []int64) (int64, error)
	// wide is the definition on numbers of type Uint64; nil where whole serves
	// for their bits, too.
	wide func(n *Node, v []uint64) (uint64, error)
	// text is the definition on strings, of which the result is true or false.
	text func(v [][]byte) bool
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
		formula:     f,
	}
	if f.float != nil || f.whole != nil {
		s.Forward = func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
			seen := given(n, in)
			return f.apply(seen, in, result(seen))
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

// apply evaluates the formula on tensors; n is as seen with their contents.
func (f formula) apply(n *Node, in []*tensor.Tensor, dt tensor.DType) ([]*tensor.Tensor, error) {
	facts, err := inferBroadcast(n, dt)
	if err != nil {
		return nil, err
	}
	out, err := alloc(dt, facts[0].Shape)
	if err != nil {
		return nil, err
	}
	walk := newWalk(in, facts[0].Shape)
	switch {
	case f.text != nil && all(in, func(t *tensor.Tensor) bool { return t.DType == tensor.String }):
		err = over(in, out, walk, func(t *tensor.Tensor) [][]byte { return t.Strings }, func(i int, v [][]byte) error {
			out.SetInt(i, int64(truth(f.text(v))))
			return nil
		})
	case f.wide != nil && slices.ContainsFunc(in, isUint64) && all(in, isWhole):
		err = over(in, out, walk, asUint64s, func(i int, v []uint64) error {
			x, err := f.wide(n, v)
			out.SetInt(i, int64(x))
			return err
		})
	case f.whole != nil && all(in, isWhole):
		err = over(in, out, walk, (*tensor.Tensor).AsInt64s, func(i int, v []int64) error {
			x, err := f.whole(n, v)
			out.SetInt(i, x)
			return err
		})
	case f.float != nil:
		err = over(in, out, walk, (*tensor.Tensor).AsFloat64s, func(i int, v []float64) error {
			if !out.Set(i, f.float(n, v)) {
				return errElements
			}
			return nil
		})
	default:
		err = errElements
	}
	return []*tensor.Tensor{out}, err
}

// errElements says that an operator has no meaning for elements of some type.
var errElements = errors.New("the element type cannot be computed with")

// over calls write for every element of out with the elements of the inputs at
// its position, as read gives them.
func over[T any](in []*tensor.Tensor, out *tensor.Tensor, walk *walk, read func(*tensor.Tensor) []T, write func(i int, v []T) error) error {
	lists, err := columns(in, read)
	if err != nil {
		return err
	}
	v := make([]T, len(lists))
	for i := range out.Len() {
		for k, list := range lists {
			if list != nil {
				v[k] = list[walk.at[k]]
			}
		}
		if err := write(i, v); err != nil {
			return err
		}
		walk.next()
	}
	return nil
}

// all reports whether every tensor that is there is of a kind.
func all(in []*tensor.Tensor, is func(*tensor.Tensor) bool) bool {
	return !slices.ContainsFunc(in, func(t *tensor.Tensor) bool { return t != nil && !is(t) })
}

// isWhole reports whether a tensor holds whole numbers or booleans.
func isWhole(t *tensor.Tensor) bool { return t.DType.IsWhole() || t.DType == tensor.Bool }

func isUint64(t *tensor.Tensor) bool { return t != nil && t.DType == tensor.Uint64 }

func asUint64s(t *tensor.Tensor) []uint64 {
	v := t.AsInt64s()
	if v == nil {
		return nil
	}
	w := make([]uint64, len(v))
	for i, x := range v {
		w[i] = uint64(x)
	}
	return w
}

func columns[T any](in []*tensor.Tensor, read func(*tensor.Tensor) []T) ([][]T, error) {
	lists := make([][]T, len(in))
	for k, t := range in {
		if t == nil {
			continue
		}
		if lists[k] = read(t); lists[k] == nil && t.Len() > 0 {
			return nil, errElements
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
		if t == nil {
			w.strides[k] = make([]int64, len(shape))
			continue
		}
		w.strides[k] = broadcastStrides(t.Shape, len(shape))
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
