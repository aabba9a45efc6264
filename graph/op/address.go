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
	// find fills rows from the indices. An index that is out of range is a panic
	// with an error, since a routine has no other way to say so.
	find func(rows []int, index *tensor.Tensor)
	// fixed says that the indices are known and rows filled.
	fixed bool
}

// whereRows fills in the rows of a call.
func (a *address) whereRows(f *Frame) []int {
	if !a.fixed {
		a.find(a.rows, f.In[a.slot])
	}
	return a.rows
}

// settle fills in the rows once where the indices are known, or absent.
func (a *address) settle(n *Node) (err error) {
	f := n.Input(a.slot)
	if f == nil {
		f = &Fact{}
	} else if f.Value == nil {
		return nil
	}
	defer func() {
		if e, ok := recover().(indexError); ok {
			err = e
		}
	}()
	a.find(a.rows, f.Value)
	a.fixed = true
	return nil
}

// indexError is an index that is out of range.
type indexError struct{ index, size int64 }

func (e indexError) Error() string {
	return fmt.Sprintf("index %d is out of range for size %d", e.index, e.size)
}

// indexOf is element i of a list of indices of either type, counted from the
// start.
func indexOf(wide []int64, narrow []int32, i int, size int64) int {
	var k int64
	if wide != nil {
		k = wide[i]
	} else {
		k = int64(narrow[i])
	}
	if k < 0 {
		k += size
	}
	if k < 0 || k >= size {
		panic(indexError{k, size})
	}
	return int(k)
}

// indices are the elements of a tensor of indices, as they are stored.
func indices(t *tensor.Tensor) (wide []int64, narrow []int32) {
	if t.DType == tensor.Int64 {
		return t.Int64s(), nil
	}
	return nil, t.Int32s()
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
	a := &address{slot: 1, run: 1, rows: make([]int, len(base)), find: func(rows []int, t *tensor.Tensor) {
		wide, narrow := indices(t)
		for i, at := range base {
			rows[i] = at + step*indexOf(wide, narrow, i, size)
		}
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
	a := &address{slot: 1, run: int(product(t.inner)), rows: make([]int, product(t.outer)), find: func(rows []int, index *tensor.Tensor) {
		wide, narrow := indices(index)
		for i := range rows {
			at := 0
			for k, size := range sizes {
				at = at*int(size) + indexOf(wide, narrow, i*len(sizes)+k, size)
			}
			rows[i] = i/each*block + at
		}
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
			a.whereRows(f)
			read(f)
		},
		Backward: func(f *Frame) {
			kernel.ScatterAddRows(f.begin(0, true), f.DOut[0].Float32s(), a.whereRows(f), a.run)
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
