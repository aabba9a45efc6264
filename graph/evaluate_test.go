package graph_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// evaluator computes graphs node by node with what operators say of themselves.
type evaluator struct {
	rng *rand.Rand
	// lacking is the operator that could not be evaluated, for the message.
	lacking string
}

func (e *evaluator) run(g *graph.Graph, args []*tensor.Tensor, outer map[string]*tensor.Tensor) ([]*tensor.Tensor, error) {
	values := make([]*tensor.Tensor, len(g.Values))
	for _, v := range g.Values {
		if v.Init == nil {
			continue
		}
		t, err := graph.Decode(g.Model, v.Init)
		if err != nil {
			return nil, err
		}
		values[v.ID] = t
	}
	for i, v := range g.Inputs {
		if i < len(args) {
			values[v.ID] = args[i]
		} else {
			values[v.ID] = outer[v.Name]
		}
	}
	for _, n := range g.Nodes {
		out, err := e.node(n, values, outer)
		if err != nil {
			if e.lacking == "" {
				e.lacking = n.Proto.GetOpType()
			}
			return nil, fmt.Errorf("%s: %w", n.Label(), err)
		}
		for i, v := range n.Out {
			if v != nil && i < len(out) {
				values[v.ID] = out[i]
			}
		}
	}
	var results []*tensor.Tensor
	for _, v := range g.Outputs {
		results = append(results, values[v.ID])
	}
	return results, nil
}

func (e *evaluator) node(n *graph.Node, values []*tensor.Tensor, outer map[string]*tensor.Tensor) ([]*tensor.Tensor, error) {
	in := make([]*tensor.Tensor, len(n.In))
	for i, v := range n.In {
		if v != nil {
			in[i] = values[v.ID]
		}
	}
	if n.Function {
		g, err := n.Call()
		if err != nil {
			return nil, err
		}
		return e.run(g, in, nil)
	}
	if n.Spec == nil {
		return nil, fmt.Errorf("cannot be evaluated")
	}
	view := n.View()
	view.Rand = e.rng
	view.Attrs = maps.Clone(view.Attrs)
	scope := maps.Clone(outer)
	if scope == nil {
		scope = map[string]*tensor.Tensor{}
	}
	for _, v := range n.Captures {
		scope[v.Name] = values[v.ID]
	}
	for name, a := range view.Attrs {
		if !a.Graph {
			continue
		}
		body, err := n.Body(name)
		if err != nil {
			return nil, err
		}
		a.Run = func(args []*tensor.Tensor) ([]*tensor.Tensor, error) {
			if want := len(body.Inputs) - len(body.Captures); len(args) != want {
				return nil, fmt.Errorf("%d arguments for %d inputs", len(args), want)
			}
			return e.run(body, args, scope)
		}
		view.Attrs[name] = a
	}
	return n.Spec.Evaluate(view, in)
}

// content decodes what a case records of one value: a tensor, a sequence or an
// optional, as its type says.
func content(t *testing.T, b []byte, typ *onnx.TypeProto) *tensor.Tensor {
	t.Helper()
	const tensorField, sequenceField = 3, 5
	switch {
	case typ.GetOptionalType() != nil:
		for field, value := range fields(t, b) {
			if field == tensorField || field == sequenceField {
				return content(t, value, typ.GetOptionalType().GetElemType())
			}
		}
		return tensor.Absent()
	case typ.GetSequenceType() != nil:
		var items []*tensor.Tensor
		for field, value := range fields(t, b) {
			if field == tensorField || field == sequenceField {
				items = append(items, content(t, value, typ.GetSequenceType().GetElemType()))
			}
		}
		return tensor.List(tensor.Undefined, items...)
	}
	p := &onnx.TensorProto{}
	if err := proto.Unmarshal(b, p); err != nil {
		t.Fatal(err)
	}
	v, err := graph.Decode(&onnx.Model{}, p)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// fields are the embedded messages of an encoded message, by number. ONNX keeps
// sequences and optionals in a file of definitions of its own. An optional's
// content has the number that a sequence's content has there.
func fields(t *testing.T, b []byte) func(func(protowire.Number, []byte) bool) {
	return func(yield func(protowire.Number, []byte) bool) {
		for len(b) > 0 {
			number, kind, size := protowire.ConsumeTag(b)
			if size < 0 {
				t.Fatal(protowire.ParseError(size))
			}
			b = b[size:]
			if size = protowire.ConsumeFieldValue(number, kind, b); size < 0 {
				t.Fatal(protowire.ParseError(size))
			}
			if kind == protowire.BytesType {
				value, _ := protowire.ConsumeBytes(b)
				if !yield(number, value) {
					return
				}
			}
			b = b[size:]
		}
	}
}

func (c *conformance) contents(t *testing.T, dir, side string, infos []*onnx.ValueInfoProto) (list []*tensor.Tensor) {
	t.Helper()
	for i, info := range infos {
		name := fmt.Sprintf("%s/test_data_set_0/%s_%d.pb", dir, side, i)
		if c.files[name] == nil {
			list = append(list, nil)
			continue
		}
		list = append(list, content(t, c.read(t, name), info.GetType()))
	}
	return list
}

// drawn are the operators whose results no record can hold.
var drawn = []string{"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}

// TestConformanceForward evaluates every case of ONNX's own operator tests node
// by node, and compares all outputs, sequences and optionals too.
func TestConformanceForward(t *testing.T) {
	c := openConformance(t)
	total, agreeing, lacking := map[string]int{}, map[string]int{}, map[string]int{}
	for _, dir := range c.cases {
		name := strings.TrimPrefix(dir, "node/test_")
		m := &onnx.ModelProto{}
		if err := proto.Unmarshal(c.read(t, dir+"/model.onnx"), m); err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		model, err := onnx.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		g, err := graph.Import(model)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		family := "expanded"
		if len(g.Nodes) == 1 {
			family = g.Nodes[0].Proto.GetOpType()
		}
		total[family]++
		t.Run(name, func(t *testing.T) {
			want := c.contents(t, dir, "output", m.GetGraph().GetOutput())
			e := evaluator{rng: rand.New(rand.NewPCG(1, 2))}
			got, err := e.run(g, c.contents(t, dir, "input", m.GetGraph().GetInput()), nil)
			if e.lacking != "" && (strings.Contains(err.Error(), "cannot be evaluated") || strings.Contains(err.Error(), "unknown format")) {
				lacking[e.lacking]++
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			random := slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool {
				return slices.Contains(drawn, n.Proto.GetOpType()) || n.Proto.GetOpType() == "Dropout" && n.Spec.Forward != nil && len(n.In) > 2
			})
			lossy := strings.HasPrefix(name, "image_decoder_decode_jpeg_") || strings.HasPrefix(name, "image_decoder_decode_webp")
			for i := range want {
				same(t, want[i], got[i], !random && !lossy)
				if lossy {
					near(t, want[i], got[i])
				}
			}
			if !t.Failed() {
				agreeing[family]++
			}
		})
	}
	sum := func(m map[string]int) (s int) {
		for _, v := range m {
			s += v
		}
		return s
	}
	t.Logf("%d of %d cases agree; operators that cannot be evaluated: %v", sum(agreeing), sum(total), lacking)
	for _, family := range slices.Sorted(maps.Keys(total)) {
		if total[family] != agreeing[family] {
			t.Logf("%s: %d of %d", family, agreeing[family], total[family])
		}
	}
	if sum(agreeing) == 0 {
		t.Error("no case was evaluated")
	}
}

// near holds a decoded image against a recorded one: decoders interpolate colours
// in ways of their own.
func near(t *testing.T, want, got *tensor.Tensor) {
	t.Helper()
	sum := 0.0
	for i := range want.Data {
		sum += math.Abs(float64(want.Data[i]) - float64(got.Data[i]))
	}
	if mean := sum / float64(len(want.Data)); mean > 1 {
		t.Errorf("pixels are %.1f off on average", mean)
	}
}

// same holds an evaluated value against a recorded one; values says that the
// contents are to agree and not only types and shapes.
func same(t *testing.T, want, got *tensor.Tensor, values bool) {
	t.Helper()
	switch {
	case want == nil:
		return
	case got == nil:
		t.Errorf("gives nothing")
		return
	case want.Kind != got.Kind || len(want.Items) != len(got.Items):
		t.Errorf("gives kind %v of %d items, want %v of %d", got.Kind, len(got.Items), want.Kind, len(want.Items))
		return
	}
	for i := range want.Items {
		same(t, want.Items[i], got.Items[i], values)
	}
	if want.Kind != tensor.Dense {
		return
	}
	if want.DType != got.DType || !slices.Equal(want.Shape, got.Shape) {
		t.Errorf("gives %v%v, want %v%v", got.DType, got.Shape, want.DType, want.Shape)
		return
	}
	if !values {
		return
	}
	if at, x, y := difference(want, got); at >= 0 {
		t.Errorf("has %v at %d, want %v", y, at, x)
	}
}
