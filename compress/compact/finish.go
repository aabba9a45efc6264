package compact

import (
	"slices"

	"onnxcompress/graph"
	"onnxcompress/onnx"
)

// finish puts the rewritten nodes in order and drops what nothing reads.
func (b *builder) finish() {
	p := b.out.Proto.GetGraph()
	var nodes []*onnx.NodeProto
	for i, n := range p.Node {
		nodes = append(nodes, b.before[i]...)
		if !b.frozen[i] {
			nodes = append(nodes, n)
		}
		nodes = append(nodes, b.after[i]...)
	}
	p.Initializer = append(p.Initializer, b.added...)
	read := map[string]bool{}
	for _, out := range p.Output {
		read[out.GetName()] = true
	}
	p.Node = graph.Live(nodes, read)
	p.Initializer = slices.DeleteFunc(p.Initializer, func(t *onnx.TensorProto) bool { return !read[t.GetName()] })
	p.SparseInitializer = slices.DeleteFunc(p.SparseInitializer, func(s *onnx.SparseTensorProto) bool { return !read[s.GetValues().GetName()] })
	b.rename(read)
	b.declare(read)
}

// rename gives a cut constant its original name where the original is gone.
func (b *builder) rename(read map[string]bool) {
	to := map[string]string{}
	for v, cuts := range b.sliced {
		if len(cuts) == 1 && !read[v.Name] && read[cuts[0].name] {
			to[cuts[0].name] = v.Name
			read[v.Name] = true
			cuts[0].name = v.Name
		}
	}
	p := b.out.Proto.GetGraph()
	for _, t := range p.Initializer {
		if name, ok := to[t.GetName()]; ok {
			t.Name = &name
		}
	}
	for _, n := range p.Node {
		for _, names := range [][]string{n.Input, n.Output} {
			for i, old := range names {
				if name, ok := to[old]; ok {
					names[i] = name
				}
			}
		}
	}
}

// declare makes the declared types true: those of cut and of removed values
// go, and the initializers that are listed as inputs are listed as they are.
func (b *builder) declare(read map[string]bool) {
	p := b.out.Proto.GetGraph()
	dims := map[string][]int64{}
	for _, t := range p.Initializer {
		dims[t.GetName()] = t.GetDims()
	}
	for _, n := range p.Node {
		for _, out := range n.Output {
			read[out] = true
		}
	}
	p.ValueInfo = slices.DeleteFunc(p.ValueInfo, func(v *onnx.ValueInfoProto) bool {
		_, constant := dims[v.GetName()]
		return b.reshaped[v.GetName()] || constant || !read[v.GetName()]
	})
	required := map[string]bool{}
	for _, in := range b.g.Inputs {
		required[in.Name] = true
	}
	p.Input = slices.DeleteFunc(p.Input, func(v *onnx.ValueInfoProto) bool {
		_, constant := dims[v.GetName()]
		return !required[v.GetName()] && !constant && !read[v.GetName()]
	})
	for _, in := range p.Input {
		if size, constant := dims[in.GetName()]; constant {
			retype(in, size)
			delete(dims, in.GetName())
		}
	}
	if b.out.Proto.GetIrVersion() > graph.ListedUntil {
		return
	}
	for _, t := range p.Initializer {
		if _, unlisted := dims[t.GetName()]; unlisted {
			p.Input = append(p.Input, listed(t))
		}
	}
}

// listed declares an initializer as an input, as early IR versions ask.
func listed(t *onnx.TensorProto) *onnx.ValueInfoProto {
	shape := &onnx.TensorShapeProto{}
	for _, d := range t.GetDims() {
		shape.Dim = append(shape.Dim, &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: d}})
	}
	return &onnx.ValueInfoProto{Name: t.Name, Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{
		TensorType: &onnx.TypeProto_Tensor{ElemType: t.DataType, Shape: shape},
	}}}
}

func retype(v *onnx.ValueInfoProto, size []int64) {
	for axis, d := range v.GetType().GetTensorType().GetShape().GetDim() {
		if axis < len(size) && d.GetDimValue() != size[axis] {
			d.Value = &onnx.TensorShapeProto_Dimension_DimValue{DimValue: size[axis]}
		}
	}
}
