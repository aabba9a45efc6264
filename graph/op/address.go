package op

import (
	"fmt"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// address finds the rows of data, run elements each, that an input of indices
// names.
type address struct {
	slot, run int
	// rows has a row for each place of the indices.
	rows []int
	// find fills rows from the indices, which are nil where absent.
	find func(rows []int, index *tensor.Tensor) error
	// fixed says that the indices are known and rows filled.
	fixed bool
}

// found fills in the rows of a call; it reports false where that fails.
func (a *address) found(f *Frame) bool {
	if a.fixed {
		return true
	}
	if err := a.find(a.rows, f.In[a.slot]); err != nil {
		f.Err = err
		return false
	}
	return true
}

// settle fills in the rows once where the indices are known, or absent.
func (a *address) settle(n *Node) error {
	f := n.Input(a.slot)
	if f == nil {
		f = &Fact{}
	} else if f.Value == nil {
		return nil
	}
	a.fixed = true
	return a.find(a.rows, f.Value)
}

// indexError is an index that is out of range.
type indexError struct{ index, size int64 }

func (e indexError) Error() string {
	return fmt.Sprintf("index %d is out of range for size %d", e.index, e.size)
}

// indexAt is index i of a tensor, counted from the start.
func indexAt(t *tensor.Tensor, i int, size int64) (int, error) {
	k := t.IntAt(i)
	if k < 0 {
		k += size
	}
	if k < 0 || k >= size {
		return 0, indexError{t.IntAt(i), size}
	}
	return int(k), nil
}

// indexed reports whether input slot holds indices of a known shape.
func indexed(n *Node, slot int) bool {
	f := n.Input(slot)
	return f != nil && f.Known && (f.DType == tensor.Int64 || f.DType == tensor.Int32)
}

// elementAddress is that of GatherElements and ScatterElements: the index takes
// the place of the element's own along one axis.
func elementAddress(n *Node) (*address, error) {
	data, index := n.In[0].Shape, n.In[1].Shape
	if err := elementwiseIndex(n, data, index); err != nil {
		return nil, err
	}
	axis, err := Axis(n.Attrs.Int("axis", 0), len(data))
	if err != nil {
		return nil, err
	}
	own, steps := strides(index), strides(data)
	base := make([]int, product(index))
	for i := range base {
		for a, d := range index {
			if a != axis {
				base[i] += int(int64(i) / own[a] % d * steps[a])
			}
		}
	}
	size, step := data[axis], int(steps[axis])
	a := &address{slot: 1, run: 1, rows: make([]int, len(base)), find: func(rows []int, t *tensor.Tensor) error {
		for i, at := range base {
			k, err := indexAt(t, i, size)
			if err != nil {
				return err
			}
			rows[i] = at + step*k
		}
		return nil
	}}
	return a, a.settle(n)
}

// tupleAddress is that of GatherND and ScatterND: the last axis of the indices
// holds one for each of some axes of the data.
func tupleAddress(n *Node, batch int64) (*address, error) {
	data, index := n.In[0].Shape, n.In[1].Shape
	t, err := tuplesOf(data, index, batch)
	if err != nil {
		return nil, err
	}
	sizes := data[t.batch : t.batch+t.depth]
	each, block := int(product(t.outer[t.batch:])), int(product(sizes))
	a := &address{slot: 1, run: int(product(t.inner)), rows: make([]int, product(t.outer)), find: func(rows []int, index *tensor.Tensor) error {
		for i := range rows {
			at := 0
			for k, size := range sizes {
				place, err := indexAt(index, i*len(sizes)+k, size)
				if err != nil {
					return err
				}
				at = at*int(size) + place
			}
			rows[i] = i/each*block + at
		}
		return nil
	}}
	return a, a.settle(n)
}

// gathering is the routine that takes the rows that an address names.
func gathering(a *address) *Routine {
	if a.run == 0 {
		return &Routine{Forward: func(*Frame) {}, Backward: func(f *Frame) { f.begin(0, true) }}
	}
	read := shared(len(a.rows), a.run, func(f *Frame, _, lo, hi int) {
		kernel.GatherRows(f.Y(0)[lo*a.run:hi*a.run], f.X(0), a.rows[lo:hi], a.run)
	})
	return &Routine{
		KeepIn: []int{a.slot}, Adds: true,
		Forward: func(f *Frame) {
			if a.found(f) {
				read(f)
			}
		},
		Backward: func(f *Frame) {
			if dx := f.begin(0, true); a.found(f) {
				kernel.ScatterAddRows(dx, f.DOut[0].Float32s(), a.rows, a.run)
			}
		},
	}
}

func compileGatherElements(n *Node) (*Routine, error) {
	if !floats(n, 0) || !indexed(n, 1) {
		return nil, nil
	}
	a, err := elementAddress(n)
	if err != nil {
		return nil, err
	}
	return gathering(a), nil
}

func compileGatherND(n *Node) (*Routine, error) {
	if !floats(n, 0) || !indexed(n, 1) {
		return nil, nil
	}
	a, err := tupleAddress(n, n.Attrs.Int("batch_dims", 0))
	if err != nil {
		return nil, err
	}
	return gathering(a), nil
}
