package op

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"onnxcompress/graph/tensor"
)

// decimals are distinct floats whose sums of few are exact.
func decimals(shape ...int64) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape...)
	for i, list := 0, t.Float32s(); i < len(list); i++ {
		list[i] = float32(i+1) / 4
	}
	return t
}

// masked sets to zero what goes of the axes that the node sums over: that
// these channels are dead is the condition for cutting them.
func (x trial) masked(gone map[channel]bool) trial {
	l := NewLinker(x.node)
	Lookup("", x.node.Type).Links(x.node, l)
	in := slices.Clone(x.in)
	for _, k := range l.Links {
		if k.Kind != Reduce {
			continue
		}
		t, size := in[k.A.Slot].Clone(), int64(in[k.A.Slot].DType.Size())
		inner := product(t.Shape[k.A.Axis+1:])
		for i := range int64(t.Len()) {
			if gone[channel{k.A.Ref, i / inner % t.Shape[k.A.Axis]}] {
				clear(t.Data[i*size : (i+1)*size])
			}
		}
		in[k.A.Slot] = t
	}
	return trial{x.node, in}
}

func (x trial) kept(gone map[channel]bool) func(Ref) []int64 {
	return func(r Ref) []int64 {
		list, size := []int64{}, NewLinker(x.node).Size(r)
		for i := range size {
			if !gone[channel{r, i}] {
				list = append(list, i)
			}
		}
		if int64(len(list)) == size {
			return nil
		}
		return list
	}
}

// factor is what the cut multiplies output 0 by.
func (x trial) factor(t *testing.T, kept func(Ref) []int64) float64 {
	t.Helper()
	c := NewCut(x.node, kept)
	if narrow := Lookup("", x.node.Type).Narrow; narrow != nil {
		if err := narrow(x.node, c); err != nil {
			t.Fatal(err)
		}
	}
	if f, ok := c.Factors[0]; ok {
		return f
	}
	return 1
}

// TestReductionCuts: a node that loses channels which hold zero computes the
// original's output less the cut, with the factor that the cut asks for.
func TestReductionCuts(t *testing.T) {
	v := tensor.Vector
	axes := func(a ...int64) Attrs { return Attrs{"axes": ints(a...), "keepdims": {Int: 0}} }
	cases := []struct {
		op      string
		version int
		attrs   Attrs
		in      []*tensor.Tensor
		free    int
	}{
		{"ReduceSum", 11, axes(1), []*tensor.Tensor{numbered(3, 4, 2)}, 3 + 4 + 2},
		{"ReduceSum", 13, nil, []*tensor.Tensor{numbered(3, 4, 2), v(-1, 0)}, 3 + 4 + 2},
		{"ReduceSum", 13, Attrs{"noop_with_empty_axes": {Int: 1}}, []*tensor.Tensor{numbered(3, 4), v()}, 3 + 4},
		{"ReduceSum", 13, nil, []*tensor.Tensor{numbered(3, 4)}, 3 + 4},
		{"ReduceMean", 13, axes(-1), []*tensor.Tensor{decimals(3, 4)}, 3 + 4},
		{"ReduceMean", 18, nil, []*tensor.Tensor{decimals(2, 4, 8), v(1, 2)}, 2 + 4 + 8},
		{"ReduceMean", 13, axes(-1), []*tensor.Tensor{numbered(3, 4)}, 3},
		{"ReduceL1", 13, axes(0), []*tensor.Tensor{decimals(3, 4)}, 3 + 4},
		{"ReduceL2", 13, axes(0), []*tensor.Tensor{decimals(3, 4)}, 3 + 4},
		{"ReduceSumSquare", 13, axes(0), []*tensor.Tensor{decimals(3, 4)}, 3 + 4},
		{"ReduceMax", 13, axes(0), []*tensor.Tensor{decimals(3, 4)}, 4},
		{"ReduceMin", 20, nil, []*tensor.Tensor{decimals(3, 4), v(1)}, 3},
		{"ReduceProd", 13, axes(1), []*tensor.Tensor{numbered(3, 4)}, 3},
		{"ReduceLogSum", 13, axes(1), []*tensor.Tensor{decimals(3, 4)}, 3},
		{"ReduceLogSumExp", 13, axes(1), []*tensor.Tensor{decimals(3, 4)}, 3},
		{"ArgMax", 13, Attrs{"axis": {Int: 1}}, []*tensor.Tensor{numbered(3, 4, 2)}, 3 + 2},
		{"ArgMin", 13, Attrs{"axis": {Int: 0}, "keepdims": {Int: 0}}, []*tensor.Tensor{numbered(3, 4, 2)}, 4 + 2},
		{"TopK", 11, Attrs{"axis": {Int: 1}}, []*tensor.Tensor{numbered(3, 4, 2), v(2)}, 3 + 2},
		{"TopK", 1, Attrs{"axis": {Int: 0}, "k": {Int: 1}}, []*tensor.Tensor{numbered(3, 4)}, 4},
		{"CumSum", 14, nil, []*tensor.Tensor{numbered(3, 4), tensor.FromInt64s(nil, []int64{1})}, 3 + 4},
		{"CumSum", 14, Attrs{"exclusive": {Int: 1}, "reverse": {Int: 1}}, []*tensor.Tensor{numbered(3, 4), tensor.FromInt64s(nil, []int64{0})}, 3 + 4},
		{"CumProd", 26, nil, []*tensor.Tensor{numbered(3, 4), tensor.FromInt64s(nil, []int64{1})}, 3},
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%s/%d", c.op, i), func(t *testing.T) {
			x := newTrial(t, c.op, c.version, c.attrs, 1, c.in)
			sets := x.removals()
			if len(sets) != c.free {
				t.Errorf("%d sets of channels may go, want %d", len(sets), c.free)
			}
			for _, gone := range sets {
				kept := x.kept(gone)
				factor := x.factor(t, kept)
				want, got := x.masked(gone).forward(t), x.cut(t, kept).forward(t)
				for o := range got {
					less := take(t, want[o], func(axis int) []int64 { return kept(Out(o, axis)) })
					a, b := got[o].AsFloat64s(), less.AsFloat64s()
					same := slices.Equal(got[o].Shape, less.Shape)
					for i := range min(len(a), len(b)) {
						same = same && math.Abs(a[i]*factor-b[i]) <= 1e-5*math.Abs(b[i])
					}
					if !same {
						t.Errorf("without %v output %d is %v times %g, want %v", slices.Collect(maps.Keys(gone)), o, a, factor, b)
					}
				}
			}
		})
	}
}
