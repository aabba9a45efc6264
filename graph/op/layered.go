package op

import (
	"slices"

	"onnxcompress/runtime/kernel"
)

// pile is how the matrices of a stack follow each other: all of the batch for
// each of the places in starts, in turn.
type pile struct {
	kernel.Batch
	starts [][3]int
}

// newPile stacks matrices along axes of the sizes given; steps are how far apart
// those of the operands lie along them. Axes along which operand sum, 0 to 2,
// stays where it is come last, one place after the other: what is written there
// is added up. With sum -1 all is one batch.
func newPile(shape []int64, steps [3][]int64, sum int) pile {
	p := pile{starts: [][3]int{{}}}
	for axis, d := range shape {
		if d == 1 {
			continue
		}
		var step [3]int
		for k := range step {
			step[k] = int(steps[k][axis])
		}
		if sum < 0 || step[sum] != 0 {
			p.Sizes = append(p.Sizes, int(d))
			p.A, p.B, p.C = append(p.A, step[0]), append(p.B, step[1]), append(p.C, step[2])
			continue
		}
		var more [][3]int
		for _, at := range p.starts {
			for i := range int(d) {
				more = append(more, [3]int{at[0] + i*step[0], at[1] + i*step[1], at[2] + i*step[2]})
			}
		}
		p.starts = more
	}
	return p
}

// layered is an operand of a stack of products: matrices along the axes of a
// batch.
type layered struct {
	batch, steps []int64
	rows, cols   int64
	pitch
}

// newLayered reads an operand that lies as given; left says that one without
// rows has one, not as many as elements. ok is false where no product can read
// and write it so.
func newLayered(shape []int64, l Lie, left bool) (s layered, ok bool) {
	s.batch, s.rows, s.cols = stack(shape, left)
	steps := l.Steps
	switch {
	case len(shape) == 1 && left:
		steps = []int64{steps[0], steps[0]}
	case len(shape) == 1:
		steps = []int64{steps[0], 1}
	}
	s.steps = steps[:len(s.batch)]
	s.pitch, ok = Lie{Steps: steps}.matrix(s.rows, s.cols)
	return s, ok
}

// tall is the stack as one matrix, all rows below each other; ok is false where
// they are not equally far apart.
func (s layered) tall() (layered, bool) {
	if s.col != 1 && s.cols > 1 {
		return s, product(s.batch) == 1
	}
	sizes, steps := compressed(append(slices.Clone(s.batch), s.rows), append(slices.Clone(s.steps), int64(s.row)))
	if len(sizes) > 1 {
		return s, false
	}
	if len(steps) == 1 {
		s.row = int(steps[0])
	}
	return layered{rows: s.rows * product(s.batch), cols: s.cols, pitch: s.pitch}, true
}

// along are the steps along the axes of a batch that the stack is broadcast to.
func (s layered) along(batch []int64) []int64 {
	out, shift := make([]int64, len(batch)), len(batch)-len(s.batch)
	for i, d := range s.batch {
		if d != 1 {
			out[shift+i] = s.steps[i]
		}
	}
	return out
}

// stacks reads the operands of a MatMul node and its output. A stack times one
// matrix is one product of many rows.
func stacks(n *Node, left, right, out Lie) (a, b, c layered, ok bool) {
	a, okA := newLayered(n.In[0].Shape, left, true)
	b, okB := newLayered(n.In[1].Shape, right, false)
	shape, steps := n.Out[0].Shape, out.Steps
	if n.In[1].Rank() == 1 {
		shape, steps = append(slices.Clone(shape), 1), append(slices.Clone(steps), 1)
	}
	if n.In[0].Rank() == 1 {
		at := len(shape) - 1
		shape, steps = slices.Insert(slices.Clone(shape), at, 1), slices.Insert(slices.Clone(steps), at, 1)
	}
	c, okC := newLayered(shape, Lie{Steps: steps}, true)
	if !okA || !okB || !okC || product(b.batch) != 1 {
		return a, b, c, okA && okB && okC
	}
	b.batch, b.steps = nil, nil
	if a, ok = a.tall(); !ok {
		return a, b, c, false
	}
	c, ok = c.tall()
	return a, b, c, ok
}

func readsMatMul(n *Node, i int, l Lie) bool {
	lies := [2]Lie{RowByRow(n.In[0].Shape), RowByRow(n.In[1].Shape)}
	lies[i] = l
	_, _, _, ok := stacks(n, lies[0], lies[1], RowByRow(n.Out[0].Shape))
	return ok && arranges(n)
}

func writesMatMul(n *Node, l Lie) bool {
	_, _, _, ok := stacks(n, RowByRow(n.In[0].Shape), RowByRow(n.In[1].Shape), l)
	return ok && arranges(n)
}

// arranges reports whether operands may be anywhere: there is something to
// compute, and nothing is packed.
func arranges(n *Node) bool {
	return floats(n, 0, 1) && product(n.In[0].Shape)*product(n.In[1].Shape) != 0 && constantMatrix(n) == nil
}
