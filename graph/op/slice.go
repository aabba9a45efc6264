package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

var sliceSpec = Spec{
	Infer: inferSlice, Links: linkSlice, Narrow: narrowSlice, Forward: forwardSlice, Compile: compileSlice, Layout: layoutSplit, Lies: liesSlice, Carry: true, Dead: deadFirst,
}

func liesSlice(n *Node, in Lie) []Lie {
	list, ok, err := stretches(n, n.In[0].Shape)
	if !ok || err != nil {
		return nil
	}
	out := Lie{in.Offset, slices.Clone(in.Steps)}
	for _, s := range list {
		if !s.known || s.step < 0 {
			return nil
		}
		out.Offset += s.start * in.Steps[s.axis]
		out.Steps[s.axis] *= s.step
	}
	return []Lie{out}
}

// stretch is what Slice takes of one axis: count elements from start. entry is
// its place in the lists of starts and ends; known is false where the bounds
// are computed.
type stretch struct {
	axis, entry        int
	start, step, count int64
	known              bool
}

func (s *stretch) whole(size int64) bool {
	return s.known && s.start == 0 && s.step == 1 && s.count == size
}

// stretches resolves what Slice takes of a shape; ok is false where not even
// the axes are known.
func stretches(n *Node, shape []int64) (list []stretch, ok bool, err error) {
	starts, _, knownStarts := n.IntsIn(1, "starts")
	ends, _, knownEnds := n.IntsIn(2, "ends")
	axes, listed, knownAxes := n.IntsIn(3, "axes")
	steps, stepped, knownSteps := n.IntsIn(4, "steps")
	count := len(starts)
	if bounds, ok := n.Shape(1); ok && len(bounds) == 1 && !knownStarts {
		count = int(min(bounds[0], int64(len(shape)+1)))
	} else if !knownStarts {
		return nil, false, nil
	}
	if !knownAxes {
		return nil, false, nil
	}
	known := knownStarts && knownEnds && knownSteps
	if known && len(ends) != count || listed && len(axes) != count || known && stepped && len(steps) != count || count > len(shape) {
		return nil, false, fmt.Errorf("starts, ends, axes and steps do not fit shape %v", shape)
	}
	for i := range count {
		s := stretch{axis: i, entry: i, step: 1, known: known}
		if listed {
			if s.axis, err = Axis(axes[i], len(shape)); err != nil {
				return nil, false, err
			}
		}
		if known {
			if stepped {
				s.step = steps[i]
			}
			if s.step == 0 {
				return nil, false, errors.New("a step is zero")
			}
			s.resolve(starts[i], ends[i], shape[s.axis])
		}
		if slices.ContainsFunc(list, func(other stretch) bool { return other.axis == s.axis }) {
			return nil, false, fmt.Errorf("axis %d is sliced twice", s.axis)
		}
		list = append(list, s)
	}
	return list, true, nil
}

// resolve turns bounds that may count from the end, or lie outside, into a
// start and a count.
func (s *stretch) resolve(start, end, size int64) {
	s.step = max(min(s.step, size+1), -size-1)
	if start < 0 {
		start += size
	}
	if end < 0 {
		end += size
	}
	if s.step > 0 {
		start, end = max(min(start, size), 0), max(min(end, size), 0)
		s.count = max(0, (end-start+s.step-1)/s.step)
	} else {
		start, end = max(min(start, size-1), 0), max(min(end, size-1), -1)
		s.count = max(0, (start-end-s.step-1)/-s.step)
	}
	s.start = start
	if size == 0 {
		s.start, s.count = 0, 0
	}
}

func inferSlice(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	list, ok, err := stretches(n, shape)
	if err != nil {
		return nil, err
	}
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	out := slices.Clone(shape)
	for _, s := range list {
		out[s.axis] = s.count
		if !s.known {
			out[s.axis] = n.Fresh()
		}
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

func linkSlice(n *Node, l *Linker) {
	shape := n.In[0].Shape
	list, ok, err := stretches(n, shape)
	if !ok || err != nil || n.Out[0].Rank() != len(shape) {
		l.Silence = "slices at computed positions"
		return
	}
	cut := make([]bool, len(shape))
	for _, s := range list {
		if !s.whole(shape[s.axis]) {
			cut[s.axis] = true
			s.link(l, shape[s.axis])
		}
	}
	for axis := range shape {
		if !cut[axis] {
			l.Same(In(0, axis), Out(0, axis))
		}
	}
}

func (s *stretch) link(l *Linker, size int64) {
	in, out := In(0, s.axis), Out(0, s.axis)
	switch {
	case !s.known:
		l.Pin(in, "slices at computed positions")
		l.Pin(out, "slices at computed positions")
	case s.step == 1:
		l.Range(out, 0, in, s.start, s.count)
	case s.step > 1 && size%s.step == 0 && s.start < s.step && s.count == size/s.step:
		l.Digits(out, 1, in, s.step, s.count)
		l.PinDigit(in, 1, s.step, "takes every s-th element of this axis")
	default:
		l.Pin(in, "takes elements of this axis in steps")
		l.Pin(out, "takes elements of this axis in steps")
	}
}

func narrowSlice(n *Node, c *Cut) error {
	shape := n.In[0].Shape
	list, ok, err := stretches(n, shape)
	if !ok || err != nil {
		return err
	}
	starts, _, _ := n.IntsIn(1, "starts")
	ends, _, _ := n.IntsIn(2, "ends")
	newStarts, newEnds := slices.Clone(starts), slices.Clone(ends)
	for _, s := range list {
		kept := c.Kept(In(0, s.axis))
		if kept == nil || !s.known || s.whole(shape[s.axis]) {
			continue
		}
		start, end, err := s.narrow(kept)
		if err != nil {
			return fmt.Errorf("axis %d: %w", s.axis, err)
		}
		same := stretch{step: s.step}
		same.resolve(starts[s.entry], ends[s.entry], int64(len(kept)))
		if same.start == start && same.count == (end-start+s.step-1)/s.step {
			continue
		}
		newStarts[s.entry] = start
		if ends[s.entry] < shape[s.axis] {
			newEnds[s.entry] = end
		}
	}
	if !slices.Equal(starts, newStarts) {
		c.SetInts(1, "starts", newStarts)
	}
	if !slices.Equal(ends, newEnds) {
		c.SetInts(2, "ends", newEnds)
	}
	return nil
}

// narrow finds the bounds, among the kept channels, of those that the stretch
// took.
func (s *stretch) narrow(kept []int64) (start, end int64, err error) {
	if s.step == 1 {
		return below(kept, s.start), below(kept, s.start+s.count), nil
	}
	var taken []int64
	for i, k := range kept {
		if d := k - s.start; d%s.step == 0 && d/s.step >= 0 && d/s.step < s.count {
			taken = append(taken, int64(i))
		}
	}
	for i, at := range taken {
		if s.step < 0 || at != taken[0]+int64(i)*s.step {
			return 0, 0, errors.New("what is kept is not evenly spaced")
		}
	}
	if len(taken) == 0 {
		return 0, 0, nil
	}
	return taken[0], taken[len(taken)-1] + 1, nil
}

// below counts the kept channels before an original index.
func below(kept []int64, at int64) int64 {
	i, _ := slices.BinarySearch(kept, at)
	return int64(i)
}

func forwardSlice(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	shape := in[0].Shape
	list, ok, err := stretches(given(n, in), shape)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errors.New("the axes are not known")
	}
	out, tables, steps := slices.Clone(shape), lines(shape), strides(shape)
	for _, s := range list {
		out[s.axis] = s.count
		tables[s.axis] = line(s.count, s.start*steps[s.axis], s.step*steps[s.axis])
	}
	t, err := pick(in[0], out, tables, nil)
	return []*tensor.Tensor{t}, err
}
