package depgraph

import (
	"fmt"
	"slices"

	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
)

// flow computes what the dead channels of every tensor hold along every axis,
// when all float weights of the group are zero: one state for an axis, the
// join over its channels.
type flow struct {
	*linker
	states []op.State // by axis
	// uniform remembers the number that all elements of a constant equal.
	uniform map[int]op.State
}

// prove returns pins for the sums whose dead terms are not zero, and what dead
// channels hold along every axis.
func prove(k *linker) ([]pin, []op.State) {
	f := &flow{linker: k, states: make([]op.State, len(k.owner)), uniform: map[int]op.State{}}
	for axis := range f.states {
		f.states[axis] = op.Varying
	}
	for i := range k.tensors {
		f.constant(i)
	}
	for _, n := range k.Nodes {
		if len(k.links[n.Index]) > 0 {
			f.node(n)
		}
	}
	var pins []pin
	for _, ls := range k.links {
		for i := range ls {
			pins = append(pins, f.check(&ls[i])...)
		}
	}
	return pins, f.states
}

func (f *flow) constant(i int) {
	t := &f.tensors[i]
	content := f.content(i)
	for axis := range t.shape {
		s := content
		if t.weight != nil && t.weight.Zeroable(axis) {
			s = op.Zero
		}
		f.states[t.base+axis] = s
	}
}

// content is the state of a tensor that is the same number everywhere, Varying
// for any other.
func (f *flow) content(i int) op.State {
	if s, ok := f.uniform[i]; ok {
		return s
	}
	s := op.Varying
	if v := f.Witness.Values[f.tensors[i].value.ID].Value; v != nil && v.Len() <= 1<<16 {
		if c, ok := v.Uniform(); ok {
			s = op.Const(c)
		}
	}
	f.uniform[i] = s
	return s
}

// node computes the states along the axes of the outputs of a node.
func (f *flow) node(n *graph.Node) {
	for o, t := range f.out[n.Index] {
		if t < 0 {
			continue
		}
		if s := f.content(t); s != op.Varying {
			for axis := range f.tensors[t].shape {
				f.states[f.tensors[t].base+axis] = s
			}
			continue
		}
		for axis := range f.tensors[t].shape {
			in, linked := f.inputs(n, int32(f.tensors[t].base+axis))
			f.states[f.tensors[t].base+axis] = f.dead(n, o, axis, in, linked)
		}
	}
}

// inputs gives the state of each input along the axes linked to an output's.
func (f *flow) inputs(n *graph.Node, out int32) (in []op.State, linked []bool) {
	in, linked = make([]op.State, len(n.In)), make([]bool, len(n.In))
	for i, t := range f.in[n.Index] {
		in[i] = op.Varying
		if t >= 0 {
			in[i] = f.content(t)
		}
	}
	ls := f.links[n.Index]
	for i := range ls {
		l := &ls[i]
		a, b := l.a, l.b
		ref := l.A.Ref
		switch {
		case b < 0 || l.shared:
			continue
		case b == out && l.A.Slot >= 0:
		case a == out && l.B.Slot >= 0:
			a, ref = b, l.B.Ref
		default:
			continue
		}
		s := f.states[a]
		if linked[ref.Slot] {
			s = s.Join(in[ref.Slot])
		}
		in[ref.Slot], linked[ref.Slot] = s, true
	}
	return in, linked
}

func (f *flow) dead(n *graph.Node, o, axis int, in []op.State, linked []bool) op.State {
	view, spec := f.Witness.Nodes[n.Index], n.Spec
	if spec.Dead != nil {
		return spec.Dead(view, o, axis, in)
	}
	if spec.Carry {
		return carried(in, linked)
	}
	for _, slot := range spec.Partial {
		if slot < len(in) && linked[slot] && in[slot] == op.Varying && !f.followed(n, slot) {
			return op.Bad
		}
	}
	if slices.Contains(in, op.Bad) {
		return op.Bad
	}
	if spec.Elementwise && spec.Forward != nil {
		// Before ZeroIn is asked: zero over zero is not zero.
		if s := f.evaluate(n, o, in); s != op.Varying {
			return s
		}
	}
	for _, slot := range spec.ZeroIn {
		if slot < len(in) && in[slot] == op.Zero {
			return op.Zero
		}
	}
	return op.Varying
}

// followed reports whether input slot of n is a constant that keeps its numbers.
func (f *flow) followed(n *graph.Node, slot int) bool {
	t := f.in[n.Index][slot]
	return t >= 0 && f.tensors[t].weight != nil && f.tensors[t].weight.Follow
}

func carried(in []op.State, linked []bool) op.State {
	state, first := op.Varying, true
	for i, s := range in {
		if !linked[i] && !(i == 0 && s != op.Varying) {
			continue
		}
		if first {
			state, first = s, false
			continue
		}
		state = state.Join(s)
	}
	return state
}

// evaluate applies an elementwise operator to the numbers that dead channels
// hold.
func (f *flow) evaluate(n *graph.Node, o int, in []op.State) op.State {
	view := f.Witness.Nodes[n.Index]
	args := make([]*tensor.Tensor, len(in))
	for i, s := range in {
		if view.In[i] == nil {
			continue
		}
		c, ok := s.Number()
		if !ok {
			return op.Varying
		}
		if args[i] = tensor.Scalar(view.In[i].DType, c); args[i] == nil {
			return op.Varying
		}
	}
	results, err := n.Spec.Forward(view, args)
	if err != nil || o >= len(results) || results[o] == nil {
		return op.Varying
	}
	if c, ok := results[o].Uniform(); ok {
		return op.Const(c)
	}
	return op.Varying
}

// check pins the channels of a sum whose dead terms would count.
func (f *flow) check(l *link) []pin {
	switch l.Kind {
	case op.Contract:
		a, b := f.states[l.a], f.states[l.b]
		if a != op.Bad && b != op.Bad && (a == op.Const(l.ZeroA) || b == op.Const(l.ZeroB)) {
			return nil
		}
		r := Reason{Operator: l.node.Label(), Text: "sums over channels that " + holds(a, b) + " when their weights are zero"}
		return []pin{{l.a, l.A.Stride, l.A.Size, r}, {l.b, l.B.Stride, l.B.Size, r}}
	case op.Reduce:
		if f.states[l.a] == op.Zero {
			return nil
		}
		r := Reason{Operator: l.node.Label(), Text: "reduces over channels that " + holds(f.states[l.a], op.Zero) + " when their weights are zero"}
		return []pin{{l.a, 1, f.size(int(l.a)), r}}
	}
	return nil
}

func holds(a, b op.State) string {
	if a == op.Bad || b == op.Bad {
		return "may not be finite"
	}
	if c, ok := a.Number(); ok && c != 0 {
		return fmt.Sprintf("hold %g", c)
	}
	return "are not zero"
}
