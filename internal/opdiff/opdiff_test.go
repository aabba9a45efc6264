// Package opdiff evaluates operators in random configurations, with many of
// their attributes, and holds what comes out against onnxruntime. It has tests
// only.
package opdiff

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/internal/ortest"
	"onnxcompress/onnx"
)

func TestMain(m *testing.M) { ortest.Main(m) }

// trial is one configuration of one operator; in holds nil for an absent
// input.
type trial struct {
	op      string
	version int64
	attrs   map[string]any
	in      []*tensor.Tensor
	// outputs is how many of the outputs are asked for.
	outputs int
	// moves lists axes of which onnxruntime, where all of them keep their
	// size, copies the elements whatever is asked: no answer to compare with.
	// Where alone is set, one of them is enough.
	moves []int
	alone bool
	// within is the tolerance where it is not the usual one.
	within float64
}

// perOperator is how many configurations of each operator are tried.
const perOperator = 40

// TestAgainstRuntime: what onnxruntime computes, Forward computes. Many
// configurations are none for onnxruntime, and are passed over; enough must be
// left for the comparison to mean something.
func TestAgainstRuntime(t *testing.T) {
	for _, c := range slices.Concat(slidingTrials, normTrials, imageTrials, sequenceTrials) {
		t.Run(c.name, func(t *testing.T) {
			compared, dir := 0, t.TempDir()
			for seed := range uint64(perOperator) {
				config := c.make(source{rand.New(rand.NewPCG(seed, 11))})
				if one(t, dir, config.retyped(types[seed%uint64(len(types))]), seed) {
					compared++
				}
			}
			if t.Logf("%d of %d compared", compared, perOperator); compared < perOperator/4 {
				t.Errorf("onnxruntime took %d configurations of %d", compared, perOperator)
			}
		})
	}
}

// types are what the floats of a configuration are made.
var types = []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float32, tensor.Float16}

// retyped has its floats in another type, all but scales and regions of Resize.
func (c trial) retyped(dt tensor.DType) trial {
	in := slices.Clone(c.in)
	for i, x := range in {
		if x == nil || x.DType != tensor.Float32 || i > 0 && c.moves != nil {
			continue
		}
		in[i] = tensor.New(dt, x.Shape...)
		for k, v := range x.AsFloat64s() {
			in[i].Set(k, v)
		}
	}
	if c.in = in; dt == tensor.Float16 {
		c.within = max(c.within, 2e-2)
	}
	return c
}

// one compares one configuration, whose model goes through dir; ok is false where onnxruntime has no answer.
func one(t *testing.T, dir string, c trial, seed uint64) (ok bool) {
	t.Helper()
	m := ortest.Model(t, c.model())
	session, err := ortest.Open(dir, m.Proto)
	if err != nil {
		return false
	}
	defer session.Close()
	in, shapes := map[string]*tensor.Tensor{}, map[string][]int64{}
	for i, x := range c.in {
		if x != nil {
			in[fmt.Sprint("x", i)], shapes[fmt.Sprint("x", i)] = x, x.Shape
		}
	}
	want, err := session.Run(in)
	if err != nil {
		return false
	}
	if c.copied(want["y0"]) {
		return false
	}
	g, err := graph.Import(m)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	n := g.Nodes[0]
	got, err := n.Spec.Forward(g.Infer(graph.Nominal(shapes)).Nodes[0], c.in)
	if err != nil {
		t.Errorf("seed %d: %s: %v", seed, c, err)
		return true
	}
	for o := range c.outputs {
		if problem := differ(want[fmt.Sprint("y", o)], got[o], c.within); problem != "" {
			t.Errorf("seed %d: output %d %s: %s", seed, o, problem, c)
		}
	}
	return true
}

// copied reports that onnxruntime need not have computed anything.
func (c trial) copied(y *tensor.Tensor) bool {
	same := 0
	for _, axis := range c.moves {
		if y.Shape[axis] == c.in[0].Shape[axis] {
			same++
		}
	}
	return same > 0 && (c.alone || same == len(c.moves))
}

func (c trial) String() string {
	text := fmt.Sprintf("%s-%d %v", c.op, c.version, c.attrs)
	for _, x := range c.in {
		switch {
		case x == nil:
			text += " -"
		case x.DType == tensor.Int64:
			text += fmt.Sprint(" ", x.Int64s())
		default:
			text += fmt.Sprint(" ", x.DType, x.Shape)
		}
	}
	return text
}

// differ says how two tensors differ, empty where they do not.
func differ(want, got *tensor.Tensor, within float64) string {
	if got == nil || want.DType != got.DType || !slices.Equal(want.Shape, got.Shape) {
		return fmt.Sprintf("has not type %v and shape %v", want.DType, want.Shape)
	}
	if within == 0 {
		within = 2e-4
	}
	a, b := want.AsFloat64s(), got.AsFloat64s()
	for i, x := range a {
		same := x == b[i] || math.IsNaN(x) && math.IsNaN(b[i])
		if !same && !(math.Abs(x-b[i]) <= within*max(1, math.Abs(x))) {
			return fmt.Sprintf("of shape %v has %g at %d and not %g", want.Shape, b[i], i, x)
		}
	}
	return ""
}

// model is a model of the node alone.
func (c trial) model() *onnx.ModelProto {
	n := &onnx.NodeProto{OpType: proto.String(c.op), Name: proto.String("node")}
	g := &onnx.GraphProto{Name: proto.String("trial"), Node: []*onnx.NodeProto{n}}
	for i, x := range c.in {
		if x == nil {
			n.Input = append(n.Input, "")
			continue
		}
		n.Input = append(n.Input, fmt.Sprint("x", i))
		info := declared(n.Input[i], x.DType)
		shape := &onnx.TensorShapeProto{}
		for _, d := range x.Shape {
			shape.Dim = append(shape.Dim, &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: d}})
		}
		info.Type.GetTensorType().Shape = shape
		g.Input = append(g.Input, info)
	}
	for o := range c.outputs {
		n.Output = append(n.Output, fmt.Sprint("y", o))
		g.Output = append(g.Output, declared(n.Output[o], tensor.Undefined))
	}
	for name, v := range c.attrs {
		n.Attribute = append(n.Attribute, attribute(name, v))
	}
	return &onnx.ModelProto{
		IrVersion: proto.Int64(10), Graph: g,
		OpsetImport: []*onnx.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(c.version)}},
	}
}

// declared leaves the type open where it is undefined.
func declared(name string, dt tensor.DType) *onnx.ValueInfoProto {
	info := &onnx.ValueInfoProto{Name: proto.String(name)}
	if dt != tensor.Undefined {
		info.Type = &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{TensorType: &onnx.TypeProto_Tensor{ElemType: proto.Int32(int32(dt))}}}
	}
	return info
}

func attribute(name string, v any) *onnx.AttributeProto {
	a := &onnx.AttributeProto{Name: proto.String(name)}
	switch v := v.(type) {
	case int:
		a.Type, a.I = onnx.AttributeProto_INT.Enum(), proto.Int64(int64(v))
	case float64:
		a.Type, a.F = onnx.AttributeProto_FLOAT.Enum(), proto.Float32(float32(v))
	case string:
		a.Type, a.S = onnx.AttributeProto_STRING.Enum(), []byte(v)
	case []int64:
		a.Type, a.Ints = onnx.AttributeProto_INTS.Enum(), v
	case []float32:
		a.Type, a.Floats = onnx.AttributeProto_FLOATS.Enum(), v
	case []string:
		a.Type = onnx.AttributeProto_STRINGS.Enum()
		for _, s := range v {
			a.Strings = append(a.Strings, []byte(s))
		}
	default:
		panic(fmt.Sprintf("no attribute holds %T", v))
	}
	return a
}

// source draws what configurations are made of.
type source struct{ *rand.Rand }

// size is a number from low to high.
func (r source) size(low, high int) int64 { return int64(low + r.IntN(high-low+1)) }

// sizes are n of them.
func (r source) sizes(n, low, high int) []int64 {
	v := make([]int64, n)
	for i := range v {
		v[i] = r.size(low, high)
	}
	return v
}

// maybe is true in one of n cases.
func (r source) maybe(n int) bool { return r.IntN(n) == 0 }

// floats are normally distributed.
func (r source) floats(shape ...int64) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape...)
	for i, list := 0, t.Float32s(); i < len(list); i++ {
		list[i] = float32(r.NormFloat64())
	}
	return t
}

// positive floats are from low to high.
func (r source) between(low, high float64, shape ...int64) *tensor.Tensor {
	t := tensor.New(tensor.Float32, shape...)
	for i, list := 0, t.Float32s(); i < len(list); i++ {
		list[i] = float32(low + (high-low)*r.Float64())
	}
	return t
}

// optional is a tensor of floats, or none in half of the cases.
func (r source) optional(shape ...int64) *tensor.Tensor {
	if r.maybe(2) {
		return nil
	}
	return r.floats(shape...)
}

// whole numbers of a type are from low to below high.
func (r source) whole(dt tensor.DType, low, high int, shape ...int64) *tensor.Tensor {
	t := tensor.New(dt, shape...)
	for i := range t.Len() {
		t.Set(i, float64(low+r.IntN(high-low)))
	}
	return t
}

// one of a list.
func pick[T any](r source, list ...T) T { return list[r.IntN(len(list))] }

// trials make configurations of one operator.
type trials struct {
	name string
	make func(r source) trial
}
