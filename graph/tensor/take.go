package tensor

import "fmt"

// Take returns the tensor of the elements whose index on each axis is in
// kept[axis], in that order; a nil list keeps the whole axis.
func (t *Tensor) Take(kept [][]int64) (*Tensor, error) {
	size := t.DType.Size()
	if size == 0 {
		return nil, fmt.Errorf("elements of %v cannot be taken apart", t.DType)
	}
	shape := append([]int64{}, t.Shape...)
	last := -1
	for axis, k := range kept {
		if k == nil {
			continue
		}
		for _, i := range k {
			if i < 0 || i >= t.Shape[axis] {
				return nil, fmt.Errorf("index %d out of range for axis %d of shape %v", i, axis, t.Shape)
			}
		}
		shape[axis], last = int64(len(k)), axis
	}
	if last < 0 {
		return t, nil
	}
	run := int64(size) // bytes below the last cut axis
	for _, d := range t.Shape[last+1:] {
		run *= d
	}
	out := New(t.DType, shape...)
	c := copier{src: t.Data, dst: out.Data, shape: t.Shape[:last+1], kept: kept, run: run}
	c.copy(0, 0)
	return out, nil
}

type copier struct {
	src, dst []byte
	shape    []int64
	kept     [][]int64
	run      int64
}

// copy copies what stays of the sub-tensor with index at on the axes before
// axis.
func (c *copier) copy(axis int, at int64) {
	if axis == len(c.shape) {
		copy(c.dst, c.src[at*c.run:(at+1)*c.run])
		c.dst = c.dst[c.run:]
		return
	}
	if c.kept[axis] == nil {
		for i := range c.shape[axis] {
			c.copy(axis+1, at*c.shape[axis]+i)
		}
		return
	}
	for _, i := range c.kept[axis] {
		c.copy(axis+1, at*c.shape[axis]+i)
	}
}
