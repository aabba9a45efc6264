package op

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"onnxcompress/graph/tensor"
)

// channel is one index of one axis of a node's input or output.
type channel struct {
	Ref
	index int64
}

// trial is a node whose int32 inputs are data and whose int64 inputs are
// constant operands.
type trial struct {
	node *Node
	in   []*tensor.Tensor
}

func numbered(shape ...int64) *tensor.Tensor {
	t := tensor.New(tensor.Int32, shape...)
	for i, list := 0, t.Int32s(); i < len(list); i++ {
		list[i] = int32(i + 1)
	}
	return t
}

func newTrial(t *testing.T, opType string, version int, attrs Attrs, outputs int, in []*tensor.Tensor) trial {
	t.Helper()
	n := &Node{Type: opType, Version: version, Attrs: attrs, Outputs: outputs, Fresh: func() int64 { return 9001 }}
	for _, x := range in {
		if x == nil {
			n.In = append(n.In, nil)
			continue
		}
		f := Of(x.DType, x.Shape...)
		if x.DType == tensor.Int64 {
			f.Value, f.Static = x, true
		}
		n.In = append(n.In, &f)
	}
	facts, err := Lookup("", opType).Infer(n)
	if err != nil {
		t.Fatalf("Infer: %v", err)
	}
	for o := range facts {
		n.Out = append(n.Out, &facts[o])
	}
	return trial{n, in}
}

func (x trial) forward(t *testing.T) []*tensor.Tensor {
	t.Helper()
	out, err := Lookup("", x.node.Type).Forward(x.node, x.in)
	if err != nil {
		t.Fatalf("Forward: %v", err)
	}
	for o, f := range x.node.Out {
		if !slices.Equal(out[o].Shape, f.Shape) {
			t.Fatalf("output %d: Forward gives shape %v and Infer %v", o, out[o].Shape, f.Shape)
		}
	}
	return out
}

// removals lists the sets of channels that the links let go together.
func (x trial) removals() []map[channel]bool {
	l := NewLinker(x.node)
	Lookup("", x.node.Type).Links(x.node, l)
	var sets []map[channel]bool
	add := func(d Digit) {
		for v := range d.Size {
			gone := map[channel]bool{}
			remove(l, gone, d, v)
			for before := -1; before != len(gone); {
				before = len(gone)
				for _, k := range l.Links {
					spreadOver(l, gone, k)
				}
			}
			seen := slices.ContainsFunc(sets, func(s map[channel]bool) bool { return maps.Equal(s, gone) })
			if !seen && !x.pinned(l, gone) {
				sets = append(sets, gone)
			}
		}
	}
	for _, k := range l.Links {
		if k.Kind != Pin {
			add(k.A)
		}
		if k.Kind != Pin && k.Kind != Free {
			add(k.B)
		}
	}
	return sets
}

func members(l *Linker, d Digit, v int64) []channel {
	var list []channel
	for i := range l.Size(d.Ref) {
		if i/d.Stride%d.Size == v {
			list = append(list, channel{d.Ref, i})
		}
	}
	return list
}

func remove(l *Linker, gone map[channel]bool, d Digit, v int64) {
	for _, c := range members(l, d, v) {
		gone[c] = true
	}
}

func lost(l *Linker, gone map[channel]bool, d Digit, v int64) bool {
	return !slices.ContainsFunc(members(l, d, v), func(c channel) bool { return !gone[c] })
}

func spreadOver(l *Linker, gone map[channel]bool, k Link) {
	pair := func(i, j int64) {
		if lost(l, gone, k.A, i) || lost(l, gone, k.B, j) {
			remove(l, gone, k.A, i)
			remove(l, gone, k.B, j)
		}
	}
	switch k.Kind {
	case Tie, Contract:
		for v := range k.A.Size {
			pair(v, v)
		}
	case Range:
		for i := range k.N {
			pair(k.OffA+i, k.OffB+i)
		}
	case Index:
		for i, j := range k.Idx {
			pair(int64(i), j)
		}
	}
}

// pinned reports whether the set holds a pinned channel, a channel of an axis
// without links, or all that an axis has.
func (x trial) pinned(l *Linker, gone map[channel]bool) bool {
	said, left := map[Ref]bool{}, map[Ref]int64{}
	for _, k := range l.Links {
		said[k.A.Ref], said[k.B.Ref] = true, true
		for v := range k.A.Size {
			if k.Kind == Pin && lost(l, gone, k.A, v) {
				return true
			}
		}
	}
	for c := range gone {
		if !said[c.Ref] {
			return true
		}
		left[c.Ref]++
	}
	for r, n := range left {
		if n == l.Size(r) {
			return true
		}
	}
	return false
}

// cut carries the removal out and returns the smaller node.
func (x trial) cut(t *testing.T, kept func(Ref) []int64) trial {
	t.Helper()
	c := NewCut(x.node, kept)
	if narrow := Lookup("", x.node.Type).Narrow; narrow != nil {
		if err := narrow(x.node, c); err != nil {
			t.Fatalf("Narrow: %v", err)
		}
	}
	attrs := Attrs{}
	maps.Copy(attrs, x.node.Attrs)
	for name, a := range c.Attrs {
		if attrs[name] = a; reflect.ValueOf(a).IsZero() {
			delete(attrs, name)
		}
	}
	in := slices.Clone(x.in)
	for i := range in {
		if in[i] != nil {
			in[i] = take(t, in[i], func(axis int) []int64 { return kept(In(i, axis)) })
		}
	}
	for i, v := range c.Operands {
		for len(in) <= i {
			in = append(in, nil)
		}
		now := tensor.Vector(v...)
		if in[i] != nil && in[i].Len() == now.Len() {
			now.Shape = in[i].Shape
		}
		in[i] = now
	}
	return newTrial(t, x.node.Type, x.node.Version, attrs, x.node.Outputs, in)
}

func take(t *testing.T, x *tensor.Tensor, kept func(axis int) []int64) *tensor.Tensor {
	t.Helper()
	lists := make([][]int64, x.Rank())
	for axis := range lists {
		lists[axis] = kept(axis)
	}
	y, err := x.Take(lists)
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// check cuts every set that may go and compares with the original's output
// less the set.
func (x trial) check(t *testing.T, want int) {
	t.Helper()
	whole, sets := x.forward(t), x.removals()
	if len(sets) != want {
		t.Errorf("%d sets of channels may go, want %d", len(sets), want)
	}
	for _, gone := range sets {
		kept := func(r Ref) []int64 {
			var list []int64
			size := NewLinker(x.node).Size(r)
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
		for o, got := range x.cut(t, kept).forward(t) {
			want := take(t, whole[o], func(axis int) []int64 { return kept(Out(o, axis)) })
			if !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(got.Data, want.Data) {
				t.Errorf("without %v output %d is %v %v, want %v %v", slices.Collect(maps.Keys(gone)), o,
					got.Shape, got.Int32s(), want.Shape, want.Int32s())
			}
		}
	}
}

func ints(v ...int64) Attr { return Attr{Ints: v} }

// TestMovementCuts proves for each operator that links, narrowing and
// evaluation agree: a cut node computes the original's output less the cut.
func TestMovementCuts(t *testing.T) {
	v := tensor.Vector
	cases := []struct {
		op      string
		version int
		attrs   Attrs
		outputs int
		in      []*tensor.Tensor
		free    int
	}{
		{"Reshape", 13, nil, 1, []*tensor.Tensor{numbered(2, 6), v(0, 3, 2)}, 2 + 3 + 2},
		{"Reshape", 13, nil, 1, []*tensor.Tensor{numbered(2, 3, 4), v(-1, 12)}, 2 + 3 + 4},
		{"Reshape", 13, nil, 1, []*tensor.Tensor{numbered(4, 6), v(8, 3)}, 4 + 2 + 3},
		{"Reshape", 13, nil, 1, []*tensor.Tensor{numbered(4, 6), v(6, 4)}, 0},
		{"Reshape", 13, nil, 1, []*tensor.Tensor{numbered(8, 6), v(2, 6, 4)}, 2},
		{"Flatten", 13, Attrs{"axis": {Int: -2}}, 1, []*tensor.Tensor{numbered(2, 3, 1, 4)}, 2 + 3 + 4},
		{"Squeeze", 11, Attrs{"axes": ints(1, -1)}, 1, []*tensor.Tensor{numbered(3, 1, 4, 1)}, 7},
		{"Unsqueeze", 13, nil, 1, []*tensor.Tensor{numbered(3, 4), v(0, -1)}, 7},
		{"Transpose", 13, Attrs{"perm": ints(2, 0, 1)}, 1, []*tensor.Tensor{numbered(2, 3, 4)}, 9},
		{"Slice", 13, nil, 1, []*tensor.Tensor{numbered(3, 8), v(-6), v(1 << 62), v(1)}, 3 + 8},
		{"Slice", 9, Attrs{"starts": ints(1, 2), "ends": ints(3, -1)}, 1, []*tensor.Tensor{numbered(4, 6)}, 4 + 6},
		{"Slice", 13, nil, 1, []*tensor.Tensor{numbered(8, 3), v(1), v(7), v(0), v(2)}, 3},
		{"Slice", 13, nil, 1, []*tensor.Tensor{numbered(8, 3), v(1), v(8), v(0), v(2)}, 4 + 3},
		{"Slice", 13, nil, 1, []*tensor.Tensor{numbered(4, 3), v(-1), v(-1 << 62), v(0), v(-1)}, 3},
		{"Split", 13, Attrs{"axis": {Int: 1}}, 2, []*tensor.Tensor{numbered(2, 6)}, 2 + 6},
		{"Split", 11, Attrs{"axis": {Int: -1}, "split": ints(2, 4)}, 2, []*tensor.Tensor{numbered(2, 6)}, 2 + 6},
		{"Split", 18, Attrs{"num_outputs": {Int: 2}}, 2, []*tensor.Tensor{numbered(7, 2)}, 7 + 2},
		{"Concat", 13, Attrs{"axis": {Int: 1}}, 1, []*tensor.Tensor{numbered(2, 3), numbered(2, 4)}, 2 + 3 + 4},
		{"Gather", 13, Attrs{"axis": {Int: 1}}, 1, []*tensor.Tensor{numbered(2, 4), v(3, 0, -1)}, 2 + 4},
		{"Gather", 13, Attrs{"axis": {Int: 0}}, 1, []*tensor.Tensor{numbered(5, 2), v(1, 2, 3)}, 5 + 2},
		{"Gather", 13, nil, 1, []*tensor.Tensor{numbered(5, 2), tensor.FromInt64s(nil, []int64{2})}, 2},
		{"GatherElements", 13, Attrs{"axis": {Int: 1}}, 1, []*tensor.Tensor{numbered(3, 2), tensor.FromInt64s([]int64{2, 2}, []int64{0, 1, 1, 0})}, 3 + 2},
		{"GatherND", 13, Attrs{"batch_dims": {Int: 1}}, 1, []*tensor.Tensor{numbered(2, 3, 4), tensor.FromInt64s([]int64{2, 1}, []int64{2, 0})}, 2 + 4},
		{"Expand", 13, nil, 1, []*tensor.Tensor{numbered(3, 1), v(2, 1, 4)}, 2 + 3 + 4},
		{"Tile", 13, nil, 1, []*tensor.Tensor{numbered(2, 3, 1), v(1, 2, 4)}, 2 + 3 + 4},
		{"Pad", 13, nil, 1, []*tensor.Tensor{numbered(2, 3), v(0, 1, 0, 2)}, 2 + 6},
		{"Pad", 18, nil, 1, []*tensor.Tensor{numbered(2, 5), v(-1, 2), nil, v(-1)}, 2 + 7},
		{"Pad", 2, Attrs{"mode": {Str: "reflect"}, "pads": ints(0, 1, 0, 1)}, 1, []*tensor.Tensor{numbered(2, 3)}, 2},
		{"DepthToSpace", 13, Attrs{"blocksize": {Int: 2}}, 1, []*tensor.Tensor{numbered(2, 12, 2, 1)}, 2 + 3},
		{"DepthToSpace", 13, Attrs{"blocksize": {Int: 2}, "mode": {Str: "CRD"}}, 1, []*tensor.Tensor{numbered(2, 12, 1, 2)}, 2 + 3},
		{"SpaceToDepth", 13, Attrs{"blocksize": {Int: 2}}, 1, []*tensor.Tensor{numbered(2, 3, 2, 4)}, 2 + 3},
		{"ReverseSequence", 10, nil, 1, []*tensor.Tensor{numbered(3, 2, 4), v(2, 3)}, 2 + 4},
		{"Compress", 11, Attrs{"axis": {Int: 1}}, 1, []*tensor.Tensor{numbered(2, 3), v(1, 0, 1)}, 2},
		{"Trilu", 14, nil, 1, []*tensor.Tensor{numbered(3, 2, 2)}, 3},
		{"ScatterElements", 13, Attrs{"axis": {Int: 1}}, 1, []*tensor.Tensor{numbered(3, 2), tensor.FromInt64s([]int64{2, 1}, []int64{1, 0}), numbered(2, 1)}, 3},
		{"ScatterND", 13, nil, 1, []*tensor.Tensor{numbered(3, 4), tensor.FromInt64s([]int64{1, 1}, []int64{2}), numbered(1, 4)}, 4},
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%s/%d", c.op, i), func(t *testing.T) {
			newTrial(t, c.op, c.version, c.attrs, c.outputs, c.in).check(t, c.free)
		})
	}
}
