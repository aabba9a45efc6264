package graph_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// conformance reads a test case of the ONNX project: models with recorded
// inputs and outputs, from a directory of the archive for each.
type conformance struct {
	files map[string]*zip.File
	cases []string
}

func openConformance(t *testing.T) *conformance {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "data", "onnx-node-1.23.zip")
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Skipf("the operator cases of ONNX are not there: %v", err)
	}
	t.Cleanup(func() { _ = z.Close() })
	c := &conformance{files: map[string]*zip.File{}}
	for _, f := range z.File {
		c.files[f.Name] = f
		if dir, ok := strings.CutSuffix(f.Name, "/model.onnx"); ok {
			c.cases = append(c.cases, dir)
		}
	}
	if len(c.cases) == 0 {
		t.Fatalf("%s holds no cases", path)
	}
	return c
}

func (c *conformance) read(t *testing.T, name string) []byte {
	t.Helper()
	r, err := c.files[name].Open()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recorded decodes what is named "input" or "output": nil where it is no tensor.
func (c *conformance) recorded(t *testing.T, dir, side string, infos []*onnx.ValueInfoProto) (list []*onnx.TensorProto) {
	t.Helper()
	for i, info := range infos {
		name := fmt.Sprintf("%s/test_data_set_0/%s_%d.pb", dir, side, i)
		if info.GetType().GetTensorType() == nil || c.files[name] == nil {
			list = append(list, nil)
			continue
		}
		p := &onnx.TensorProto{}
		if err := proto.Unmarshal(c.read(t, name), p); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p.Name = proto.String(info.GetName())
		list = append(list, p)
	}
	return list
}

// bound is the model with inputs made constants where keep says so, and the
// shapes of the others.
func bound(m *onnx.ModelProto, in []*onnx.TensorProto, keep func(*onnx.TensorProto) bool) (*onnx.ModelProto, map[string][]int64) {
	m = proto.Clone(m).(*onnx.ModelProto)
	shapes := map[string][]int64{}
	for _, p := range in {
		if p == nil {
			continue
		}
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
	c := openConformance(t)
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
	// onnxruntime, too, finds other contents than these: positions count in the
	// shape that output_shape gives, and align_corners in the length that the
	// axis is resized to, not in a fraction of an element.
	disputed := map[string]bool{
		"node/test_maxunpool_export_with_output_shape":            true,
		"node/test_resize_downsample_scales_linear_align_corners": true,
		"node/test_resize_downsample_scales_cubic_align_corners":  true,
	}
	checked, unknown, values := 0, map[string]int{}, 0
	for _, dir := range c.cases {
		m := &onnx.ModelProto{}
		if err := proto.Unmarshal(c.read(t, dir+"/model.onnx"), m); err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		in := c.recorded(t, dir, "input", m.GetGraph().GetInput())
		out := c.recorded(t, dir, "output", m.GetGraph().GetOutput())
		for _, mode := range modes {
			t.Run(strings.TrimPrefix(dir, "node/test_")+"/"+mode.name, func(t *testing.T) {
				p, shapes := bound(m, in, mode.keep)
				g, f := inferred(t, p, shapes)
				for _, want := range out {
					if want == nil {
						continue
					}
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
					if disputed[dir] {
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
		if tt := o.Type.GetTensorType(); tt != nil {
			tt.Shape = nil
		}
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
