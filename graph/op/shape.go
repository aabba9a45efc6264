package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// shapeRows are the operators that read shapes or make tensors from them.
var shapeRows = map[string]*Spec{
	"Shape":             {Infer: inferShape, Links: linkShape, Forward: forwardShape},
	"Size":              {Infer: inferSize, Links: linkShape, Forward: forwardSize},
	"Constant":          {Infer: inferConstant, Links: silent("holds a constant"), Forward: forwardConstant},
	"ConstantOfShape":   {Infer: inferConstantOfShape, Links: linkGenerated, Narrow: narrowConstantOfShape, Dead: deadConstantOfShape, Forward: forwardConstantOfShape},
	"Range":             {Infer: inferRange, Links: silent("counts along this axis"), Forward: forwardRange},
	"EyeLike":           {Infer: inferEyeLike, Links: silent("places ones by position"), Forward: forwardEyeLike},
	"RandomNormal":      {Infer: inferRandom, Links: linkGenerated, Narrow: narrowRandom, Forward: forwardNormal, Unfolded: every},
	"RandomUniform":     {Infer: inferRandom, Links: linkGenerated, Narrow: narrowRandom, Forward: forwardUniform, Unfolded: every},
	"RandomNormalLike":  {Infer: inferRandomLike, Links: linkBroadcast, Forward: forwardNormal, Unfolded: every},
	"RandomUniformLike": {Infer: inferRandomLike, Links: linkBroadcast, Forward: forwardUniform, Unfolded: every},
	"Bernoulli":         {Infer: inferRandomLike, Links: linkBroadcast, ZeroIn: []int{0}, Forward: forwardBernoulli, Unfolded: every},
	"Multinomial":       {Infer: inferMultinomial, Links: silent("draws from this axis"), Forward: forwardMultinomial, Unfolded: every},
}

// silent pins all axes of a node for one reason.
func silent(reason string) func(*Node, *Linker) {
	return func(_ *Node, l *Linker) { l.Silence = reason }
}

// section is what Shape reports of a shape.
func section(n *Node, shape []int64) []int64 {
	rank := int64(len(shape))
	bound := func(name string, def int64) int64 {
		at := n.Attrs.Int(name, def)
		if at < 0 {
			at += rank
		}
		return max(min(at, rank), 0)
	}
	start, end := bound("start", 0), bound("end", rank)
	return slices.Clone(shape[start:max(start, end)])
}

func inferShape(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(tensor.Int64)}, nil
	}
	sizes := section(n, shape)
	out := Of(tensor.Int64, int64(len(sizes)))
	out.Value = tensor.Vector(sizes...)
	return []Fact{out}, nil
}

// linkShape frees all axes of the input: that the sizes found change with the
// cut is for those that use them to settle.
func linkShape(n *Node, l *Linker) {
	for axis := range n.In[0].Shape {
		l.Free(In(0, axis))
	}
}

func forwardShape(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return []*tensor.Tensor{tensor.Vector(section(n, in[0].Shape)...)}, nil
}

func inferSize(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	out := Of(tensor.Int64)
	if ok {
		count, err := tensor.Count(shape)
		if err != nil {
			return nil, err
		}
		out.Value = tensor.FromInt64s(nil, []int64{count})
	}
	return []Fact{out}, nil
}

func forwardSize(_ *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return []*tensor.Tensor{tensor.FromInt64s(nil, []int64{int64(in[0].Len())})}, nil
}

// constant decodes the attribute that holds a Constant's content; nil where it
// is of a kind that is not dense.
func constant(n *Node) *tensor.Tensor {
	for name, a := range n.Attrs {
		switch name {
		case "value":
			return a.Tensor
		case "value_float":
			return tensor.FromFloat32s(nil, []float32{a.Float})
		case "value_floats":
			return tensor.FromFloat32s([]int64{int64(len(a.Floats))}, slices.Clone(a.Floats))
		case "value_int":
			return tensor.FromInt64s(nil, []int64{a.Int})
		case "value_ints":
			return tensor.Vector(slices.Clone(a.Ints)...)
		case "value_string":
			return &tensor.Tensor{DType: tensor.String, Strings: [][]byte{[]byte(a.Str)}}
		case "value_strings":
			t := tensor.New(tensor.String, int64(len(a.Strs)))
			for i, s := range a.Strs {
				t.Strings[i] = []byte(s)
			}
			return t
		}
	}
	return nil
}

func inferConstant(n *Node) ([]Fact, error) {
	t := constant(n)
	if t == nil {
		return []Fact{Unknown(tensor.Undefined)}, nil
	}
	out := Of(t.DType, t.Shape...)
	out.Value, out.Static = t, true
	return []Fact{out}, nil
}

func forwardConstant(n *Node, _ []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if t := constant(n); t != nil {
		return []*tensor.Tensor{t}, nil
	}
	return nil, errors.New("has no dense value")
}

// filler is the one-element tensor that ConstantOfShape repeats.
func filler(n *Node) *tensor.Tensor {
	if a, ok := n.Attrs["value"]; ok && a.Tensor != nil && a.Tensor.Len() == 1 {
		return a.Tensor
	}
	return tensor.New(tensor.Float32, 1)
}

func inferConstantOfShape(n *Node) ([]Fact, error) {
	dt := filler(n).DType
	shape, ok := n.Input(0).Ints()
	if !ok {
		return []Fact{Unknown(dt)}, nil
	}
	if _, err := tensor.Count(shape); err != nil {
		return nil, err
	}
	return []Fact{Of(dt, shape...)}, nil
}

// linkGenerated frees the axes of an output that the node makes as large as it
// is asked to.
func linkGenerated(n *Node, l *Linker) {
	for axis := range n.Out[0].Shape {
		l.Free(Out(0, axis))
	}
}

func narrowConstantOfShape(n *Node, c *Cut) error {
	c.Operands[0] = c.OutShape(0)
	return nil
}

func deadConstantOfShape(n *Node, _, _ int, _ []State) State {
	if c, ok := filler(n).Uniform(); ok {
		return Const(c)
	}
	return Varying
}

func forwardConstantOfShape(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	fill := filler(n)
	shape := in[0].AsInt64s()
	out, err := alloc(fill.DType, shape)
	if err != nil {
		return nil, err
	}
	for i := range out.Strings {
		out.Strings[i] = fill.Strings[0]
	}
	if allZero(fill.Data) {
		return []*tensor.Tensor{out}, nil
	}
	pattern := fill.Data
	if bits := fill.DType.Bits(); bits < 8 {
		code := fill.Codes()[0]
		pattern = tensor.FromCodes(fill.DType, []int64{int64(8 / bits)}, slices.Repeat([]byte{code}, 8/bits)).Data
	}
	for at := 0; at < len(out.Data); at += len(pattern) {
		copy(out.Data[at:], pattern)
	}
	return []*tensor.Tensor{out}, nil
}

func allZero(data []byte) bool {
	return !slices.ContainsFunc(data, func(b byte) bool { return b != 0 })
}

func inferRange(n *Node) ([]Fact, error) {
	dt := n.DType(0)
	count, known, err := countRange(n)
	if err != nil {
		return nil, err
	}
	if !known {
		count = n.Fresh()
	}
	return []Fact{Of(dt, count)}, nil
}

// countRange is the number of elements of Range.
func countRange(n *Node) (count int64, known bool, err error) {
	var v [3][]float64
	for i := range v {
		if !n.Has(i) || n.In[i].Value == nil {
			return 0, false, nil
		}
		if v[i] = n.In[i].Value.AsFloat64s(); len(v[i]) != 1 {
			return 0, false, errors.New("start, limit and delta must be numbers")
		}
	}
	size := math.Ceil((v[1][0] - v[0][0]) / v[2][0])
	if math.IsNaN(size) || v[2][0] == 0 || size > tensor.MaxElements {
		return 0, false, fmt.Errorf("range from %g to %g by %g is not finite", v[0][0], v[1][0], v[2][0])
	}
	return int64(max(size, 0)), true, nil
}

func forwardRange(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	count, known, err := countRange(given(n, in))
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, errors.New("the bounds are not known")
	}
	out, err := alloc(in[0].DType, []int64{count})
	if err != nil {
		return nil, err
	}
	size := in[0].DType.Size()
	if ints, steps := in[0].AsInt64s(), in[2].AsInt64s(); len(ints) == 1 && len(steps) == 1 {
		for i := range count {
			putInt(out.Data[int(i)*size:int(i+1)*size], ints[0]+i*steps[0])
		}
		return []*tensor.Tensor{out}, nil
	}
	start, delta := in[0].AsFloat64s()[0], in[2].AsFloat64s()[0]
	for i := range count {
		at := start + float64(i)*delta
		if in[0].DType == tensor.Float32 {
			at = float64(float32(start) + float32(i)*float32(delta))
		}
		t := tensor.Scalar(in[0].DType, at)
		if t == nil {
			return nil, fmt.Errorf("cannot count in %v", in[0].DType)
		}
		copy(out.Data[int(i)*size:], t.Data)
	}
	return []*tensor.Tensor{out}, nil
}

// putInt writes the low bytes of v.
func putInt(dst []byte, v int64) {
	for i := range dst {
		dst[i] = byte(v >> (8 * i))
	}
}
