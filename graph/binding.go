package graph

import (
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// Binding gives numbers to the free dimensions of a model's inputs.
type Binding struct {
	// Shapes are whole shapes by input name; they win over the rest.
	Shapes map[string][]int64
	// Batch is the size of a free first axis, Image of the others of a rank-4
	// input by axis, Sequence of all others.
	Batch    int64
	Image    [2]int64
	Sequence int64
	// Fresh is the start of the sizes invented for axes that depend on data;
	// Alike gives that size to all of them, where else each is another.
	Fresh int64
	Alike bool
	// Named makes a named dimension take one size wherever it occurs.
	Named bool
	// Types are the element types of inputs that declare none, by name.
	Types map[string]tensor.DType
	// Variable names initializers whose content may change, so that only their
	// shape is known.
	Variable map[string]bool
}

// Nominal is the binding by which sizes are reported and models compared:
// batch 1, images of 64 by 64, sequences of 8.
func Nominal(shapes map[string][]int64) Binding {
	return Binding{Shapes: shapes, Batch: 1, Image: [2]int64{64, 64}, Sequence: 8, Fresh: 7001}
}

// witnesses are bindings under which channels are matched. Their sizes differ
// from each other and from usual channel counts, and have the divisors that
// windows and strides ask for.
func witnesses(shapes map[string][]int64) []Binding {
	image := func(h, w, s int64) Binding {
		return Binding{Shapes: shapes, Batch: 31, Image: [2]int64{h, w}, Sequence: s, Fresh: 9001, Named: true}
	}
	return []Binding{
		image(448, 672, 120), image(448, 448, 120), image(224, 224, 24), image(640, 640, 160), image(512, 512, 256),
	}
}

func (b Binding) size(input string, axis int, d *onnx.TensorShapeProto_Dimension, rank int, params map[string]int64) int64 {
	size := d.GetDimValue()
	if size <= 0 {
		size = b.free(axis, rank)
		if known, ok := params[d.GetDimParam()]; ok && b.Named {
			size = known
		}
	}
	if s, ok := b.Shapes[input]; ok && axis < len(s) {
		size = s[axis]
	}
	if d.GetDimParam() != "" {
		if _, ok := params[d.GetDimParam()]; !ok {
			params[d.GetDimParam()] = size
		}
	}
	return size
}

func (b Binding) free(axis, rank int) int64 {
	switch {
	case axis == 0:
		return b.Batch
	case rank == 4:
		return b.Image[max(axis-2, 0)]
	}
	return b.Sequence
}

// Analysis is a graph with its facts under two bindings: a witness, whose
// sizes tell axes apart, and the nominal one. What is equal under both does
// not depend on the free dimensions.
type Analysis struct {
	*Graph
	Witness, Nominal *Facts
}

// Analyze infers under the nominal binding and under the witness that suits
// the model best. Where none suits it, as in a model that was exported for one
// batch size only, the nominal binding is its own witness.
func Analyze(g *Graph, shapes map[string][]int64) *Analysis {
	a := &Analysis{Graph: g, Nominal: g.Infer(Nominal(shapes))}
	unranked := map[string][]int64{}
	for _, in := range g.Inputs {
		if s, ok := shapes[in.Name]; ok && in.Type.GetTensorType().GetShape() == nil {
			unranked[in.Name] = s
		}
	}
	for _, b := range witnesses(unranked) {
		f := g.Infer(b)
		if a.Witness == nil || len(f.Problems) < len(a.Witness.Problems) {
			a.Witness = f
		}
		if len(f.Problems) == 0 {
			break
		}
	}
	if len(a.Nominal.Problems) < len(a.Witness.Problems) {
		a.Witness = a.Nominal
	}
	return a
}
