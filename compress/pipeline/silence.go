package pipeline

import (
	"onnxcompress/depgraph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// silenced is the content of a weight with the slices that a cut removes set to
// zero; nil where that is what the model has already. replaced, if not nil, is
// what the weight's content has become.
func silenced(g *depgraph.Graph, cut *depgraph.Cut, w *depgraph.Weight, replaced *tensor.Tensor) (*tensor.Tensor, error) {
	t := replaced
	for axis := range g.Witness.Values[w.Value.ID].Shape {
		kept := cut.Channels(w.Node, op.In(w.Slot, axis))
		if kept == nil || !w.Zeroable(axis) {
			continue
		}
		if t == nil {
			var err error
			if t, err = g.Witness.Tensor(w.Value); err != nil {
				return nil, err
			}
		}
		t = t.Clone()
		clearExcept(t, axis, kept)
	}
	return t, nil
}

// clearExcept sets all slices of t along axis to zero but those kept.
func clearExcept(t *tensor.Tensor, axis int, kept []int64) {
	stays := make([]bool, t.Shape[axis])
	for _, k := range kept {
		stays[k] = true
	}
	inner := t.DType.Size()
	for _, d := range t.Shape[axis+1:] {
		inner *= int(d)
	}
	for i := 0; inner > 0 && i*inner < len(t.Data); i++ {
		if !stays[i%len(stays)] {
			clear(t.Data[i*inner : (i+1)*inner])
		}
	}
}
