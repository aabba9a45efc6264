package op

import (
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// compileAttention serves nodes without a cache.
func compileAttention(n *Node) (*Routine, error) {
	if len(n.In) < 3 || !floats(n, 0, 1, 2) || !plain(n) || n.Has(6) {
		return nil, nil
	}
	dec, err := attentionOf(n)
	if err != nil {
		return nil, err
	}
	q, k, v := n.In[0].Shape, n.In[1].Shape, n.In[2].Shape
	if k[0] != q[0] || v[0] != q[0] || v[dec.v.length()] != k[dec.k.length()] || product(q)*product(k)*product(v) == 0 {
		return nil, nil
	}
	hold := newHolding(n, 0, 1, 2)
	queries, okQ := dec.q.layered(q, hold.places[0].Lie, dec.k.count)
	keys, okK := dec.k.layered(k, hold.places[1].Lie, dec.k.count)
	values, okV := dec.v.layered(v, hold.places[2].Lie, dec.k.count)
	out, okOut := dec.out().layered(n.Out[0].Shape, n.outLie(), dec.k.count)
	mask, okMask := dec.mask(n, queries.rows, keys.rows)
	if !okQ || !okK || !okV || !okOut || !okMask {
		return nil, nil
	}
	a := newAttend(hold, queries.batch, queries, keys, values, out, mask)
	a.scale, a.cap = n.Attrs.Float("scale", float32(1/math.Sqrt(float64(dec.q.size)))), n.Attrs.Float("softcap", 0)
	a.left, a.right = int(n.Attrs.Int("left_window_size", -1)), int(n.Attrs.Int("right_window_size", -1))
	if n.Attrs.Int("is_causal", 0) != 0 {
		a.right = 0
	}
	a.blind, a.keeps = seesNothing, n.Train
	return a.routine(), nil
}

func seesNothing(most float32) bool { return most == lowest }

// out is how the output holds its heads.
func (a *attention) out() heads { return heads{0, a.q.packed, a.q.count, a.v.size} }

// layered is an input or output of a shape as a stack along samples, heads of
// keys and the heads that share those; ok is false where a product cannot read
// and write it.
func (h heads) layered(shape []int64, l Lie, keys int64) (s layered, ok bool) {
	steps := l.Steps
	if h.packed {
		steps = []int64{steps[0], h.size * steps[2], steps[1], steps[2]}
	}
	share := h.count / keys
	s = layered{rows: shape[h.length()], cols: h.size, batch: []int64{shape[0], keys, share}}
	s.steps = []int64{steps[0], share * steps[1], steps[1]}
	s.pitch, ok = Lie{Steps: steps[2:]}.matrix(s.rows, s.cols)
	return s, ok
}

// mask is that of the node, nil where there is none; ok is false where no routine
// serves it.
func (a *attention) mask(n *Node, queries, keys int64) (m *masking, ok bool) {
	f := n.Input(3)
	if f == nil {
		return nil, true
	}
	if !f.Known || f.Rank() < 1 || f.Rank() > 4 {
		return nil, false
	}
	shape := padded(f.Shape, 4)
	switch shape[1] {
	case a.q.count:
		shape = slices.Insert(shape, 1, a.k.count)
		shape[2] = a.share
	case 1:
		shape = slices.Insert(shape, 1, 1)
	default:
		return nil, false
	}
	var hides *Hiding
	if f.DType == tensor.Bool {
		hides = &Hiding{lowest, false}
	}
	return newMasking(n, 3, shape, []int64{n.In[0].Shape[0], a.k.count, a.share, queries, keys}, hides)
}

// readsAttention: the mask is read row by row.
func readsAttention(n *Node, i int, l Lie) bool {
	again := *n
	again.Places = make([]Place, len(n.In))
	for k, f := range n.In {
		if f == nil {
			continue
		}
		if again.Places[k] = n.place(k); k == i {
			again.Places[k].Lie = l
		}
	}
	r, err := compileAttention(&again)
	return err == nil && r != nil
}

func writesAttention(n *Node, l Lie) bool {
	again := *n
	again.OutLie = &l
	r, err := compileAttention(&again)
	return err == nil && r != nil
}
