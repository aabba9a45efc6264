package train

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"

	"google.golang.org/protobuf/proto"

	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/pass"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
)

// Inputs are batches of a model's inputs by name.
type Inputs = iter.Seq[map[string]*tensor.Tensor]

// Preparation says how a model is readied for training.
type Preparation struct {
	// Shapes are whole shapes of inputs by name.
	Shapes map[string][]int64
	// BatchNorms puts a BatchNormalization behind each convolution and linear
	// layer, with the moments of Batches.
	BatchNorms bool
	Batches    Inputs
	Threads    int
}

// Prepare is a copy of a model in which everything that can be trained is an
// initializer of its own: simplified, with constants for what does not depend on
// inputs, and one initializer for each use where uses lose different channels. It
// computes what the model does and is closed on its own.
func Prepare(m *onnx.Model, p Preparation) (*onnx.Model, error) {
	own := m.Clone()
	if err := prepare(own, p); err != nil {
		return nil, errors.Join(err, own.Close())
	}
	return own, nil
}

func prepare(m *onnx.Model, p Preparation) error {
	unlist(m)
	if err := pass.Run(m, append(pass.Simplify(), pass.Evaluation, pass.Parameters)...); err != nil {
		return err
	}
	if p.BatchNorms {
		if err := insert(m, p); err != nil {
			return fmt.Errorf("putting BatchNormalization back: %w", err)
		}
	}
	g, err := graph.Import(m)
	if err != nil {
		return err
	}
	part(m, divided(depgraph.Build(graph.Analyze(g, p.Shapes))))
	inOrder(m)
	return nil
}

// inOrder brings initializers into the order in which nodes read them, so that
// variables have the same order wherever a model comes from.
func inOrder(m *onnx.Model) {
	g := m.Proto.GetGraph()
	place := map[string]int{}
	for _, n := range g.GetNode() {
		for _, in := range n.GetInput() {
			if _, ok := place[in]; !ok {
				place[in] = len(place)
			}
		}
	}
	slices.SortStableFunc(g.Initializer, func(a, b *onnx.TensorProto) int {
		return cmp.Compare(place[a.GetName()], place[b.GetName()])
	})
}

// unlist takes initializers off the list of inputs, where they are by old
// conventions: as variables they are no inputs.
func unlist(m *onnx.Model) {
	if m.Proto.GetIrVersion() > graph.ListedUntil {
		return
	}
	g := m.Proto.GetGraph()
	constant := map[string]bool{}
	for _, t := range g.GetInitializer() {
		constant[t.GetName()] = true
	}
	g.Input = slices.DeleteFunc(g.Input, func(v *onnx.ValueInfoProto) bool { return constant[v.GetName()] })
	m.Proto.IrVersion = proto.Int64(graph.ListedUntil + 1)
}

// insert puts BatchNormalization back.
func insert(m *onnx.Model, p Preparation) error {
	places, err := pass.BatchNormPlaces(m)
	if err != nil || len(places) == 0 {
		return err
	}
	moments, err := runtime.MeasureMoments(m, places, p.Batches, runtime.Options{Threads: p.Threads})
	if err != nil {
		return err
	}
	return pass.InsertBatchNorms(m, func(value string) (mean, variance []float64) {
		return moments[value].Mean, moments[value].Variance
	})
}

// Normalises reports whether some node of a model normalises what runs through it, so
// that nothing was folded away of which training would be in need.
func Normalises(m *onnx.Model) (bool, error) {
	g, err := graph.Import(m)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return n.Spec != nil && n.Spec.Normalises }), nil
}

// part gives every use of the values an initializer of its own.
func part(m *onnx.Model, values []*graph.Value) {
	p := m.Proto.GetGraph()
	names := graph.NewNames(m)
	for _, v := range values {
		for _, u := range v.Uses[1:] {
			t := proto.Clone(v.Init).(*onnx.TensorProto)
			t.Name = proto.String(names.Fresh(v.Name))
			p.Initializer = append(p.Initializer, t)
			p.Node[u.Node.Index].Input[u.Slot] = t.GetName()
		}
	}
}
