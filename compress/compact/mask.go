package compact

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// Mask returns the original model in which the slices of float weights that
// the cut removes are zero and nothing else differs. A weight that several
// nodes read directly and that they do not lose alike is copied per use.
//
// g may be the graph of a prepared original: weights, and the nodes that read
// them, are found in the original by the names of values.
func Mask(original *onnx.Model, g *depgraph.Graph, cut *depgraph.Cut) (*onnx.Model, error) {
	m := newMasker(original, g, cut)
	var order []*graph.Value
	byLeaf := map[*graph.Value][]*depgraph.Weight{}
	for _, w := range g.Weights {
		for _, l := range w.Leaves {
			if byLeaf[l.Value] == nil {
				order = append(order, l.Value)
			}
			byLeaf[l.Value] = append(byLeaf[l.Value], w)
		}
	}
	for _, leaf := range order {
		if err := m.leaf(leaf, byLeaf[leaf]); err != nil {
			return nil, errors.Join(err, m.out.Close())
		}
	}
	return m.out, nil
}

type masker struct {
	g     *depgraph.Graph
	cut   *depgraph.Cut
	out   *onnx.Model
	names *graph.Names
	inits map[string]*onnx.TensorProto
	// makers are the nodes of the original by what they give.
	makers map[string]*onnx.NodeProto
}

func newMasker(original *onnx.Model, g *depgraph.Graph, cut *depgraph.Cut) *masker {
	m := &masker{
		g: g, cut: cut, out: original.Clone(), names: graph.NewNames(original),
		inits: map[string]*onnx.TensorProto{}, makers: map[string]*onnx.NodeProto{},
	}
	p := m.out.Proto.GetGraph()
	for _, t := range p.GetInitializer() {
		m.inits[t.GetName()] = t
	}
	for _, n := range p.GetNode() {
		for _, out := range n.GetOutput() {
			m.makers[out] = n
		}
	}
	return m
}

// original is the node of the original that n stands for, nil where n is of
// the preparation's making.
func (m *masker) original(n *graph.Node) *onnx.NodeProto {
	for _, out := range n.Out {
		if out != nil {
			return m.makers[out.Name]
		}
	}
	return nil
}

// leaf zeroes the elements of one leaf for all weights that come from it.
func (m *masker) leaf(leaf *graph.Value, weights []*depgraph.Weight) error {
	var original []bool // what the leaf itself loses
	kept := !m.onlyRead(leaf, weights)
	type variant struct {
		mask []bool
		uses []*depgraph.Weight
	}
	var variants []variant
	for _, w := range weights {
		mask := m.elements(leaf, w)
		if w.Value != leaf {
			original = union(original, mask)
			continue
		}
		i := slices.IndexFunc(variants, func(v variant) bool { return slices.Equal(v.mask, mask) })
		if i < 0 {
			i = len(variants)
			variants = append(variants, variant{mask: mask})
		}
		variants[i].uses = append(variants[i].uses, w)
		kept = kept || mask == nil
	}
	computed := original != nil
	for i, v := range variants {
		switch {
		case v.mask == nil && !computed:
		case i == 0 && !kept && !computed:
			original = v.mask
		default:
			if err := m.copyFor(leaf, v.mask, v.uses); err != nil {
				return err
			}
		}
	}
	if original == nil {
		return nil
	}
	return m.write(leaf, original)
}

// onlyRead reports whether the weights are all that reads a leaf.
func (m *masker) onlyRead(leaf *graph.Value, weights []*depgraph.Weight) bool {
	direct := 0
	for _, w := range weights {
		if w.Value == leaf {
			direct++
		}
	}
	return direct == len(leaf.Uses) && !leaf.Captured && !leaf.Output
}

// elements marks the elements of a leaf that the cut zeroes for one use; nil
// where it zeroes none.
func (m *masker) elements(leaf *graph.Value, w *depgraph.Weight) []bool {
	shape := m.g.Witness.Values[w.Value.ID].Shape
	gone := removed(m.g, m.cut, w, shape)
	if gone == nil {
		return nil
	}
	ids := w.Elements()
	if ids == nil {
		return gone
	}
	base, size := 0, m.g.Witness.Values[leaf.ID].Value.Len()
	for _, l := range w.Leaves {
		if l.Value == leaf {
			base = l.Base
		}
	}
	mask := make([]bool, size)
	for i, g := range gone {
		if at := int(ids[i]) - base; g && at >= 0 && at < size {
			mask[at] = true
		}
	}
	return mask
}

// removed marks the elements of a use that lie in a removed slice.
func removed(g *depgraph.Graph, cut *depgraph.Cut, w *depgraph.Weight, shape []int64) []bool {
	count, _ := tensor.Count(shape)
	var gone []bool
	for axis, d := range shape {
		kept := cut.Channels(w.Node, op.In(w.Slot, axis))
		if kept == nil || !w.Zeroable(axis) {
			continue
		}
		if gone == nil {
			gone = make([]bool, count)
		}
		stays := make([]bool, d)
		for _, k := range kept {
			stays[k] = true
		}
		inner := int64(1)
		for _, s := range shape[axis+1:] {
			inner *= s
		}
		for at := int64(0); at < count; at += inner {
			if !stays[at/inner%d] {
				for i := at; i < at+inner; i++ {
					gone[i] = true
				}
			}
		}
	}
	return gone
}

func union(a, b []bool) []bool {
	if a == nil {
		return b
	}
	for i, v := range b {
		a[i] = a[i] || v
	}
	return a
}

// write zeroes elements in the initializer or the Constant node of a leaf.
func (m *masker) write(leaf *graph.Value, mask []bool) error {
	data := zeroed(m.g.Witness.Values[leaf.ID].Value, mask)
	if t := m.inits[leaf.Name]; t != nil {
		onnx.SetData(t, data)
		return nil
	}
	for _, a := range m.makers[leaf.Name].GetAttribute() {
		switch {
		case a.GetT() != nil:
			onnx.SetData(a.GetT(), data)
			return nil
		case len(a.GetFloats()) > 0:
			t := tensor.Tensor{DType: tensor.Float32, Shape: []int64{int64(len(a.GetFloats()))}, Data: data}
			a.Floats = t.Float32s()
			return nil
		}
	}
	return fmt.Errorf("%s: no tensor to write zeros to", leaf.Producer.Label())
}

// copyFor gives some uses of a leaf a zeroed copy of their own.
func (m *masker) copyFor(leaf *graph.Value, mask []bool, uses []*depgraph.Weight) error {
	content := m.g.Witness.Values[leaf.ID].Value
	t := &onnx.TensorProto{
		Name: proto.String(m.names.Fresh(leaf.Name)), DataType: proto.Int32(int32(content.DType)), Dims: content.Shape,
	}
	onnx.SetData(t, zeroed(content, mask))
	p := m.out.Proto.GetGraph()
	p.Initializer = append(p.Initializer, t)
	for _, w := range uses {
		n := m.original(w.Node)
		if w.Slot >= len(n.GetInput()) || n.Input[w.Slot] != leaf.Name {
			return fmt.Errorf("%s: reads %s in the prepared model only", w.Node.Label(), leaf.Name)
		}
		n.Input[w.Slot] = t.GetName()
	}
	return nil
}

func zeroed(t *tensor.Tensor, mask []bool) []byte {
	data := slices.Clone(t.Data)
	size := t.DType.Size()
	for i, gone := range mask {
		if gone {
			clear(data[i*size : (i+1)*size])
		}
	}
	return data
}
