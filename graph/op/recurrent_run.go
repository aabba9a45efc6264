package op

import (
	"strings"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/kernel"
)

// recurring is a recurrent node of fixed shapes. Rows of gates and states are
// numbered by step and sample, whatever the layout.
type recurring struct {
	k                                            *recurrence
	steps, batch, sides, hidden, width, rowWidth int
	batchFirst, backwards                        bool
	clip                                         float32
	// units are the activations, those of one direction after the other.
	units []unit
	cell  cell
	bias  kernel.Epilogue
	now   side
	// gates, extra and pre are how many numbers State holds of a side.
	gates, extra, pre int
}

// cell is what tells one operator from another.
type cell interface {
	// pack lays out the weights of the state, for the way back too.
	pack(r *recurring, v *side, back bool)
	// step goes from the state before a step to that after it, back gives the
	// gradients of the gates and takes the gradient of the state back.
	step(f *Frame, r *recurring, v *side, t int)
	back(f *Frame, r *recurring, v *side, t int)
	// weights adds the gradient of the weights of the state.
	weights(f *Frame, r *recurring, v *side, dr []float32, beta float32)
}

// unit is an activation whose slope follows from its value.
type unit struct {
	forward func(y, x []float32)
	slope   func(dx, dy, y []float32)
	// takes says that it has parameters, which are those of ONNX here.
	takes bool
}

var unitNames = map[string]unit{
	"sigmoid": {kernel.Sigmoid, kernel.SigmoidGrad, false},
	"tanh":    {kernel.Tanh, kernel.TanhGrad, false},
	"relu":    {kernel.Relu, kernel.ReluGrad, false},
	"hardsigmoid": {
		func(y, x []float32) { kernel.HardSigmoid(y, x, 0.2, 0.5) },
		func(dx, dy, y []float32) { kernel.HardSigmoidGrad(dx, dy, y, 0.2) }, true,
	},
}

// side is one direction in the middle of its work. Slot t of the states is the
// one before step t, or behind it where the direction goes back.
type side struct {
	index             int
	reverse           bool
	units             []unit
	w, r, biasR       []float32
	peephole          []float32
	gates, extra, pre []float32
	states, cells     []float32
	d, dextra, dh, dc []float32
	y, dy             []float32
	lengths           []int32
}

func (k *recurrence) compile(n *Node) (*Routine, error) {
	for slot := range n.In {
		if slot != recurrentLengths && n.Has(slot) && !floats(n, slot) {
			return nil, nil
		}
	}
	x := n.In[recurrentX].Shape
	if l := n.Input(recurrentLengths); l != nil && l.DType != tensor.Int32 {
		return nil, nil
	}
	r := &recurring{
		k: k, steps: int(x[0]), batch: int(x[1]), width: int(x[2]), sides: int(directions(n)), hidden: int(n.In[recurrentR].Shape[2]),
		batchFirst: batchFirst(n), backwards: n.Attrs.Str("direction", "forward") == "reverse", clip: n.Attrs.Float("clip", 0),
	}
	if r.batchFirst {
		r.steps, r.batch = r.batch, r.steps
	}
	names := n.Attrs["activations"].Strs
	for len(names) < r.sides*k.functions {
		names = append(names, k.defaults...)
	}
	for _, name := range names {
		u, ok := unitNames[strings.ToLower(name)]
		if !ok || u.takes && len(n.Attrs["activation_alpha"].Floats)+len(n.Attrs["activation_beta"].Floats) > 0 {
			return nil, nil
		}
		r.units = append(r.units, u)
	}
	if r.steps*r.batch*r.width*r.hidden == 0 || len(names) != r.sides*k.functions {
		return nil, nil
	}
	r.rowWidth = int(k.gates) * r.hidden
	rows := r.steps * r.batch
	r.gates = rows * r.rowWidth
	if r.clip > 0 {
		r.pre = r.gates
	}
	r.cell, r.extra = k.cellOf(n, rows*r.hidden)
	return r.routine(n), nil
}

// cellOf is the cell of a node; extra is how many numbers it keeps beside gates
// and states.
func (k *recurrence) cellOf(n *Node, size int) (c cell, extra int) {
	switch {
	case k.states == 2:
		return &lstmCell{coupled: n.Attrs.Int("input_forget", 0) != 0}, 0
	case k.gates == 3:
		return &gruCell{linear: n.Attrs.Int("linear_before_reset", 0) != 0}, size
	}
	return &rnnCell{}, 0
}

// ends is how many numbers the states before and behind all steps are.
func (r *recurring) ends() int { return (r.steps + 1) * r.batch * r.hidden }

func (r *recurring) routine(n *Node) *Routine {
	each := r.gates + r.pre + r.extra + r.k.states*r.ends()
	state := r.batch * r.hidden
	var keep []int
	for _, slot := range []int{recurrentX, recurrentW, recurrentR, recurrentLengths, r.k.peephole} {
		if n.Has(slot) {
			keep = append(keep, slot)
		}
	}
	return &Routine{
		KeepIn: keep, State: r.sides * each, Scratch: r.rowWidth + r.gates + r.extra + 2*state, Adds: true,
		Forward: func(f *Frame) {
			for s := range r.sides {
				r.now = r.side(f, s, each)
				r.forward(f, &r.now)
			}
		},
		Backward: func(f *Frame) {
			for s := range r.sides {
				r.now = r.side(f, s, each)
				r.backward(f, &r.now)
			}
		},
	}
}

// cut takes n numbers from the front of a list.
func cut(list *[]float32, n int) []float32 {
	head := (*list)[:n:n]
	*list = (*list)[n:]
	return head
}

func (r *recurring) side(f *Frame, s, each int) side {
	v := side{index: s, reverse: s == 1 || r.backwards, units: r.units[s*r.k.functions:][:r.k.functions]}
	v.w = f.X(recurrentW)[s*r.rowWidth*r.width:][:r.rowWidth*r.width]
	v.r = f.X(recurrentR)[s*r.rowWidth*r.hidden:][:r.rowWidth*r.hidden]
	if b := operand(f.In, recurrentB); b != nil {
		v.biasR = b.Float32s()[(2*s+1)*r.rowWidth:][:r.rowWidth]
	}
	if r.k.peephole >= 0 && operand(f.In, r.k.peephole) != nil {
		v.peephole = f.X(r.k.peephole)[s*3*r.hidden:][:3*r.hidden]
	}
	if l := operand(f.In, recurrentLengths); l != nil {
		v.lengths = l.Int32s()
	}
	state := f.State[s*each : (s+1)*each]
	v.gates, v.pre, v.extra = cut(&state, r.gates), cut(&state, r.pre), cut(&state, r.extra)
	v.states = cut(&state, r.ends())
	if r.k.states > 1 {
		v.cells = cut(&state, r.ends())
	}
	if y := f.Out[0]; y != nil {
		v.y = y.Float32s()
	}
	return v
}

// before and after are slots of the states.
func (v *side) before(t int) int {
	if v.reverse {
		return t + 1
	}
	return t
}

func (v *side) after(t int) int {
	if v.reverse {
		return t
	}
	return t + 1
}

// active reports whether step t belongs to sample b.
func (v *side) active(t, b int) bool { return v.lengths == nil || t < int(v.lengths[b]) }

// slot is slot i of the states.
func (r *recurring) slot(list []float32, i int) []float32 {
	n := r.batch * r.hidden
	return list[i*n : (i+1)*n]
}

// rowOf is row b of a list of rows of n numbers.
func rowOf(list []float32, b, n int) []float32 { return list[b*n : (b+1)*n] }

// stateAt is where the state of sample b lies in an input or output, shownAt
// where it lies in the output of all steps.
func (r *recurring) stateAt(v *side, b int) int {
	if r.batchFirst {
		return (b*r.sides + v.index) * r.hidden
	}
	return (v.index*r.batch + b) * r.hidden
}

func (r *recurring) shownAt(v *side, t, b int) int {
	if r.batchFirst {
		return ((b*r.steps+t)*r.sides + v.index) * r.hidden
	}
	return ((t*r.sides+v.index)*r.batch + b) * r.hidden
}

func (r *recurring) forward(f *Frame, v *side) {
	r.inputs(f, v)
	start, end := v.before(0), v.after(r.steps-1)
	if v.reverse {
		start, end = r.steps, 0
	}
	r.exchange(f.In, recurrentInitialH, v, start, true)
	r.cell.pack(r, v, false)
	for i := range r.steps {
		t := i
		if v.reverse {
			t = r.steps - 1 - i
		}
		r.cell.step(f, r, v, t)
	}
	r.exchange(f.Out, 1, v, end, false)
}

// exchange copies the states of a slot from inputs, or to outputs. States that
// are not given start from zero.
func (r *recurring) exchange(list []*tensor.Tensor, first int, v *side, slot int, in bool) {
	for k := range r.k.states {
		own := r.slot([2][]float32{v.states, v.cells}[k], slot)
		t := operand(list, first+k)
		switch {
		case t == nil && in:
			clear(own)
		case t != nil:
			for b := range r.batch {
				other := t.Float32s()[r.stateAt(v, b):][:r.hidden]
				if in {
					copy(rowOf(own, b, r.hidden), other)
				} else {
					copy(other, rowOf(own, b, r.hidden))
				}
			}
		}
	}
}

// samples is the part of x, or of its gradient, that belongs to sample b, and its
// rows of the gates; all of both where steps come first.
func (r *recurring) samples(x, gates []float32, b int) (input, rows kernel.Matrix) {
	if r.batchFirst {
		n := r.steps * r.width
		rows = kernel.Matrix{Data: gates[b*r.rowWidth:], Rows: r.steps, Cols: r.rowWidth, RowStride: r.batch * r.rowWidth, ColStride: 1}
		return kernel.Dense(x[b*n:(b+1)*n], r.steps, r.width), rows
	}
	n := r.steps * r.batch
	return kernel.Dense(x, n, r.width), kernel.Dense(gates, n, r.rowWidth)
}

// pieces is how many samples are looked at one by one.
func (r *recurring) pieces() int {
	if r.batchFirst {
		return r.batch
	}
	return 1
}

// inputs sets the gates to what they get from the input, with the biases that
// nothing is done to before.
func (r *recurring) inputs(f *Frame, v *side) {
	r.bias.Bias = f.Scratch[:r.rowWidth]
	if clear(r.bias.Bias); v.biasR != nil {
		own := f.X(recurrentB)[2*v.index*r.rowWidth:][:r.rowWidth]
		kernel.Add(r.bias.Bias, own, v.biasR)
		if g, ok := r.cell.(*gruCell); ok && g.linear {
			copy(r.bias.Bias[2*r.hidden:], own[2*r.hidden:])
		}
	}
	for b := range r.pieces() {
		x, gates := r.samples(f.X(recurrentX), v.gates, b)
		kernel.Gemm(f.Pool, 1, x, kernel.Dense(v.w, r.rowWidth, r.width).T(), 0, gates, &r.bias)
	}
}
