package pipeline

import (
	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// Measures are what a model costs and is worth.
type Measures struct {
	// Nodes are those of the main graph.
	Nodes int `json:"nodes"`
	// MACs are the multiply-accumulates of one run at batch 1.
	MACs int64 `json:"macs"`
	// Params are the elements of all constants of floating point or quantised
	// from it, those of subgraphs and functions included.
	Params int64 `json:"params"`
	// Bytes is the size of the file, external data included.
	Bytes int64 `json:"bytes"`
	// Latency is the median of a run in milliseconds, nil if it was not timed.
	Latency *float64 `json:"latency_ms"`
	// Metric is what Report.Metric names, nil without samples to measure on.
	Metric *float64 `json:"metric"`
}

func (m Measures) quantity(q Quantity) float64 {
	switch q {
	case MACs:
		return float64(m.MACs)
	case Params:
		return float64(m.Params)
	case Size:
		return float64(m.Bytes)
	case Latency:
		if m.Latency != nil {
			return *m.Latency / 1000
		}
	}
	return 0
}

// Measure finds what a model costs. shapes are whole shapes of inputs by name.
func Measure(m *onnx.Model, shapes map[string][]int64) (Measures, error) {
	g, err := graph.Import(m)
	if err != nil {
		return Measures{}, err
	}
	return Measures{
		Nodes: len(g.Nodes), MACs: macs(g, g.Infer(graph.Nominal(shapes))), Params: params(m.Proto), Bytes: m.Size(),
	}, nil
}

// macs sums what the operators say that they cost.
func macs(g *graph.Graph, f *graph.Facts) int64 {
	total := int64(0)
	for _, n := range g.Nodes {
		total += cost(n, f)
	}
	return total
}

func cost(n *graph.Node, f *graph.Facts) int64 {
	if n.Spec == nil || n.Spec.Cost == nil {
		return 0
	}
	return n.Spec.Cost(f.Nodes[n.Index])
}

func params(m *onnx.ModelProto) int64 {
	total := graphParams(m.GetGraph())
	for _, f := range m.GetFunctions() {
		total += nodeParams(f.GetNode())
	}
	return total
}

func graphParams(g *onnx.GraphProto) int64 {
	total := nodeParams(g.GetNode())
	for _, t := range g.GetInitializer() {
		total += elements(t)
	}
	for _, s := range g.GetSparseInitializer() {
		n, _ := tensor.Count(s.GetValues().GetDims())
		total += n
	}
	return total
}

// nodeParams counts the constants that nodes hold: a node without inputs gives
// its attribute, one with inputs only a filling.
func nodeParams(nodes []*onnx.NodeProto) int64 {
	total := int64(0)
	for _, n := range nodes {
		constant := len(n.GetInput()) == 0
		for _, a := range n.GetAttribute() {
			if a.GetG() != nil {
				total += graphParams(a.GetG())
			}
			for _, g := range a.GetGraphs() {
				total += graphParams(g)
			}
			if constant && a.GetName() == "value" && len(a.GetT().GetDims()) > 0 {
				total += elements(a.GetT())
			}
			if constant && a.GetName() == "value_floats" {
				total += int64(len(a.GetFloats()))
			}
		}
	}
	return total
}

func elements(t *onnx.TensorProto) int64 {
	dt := tensor.DType(t.GetDataType())
	if !dt.IsFloat() && dt != tensor.Int8 && dt != tensor.Uint8 && (dt < tensor.Float8E4M3FN || dt > lastNarrow) {
		return 0
	}
	n, err := tensor.Count(t.GetDims())
	if err != nil {
		return 0
	}
	return n
}

// lastNarrow is the last of the element types below 16 bits that weights are
// kept in: TensorProto.FLOAT4E2M1.
const lastNarrow tensor.DType = 23
