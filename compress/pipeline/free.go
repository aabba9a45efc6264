package pipeline

import (
	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/onnx"
)

// freeSamples lets a model that was exported for one sample at a time take several,
// where all that it computes allows for it, and reports whether it does.
func freeSamples(m *onnx.Model, shapes map[string][]int64) (bool, error) {
	trial := m.Clone()
	defer trial.Close()
	if len(shapes) > 0 || !loosen(trial) {
		return false, nil
	}
	g, err := graph.Import(trial)
	if err != nil {
		return false, err
	}
	facts := graph.Analyze(g, nil).Witness
	if len(facts.Problems) > 0 || len(g.Inputs) == 0 || len(g.Outputs) == 0 {
		return false, nil
	}
	samples := facts.Values[g.Inputs[0].ID].Shape[0]
	for _, out := range g.Outputs {
		if f := &facts.Values[out.ID]; !f.Known || len(f.Shape) == 0 || f.Shape[0] != samples {
			return false, nil
		}
	}
	return loosen(m), nil
}

// loosen makes the first dimension of all inputs free; false where one is other
// than 1.
func loosen(m *onnx.Model) bool {
	p := m.Proto.GetGraph()
	constant := map[string]bool{}
	for _, t := range p.GetInitializer() {
		constant[t.GetName()] = true
	}
	var firsts []*onnx.TensorShapeProto_Dimension
	for _, in := range p.GetInput() {
		if constant[in.GetName()] {
			continue
		}
		dims := in.GetType().GetTensorType().GetShape().GetDim()
		if len(dims) == 0 || dims[0].GetDimValue() != 1 {
			return false
		}
		firsts = append(firsts, dims[0])
	}
	for _, out := range p.GetOutput() {
		if dims := out.GetType().GetTensorType().GetShape().GetDim(); len(dims) > 0 {
			firsts = append(firsts, dims[0])
		}
	}
	for _, d := range firsts {
		d.Value = &onnx.TensorShapeProto_Dimension_DimParam{DimParam: "samples"}
	}
	p.ValueInfo = nil
	return true
}

// tighten declares the inputs and outputs as another model does.
func tighten(m, as *onnx.Model) {
	types := map[string]*onnx.TypeProto{}
	for _, list := range [][]*onnx.ValueInfoProto{as.Proto.GetGraph().GetInput(), as.Proto.GetGraph().GetOutput()} {
		for _, v := range list {
			types[v.GetName()] = v.GetType()
		}
	}
	for _, list := range [][]*onnx.ValueInfoProto{m.Proto.GetGraph().GetInput(), m.Proto.GetGraph().GetOutput()} {
		for _, v := range list {
			if t := types[v.GetName()]; t != nil {
				v.Type = proto.Clone(t).(*onnx.TypeProto)
			}
		}
	}
}
