package op

import (
	"fmt"
	"slices"
	"testing"

	"onnxcompress/graph/tensor"
)

func known(x *tensor.Tensor) *Fact {
	f := Of(x.DType, x.Shape...)
	f.Value, f.Static = x, true
	return &f
}

func dims(shape ...int64) *Fact {
	f := Of(tensor.Float32, shape...)
	return &f
}

func TestMovementInfer(t *testing.T) {
	v := tensor.Vector
	vec := func(x ...int64) *Fact { return known(v(x...)) }
	unknown := Of(tensor.Int64, 2)
	scales := known(tensor.FromFloat32s([]int64{4}, []float32{1, 1, 2, 1.5}))
	cases := []struct {
		op      string
		version int
		attrs   Attrs
		in      []*Fact
		want    string
	}{
		{"Reshape", 13, nil, []*Fact{dims(2, 3), vec(-1, -1)}, "error"},
		{"Reshape", 13, nil, []*Fact{dims(2, 3), vec(4, -1)}, "error"},
		{"Reshape", 13, nil, []*Fact{dims(2, 3), vec(1, 2, 0)}, "error"},
		{"Reshape", 14, Attrs{"allowzero": {Int: 1}}, []*Fact{dims(0, 3), vec(3, 0)}, "[3 0]"},
		{"Reshape", 13, nil, []*Fact{dims(2, 3), &unknown}, "unknown"},
		{"Reshape", 13, nil, []*Fact{dims(2, 3), vec(1<<62, 1<<62)}, "error"},
		{"Flatten", 13, Attrs{"axis": {Int: 3}}, []*Fact{dims(2, 3)}, "error"},
		{"Squeeze", 13, nil, []*Fact{dims(1, 3, 1), nil}, "[3]"},
		{"Squeeze", 13, nil, []*Fact{dims(1, 3), vec(1)}, "error"},
		{"Unsqueeze", 13, nil, []*Fact{dims(3), vec(0, -3)}, "error"},
		{"Transpose", 13, Attrs{"perm": ints(0, 0)}, []*Fact{dims(3, 4)}, "error"},
		{"Slice", 13, nil, []*Fact{dims(5), vec(4), vec(-1 << 63), vec(0), vec(-2)}, "[3]"},
		{"Slice", 13, nil, []*Fact{dims(5), vec(4), vec(-1 << 63), vec(0), vec(-1 << 63)}, "[1]"},
		{"Slice", 13, nil, []*Fact{dims(5), vec(0), vec(5), vec(0), vec(0)}, "error"},
		{"Slice", 13, nil, []*Fact{dims(5), vec(0), vec(5), vec(7)}, "error"},
		{"Split", 18, Attrs{"num_outputs": {Int: 2}}, []*Fact{dims(7)}, "[4]"},
		{"Split", 13, nil, []*Fact{dims(7)}, "error"},
		{"Split", 13, nil, []*Fact{dims(7), vec(8, -1)}, "error"},
		{"Concat", 13, Attrs{"axis": {Int: 0}}, []*Fact{dims(2, 3), dims(2, 4)}, "error"},
		{"Gather", 13, Attrs{"axis": {Int: 2}}, []*Fact{dims(2, 3), vec(0)}, "error"},
		{"GatherND", 13, nil, []*Fact{dims(2), vec(0, 0)}, "error"},
		{"Expand", 13, nil, []*Fact{dims(2, 1), vec(3, 1, 4)}, "[3 2 4]"},
		{"Tile", 13, nil, []*Fact{dims(2, 1), vec(3, 1<<62)}, "error"},
		{"Pad", 13, nil, []*Fact{dims(2), vec(1)}, "error"},
		{"Resize", 13, nil, []*Fact{dims(1, 3, 5, 5), nil, scales}, "[1 3 10 7]"},
		{"Resize", 13, nil, []*Fact{dims(1, 3, 5, 5)}, "error"},
		{"Upsample", 9, nil, []*Fact{dims(1, 3, 5, 5), scales}, "[1 3 10 7]"},
		{"Resize", 18, Attrs{"axes": ints(2, 3), "keep_aspect_ratio_policy": {Str: "not_larger"}}, []*Fact{dims(1, 3, 4, 8), nil, nil, vec(8, 8)}, "[1 3 4 8]"},
		{"DepthToSpace", 13, Attrs{"blocksize": {Int: 2}}, []*Fact{dims(1, 6, 5, 5)}, "error"},
		{"Shape", 15, Attrs{"start": {Int: 1}, "end": {Int: -1}}, []*Fact{dims(2, 3, 4)}, "[1]"},
		{"ConstantOfShape", 13, nil, []*Fact{vec(2, -1)}, "error"},
		{"ConstantOfShape", 13, nil, []*Fact{vec(2, 3)}, "[2 3]"},
		{"Range", 13, nil, []*Fact{vec(10), vec(4), vec(-4)}, "[2]"},
		{"Range", 13, nil, []*Fact{vec(1), vec(4), vec(0)}, "error"},
		{"OneHot", 13, Attrs{"axis": {Int: 0}}, []*Fact{dims(3), vec(5), dims(2)}, "[5 3]"},
		{"Constant", 13, Attrs{"value_ints": ints(1, 2)}, nil, "[2]"},
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%s/%d", c.op, i), func(t *testing.T) {
			n := &Node{Type: c.op, Version: c.version, Attrs: c.attrs, In: c.in, Outputs: 2, Fresh: func() int64 { return 9001 }}
			facts, err := Lookup("", c.op).Infer(n)
			got := "error"
			if err == nil && len(facts) > 0 {
				if got = "unknown"; facts[0].Known {
					got = fmt.Sprint(facts[0].Shape)
				}
			}
			if got != c.want {
				t.Errorf("Infer gives %s (%v), want %s", got, err, c.want)
			}
		})
	}
}

func TestMovementDead(t *testing.T) {
	half := State{ConstState, 0.5}
	cases := []struct {
		op    string
		attrs Attrs
		rest  []*Fact
		in    []State
		want  State
	}{
		{"Pad", Attrs{"pads": ints(0, 1, 0, 1)}, nil, []State{Zero}, Zero},
		{"Pad", Attrs{"pads": ints(0, 1, 0, 1), "value": {Float: 0.5}}, nil, []State{Zero}, Varying},
		{"Pad", Attrs{"pads": ints(0, 1, 0, 1), "value": {Float: 0.5}}, nil, []State{half}, half},
		{"Pad", Attrs{"pads": ints(0, -1, 0, 0), "value": {Float: 0.5}}, nil, []State{Zero}, Zero},
		{"Pad", Attrs{"pads": ints(0, 1, 0, 1), "value": {Float: 0.5}, "mode": {Str: "edge"}}, nil, []State{Zero}, Zero},
		{"Resize", Attrs{"mode": {Str: "linear"}}, nil, []State{half}, Varying},
		{"Resize", Attrs{"mode": {Str: "cubic"}}, nil, []State{Zero}, Zero},
		{"Resize", nil, nil, []State{half}, half},
		{"ScatterND", nil, nil, []State{Zero, Varying, Varying}, Varying},
		{"ScatterND", Attrs{"reduction": {Str: "add"}}, nil, []State{half, Varying, half}, Varying},
		{"ScatterND", Attrs{"reduction": {Str: "add"}}, nil, []State{Zero, Varying, Zero}, Zero},
		{"Gather", nil, nil, []State{Varying, Zero}, Varying},
		{"ConstantOfShape", nil, nil, []State{Varying}, Zero},
	}
	for i, c := range cases {
		n := &Node{Type: c.op, Version: 9, Attrs: c.attrs, In: append([]*Fact{dims(2, 3)}, c.rest...)}
		if got := Lookup("", c.op).Dead(n, 0, 0, c.in); got != c.want {
			t.Errorf("case %d: %s of %v is %v, want %v", i, c.op, c.in, got, c.want)
		}
	}
}

// TestGeneratedNarrow asks for less of tensors that the node makes.
func TestGeneratedNarrow(t *testing.T) {
	out := dims(2, 4)
	n := &Node{Type: "ConstantOfShape", In: []*Fact{known(tensor.Vector(2, 4))}, Out: []*Fact{out}, Outputs: 1}
	c := NewCut(n, func(r Ref) []int64 {
		if r == Out(0, 1) {
			return []int64{0, 3}
		}
		return nil
	})
	if err := Lookup("", "ConstantOfShape").Narrow(n, c); err != nil || !slices.Equal(c.Operands[0], []int64{2, 2}) {
		t.Errorf("ConstantOfShape wants %v (%v), not [2 2]", c.Operands[0], err)
	}
	n.Type, n.Attrs = "RandomNormal", Attrs{"shape": ints(2, 4)}
	if err := Lookup("", "RandomNormal").Narrow(n, c); err != nil || !slices.Equal(c.Attrs["shape"].Ints, []int64{2, 2}) {
		t.Errorf("RandomNormal has shape %v (%v), not [2 2]", c.Attrs["shape"].Ints, err)
	}
}

// TestResizeLinks ties channels and pins what is interpolated; a region that
// is cropped, or an aspect ratio that is kept, moves every axis.
func TestResizeLinks(t *testing.T) {
	sizes := known(tensor.Vector(2, 3, 10, 5))
	cases := []struct {
		attrs Attrs
		ties  int
	}{
		{nil, 3},
		{Attrs{"keep_aspect_ratio_policy": {Str: "not_smaller"}}, 0},
		{Attrs{"coordinate_transformation_mode": {Str: "tf_crop_and_resize"}}, 0},
	}
	for _, c := range cases {
		n := &Node{Type: "Resize", Version: 18, Attrs: c.attrs, In: []*Fact{dims(2, 3, 5, 5), nil, nil, sizes}, Outputs: 1}
		facts, err := Lookup("", "Resize").Infer(n)
		if err != nil {
			t.Fatal(err)
		}
		n.Out = []*Fact{&facts[0]}
		l, ties := NewLinker(n), 0
		Lookup("", "Resize").Links(n, l)
		for _, k := range l.Links {
			if k.Kind == Tie {
				ties++
			}
		}
		if ties != c.ties {
			t.Errorf("%v: %d axes are tied, want %d", c.attrs, ties, c.ties)
		}
	}
}

func TestStringsMove(t *testing.T) {
	words := &tensor.Tensor{DType: tensor.String, Shape: []int64{2, 2}, Strings: [][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte("d")}}
	n := &Node{Type: "Transpose", In: []*Fact{known(words)}, Outputs: 1}
	out, err := Lookup("", "Transpose").Forward(n, []*tensor.Tensor{words})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%s", out[0].Strings); got != "[a c b d]" {
		t.Errorf("transposed to %s, want [a c b d]", got)
	}
}
