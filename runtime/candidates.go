package runtime

import (
	"fmt"
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// choice is which initializers a training changes.
type choice struct {
	// variables are changed by their gradients, running are statistics that
	// nodes change as they run, whatever outputs depend on them.
	variables, running map[string]bool
}

// candidates finds the initializers to train: of those that the output depends
// on, the ones asked for. It is an error where running statistics have no place
// of their own.
func candidates(g *graph.Graph, output *graph.Value, ask func(string, *tensor.Tensor) bool) (choice, error) {
	c := choice{map[string]bool{}, map[string]bool{}}
	if ask == nil {
		ask = func(_ string, t *tensor.Tensor) bool { return t.Len() > 1 }
	}
	behind := behind(g, output)
	for _, n := range g.Nodes {
		if n.Spec == nil {
			continue
		}
		// A step runs what other outputs depend on, too.
		for _, i := range n.Spec.Running {
			if i >= len(n.In) || n.In[i] == nil {
				continue
			}
			if n.In[i].Init == nil && !behind[n.Index] {
				continue
			}
			if n.In[i].Init == nil {
				return c, fmt.Errorf("%s: running statistics %s are no initializer", n.Label(), n.In[i].Name)
			}
			c.running[n.In[i].Name] = true
		}
	}
	for _, v := range g.Values {
		if v.Init == nil || c.running[v.Name] || tensor.DType(v.Init.GetDataType()) != tensor.Float32 {
			continue
		}
		if !slices.ContainsFunc(v.Uses, func(u graph.Use) bool { return behind[u.Node.Index] }) {
			continue
		}
		if t, err := graph.Decode(g.Model, v.Init); err == nil && ask(v.Name, t) {
			c.variables[v.Name] = true
		}
	}
	c.spareShapes(g)
	return c, nil
}

// behind marks the nodes that an output depends on, by Index.
func behind(g *graph.Graph, output *graph.Value) []bool {
	marks := make([]bool, len(g.Nodes))
	if output.Producer != nil {
		marks[output.Producer.Index] = true
	}
	for _, n := range slices.Backward(g.Nodes) {
		for _, in := range n.In {
			if marks[n.Index] && in != nil && in.Producer != nil {
				marks[in.Producer.Index] = true
			}
		}
	}
	return marks
}

// spareShapes takes out what shapes follow from, as the scales of a Resize:
// without their content the output of a node has another shape, or none, whatever the
// model declares.
func (c choice) spareShapes(g *graph.Graph) {
	b := graph.Nominal(nil)
	whole := g.Infer(b)
	for {
		b.Variable = c.variables
		facts, spared := g.Infer(b), false
		for _, n := range g.Nodes {
			if slices.EqualFunc(shapesOf(n, whole), shapesOf(n, facts), alike) || slices.ContainsFunc(n.In, func(v *graph.Value) bool {
				return v != nil && !alike(whole.Values[v.ID], facts.Values[v.ID])
			}) {
				continue // it is not concerned, or follows a node that is
			}
			for _, v := range n.In {
				if v != nil && c.variables[v.Name] {
					delete(c.variables, v.Name)
					spared = true
				}
			}
		}
		if !spared {
			return
		}
	}
}

// shapesOf is what follows of a node's outputs from its inputs alone.
func shapesOf(n *graph.Node, f *graph.Facts) []op.Fact {
	facts, err := n.Infer(f.Nodes[n.Index])
	if err != nil {
		return nil
	}
	return facts
}

func alike(a, b op.Fact) bool { return a.Known == b.Known && slices.Equal(a.Shape, b.Shape) }
