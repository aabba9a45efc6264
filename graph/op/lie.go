package op

// Lie is how the elements of a tensor lie in memory that may hold others, too:
// element (i, j, …) is number Offset + i·Steps[0] + j·Steps[1] + … there.
type Lie struct {
	Offset int64
	Steps  []int64
}

// RowByRow is how a tensor of a shape lies in memory of its own.
func RowByRow(shape []int64) Lie { return Lie{Steps: strides(shape)} }

// Place is where an operand of a node lies: in input In of its routine, which
// has Size elements.
type Place struct {
	In   int
	Size int64
	Lie
}

// place is where input i lies: row by row in an input of its own unless Places
// tells otherwise.
func (n *Node) place(i int) Place {
	if n.Places != nil {
		return n.Places[i]
	}
	shape := n.In[i].Shape
	return Place{i, product(shape), RowByRow(shape)}
}

// outLie is how output 0 is to lie.
func (n *Node) outLie() Lie {
	if n.OutLie != nil {
		return *n.OutLie
	}
	return RowByRow(n.Out[0].Shape)
}

// alike reports whether elements of a shape lie the same either way.
func (l Lie) alike(other Lie, shape []int64) bool {
	for axis, d := range shape {
		if d != 1 && l.Steps[axis] != other.Steps[axis] {
			return false
		}
	}
	return l.Offset == other.Offset
}

// Plain reports whether elements of a shape lie row by row, from the first.
func (l Lie) Plain(shape []int64) bool { return l.alike(RowByRow(shape), shape) }

// Inverse is how the elements of shape from lie in the memory of a tensor of
// shape to, which lies row by row, where l says how those of to lie in a tensor
// of shape from. ok is false where that takes more than to let axes change
// places.
func (l Lie) Inverse(from, to []int64) (inverse Lie, ok bool) {
	if product(from) != product(to) || product(to) == 0 || l.Offset != 0 {
		return Lie{}, false
	}
	own, steps := strides(from), strides(to)
	inverse.Steps = strides(from)
	taken := make([]bool, len(to))
	for axis, d := range from {
		found := d == 1
		for i, size := range to {
			if !found && !taken[i] && size == d && l.Steps[i] == own[axis] {
				inverse.Steps[axis], taken[i], found = steps[i], true, true
			}
		}
		if !found {
			return Lie{}, false
		}
	}
	return inverse, true
}

// reshaped is how the elements lie under another shape; ok is false where no
// steps say so.
func (l Lie) reshaped(from, to []int64) (out Lie, ok bool) {
	if product(from) != product(to) || product(to) == 0 {
		return Lie{}, false
	}
	sizes, steps := compressed(from, l.Steps)
	out = Lie{l.Offset, make([]int64, len(to))}
	k := len(sizes) - 1
	left, step := int64(1), int64(1) // what the axis at hand still has to give
	for i := len(to) - 1; i >= 0; i-- {
		if to[i] == 1 {
			out.Steps[i] = step
			continue
		}
		if left == 1 {
			left, step = sizes[k], steps[k]
			k--
		}
		if left%to[i] != 0 {
			return Lie{}, false
		}
		out.Steps[i] = step
		left, step = left/to[i], step*to[i]
	}
	return out, true
}

// compressed leaves out axes of one element and joins those that lie behind each
// other.
func compressed(shape, steps []int64) (sizes, apart []int64) {
	for i, d := range shape {
		if d == 1 {
			continue
		}
		if k := len(sizes) - 1; k >= 0 && apart[k] == steps[i]*d {
			sizes[k], apart[k] = sizes[k]*d, steps[i]
			continue
		}
		sizes, apart = append(sizes, d), append(apart, steps[i])
	}
	return sizes, apart
}

// matrix is how the rows and columns of the last two axes lie, where a product
// can read and write them so: one of them without gaps, and none twice.
func (l Lie) matrix(rows, cols int64) (pitch, bool) {
	at := len(l.Steps) - 2
	p := pitch{int(l.Steps[at]), int(l.Steps[at+1])}
	switch {
	case rows == 1 && cols == 1:
		return pitch{1, 1}, true
	case cols == 1:
		return pitch{p.row, 1}, p.row > 0
	case rows == 1:
		return pitch{1, p.col}, p.col > 0
	}
	return p, p.col == 1 && int64(p.row) >= cols || p.row == 1 && int64(p.col) >= rows
}

// liesView: the elements keep their order.
func liesView(n *Node, in Lie) []Lie {
	if out, ok := in.reshaped(n.In[0].Shape, n.Out[0].Shape); ok {
		return []Lie{out}
	}
	return nil
}

// liesStill is liesView for operators that sometimes compute: where there is no
// routine that leaves elements where they are, they do not lie anywhere.
func liesStill(compile func(*Node) (*Routine, error)) func(*Node, Lie) []Lie {
	return func(n *Node, in Lie) []Lie {
		if r, err := compile(n); err != nil || r == nil || !r.View {
			return nil
		}
		return liesView(n, in)
	}
}
