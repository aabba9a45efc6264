package op

// Cut is what a node loses. Narrow reads the kept channels and writes what the
// node must become; the caller carries it out.
type Cut struct {
	// Attrs are attributes to set; the zero Attr deletes one.
	Attrs Attrs
	// Operands are the contents that integer inputs must have after the cut,
	// by input. A caller that finds the operand computing them by itself
	// leaves it alone.
	Operands map[int][]int64
	// Factors multiply an output after the cut, by output: what keeps a mean
	// over a cut axis the mean over the original one.
	Factors map[int]float64

	node *Node
	kept func(Ref) []int64
}

// NewCut describes the cut of n, whose In and Out are those before it. kept
// returns the ascending original indices that stay of an axis, nil where it
// stays whole.
func NewCut(n *Node, kept func(Ref) []int64) *Cut {
	return &Cut{Attrs: Attrs{}, Operands: map[int][]int64{}, Factors: map[int]float64{}, node: n, kept: kept}
}

// Kept returns the original indices that stay of an axis, nil where it stays
// whole.
func (c *Cut) Kept(r Ref) []int64 { return c.kept(r) }

// Size is the length of an axis after the cut.
func (c *Cut) Size(r Ref) int64 {
	if k := c.kept(r); k != nil {
		return int64(len(k))
	}
	if r.Slot < 0 {
		return c.node.Out[^r.Slot].Shape[r.Axis]
	}
	return c.node.In[r.Slot].Shape[r.Axis]
}

// OutShape is the shape of output o after the cut.
func (c *Cut) OutShape(o int) []int64 {
	shape := make([]int64, len(c.node.Out[o].Shape))
	for axis := range shape {
		shape[axis] = c.Size(Out(o, axis))
	}
	return shape
}

// InShape is the shape of input i after the cut.
func (c *Cut) InShape(i int) []int64 {
	shape := make([]int64, len(c.node.In[i].Shape))
	for axis := range shape {
		shape[axis] = c.Size(In(i, axis))
	}
	return shape
}

// SetInt sets an integer attribute.
func (c *Cut) SetInt(name string, v int64) { c.Attrs[name] = Attr{Int: v} }

// SetInts sets an integer list, in the input i if the node has it there, else
// in the attribute.
func (c *Cut) SetInts(i int, attr string, v []int64) {
	if c.node.Has(i) {
		c.Operands[i] = v
		return
	}
	c.Attrs[attr] = Attr{Ints: v}
}
