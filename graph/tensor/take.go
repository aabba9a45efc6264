package tensor

import (
	"fmt"
	"runtime"
	"sync"
)

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
	c.share(int64(len(out.Data)))
	return out, nil
}

// alone is how many bytes one goroutine copies faster than several.
const alone = 1 << 20

// share divides the first axis among processors.
func (c *copier) share(size int64) {
	rows := c.kept[0]
	if rows == nil {
		rows = make([]int64, c.shape[0])
		for i := range rows {
			rows[i] = int64(i)
		}
	}
	parts := int64(runtime.GOMAXPROCS(0))
	if size < alone || int64(len(rows)) < parts {
		parts = 1
	}
	var wg sync.WaitGroup
	for p := range parts {
		first, last := p*int64(len(rows))/parts, (p+1)*int64(len(rows))/parts
		part := *c
		part.dst = c.dst[first*size/max(int64(len(rows)), 1):]
		wg.Go(func() {
			for _, i := range rows[first:last] {
				part.copy(1, i)
			}
		})
	}
	wg.Wait()
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
