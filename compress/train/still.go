package train

import (
	"fmt"

	"onnxcompress/compress/compact"
	"onnxcompress/graph"
)

// hold takes the initializers that hold slices of groups and that a trainer does
// not move to the full weights, and finds the groups that it does move.
func (n *Net) hold(g *graph.Graph) error {
	n.moved = make([]bool, len(n.Graph.Groups))
	groups := map[string][]*layer{}
	for k := range n.layers {
		l := &n.layers[k]
		if n.trained[l.name] {
			mark(n.moved, l)
		}
		groups[l.name] = append(groups[l.name], l)
	}
	for _, p := range g.Model.Proto.GetGraph().GetInitializer() {
		name := p.GetName()
		if groups[name] == nil || n.full[name] != nil {
			continue
		}
		content, err := graph.Decode(g.Model, p)
		if err != nil {
			return fmt.Errorf("initializer %s: %w", name, err)
		}
		n.full[name], n.still[name] = content.Clone(), true
	}
	return nil
}

// mark notes the groups that a layer has elements of.
func mark(marks []bool, l *layer) {
	for _, g := range l.groups {
		if g >= 0 {
			marks[g] = true
		}
	}
}

// quiet clears the elements of groups that are gone in the still weights. The
// trainer knows nothing of that until the net shrinks, nor need it: what it
// moves is zero from the start.
func (n *Net) quiet() {
	for k := range n.layers {
		l := &n.layers[k]
		if !n.still[l.name] {
			continue
		}
		full := n.full[l.name]
		size, s := full.DType.Size(), l.slice(0, compact.Origin{Name: l.name})
		s.runs(full.Len(), func(group int32, lo, hi int) {
			if n.gone.Has(int(group)) {
				clear(full.Data[lo*size : hi*size])
			}
		})
	}
}

// Still tells which groups have elements, on both sides or one of Makes and Reads, that no training moves, in
// weights that are none of the variables.
func (n *Net) Still(side Side) []bool {
	marks := make([]bool, len(n.Graph.Groups))
	for k := range n.layers {
		if l := &n.layers[k]; n.still[l.name] && (side == Both || side == l.side) {
			mark(marks, l)
		}
	}
	return marks
}
