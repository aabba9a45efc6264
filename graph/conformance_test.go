package graph_test

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/internal/nodecases"
	"onnxcompress/onnx"
)

// bound is the model with inputs made constants where keep says so, and the
// shapes of the others.
func bound(m *onnx.ModelProto, in []*onnx.TensorProto, keep func(*onnx.TensorProto) bool) (*onnx.ModelProto, map[string][]int64) {
	m = proto.Clone(m).(*onnx.ModelProto)
	shapes := map[string][]int64{}
	for _, p := range in {
		shapes[p.GetName()] = p.GetDims()
		if keep(p) {
			m.Graph.Initializer = append(m.Graph.Initializer, p)
			m.Graph.Input = slices.DeleteFunc(m.Graph.Input, func(v *onnx.ValueInfoProto) bool { return v.GetName() == p.GetName() })
		}
	}
	return m, shapes
}

// TestConformanceShapes infers every case of ONNX's own operator tests: with
// all inputs known, so that what can be evaluated is, and with whole
// numbers and short lists known alone. What is found agrees with the recorded outputs.
func TestConformanceShapes(t *testing.T) {
	cases := nodecases.Open(t, filepath.Join("..", "..", "shared", "data", "onnx-node-1.23.zip"))
	modes := []struct {
		name string
		keep func(*onnx.TensorProto) bool
	}{
		{"values", func(*onnx.TensorProto) bool { return true }},
		{"shapes", func(p *onnx.TensorProto) bool {
			dt := tensor.DType(p.GetDataType())
			return dt.IsInt() || dt == tensor.Bool || len(p.GetDims()) == 0 || len(p.GetDims()) == 1 && p.GetDims()[0] <= 4
		}},
	}
	// onnxruntime, too, finds other contents than these: align_corners counts in
	// the length that the axis is resized to, not in a fraction of an element.
	disputed := map[string]bool{
		"resize_downsample_scales_linear_align_corners": true,
		"resize_downsample_scales_cubic_align_corners":  true,
	}
	checked, unknown, values := 0, map[string]int{}, 0
	for _, c := range cases {
		m := c.Model(t)
		in, ok := c.Tensors(t, 0, "input", m.GetGraph().GetInput())
		out, okOut := c.Tensors(t, 0, "output", m.GetGraph().GetOutput())
		if !ok || !okOut {
			continue
		}
		for _, mode := range modes {
			t.Run(c.Name+"/"+mode.name, func(t *testing.T) {
				p, shapes := bound(m, in, mode.keep)
				g, f := inferred(t, p, shapes)
				for _, want := range out {
					v := g.Value(want.GetName())
					if !explained(v) {
						continue
					}
					fact := &f.Values[v.ID]
					checked++
					if v.Type = nil; !fact.Known {
						unknown[v.Producer.Proto.GetOpType()]++
						continue
					}
					if fact.Value != nil {
						values++
					}
					if disputed[c.Name] {
						fact.Value = nil
					}
					agree(t, g.Model, want, fact)
				}
			})
		}
	}
	if checked == 0 || values == 0 {
		t.Errorf("%d outputs and %d contents were checked", checked, values)
	}
	t.Logf("%d outputs checked, %d with their contents; shapes not known: %v", checked, values, unknown)
}

// inferred imports a model whose outputs declare no shapes: what is found is
// not to lean on the answer.
func inferred(t *testing.T, p *onnx.ModelProto, shapes map[string][]int64) (*graph.Graph, *graph.Facts) {
	t.Helper()
	for _, o := range p.Graph.Output {
		o.Type.GetTensorType().Shape = nil
	}
	p.Graph.ValueInfo = nil
	b, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Import(m)
	if err != nil {
		t.Fatal(err)
	}
	f := g.Infer(graph.Nominal(shapes))
	for _, err := range f.Problems {
		t.Error(err)
	}
	return g, f
}

// explained reports whether the operators that a value comes from are known.
func explained(v *graph.Value) bool {
	return v.Producer != nil && v.Producer.Spec != nil && v.Producer.Spec.Infer != nil
}

// agree holds a fact against a recorded tensor. Sizes that were invented for
// lack of data are far above those of the cases.
func agree(t *testing.T, m *onnx.Model, p *onnx.TensorProto, fact *op.Fact) {
	t.Helper()
	invented := graph.Nominal(nil).Fresh
	same := len(p.GetDims()) == fact.Rank()
	for axis := 0; same && axis < fact.Rank(); axis++ {
		same = fact.Shape[axis] == p.GetDims()[axis] || fact.Shape[axis] > invented
	}
	if !same {
		t.Errorf("%s has shape %v, inferred %v", p.GetName(), p.GetDims(), fact.Shape)
		return
	}
	if dt := tensor.DType(p.GetDataType()); fact.DType != dt {
		t.Errorf("%s is of type %v, inferred %v", p.GetName(), dt, fact.DType)
		return
	}
	if fact.Value == nil {
		return
	}
	want, err := graph.Decode(m, p)
	if err != nil {
		t.Fatal(err)
	}
	if at, x, y := difference(want, fact.Value); at >= 0 {
		t.Errorf("%s has %v at %d, evaluated %v", p.GetName(), x, at, y)
	}
}

// difference finds the first element in which two tensors of one shape differ
// by more than rounding; -1 for none.
func difference(a, b *tensor.Tensor) (at int, x, y any) {
	if a.DType == tensor.String {
		for i := range a.Strings {
			if !bytes.Equal(a.Strings[i], b.Strings[i]) {
				return i, a.Strings[i], b.Strings[i]
			}
		}
		return -1, nil, nil
	}
	v, w := a.AsFloat64s(), b.AsFloat64s()
	if v == nil {
		if bytes.Equal(a.Data, b.Data) {
			return -1, nil, nil
		}
		return 0, a.Data, b.Data
	}
	limit := map[tensor.DType]float64{tensor.Float16: 2e-3, tensor.BFloat16: 2e-2}[a.DType]
	limit = max(limit, 1e-5)
	for i := range v {
		both := math.IsNaN(v[i]) && math.IsNaN(w[i]) || v[i] == w[i]
		// Some cases were recorded with a few decimals.
		allowed := max(limit*max(1, math.Abs(v[i])), 1e-3*math.Abs(v[i]))
		if !both && !(math.Abs(v[i]-w[i]) <= allowed) {
			return i, v[i], w[i]
		}
	}
	return -1, nil, nil
}
