package op

import (
	"fmt"
	"slices"
	"strings"
)

// recurrentRows are the layers that carry a state from step to step.
var recurrentRows = map[string]*Spec{
	"LSTM": recurrentSpec(&recurrence{gates: 4, states: 2, functions: 3, peephole: 7, candidates: []int{1, 2}, defaults: []string{"Sigmoid", "Tanh", "Tanh"}, step: stepLSTM}),
	"GRU":  recurrentSpec(&recurrence{gates: 3, states: 1, functions: 2, peephole: -1, candidates: []int{1}, defaults: []string{"Sigmoid", "Tanh"}, step: stepGRU}),
	"RNN":  recurrentSpec(&recurrence{gates: 1, states: 1, functions: 1, peephole: -1, candidates: []int{0}, defaults: []string{"Tanh"}, step: stepRNN}),
}

// The inputs that the recurrent operators have in common. The cell state of an
// LSTM starts from the input after initialH.
const (
	recurrentX = iota
	recurrentW
	recurrentR
	recurrentB
	recurrentLengths
	recurrentInitialH
)

// recurrence is what tells one of the recurrent operators from another.
type recurrence struct {
	gates  int64
	states int
	// functions is the number of activations of one direction; candidates are
	// those of them that the new state passes through.
	functions  int
	candidates []int
	// peephole is the input with the weights that read the cell state.
	peephole int
	// defaults are the activations of a direction that names none.
	defaults []string
	// step goes from one state to the next.
	step func(d *direction, h, c []float64)
}

func recurrentSpec(k *recurrence) *Spec {
	return strictMany(Spec{
		Infer: k.infer, Links: k.link, Dead: k.dead, Narrow: k.narrow, Cost: costRecurrent, Forward: k.forward,
		Compile: k.compile,
	})
}

func directions(n *Node) int64 {
	if n.Attrs.Str("direction", "forward") == "bidirectional" {
		return 2
	}
	return 1
}

// batchFirst reports whether the batch is the first axis of every tensor, and
// not the one before the last.
func batchFirst(n *Node) bool { return n.Attrs.Int("layout", 0) != 0 }

func (k *recurrence) infer(n *Node) ([]Fact, error) {
	dt, facts := n.DType(recurrentX), make([]Fact, 1+k.states)
	x, ok := n.Shape(recurrentX)
	w, okW := n.Shape(recurrentW)
	r, okR := n.Shape(recurrentR)
	if !ok || !okW || !okR {
		for o := range facts {
			facts[o] = Unknown(dt)
		}
		return facts, nil
	}
	if len(x) != 3 || len(w) != 3 || len(r) != 3 {
		return nil, fmt.Errorf("needs tensors of rank 3, not shapes %v, %v and %v", x, w, r)
	}
	d, hidden := directions(n), r[2]
	want := []int64{d, k.gates * hidden, x[2]}
	switch {
	case !slices.Equal(w, want):
		return nil, fmt.Errorf("weight W has shape %v and not %v", w, want)
	case r[0] != d || r[1] != k.gates*hidden:
		return nil, fmt.Errorf("weight R has shape %v for %d directions of %d units", r, d, hidden)
	case n.Attrs.Int("hidden_size", hidden) != hidden:
		return nil, fmt.Errorf("hidden_size is %d, and R of %d units", n.Attrs.Int("hidden_size", 0), hidden)
	}
	if err := k.extras(n, d, hidden); err != nil {
		return nil, err
	}
	all, state := []int64{x[0], d, x[1], hidden}, []int64{d, x[1], hidden}
	if batchFirst(n) {
		all, state = []int64{x[0], x[1], d, hidden}, []int64{x[0], d, hidden}
	}
	facts[0] = Of(dt, all...)
	for o := range k.states {
		facts[1+o] = Of(dt, state...)
	}
	return facts, nil
}

// extras checks the optional inputs.
func (k *recurrence) extras(n *Node, d, hidden int64) error {
	x := n.In[recurrentX].Shape
	batch, state := x[1], []int64{d, x[1], hidden}
	if batchFirst(n) {
		batch, state = x[0], []int64{x[0], d, hidden}
	}
	want := map[int][]int64{recurrentB: {d, 2 * k.gates * hidden}, recurrentLengths: {batch}}
	for i := range k.states {
		want[recurrentInitialH+i] = state
	}
	if k.peephole >= 0 {
		want[k.peephole] = []int64{d, 3 * hidden}
	}
	for slot, shape := range want {
		if got, ok := n.Shape(slot); ok && !slices.Equal(got, shape) {
			return fmt.Errorf("input %d has shape %v and not %v", slot, got, shape)
		}
	}
	return nil
}

// weightsOf lists the inputs whose axis holds the units of every gate, with
// the size of the axis in units.
func (k *recurrence) weightsOf(n *Node) map[Ref]int64 {
	list := map[Ref]int64{In(recurrentW, 1): k.gates, In(recurrentR, 1): k.gates}
	if n.Has(recurrentB) {
		list[In(recurrentB, 1)] = 2 * k.gates
	}
	if k.peephole >= 0 && n.Has(k.peephole) {
		list[In(k.peephole, 1)] = 3
	}
	return list
}

// initial lists the inputs that states start from.
func (k *recurrence) initial(n *Node) []int {
	var list []int
	for i := range k.states {
		if n.Has(recurrentInitialH + i) {
			list = append(list, recurrentInitialH+i)
		}
	}
	return list
}

// link ties a unit's rows in all gates and directions, which share
// hidden_size, to its column and to its states.
func (k *recurrence) link(n *Node, l *Linker) {
	hidden := n.In[recurrentR].Shape[2]
	k.linkBatch(n, l)
	l.Contract(In(recurrentX, 2), In(recurrentW, 2))
	units := []Ref{In(recurrentR, 2)}
	for o, out := range n.Out {
		if out != nil {
			units = append(units, Out(o, out.Rank()-1))
			l.Contract(Out(o, out.Rank()-1), In(recurrentR, 2))
		}
	}
	weights := k.weightsOf(n)
	for _, r := range sortedRefs(weights) {
		l.PinDigit(r, hidden, weights[r], "holds one unit in every gate")
		for _, unit := range units {
			l.Digits(r, 1, unit, 1, hidden)
		}
	}
	for _, i := range k.initial(n) {
		for _, unit := range units {
			l.Same(In(i, 2), unit)
		}
	}
}

func sortedRefs(set map[Ref]int64) []Ref {
	list := make([]Ref, 0, len(set))
	for r := range set {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Ref) int { return a.Slot - b.Slot })
	return list
}

// linkBatch ties the batch and keeps steps and directions.
func (k *recurrence) linkBatch(n *Node, l *Linker) {
	batch, step, inState, inAll, direction := 1, 0, 1, 2, 1
	if batchFirst(n) {
		batch, step, inState, inAll, direction = 0, 1, 0, 0, 2
	}
	const sides, steps = "runs in every direction of this axis", "goes along this axis step by step"
	l.Pin(In(recurrentX, step), steps)
	for r := range k.weightsOf(n) {
		l.Pin(In(r.Slot, 0), sides)
	}
	tied := []Ref{}
	for o, out := range n.Out {
		switch {
		case out == nil:
		case o == 0:
			l.Pin(Out(0, step), steps)
			l.Pin(Out(0, direction), sides)
			tied = append(tied, Out(0, inAll))
		default:
			l.Pin(Out(o, 1-inState), sides)
			tied = append(tied, Out(o, inState))
		}
	}
	for _, i := range k.initial(n) {
		l.Pin(In(i, 1-inState), sides)
		tied = append(tied, In(i, inState))
	}
	if n.Has(recurrentLengths) {
		tied = append(tied, In(recurrentLengths, 0))
	}
	for _, r := range tied {
		l.Same(In(recurrentX, batch), r)
	}
}

// dead proves that a unit without weights stays at zero: its gates see zero,
// its candidate state is zero, and so is what it starts from. Where one of
// these is not, it holds what it started from, faded, or another number.
func (k *recurrence) dead(n *Node, _, _ int, in []State) State {
	for r := range k.weightsOf(n) {
		if in[r.Slot] != Zero {
			return in[r.Slot].Join(Varying)
		}
	}
	for _, i := range k.initial(n) {
		if in[i] != Zero {
			return in[i].Join(Varying)
		}
	}
	names := n.Attrs["activations"].Strs
	if len(names) > 0 && len(names) != k.functions*int(directions(n)) {
		return Varying
	}
	for at := 0; at < len(names); at += k.functions {
		for _, c := range k.candidates {
			if !zeroAtZero[strings.ToLower(names[at+c])] {
				return Varying
			}
		}
	}
	return Zero
}

// zeroAtZero are the activations that make zero of zero, whatever their
// parameters; without a list, the new state passes through Tanh.
var zeroAtZero = map[string]bool{
	"relu": true, "tanh": true, "leakyrelu": true, "thresholdedrelu": true, "scaledtanh": true, "elu": true,
	"softsign": true,
}

func (k *recurrence) narrow(n *Node, c *Cut) error {
	hidden := n.In[recurrentR].Shape[2]
	if left := c.Size(In(recurrentR, 2)); left != hidden {
		c.SetInt("hidden_size", left)
	}
	return nil
}

// costRecurrent counts, for every step of every sequence, both matrices.
func costRecurrent(n *Node) int64 {
	if !allKnown(n.Input(recurrentX), n.Input(recurrentW), n.Input(recurrentR)) {
		return 0
	}
	x := n.In[recurrentX].Shape
	if len(x) < 2 {
		return 0
	}
	return x[0] * x[1] * (product(n.In[recurrentW].Shape) + product(n.In[recurrentR].Shape))
}
