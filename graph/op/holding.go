package op

import (
	"cmp"
	"slices"
)

// holding is where operands that may share inputs of a routine lie, and how
// their gradients are begun: what several operands leave out of an input, or
// reach twice, is cleared first and then added to.
type holding struct {
	places []Place
	// whole says of each operand that it and those that share its input reach
	// every element of that once; apart that they reach none twice.
	whole, apart []bool
}

// newHolding is that of some inputs of a node.
func newHolding(n *Node, slots ...int) *holding {
	h := &holding{}
	var shapes [][]int64
	for _, i := range slots {
		h.places, shapes = append(h.places, n.place(i)), append(shapes, n.In[i].Shape)
	}
	for _, p := range h.places {
		var lies []Lie
		var of [][]int64
		for k, other := range h.places {
			if other.In == p.In {
				lies, of = append(lies, other.Lie), append(of, shapes[k])
			}
		}
		apart, count := tiling(p.Size, lies, of)
		h.apart, h.whole = append(h.apart, apart), append(h.whole, apart && count == p.Size)
	}
	return h
}

// inputs lists the inputs that hold operands.
func (h *holding) inputs() []int {
	var list []int
	for _, p := range h.places {
		if !slices.Contains(list, p.In) {
			list = append(list, p.In)
		}
	}
	return list
}

// x is operand k from its first element on.
func (h *holding) x(f *Frame, k int) []float32 { return f.X(h.places[k].In)[h.places[k].Offset:] }

// dx is the gradient of operand k from its first element on, nil where none is
// wanted.
func (h *holding) dx(f *Frame, k int) []float32 {
	p := &h.places[k]
	if f.DIn[p.In] == nil {
		return nil
	}
	return f.DIn[p.In].Float32s()[p.Offset:]
}

// begin readies the gradients for the first that is written.
func (h *holding) begin(f *Frame) {
	for k, p := range h.places {
		first := !slices.ContainsFunc(h.places[:k], func(other Place) bool { return other.In == p.In })
		if first && !h.whole[k] && f.DIn[p.In] != nil {
			f.begin(p.In, true)
		}
	}
}

// beta is what the gradient of operand k is multiplied by before its first term
// is added.
func (h *holding) beta(f *Frame, k int) float32 {
	if f.Add[h.places[k].In] || !h.whole[k] {
		return 1
	}
	return 0
}

// tiling counts the elements that tensors in one memory of size elements reach;
// apart is false where one may be reached twice. It understands tensors that
// differ in what they take of the last axis of some arrangement.
func tiling(size int64, lies []Lie, shapes [][]int64) (apart bool, count int64) {
	type run struct{ from, to int64 }
	var runs []run
	var outer []int64 // sizes and steps of all axes but the last
	period := size
	for k, l := range lies {
		sizes, steps := sorted(shapes[k], l.Steps)
		last := len(sizes) - 1
		length := int64(1)
		if last >= 0 && steps[last] == 1 {
			length, sizes, steps = sizes[last], sizes[:last], steps[:last]
		}
		for i, step := range steps {
			inner := length
			if i+1 < len(steps) {
				inner = steps[i+1] * sizes[i+1]
			}
			if step < inner {
				return false, 0
			}
		}
		own := slices.Concat(sizes, steps)
		if k == 0 {
			outer = own
			if len(steps) > 0 {
				period = steps[len(steps)-1]
			}
		} else if !slices.Equal(outer, own) {
			return false, 0
		}
		runs, count = append(runs, run{l.Offset, l.Offset + length}), count+product(shapes[k])
	}
	slices.SortFunc(runs, func(a, b run) int { return cmp.Compare(a.from, b.from) })
	for i := range runs {
		if i > 0 && runs[i].from < runs[i-1].to {
			return false, 0
		}
	}
	return runs[len(runs)-1].to-runs[0].from <= period, count
}

// sorted is compressed for axes in the order of their steps, the farthest first.
func sorted(shape, steps []int64) (sizes, apart []int64) {
	order := line(int64(len(shape)), 0, 1)
	slices.SortStableFunc(order, func(a, b int64) int { return cmp.Compare(steps[b], steps[a]) })
	var s, t []int64
	for _, axis := range order {
		s, t = append(s, shape[axis]), append(t, steps[axis])
	}
	return compressed(s, t)
}
