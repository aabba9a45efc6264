package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// runningRows go along one axis and keep its length, or the best of it.
var runningRows = map[string]*Spec{
	"CumSum":  strict(Spec{Infer: inferLike, Links: linkCumSum, Dead: deadCumSum, Forward: forwardRunning(0, func(a, b float64) float64 { return a + b }, func(a, b int64) int64 { return a + b }), Compile: compileCumSum}),
	"CumProd": strict(Spec{Infer: inferLike, Links: linkCumProd, Dead: deadRunning, Forward: forwardRunning(1, func(a, b float64) float64 { return a * b }, func(a, b int64) int64 { return a * b }), Compile: compileCumProd}),
	"TopK":    strictMany(Spec{Infer: inferTopK, Links: linkTopK, Dead: deadTopK, Forward: forwardTopK, Compile: compileTopK}),
}

// inferLike gives output 0 the type and shape of input 0.
func inferLike(n *Node) ([]Fact, error) { return likeFirst(n), nil }

// runningAxis is the axis in input 1; known is false where it is computed.
func runningAxis(n *Node, rank int) (axis int, known bool) {
	v, ok := n.Input(1).Ints()
	if !ok || len(v) != 1 {
		return 0, false
	}
	axis, err := Axis(v[0], rank)
	return axis, err == nil
}

// linkCumSum ties every axis. A zero changes none of the sums behind it, so
// that channels of the summed axis may go where they hold zero.
func linkCumSum(n *Node, l *Linker) {
	axis, known := runningAxis(n, n.In[0].Rank())
	if !known {
		l.Silence = "sums along a computed axis"
		return
	}
	for a := range n.In[0].Shape {
		l.Same(In(0, a), Out(0, a))
	}
	l.Reduce(In(0, axis))
}

func linkCumProd(n *Node, l *Linker) {
	axis, known := runningAxis(n, n.In[0].Rank())
	if !known {
		l.Silence = "multiplies along a computed axis"
		return
	}
	for a := range n.In[0].Shape {
		l.Same(In(0, a), Out(0, a))
	}
	l.Pin(In(0, axis), "multiplies along this axis")
}

// deadCumSum is zero beside the axis that is summed; a dead channel of that
// axis shows the sum of those before.
func deadCumSum(n *Node, _, axis int, in []State) State {
	along, known := runningAxis(n, n.In[0].Rank())
	if known && along != axis && in[0] == Zero {
		return Zero
	}
	return in[0].Join(Varying)
}

// deadRunning is zero where nothing but zeros are multiplied.
func deadRunning(n *Node, _, axis int, in []State) State {
	if n.Attrs.Int("exclusive", 0) != 0 {
		return in[0].Join(Varying)
	}
	return deadIfZero(n, 0, axis, in)
}

func forwardRunning(start int64, join func(a, b float64) float64, whole func(a, b int64) int64) func(*Node, []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		if err := present(in, 2); err != nil {
			return nil, err
		}
		axis, known := runningAxis(given(n, in), in[0].Rank())
		if !known {
			return nil, errors.New("the axis is not known")
		}
		if isWhole(in[0]) {
			t, err := ofWhole(in[0].DType, in[0].Shape, running(n, in[0].AsInt64s(), in[0].Shape, axis, start, whole))
			return []*tensor.Tensor{t}, err
		}
		v, err := numbersOf(in[0])
		if err != nil {
			return nil, err
		}
		t, err := ofNumbers(in[0].DType, in[0].Shape, running(n, v, in[0].Shape, axis, float64(start), join))
		return []*tensor.Tensor{t}, err
	}
}

// running joins the numbers along an axis, each with those before it.
func running[T number](n *Node, v []T, shape []int64, axis int, start T, join func(a, b T) T) []T {
	exclusive := n.Attrs.Int("exclusive", 0) != 0
	first, within := places(shape, only(axis, len(shape)))
	if n.Attrs.Int("reverse", 0) != 0 {
		slices.Reverse(within)
	}
	out := make([]T, len(v))
	for _, from := range first {
		total := start
		for _, step := range within {
			at := from + step
			before := total
			total = join(total, v[at])
			out[at] = choose(exclusive, before, total)
		}
	}
	return out
}

// topCount is the number of elements that TopK takes; known is false where it
// is computed.
func topCount(n *Node) (k int64, known bool) {
	if !n.Has(1) {
		a, ok := n.Attrs["k"]
		return a.Int, ok
	}
	v, ok := n.In[1].Ints()
	if !ok || len(v) != 1 {
		return 0, false
	}
	return v[0], true
}

func inferTopK(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0)), Unknown(tensor.Int64)}, nil
	}
	axis, err := Axis(n.Attrs.Int("axis", -1), len(shape))
	if err != nil {
		return nil, err
	}
	k, known := topCount(n)
	if !known {
		k = n.Fresh()
	} else if k < 0 || k > shape[axis] {
		return nil, fmt.Errorf("takes %d of %d", k, shape[axis])
	}
	out := slices.Clone(shape)
	out[axis] = k
	return []Fact{Of(n.DType(0), out...), Of(tensor.Int64, out...)}, nil
}

func linkTopK(n *Node, l *Linker) {
	l.Silence = "picks the largest along this axis"
	axis, err := Axis(n.Attrs.Int("axis", -1), n.In[0].Rank())
	if err != nil {
		return
	}
	for o, out := range n.Out {
		for a := range n.In[0].Shape {
			if out != nil && a != axis {
				l.Same(In(0, a), Out(o, a))
			}
		}
	}
}

func deadTopK(_ *Node, out, _ int, in []State) State {
	if out == 0 {
		return in[0]
	}
	return Varying
}

func forwardTopK(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	seen := given(n, in)
	facts, err := inferTopK(seen)
	if err != nil {
		return nil, err
	}
	axis, err := Axis(n.Attrs.Int("axis", -1), in[0].Rank())
	if err != nil {
		return nil, err
	}
	k, known := topCount(seen)
	if !known {
		return nil, errors.New("the number is not known")
	}
	compare, err := ordering(in[0])
	if err != nil {
		return nil, err
	}
	shape := facts[0].Shape
	at, indices := make([]int64, product(shape)), make([]int64, product(shape))
	sign := choose(n.Attrs.Int("largest", 1) != 0, -1, 1)
	first, within := places(in[0].Shape, only(axis, in[0].Rank()))
	to, steps := places(shape, only(axis, len(shape)))
	for i, from := range first {
		order := line(int64(len(within)), 0, 1)
		slices.SortStableFunc(order, func(a, b int64) int { return sign * compare(from+within[a], from+within[b]) })
		for j := range k {
			at[to[i]+steps[j]], indices[to[i]+steps[j]] = from+within[order[j]], order[j]
		}
	}
	t, err := pick(in[0], shape, [][]int64{at}, nil)
	return []*tensor.Tensor{t, tensor.FromInt64s(facts[1].Shape, indices)}, err
}
