package op

import (
	"errors"
	"math"
	"slices"
)

// attentionRows are attention and what goes with it.
var attentionRows = map[string]*Spec{
	"Attention":       guarded(Spec{Infer: inferAttention, Links: linkAttention, Narrow: narrowAttention, Dead: deadAttention, Forward: forwardAttention, Compile: compileAttention, Reads: readsAttention, Writes: writesAttention}),
	"RotaryEmbedding": guarded(Spec{Infer: inferFirst, Links: linkRotary, Narrow: narrowRotary, ZeroIn: []int{0}, Forward: forwardRotary, Compile: compileRotary}),
}

// heads is how an input of attention holds its heads: [B, heads, L, size], or
// [B, L, heads·size] where packed.
type heads struct {
	slot        int
	packed      bool
	count, size int64
}

// headsOf reads input slot, whose number of heads is in attribute attr where
// they are packed.
func headsOf(n *Node, slot int, attr string) (heads, error) {
	x := n.In[slot].Shape
	switch {
	case len(x) == 4:
		return heads{slot, false, x[1], x[3]}, nil
	case len(x) == 3:
		count := n.Attrs.Int(attr, 0)
		if count < 1 || x[2]%count != 0 {
			return heads{}, errors.New(attr + " does not divide the width")
		}
		return heads{slot, true, count, x[2] / count}, nil
	}
	return heads{}, errors.New("an input has neither three nor four axes")
}

// length is the axis of the steps.
func (h heads) length() int {
	if h.packed {
		return 1
	}
	return 2
}

// head is the digit of the heads, dim that of the dimensions in a head.
func (h heads) head(of func(int, int) Ref, slot int) Digit {
	if h.packed {
		return Digit{of(slot, 2), h.size, h.count}
	}
	return Digit{of(slot, 1), 1, h.count}
}

func (h heads) dim(of func(int, int) Ref, slot int) Digit {
	if h.packed {
		return Digit{of(slot, 2), 1, h.size}
	}
	return Digit{of(slot, 3), 1, h.size}
}

// attention is a decoded node; kv counts query heads for each head of keys.
type attention struct {
	q, k, v heads
	share   int64
}

func attentionOf(n *Node) (a attention, err error) {
	if a.q, err = headsOf(n, 0, "q_num_heads"); err != nil {
		return a, err
	}
	if a.k, err = headsOf(n, 1, "kv_num_heads"); err != nil {
		return a, err
	}
	if a.v, err = headsOf(n, 2, "kv_num_heads"); err != nil {
		return a, err
	}
	if a.k.count < 1 || a.k.count != a.v.count || a.q.count%a.k.count != 0 || a.q.size != a.k.size {
		return a, errors.New("heads of queries, keys and values do not match")
	}
	a.share = a.q.count / a.k.count
	return a, nil
}

// plain reports whether the node has neither a cache nor outputs beside the
// first.
func plain(n *Node) bool {
	for o := 1; o < len(n.Out); o++ {
		if n.Out[o] != nil {
			return false
		}
	}
	return !n.Has(4) && !n.Has(5)
}

func inferAttention(n *Node) ([]Fact, error) {
	facts := slices.Repeat([]Fact{Unknown(n.DType(0))}, max(n.Outputs, 1))
	if len(n.In) < 3 || !allKnown(n.In[:3]...) {
		return facts, nil
	}
	a, err := attentionOf(n)
	if err != nil {
		return nil, err
	}
	q, steps := n.In[0].Shape, n.In[1].Shape[a.k.length()]
	if a.q.packed {
		facts[0] = Of(n.DType(0), q[0], q[1], a.q.count*a.v.size)
	} else {
		facts[0] = Of(n.DType(0), q[0], q[1], q[2], a.v.size)
	}
	if past, ok := n.Shape(4); ok && len(past) == 4 {
		steps += past[2]
	} else if n.Has(4) {
		return facts, nil
	}
	for o, size := range map[int]int64{1: a.k.size, 2: a.v.size} {
		if o < len(facts) {
			facts[o] = Of(n.DType(o), q[0], a.k.count, steps, size)
		}
	}
	if len(facts) > 3 {
		facts[3] = Of(n.DType(0), q[0], a.q.count, q[a.q.length()], steps)
	}
	return facts, nil
}

func linkAttention(n *Node, l *Linker) {
	l.Silence = "weighs the steps along this axis"
	a, err := attentionOf(n)
	if err != nil || !plain(n) {
		l.Silence = "keeps keys and values for later"
		return
	}
	tie := func(x, y Digit) { l.Digits(x.Ref, x.Stride, y.Ref, y.Stride, x.Size) }
	out := heads{0, a.q.packed, a.q.count, a.v.size}
	for slot := range 3 {
		l.Same(In(slot, 0), Out(0, 0))
	}
	l.Same(In(0, a.q.length()), Out(0, a.q.length()))
	l.Same(In(1, a.k.length()), In(2, a.v.length()))
	l.Pin(In(1, a.k.length()), l.Silence)
	// Query heads in row-major order: head of keys, then place among those
	// that share it.
	q, o := a.q.head(In, 0), out.head(Out, 0)
	k, v := a.k.head(In, 1), a.v.head(In, 2)
	q.Stride, q.Size, o.Stride, o.Size = q.Stride*a.share, a.k.count, o.Stride*a.share, a.k.count
	tie(q, k)
	tie(k, v)
	tie(v, o)
	if a.share > 1 {
		q, o = a.q.head(In, 0), out.head(Out, 0)
		q.Size, o.Size = a.share, a.share
		tie(q, o)
	}
	dq, dk := a.q.dim(In, 0), a.k.dim(In, 1)
	l.ContractDigits(dq.Ref, dq.Stride, dk.Ref, dk.Stride, dq.Size)
	tie(a.v.dim(In, 2), out.dim(Out, 0))
	linkMask(n, l, a)
}

// linkMask ties the heads of a mask [..., heads, steps, steps].
func linkMask(n *Node, l *Linker, a attention) {
	if !n.Has(3) {
		return
	}
	axis := n.In[3].Rank() - 3
	if axis < 0 || n.In[3].Shape[axis] != a.q.count {
		return
	}
	q := a.q.head(In, 0)
	l.Digits(In(3, axis), a.share, q.Ref, q.Stride*a.share, a.k.count)
	if a.share > 1 {
		l.Digits(In(3, axis), 1, q.Ref, q.Stride, a.share)
	}
}

// narrowAttention counts the heads that are left and keeps the scale of the
// scores, which by default follows from the size of a head.
func narrowAttention(n *Node, c *Cut) error {
	a, err := attentionOf(n)
	if err != nil {
		return err
	}
	left := func(h heads) (count, size int64) {
		if !h.packed {
			return c.Size(In(h.slot, 1)), c.Size(In(h.slot, 3))
		}
		kept := c.Kept(In(h.slot, 2))
		if kept == nil {
			return h.count, h.size
		}
		count = distinct(kept, h.size)
		return count, int64(len(kept)) / max(count, 1)
	}
	queries, size := left(a.q)
	keys, _ := left(a.k)
	if a.q.packed {
		c.SetInt("q_num_heads", queries)
		c.SetInt("kv_num_heads", keys)
	}
	if _, given := n.Attrs["scale"]; !given && size != a.q.size {
		c.Attrs["scale"] = Attr{Float: float32(1 / math.Sqrt(float64(a.q.size)))}
	}
	return nil
}

// deadAttention: what has no values attends to zeros.
func deadAttention(_ *Node, _, _ int, in []State) State {
	switch {
	case in[0] == Bad || in[1] == Bad || in[2] == Bad:
		return Bad
	case in[2] == Zero:
		return Zero
	}
	return Varying
}

// linkRotary: pairs of dimensions turn together. They lie half a head apart, or
// side by side where interleaved.
func linkRotary(n *Node, l *Linker) {
	l.Silence = "turns the dimensions along this axis"
	h, err := headsOf(n, 0, "num_heads")
	part := n.Attrs.Int("rotary_embedding_dim", 0)
	if err != nil || h.size%2 != 0 || part != 0 && part != h.size || !turnsBy(n, h) {
		return
	}
	l.Same(In(0, 0), Out(0, 0))
	l.Same(In(0, h.length()), Out(0, h.length()))
	head := h.head(In, 0)
	l.Digits(head.Ref, head.Stride, h.head(Out, 0).Ref, head.Stride, head.Size)
	in, out := h.dim(In, 0).Ref, h.dim(Out, 0).Ref
	pair, side := int64(1), h.size/2
	if n.Attrs.Int("interleaved", 0) != 0 {
		pair, side = 2, 1
	}
	l.Digits(in, pair, out, pair, h.size/2)
	l.Digits(in, side, out, side, 2)
	l.PinDigit(in, side, 2, "turns pairs of dimensions")
	for _, slot := range []int{1, 2} {
		cache := n.In[slot]
		l.Digits(In(slot, cache.Rank()-1), 1, in, pair, h.size/2)
		if n.Has(3) {
			continue
		}
		l.Same(In(slot, 0), Out(0, 0))
		l.Same(In(slot, 1), Out(0, h.length()))
	}
}

// turnsBy reports whether the tables of cosines and sines fit the heads: a row
// for every position, or one for every step where there are no positions.
func turnsBy(n *Node, h heads) bool {
	x := n.In[0].Shape
	for _, slot := range []int{1, 2} {
		table, rank := n.In[slot].Shape, 2
		if !n.Has(3) {
			rank = 3
		}
		if len(table) != rank || table[rank-1] != h.size/2 || rank == 3 && (table[0] != x[0] || table[1] != x[h.length()]) {
			return false
		}
	}
	return true
}

func narrowRotary(n *Node, c *Cut) error {
	h, err := headsOf(n, 0, "num_heads")
	if err != nil || !h.packed {
		return err
	}
	if kept := c.Kept(In(0, 2)); kept != nil {
		c.SetInt("num_heads", distinct(kept, h.size))
	}
	return nil
}
