package op

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// labelled is a list of numbers whose axes have labels, each with its size and
// its step through the list. A label that occurs twice is the diagonal.
type labelled[T number] struct {
	v    []T
	size map[rune]int64
	step map[rune]int64
	axes []rune
}

// mostBetween bounds the elements of a product of some operands that is
// multiplied by the others.
const mostBetween = 1 << 26

func forwardEinsum(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	seen, facts, err := settled(n, in, inferEinsum)
	if err != nil {
		return nil, err
	}
	e, err := readEquation(seen)
	if err != nil {
		return nil, err
	}
	if all(in, isWhole) {
		return einsum(e, in, &facts[0], wholes, ofWholes)
	}
	return einsum(e, in, &facts[0], reals, rounded)
}

// einsum multiplies the operands from left to right, and sums over a label as
// soon as nothing asks for it any more.
func einsum[T number](e *equation, in []*tensor.Tensor, f *Fact, read func(*tensor.Tensor) ([]T, error), write func(tensor.DType, []int64, []T) (*tensor.Tensor, error)) ([]*tensor.Tensor, error) {
	one := &labelled[T]{v: []T{1}}
	total := one
	for i, t := range in {
		v, err := read(t)
		if err != nil {
			return nil, err
		}
		next := label(v, t.Shape, e.in[i])
		later := append(slices.Clone(e.in[i+1:]), e.out)
		// What one operand alone has is summed first, so that labels of two
		// operands are not gone through in pairs for nothing.
		if next, err = next.times(one, next.needed(one, append(slices.Clone(later), total.axes))); err != nil {
			return nil, err
		}
		keep := e.out
		if i < len(in)-1 {
			keep = total.needed(next, later)
			if count, err := tensor.Count(total.extents(next, keep)); err != nil || count > mostBetween {
				return nil, errors.New("the product of some operands is too large to evaluate")
			}
		}
		if total, err = total.times(next, keep); err != nil {
			return nil, err
		}
	}
	t, err := write(f.DType, f.Shape, total.v)
	return []*tensor.Tensor{t}, err
}

// label reads a list by its axes; an axis of one element broadcasts.
func label[T number](v []T, shape []int64, axes []rune) *labelled[T] {
	l := &labelled[T]{v: v, size: map[rune]int64{}, step: map[rune]int64{}}
	for axis, step := range strides(shape) {
		r := axes[axis]
		if _, seen := l.size[r]; !seen {
			l.axes = append(l.axes, r)
			l.size[r] = shape[axis]
		}
		if shape[axis] != 1 {
			l.size[r] = shape[axis]
			l.step[r] += step
		}
	}
	return l
}

// needed lists the labels of two factors that later terms have.
func (l *labelled[T]) needed(m *labelled[T], later [][]rune) []rune {
	var keep []rune
	for _, r := range slices.Concat(l.axes, m.axes) {
		wanted := slices.ContainsFunc(later, func(term []rune) bool { return slices.Contains(term, r) })
		if wanted && !slices.Contains(keep, r) {
			keep = append(keep, r)
		}
	}
	return keep
}

// extents are the sizes of labels in a product.
func (l *labelled[T]) extents(m *labelled[T], axes []rune) []int64 {
	shape := make([]int64, len(axes))
	for i, r := range axes {
		shape[i] = 1
		for _, f := range []*labelled[T]{l, m} {
			if size, ok := f.size[r]; ok && size != 1 {
				shape[i] = size
			}
		}
	}
	return shape
}

// times is the product of two factors, summed over all labels but keep.
func (l *labelled[T]) times(m *labelled[T], keep []rune) (*labelled[T], error) {
	shape := l.extents(m, keep)
	if err := bounded(tensor.Float64, shape); err != nil {
		return nil, err
	}
	out := label(make([]T, product(shape)), shape, keep)
	all := distinctLabels(slices.Concat(l.axes, m.axes, keep))
	if slices.Contains(l.extents(m, all), 0) {
		return out, nil
	}
	if len(all) == 0 {
		out.v[0] = l.v[0] * m.v[0]
		return out, nil
	}
	// The inner loop goes where the steps are shortest, along more than one
	// element if it can.
	inner := slices.MinFunc(all, func(a, b rune) int {
		return cmp.Compare(l.stepsOf(m, out, a), l.stepsOf(m, out, b))
	})
	all = slices.DeleteFunc(all, func(r rune) bool { return r == inner })
	summed := slices.DeleteFunc(slices.Clone(all), func(r rune) bool { return slices.Contains(keep, r) })
	kept := slices.DeleteFunc(all, func(r rune) bool { return !slices.Contains(keep, r) })
	sizes, over := l.extents(m, kept), l.extents(m, summed)
	keptL, keptM, keptOut := l.offsets(kept, sizes), m.offsets(kept, sizes), out.offsets(kept, sizes)
	sumL, sumM := l.offsets(summed, over), m.offsets(summed, over)
	count, stepL, stepM, stepOut := l.extents(m, []rune{inner})[0], l.step[inner], m.step[inner], out.step[inner]
	for i := range keptOut {
		for k := range sumL {
			a, b, at := keptL[i]+sumL[k], keptM[i]+sumM[k], keptOut[i]
			if stepOut == 0 {
				out.v[at] += dot(l.v[a:], m.v[b:], count, stepL, stepM)
				continue
			}
			for range count {
				out.v[at] += l.v[a] * m.v[b]
				a, b, at = a+stepL, b+stepM, at+stepOut
			}
		}
	}
	return out, nil
}

// stepsOf is how far apart the elements along a label lie.
func (l *labelled[T]) stepsOf(m, out *labelled[T], r rune) int64 {
	if l.extents(m, []rune{r})[0] == 1 {
		return math.MaxInt64
	}
	return l.step[r] + m.step[r] + out.step[r]
}

// dot sums the products of count elements, some steps apart.
func dot[T number](a, b []T, count, stepA, stepB int64) T {
	sum, i, j := T(0), int64(0), int64(0)
	for range count {
		sum += a[i] * b[j]
		i, j = i+stepA, j+stepB
	}
	return sum
}

func distinctLabels(list []rune) []rune {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

// offsets are the places of every combination of labels, the last fastest.
func (l *labelled[T]) offsets(axes []rune, shape []int64) []int64 {
	list := []int64{0}
	for i, r := range axes {
		next := make([]int64, 0, int64(len(list))*shape[i])
		for _, at := range list {
			for k := range shape[i] {
				next = append(next, at+k*l.step[r])
			}
		}
		list = next
	}
	return list
}
