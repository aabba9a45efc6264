package op

import (
	"errors"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// direction is one direction of a recurrent node with the numbers of its
// inputs.
type direction struct {
	n             *Node
	width, hidden int
	// w and r are the weights of the input and of the state, a row for each
	// unit of each gate; biasW and biasR what is added to them.
	w, r, biasW, biasR []float64
	// peephole are the weights of the cell in the gates i, o and f, or nil.
	peephole []float64
	activate []func(float64) float64
	// clip bounds what activations read; 0 for no bound.
	clip float64
	// input and state are what the gates get from the input and the state.
	input, state []float64
}

// recurrentRun is a recurrent node in the middle of its work.
type recurrentRun struct {
	k                            *recurrence
	steps, batch, sides, hidden  int
	x                            []float64
	all                          []float64
	states                       [2][]float64
	lengths                      []int64
	inStep, inBatch              int
	allStep, allBatch, allSide   int
	stateBatch, stateSide, width int
}

func (k *recurrence) forward(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	seen, facts, err := settled(n, in, k.infer)
	if err != nil {
		return nil, err
	}
	lists, err := allReals(in)
	if err != nil {
		return nil, err
	}
	s := k.newRun(seen, lists)
	if t := operand(in, recurrentLengths); t != nil {
		if s.lengths = t.AsInt64s(); s.lengths == nil && s.batch > 0 {
			return nil, errors.New("the lengths are no whole numbers")
		}
		for _, l := range s.lengths {
			if l < 0 || l > int64(s.steps) {
				return nil, fmt.Errorf("a sequence of %d steps does not fit %d", l, s.steps)
			}
		}
	}
	for side := range s.sides {
		d, err := k.newDirection(seen, lists, side)
		if err != nil {
			return nil, err
		}
		reverse := side == 1 || n.Attrs.Str("direction", "forward") == "reverse"
		for b := range s.batch {
			s.sequence(d, side, b, reverse)
		}
	}
	return results(facts, [][]float64{s.all, s.states[0], s.states[1]})
}

func (k *recurrence) newRun(n *Node, lists [][]float64) *recurrentRun {
	shape := n.In[recurrentX].Shape
	s := &recurrentRun{
		k: k, x: lists[recurrentX], sides: int(directions(n)), hidden: int(n.In[recurrentR].Shape[2]),
		steps: int(shape[0]), batch: int(shape[1]), width: int(shape[2]),
	}
	h := s.hidden
	s.inStep, s.inBatch = s.batch*s.width, s.width
	s.allStep, s.allSide, s.allBatch = s.sides*s.batch*h, s.batch*h, h
	s.stateSide, s.stateBatch = s.batch*h, h
	if batchFirst(n) {
		s.steps, s.batch = s.batch, s.steps
		s.inStep, s.inBatch = s.width, s.steps*s.width
		s.allBatch, s.allStep, s.allSide = s.steps*s.sides*h, s.sides*h, h
		s.stateBatch, s.stateSide = s.sides*h, h
	}
	s.all = make([]float64, s.steps*s.batch*s.sides*h)
	for i := range s.states {
		s.states[i] = make([]float64, s.batch*s.sides*h)
		if from := operand(lists, recurrentInitialH+i); i < k.states && from != nil {
			copy(s.states[i], from)
		}
	}
	return s
}

// sequence runs through one sample in one direction. What lies behind the end
// of the sample is zero.
func (s *recurrentRun) sequence(d *direction, side, b int, reverse bool) {
	at := side*s.stateSide + b*s.stateBatch
	h, c := s.states[0][at:][:s.hidden], s.states[1][at:][:s.hidden]
	steps := s.steps
	if s.lengths != nil {
		steps = int(s.lengths[b])
	}
	for i := range steps {
		t := i
		if reverse {
			t = steps - 1 - i
		}
		d.read(s.x[t*s.inStep+b*s.inBatch:][:s.width], h)
		s.k.step(d, h, c)
		copy(s.all[t*s.allStep+b*s.allBatch+side*s.allSide:], h)
	}
}

func (k *recurrence) newDirection(n *Node, lists [][]float64, side int) (*direction, error) {
	shape, hidden := n.In[recurrentX].Shape, int(n.In[recurrentR].Shape[2])
	rows := int(k.gates) * hidden
	d := &direction{
		n: n, width: int(shape[2]), hidden: hidden, input: make([]float64, rows), state: make([]float64, rows),
		biasW: make([]float64, rows), biasR: make([]float64, rows), clip: float64(n.Attrs.Float("clip", 0)),
	}
	d.w = lists[recurrentW][side*rows*d.width:][:rows*d.width]
	d.r = lists[recurrentR][side*rows*hidden:][:rows*hidden]
	if b := operand(lists, recurrentB); b != nil {
		d.biasW, d.biasR = b[side*2*rows:][:rows], b[(side*2+1)*rows:][:rows]
	}
	if k.peephole >= 0 {
		if p := operand(lists, k.peephole); p != nil {
			d.peephole = p[side*3*hidden:][:3*hidden]
		}
	}
	var err error
	d.activate, err = k.activations(n, side)
	return d, err
}

// read computes what every gate gets from the input and from the state.
func (d *direction) read(x, h []float64) {
	mapped(d.input, d.w, x, d.biasW)
	mapped(d.state, d.r, h, d.biasR)
}

// mapped is y = m·x + b.
func mapped(y, m, x, b []float64) {
	for i := range y {
		sum := b[i]
		for j, w := range m[i*len(x):][:len(x)] {
			sum += w * x[j]
		}
		y[i] = sum
	}
}

// gate applies activation f to what comes in, clipped.
func (d *direction) gate(f int, x float64) float64 {
	if d.clip > 0 {
		x = math.Max(-d.clip, math.Min(d.clip, x))
	}
	return d.activate[f](x)
}

// sum is what gate g of unit u gets.
func (d *direction) sum(g, u int) float64 { return d.input[g*d.hidden+u] + d.state[g*d.hidden+u] }

// peek adds what peephole p of unit u sees of a cell.
func (d *direction) peek(p, u int, cell float64) float64 {
	if d.peephole == nil {
		return 0
	}
	return d.peephole[p*d.hidden+u] * cell
}

// stepLSTM has the gates i, o, f and c.
func stepLSTM(d *direction, h, c []float64) {
	coupled := d.n.Attrs.Int("input_forget", 0) != 0
	for u := range h {
		in := d.gate(0, d.sum(0, u)+d.peek(0, u, c[u]))
		forget := 1 - in
		if !coupled {
			forget = d.gate(0, d.sum(2, u)+d.peek(2, u, c[u]))
		}
		cell := forget*c[u] + in*d.gate(1, d.sum(3, u))
		out := d.gate(0, d.sum(1, u)+d.peek(1, u, cell))
		c[u], h[u] = cell, out*d.activate[2](cell)
	}
}

// stepGRU has the gates z, r and h.
func stepGRU(d *direction, h, _ []float64) {
	update, reset := make([]float64, len(h)), make([]float64, len(h))
	for u := range h {
		update[u], reset[u] = d.gate(0, d.sum(0, u)), d.gate(0, d.sum(1, u))
	}
	last := 2 * d.hidden
	if d.n.Attrs.Int("linear_before_reset", 0) != 0 {
		for u := range h {
			d.state[last+u] *= reset[u]
		}
	} else {
		for u := range h {
			reset[u] *= h[u]
		}
		mapped(d.state[last:], d.r[last*d.hidden:], reset, d.biasR[last:])
	}
	for u := range h {
		h[u] = (1-update[u])*d.gate(1, d.sum(2, u)) + update[u]*h[u]
	}
}

func stepRNN(d *direction, h, _ []float64) {
	for u := range h {
		h[u] = d.gate(0, d.sum(0, u))
	}
}
