package compact_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress/compact"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/pass"
	"onnxcompress/onnx"
)

// TestWeird puts every operator on shapes, contents and attributes that no
// exporter would: whatever comes of it is an error or a sound model.
func TestWeird(t *testing.T) {
	names := op.Names()
	slices.Sort(names)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(60) {
				withstand(t, parsed(t, weird(name, seed)), seed)
			}
		})
	}
}

// FuzzOperators is TestWeird for any seed.
func FuzzOperators(f *testing.F) {
	names := op.Names()
	slices.Sort(names)
	for i := range names {
		f.Add(uint16(i), uint64(i))
	}
	f.Fuzz(func(t *testing.T, operator uint16, seed uint64) {
		withstand(t, parsed(t, weird(names[int(operator)%len(names)], seed)), seed)
	})
}

// parsed is the model as a file gives it.
func parsed(t testing.TB, p *onnx.ModelProto) *onnx.Model {
	t.Helper()
	b, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// withstand analyses a model, cuts it at random and checks what comes out.
func withstand(t testing.TB, m *onnx.Model, seed uint64) {
	t.Helper()
	p := m.Proto
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("seed %d: %v\n%s\n%s", seed, r, describe(p), debug.Stack())
		}
	}()
	if m.Check() != nil {
		return
	}
	if _, err := graph.Import(m); err != nil {
		return
	}
	prepared, err := pass.Prepare(m)
	if err != nil {
		return
	}
	g, err := graph.Import(prepared)
	if err != nil {
		t.Errorf("seed %d: prepared: %v\n%s", seed, err, describe(p))
		return
	}
	d := depgraph.Build(graph.Analyze(g, nil))
	for _, n := range g.Nodes {
		if n.Spec != nil && n.Spec.Cost != nil && n.Spec.Cost(d.Nominal.Nodes[n.Index]) < 0 {
			t.Errorf("seed %d: %s costs less than nothing\n%s", seed, n.Label(), describe(p))
		}
	}
	cut := randomCut(d, rand.New(rand.NewPCG(seed, 7)))
	if masked, err := compact.Mask(m, d, cut); err == nil {
		sound(t, masked, seed, p)
	}
	small, err := compact.Model(d, cut, nil)
	var node *compact.NodeError
	if err != nil && !errors.As(err, &node) {
		t.Errorf("seed %d: %v names no node\n%s", seed, err, describe(p))
	}
	if err != nil {
		return
	}
	sound(t, small, seed, p)
	if err := pass.Run(small, pass.Simplify()...); err == nil {
		sound(t, small, seed, p)
	}
}

// sound reports a model that could not be read back.
func sound(t testing.TB, m *onnx.Model, seed uint64, original *onnx.ModelProto) {
	t.Helper()
	err := m.Check()
	if err == nil {
		_, err = graph.Import(m)
	}
	if err != nil {
		t.Errorf("seed %d: %v\n%s", seed, err, describe(original))
	}
}

// describe lists the nodes of a model for a message.
func describe(p *onnx.ModelProto) string {
	text := ""
	for _, n := range p.GetGraph().GetNode() {
		text += fmt.Sprintln(n)
	}
	for _, in := range p.GetGraph().GetInput() {
		text += fmt.Sprintln(in)
	}
	for _, in := range p.GetGraph().GetInitializer() {
		text += fmt.Sprintln(in.GetName(), in.GetDataType(), in.GetDims(), in.GetInt64Data())
	}
	return text
}

// oddity makes weird models.
type oddity struct {
	*rand.Rand
	graph *onnx.GraphProto
	pool  []string
	opset int64
}

var (
	oddSizes   = []int64{0, 1, 1, 2, 2, 3, 4, 4, 4, 8, 8, 8, 16, 1 << 20, 1 << 36}
	oddNumbers = []int64{-1 << 63, -1 << 40, -9, -3, -2, -1, -1, 0, 0, 1, 1, 1, 2, 2, 3, 4, 8, 9, 64, 1 << 31, 1 << 40, 1<<63 - 1}
	oddStrings = []string{
		"", "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "CRD", "DCR", "linear", "nearest", "cubic", "reflect", "edge", "wrap", "constant",
		"bidirectional", "reverse", "forward", "tf_crop_and_resize", "not_larger", "add", "max", "ij,jk->ik", "bhqd,bhkd->bhqk", "...i,...i->...", "ii->i", "->", "i,,j->", "a b c",
	}
	attributeNames = []string{
		"axis", "axes", "perm", "kernel_shape", "strides", "pads", "dilations", "group", "auto_pad", "output_padding", "output_shape",
		"keepdims", "noop_with_empty_axes", "to", "blocksize", "mode", "split", "num_outputs", "starts", "ends", "k", "epsilon", "num_heads",
		"q_num_heads", "kv_num_heads", "hidden_size", "direction", "layout", "allowzero", "start", "end", "equation", "exclusive", "reverse",
		"shape", "value", "value_ints", "value_int", "value_float", "scales", "transA", "transB", "batch_dims", "reduction", "ceil_mode", "count_include_pad",
		"num_groups", "size", "upper", "interleaved", "rotary_embedding_dim", "is_causal", "alpha", "beta", "gamma", "dtype", "sample_size",
		"block_size", "batch_axis", "time_axis", "keep_aspect_ratio_policy", "coordinate_transformation_mode", "fmod", "largest", "p", "stash_type", "training_mode",
	}
)

// weird makes a model of one operator, a few more of any kind, and layers
// before and after that give it channels to lose.
func weird(operator string, seed uint64) *onnx.ModelProto {
	o := &oddity{rand.New(rand.NewPCG(seed, 0x6f6464)), &onnx.GraphProto{Name: proto.String("weird")}, nil, 0}
	o.opset = 7 + o.Int64N(20)
	for range 1 + o.IntN(2) {
		o.input()
	}
	for range 2 + o.IntN(4) {
		o.constant()
	}
	names := op.Names()
	slices.Sort(names)
	o.layer()
	for i := range 1 + o.IntN(3) {
		if i > 0 {
			operator = names[o.IntN(len(names))]
		}
		o.node(operator)
		if o.IntN(2) == 0 {
			o.layer()
		}
	}
	o.graph.Output = []*onnx.ValueInfoProto{{Name: proto.String(o.pool[len(o.pool)-1])}}
	return &onnx.ModelProto{
		IrVersion: proto.Int64(10), Graph: o.graph,
		OpsetImport: []*onnx.OperatorSetIdProto{{Version: proto.Int64(o.opset)}, {Domain: proto.String("com.microsoft"), Version: proto.Int64(1)}},
	}
}

func oddOne[T any](o *oddity, list []T) T { return list[o.IntN(len(list))] }

func (o *oddity) shape() []int64 {
	shape := make([]int64, o.IntN(6))
	for i := range shape {
		shape[i] = oddOne(o, oddSizes)
	}
	return shape
}

func (o *oddity) name() string {
	o.pool = append(o.pool, fmt.Sprint("v", len(o.pool)))
	return o.pool[len(o.pool)-1]
}

func (o *oddity) input() {
	t := &onnx.TypeProto_Tensor{ElemType: proto.Int32(oddOne(o, []int32{1, 1, 1, 7, 9, 10}))}
	if o.IntN(5) > 0 {
		t.Shape = &onnx.TensorShapeProto{}
		for _, d := range o.shape() {
			dim := &onnx.TensorShapeProto_Dimension{}
			if o.IntN(4) > 0 {
				dim.Value = &onnx.TensorShapeProto_Dimension_DimValue{DimValue: d}
			}
			t.Shape.Dim = append(t.Shape.Dim, dim)
		}
	}
	o.graph.Input = append(o.graph.Input, &onnx.ValueInfoProto{
		Name: proto.String(o.name()), Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{TensorType: t}},
	})
}

// constant is an initializer: of floats with channels, or of odd integers.
func (o *oddity) constant() {
	t := &onnx.TensorProto{Name: proto.String(o.name())}
	o.graph.Initializer = append(o.graph.Initializer, o.fill(t))
}

func (o *oddity) fill(t *onnx.TensorProto) *onnx.TensorProto {
	if o.IntN(2) == 0 {
		t.DataType = proto.Int32(7)
		for range o.IntN(5) {
			t.Int64Data = append(t.Int64Data, oddOne(o, oddNumbers))
		}
		t.Dims = []int64{int64(len(t.Int64Data))}
		if len(t.Int64Data) == 1 && o.IntN(2) == 0 {
			t.Dims = nil
		}
		return t
	}
	t.DataType = proto.Int32(1)
	count := int64(1)
	for range o.IntN(5) {
		d := oddOne(o, []int64{0, 1, 2, 3, 4, 8})
		t.Dims, count = append(t.Dims, d), count*d
	}
	for range count {
		t.FloatData = append(t.FloatData, oddOne(o, []float32{0, 1, -1, 0.5, 3}))
	}
	return t
}

// layer multiplies the newest value by a matrix, so that channels come to be.
func (o *oddity) layer() {
	x := o.pool[len(o.pool)-1]
	w := &onnx.TensorProto{Name: proto.String(o.name()), DataType: proto.Int32(1), Dims: []int64{oddOne(o, []int64{1, 2, 4, 8}), oddOne(o, []int64{2, 4, 8})}}
	for i := range w.Dims[0] * w.Dims[1] {
		w.FloatData = append(w.FloatData, float32(i))
	}
	o.graph.Initializer = append(o.graph.Initializer, w)
	kind := oddOne(o, []string{"MatMul", "MatMul", "Conv", "Gemm"})
	if kind == "Conv" {
		w.Dims = append(w.Dims, 1, 1)
	}
	in := []string{x, w.GetName()}
	o.graph.Node = append(o.graph.Node, &onnx.NodeProto{OpType: proto.String(kind), Input: in, Output: []string{o.name()}})
}

func (o *oddity) node(operator string) {
	n := &onnx.NodeProto{OpType: proto.String(operator)}
	if domain, rest, ok := cutLast(operator); ok {
		n.Domain, n.OpType = &domain, &rest
	}
	count := max(op.Required(n.GetDomain(), n.GetOpType(), int(o.opset)), o.IntN(5)) + o.IntN(2)
	for i := range count {
		name := oddOne(o, o.pool)
		if i == 0 && o.IntN(3) > 0 {
			name = o.pool[len(o.pool)-1]
		}
		if o.IntN(12) == 0 {
			name = ""
		}
		n.Input = append(n.Input, name)
	}
	for range o.IntN(6) {
		name := oddOne(o, attributeNames)
		if !slices.ContainsFunc(n.Attribute, func(a *onnx.AttributeProto) bool { return a.GetName() == name }) {
			n.Attribute = append(n.Attribute, o.attribute(name))
		}
	}
	for range 1 + o.IntN(3) {
		n.Output = append(n.Output, o.name())
	}
	if o.IntN(12) == 0 {
		n.Output[o.IntN(len(n.Output))] = ""
		o.pool = append(o.pool[:len(o.pool)-len(n.Output)], slices.DeleteFunc(slices.Clone(n.Output), func(s string) bool { return s == "" })...)
		o.pool = append(o.pool, o.pool[0])
	}
	o.graph.Node = append(o.graph.Node, n)
}

func cutLast(s string) (domain, name string, ok bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '.' {
			return s[:i], s[i+1:], true
		}
	}
	return "", s, false
}

func (o *oddity) attribute(name string) *onnx.AttributeProto {
	a := &onnx.AttributeProto{Name: &name}
	switch o.IntN(6) {
	case 0:
		a.Type, a.F = onnx.AttributeProto_FLOAT.Enum(), proto.Float32(oddOne(o, []float32{0, -1, 1e30, 0.5}))
	case 1:
		a.Type, a.S = onnx.AttributeProto_STRING.Enum(), []byte(oddOne(o, oddStrings))
	case 2:
		a.Type, a.T = onnx.AttributeProto_TENSOR.Enum(), o.fill(&onnx.TensorProto{})
	case 3, 4:
		a.Type = onnx.AttributeProto_INTS.Enum()
		for range o.IntN(5) {
			a.Ints = append(a.Ints, oddOne(o, oddNumbers))
		}
	default:
		a.Type, a.I = onnx.AttributeProto_INT.Enum(), proto.Int64(oddOne(o, oddNumbers))
	}
	return a
}
