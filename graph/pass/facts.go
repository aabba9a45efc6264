package pass

import (
	"bytes"
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
)

// facts are what inference finds under several bindings of the free
// dimensions: what is the same under all of them belongs to the model.
//
// A number that depends on a free dimension could still come out the same, if
// it is bounded (a slice of at most 512 steps), or compares two dimensions that
// the bindings make equal. So sizes go from 1 to some thousands, and one
// binding gives each free dimension a size of its own. The same goes for sizes
// that depend on data, also in a model whose inputs are fixed: they are invented
// as 1 or from beyond a million.
func (r *rewriter) facts() []*graph.Facts {
	if r.known != nil {
		return r.known
	}
	free := r.free()
	if len(free) == 0 {
		r.known = []*graph.Facts{r.Infer(graph.Binding{Fresh: many}), r.Infer(graph.Binding{Fresh: 1, Alike: true})}
		return r.known
	}
	var clean, all []*graph.Facts
	for _, s := range []sizes{
		{batch: 1, image: [2]int64{64, 64}, steps: 8, fresh: many},
		{batch: 31, image: [2]int64{448, 672}, steps: 120, fresh: 2 * many},
		{batch: 2, image: [2]int64{32, 32}, steps: 2, fresh: 1},
		{batch: 1, image: [2]int64{8, 16}, steps: 1, fresh: 1},
		{batch: 5003, image: [2]int64{224, 448}, steps: 24, fresh: 3 * many},
		{batch: 3, image: [2]int64{1344, 896}, steps: 4096, fresh: 4 * many},
	} {
		f := r.Infer(r.binding(free, s))
		all = append(all, f)
		if len(f.Problems) == 0 {
			clean = append(clean, f)
		}
	}
	// A binding that the model does not accept says nothing about the model.
	// With fewer than two left nothing could be told apart, so all are kept: a
	// node that fails gives sizes that are the same as no others.
	if len(clean) < 2 {
		clean = all
	}
	apart := sizes{batch: 5, image: [2]int64{224, 256}, steps: 24, fresh: 5 * many, apart: true}
	r.known = append(clean, r.Infer(r.binding(free, apart)))
	return r.known
}

// many is where the larger ones of invented sizes begin.
const many = 1 << 20

// sizes are what a binding gives to free dimensions; apart makes each one
// larger than the one before. fresh is where invented sizes begin.
type sizes struct {
	fresh int64
	batch int64
	image [2]int64
	steps int64
	apart bool
}

// place is a free dimension of an input.
type place struct {
	input, axis int
	symbol      string
}

// free lists the free dimensions of the inputs.
func (r *rewriter) free() []place {
	var list []place
	for i, in := range r.Inputs {
		shape := in.Type.GetTensorType().GetShape()
		if shape == nil {
			list = append(list, place{input: i, axis: -1})
		}
		for axis, d := range shape.GetDim() {
			if d.GetDimValue() <= 0 {
				list = append(list, place{i, axis, d.GetDimParam()})
			}
		}
	}
	return list
}

// binding gives whole shapes to the inputs; those of unknown rank stay unknown.
func (r *rewriter) binding(free []place, s sizes) graph.Binding {
	b := graph.Binding{Shapes: map[string][]int64{}, Batch: s.batch, Image: s.image, Sequence: s.steps, Fresh: s.fresh, Alike: s.fresh == 1}
	named := map[string]int64{}
	for i, p := range free {
		if p.axis < 0 {
			continue
		}
		in := r.Inputs[p.input]
		dims := in.Type.GetTensorType().GetShape().GetDim()
		shape := b.Shapes[in.Name]
		if shape == nil {
			shape = make([]int64, len(dims))
			for axis, d := range dims {
				shape[axis] = d.GetDimValue()
			}
			b.Shapes[in.Name] = shape
		}
		size, ok := named[p.symbol]
		if !ok || p.symbol == "" {
			size = s.of(p.axis, len(dims), int64(i))
			named[p.symbol] = size
		}
		shape[p.axis] = size
	}
	return b
}

func (s sizes) of(axis, rank int, index int64) int64 {
	step := int64(0)
	if s.apart {
		step = index
	}
	switch {
	case axis == 0:
		return s.batch + step
	case rank == 4:
		return s.image[max(axis-2, 0)] + 224*step
	}
	return s.steps + 8*step
}

// sound reports whether no binding makes the node fail.
func (r *rewriter) sound(n *graph.Node) bool {
	return !slices.ContainsFunc(r.facts(), func(f *graph.Facts) bool { return f.Failed[n.Index] })
}

// sameShape reports whether two values have one shape, whatever the free
// dimensions are.
func (r *rewriter) sameShape(v, w *graph.Value) bool {
	return r.every(func(f *graph.Facts) bool {
		a, b := &f.Values[v.ID], &f.Values[w.ID]
		return a.Known && b.Known && slices.Equal(a.Shape, b.Shape)
	})
}

// settled is what v holds under every binding, nil where that is not known or
// depends on free dimensions.
func (r *rewriter) settled(v *graph.Value) *tensor.Tensor {
	if v == nil {
		return nil
	}
	t := r.facts()[0].Values[v.ID].Value
	if t == nil || !r.every(func(f *graph.Facts) bool { return equal(t, f.Values[v.ID].Value) }) {
		return nil
	}
	return t
}

func equal(a, b *tensor.Tensor) bool {
	if a == b {
		return true
	}
	return b != nil && a.DType == b.DType && slices.Equal(a.Shape, b.Shape) && bytes.Equal(a.Data, b.Data) &&
		slices.EqualFunc(a.Strings, b.Strings, bytes.Equal)
}

// every reports whether something holds under every binding.
func (r *rewriter) every(holds func(*graph.Facts) bool) bool {
	return !slices.ContainsFunc(r.facts(), func(f *graph.Facts) bool { return !holds(f) })
}
