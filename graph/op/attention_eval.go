package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// attending is an Attention node with the numbers of its inputs. All lists are
// [batch, heads, steps, size].
type attending struct {
	attention
	q, k, v               []float64
	batch, queries, steps int
	// past is the number of steps that came before the keys of this node.
	past       int
	scale, cap float64
	bias       *attentionBias
}

func forwardAttention(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	seen, facts, err := settled(n, in, inferAttention)
	if err != nil {
		return nil, err
	}
	w, err := newAttending(seen, in)
	if err != nil {
		return nil, err
	}
	lists := [][]float64{nil, w.k, w.v, nil}
	if len(facts) > 3 {
		lists[3] = make([]float64, w.batch*int(w.attention.q.count)*w.queries*w.steps)
	}
	y := make([]float64, w.batch*int(w.attention.q.count)*w.queries*int(w.attention.v.size))
	w.run(y, lists[3], n.Attrs.Int("qk_matmul_output_mode", 0))
	if lists[0] = y; w.attention.q.packed {
		lists[0] = w.pack(y)
	}
	return results(facts, lists)
}

func newAttending(n *Node, in []*tensor.Tensor) (*attending, error) {
	a, err := attentionOf(n)
	if err != nil {
		return nil, err
	}
	w := &attending{attention: a, batch: int(in[0].Shape[0]), queries: int(in[0].Shape[a.q.length()])}
	lists := [3][]float64{}
	for slot, h := range []heads{a.q, a.k, a.v} {
		if in[slot].Shape[0] != in[0].Shape[0] || slot > 0 && in[slot].Shape[h.length()] != in[1].Shape[a.k.length()] {
			return nil, errors.New("queries, keys and values differ in batch or steps")
		}
		if lists[slot], err = h.unpack(in[slot]); err != nil {
			return nil, err
		}
	}
	w.q = lists[0]
	if (operand(in, 4) == nil) != (operand(in, 5) == nil) {
		return nil, errors.New("past keys and values come together")
	}
	if w.k, err = appended(operand(in, 4), lists[1], a.k, w.batch); err != nil {
		return nil, err
	}
	if w.v, err = appended(operand(in, 5), lists[2], a.v, w.batch); err != nil {
		return nil, err
	}
	w.steps = int(in[1].Shape[a.k.length()])
	if past := operand(in, 4); past != nil {
		if past.Shape[2] != in[5].Shape[2] {
			return nil, errors.New("past keys and values differ in steps")
		}
		w.past = int(past.Shape[2])
		w.steps += w.past
	}
	w.scale, w.cap = 1/math.Sqrt(float64(a.q.size)), float64(n.Attrs.Float("softcap", 0))
	if s, ok := n.Attrs["scale"]; ok {
		w.scale = float64(s.Float)
	}
	w.bias, err = newAttentionBias(n, in, w)
	return w, err
}

// unpack are the elements as [batch, heads, steps, size].
func (h heads) unpack(t *tensor.Tensor) ([]float64, error) {
	x, err := reals(t)
	if err != nil || !h.packed {
		return x, err
	}
	y := make([]float64, 0, len(x))
	steps, count, size := int(t.Shape[1]), int(h.count), int(h.size)
	for b := range int(t.Shape[0]) {
		for head := range count {
			for s := range steps {
				y = append(y, x[((b*steps+s)*count+head)*size:][:size]...)
			}
		}
	}
	return y, nil
}

// appended puts the steps of the past before those that are new.
func appended(past *tensor.Tensor, now []float64, h heads, batch int) ([]float64, error) {
	if past == nil {
		return now, nil
	}
	rows := batch * int(h.count)
	if past.Rank() != 4 || past.Shape[0]*past.Shape[1] != int64(rows) || past.Shape[3] != h.size {
		return nil, fmt.Errorf("what is past has shape %v", past.Shape)
	}
	old, err := reals(past)
	if err != nil || rows == 0 {
		return now, err
	}
	y := make([]float64, 0, len(old)+len(now))
	for r := range rows {
		y = append(y, old[r*len(old)/rows:(r+1)*len(old)/rows]...)
		y = append(y, now[r*len(now)/rows:(r+1)*len(now)/rows]...)
	}
	return y, nil
}

// run computes the output and, where it is asked for, the scores at the stage
// that mode names.
func (w *attending) run(y, kept []float64, mode int64) {
	size, width := int(w.attention.q.size), int(w.attention.v.size)
	count := int(w.attention.q.count)
	scores, bias := make([]float64, w.steps), make([]float64, w.steps)
	for row := range w.batch * count * w.queries {
		b, head, i := row/(count*w.queries), row/w.queries%count, row%w.queries
		shared := b*int(w.attention.k.count) + head/int(w.share)
		q, k := w.q[row*size:][:size], w.k[shared*w.steps*size:]
		keep := func(stage int64) {
			if kept != nil && stage == mode {
				copy(kept[row*w.steps:], scores)
			}
		}
		for j := range scores {
			scores[j] = 0
			for d, x := range k[j*size:][:size] {
				scores[j] += q[d] * x
			}
			scores[j] *= w.scale
		}
		keep(0)
		w.soften(scores)
		keep(1)
		w.bias.row(bias, b, head, i)
		for j := range scores {
			scores[j] += bias[j]
		}
		keep(2)
		softShares(scores, bias)
		keep(3)
		weigh(y[row*width:][:width], scores, w.v[shared*w.steps*width:])
	}
}

// soften caps the scores softly.
func (w *attending) soften(scores []float64) {
	if w.cap <= 0 {
		return
	}
	for j, s := range scores {
		scores[j] = w.cap * math.Tanh(s/w.cap)
	}
}

// softShares is softmax, where a row that may attend to nothing has no softShares.
func softShares(scores, bias []float64) {
	if len(scores) == 0 {
		return
	}
	if math.IsInf(slices.Max(bias), -1) {
		clear(scores)
		return
	}
	softmax(nil, scores)
}

func weigh(y, softShares, v []float64) {
	for j, s := range softShares {
		if s == 0 {
			continue // what is masked may hold anything
		}
		for d, x := range v[j*len(y):][:len(y)] {
			y[d] += s * x
		}
	}
}

// pack is [batch, steps, heads·size] of [batch, heads, steps, size].
func (w *attending) pack(y []float64) []float64 {
	count, size := int(w.attention.q.count), int(w.attention.v.size)
	out := make([]float64, len(y))
	for row := range w.batch * count * w.queries {
		b, head, i := row/(count*w.queries), row/w.queries%count, row%w.queries
		copy(out[((b*w.queries+i)*count+head)*size:], y[row*size:][:size])
	}
	return out
}

// attentionBias is what is added to the scores of a query: the mask, and -Inf
// for steps that it may not see.
type attentionBias struct {
	mask []float64
	// whole says that the mask is one of booleans.
	whole bool
	// step is how far a step of batch, head and query goes through the mask,
	// width the length of its last axis.
	step  [3]int
	width int
	// lengths are the steps that are no padding, nil for all.
	lengths       []int64
	past, queries int
	// left and right bound how far a query sees, -1 for no bound.
	left, right int64
}

func newAttentionBias(n *Node, in []*tensor.Tensor, w *attending) (*attentionBias, error) {
	b := &attentionBias{past: w.past, queries: w.queries, left: n.Attrs.Int("left_window_size", -1), right: n.Attrs.Int("right_window_size", -1)}
	if n.Attrs.Int("is_causal", 0) != 0 {
		b.right = 0
	}
	if t := operand(in, 6); t != nil {
		if b.lengths = t.AsInt64s(); len(b.lengths) != w.batch {
			return nil, errors.New("nonpad_kv_seqlen does not fit the batch")
		}
	}
	mask := operand(in, 3)
	if mask == nil {
		return b, nil
	}
	v, err := reals(mask)
	if err != nil {
		return nil, err
	}
	b.mask, b.whole = v, mask.DType == tensor.Bool
	want := []int{w.batch, int(w.attention.q.count), w.queries}
	rank := mask.Rank()
	if rank < 1 || rank > 4 || mask.Shape[rank-1] > int64(w.steps) {
		return nil, fmt.Errorf("a mask of shape %v does not fit", mask.Shape)
	}
	b.width = int(mask.Shape[rank-1])
	for axis, step := range strides(mask.Shape)[:rank-1] {
		at := axis + 4 - rank
		switch size := int(mask.Shape[axis]); {
		case size == want[at]:
			b.step[at] = int(step)
		case size != 1:
			return nil, fmt.Errorf("a mask of shape %v does not fit", mask.Shape)
		}
	}
	return b, nil
}

// row fills in the bias of query i of a head.
func (b *attentionBias) row(v []float64, sample, head, i int) {
	never := math.Inf(-1)
	steps, at := len(v), int64(i+b.past)
	if b.lengths != nil {
		steps = int(min(int64(steps), b.lengths[sample]))
		if b.past == 0 {
			at = int64(i) + b.lengths[sample] - int64(b.queries)
		}
	}
	from := sample*b.step[0] + head*b.step[1] + i*b.step[2]
	for j := range v {
		hidden := j >= steps || b.left >= 0 && int64(j) < at-b.left || b.right >= 0 && int64(j) > at+b.right
		switch {
		case hidden, b.mask != nil && j >= b.width:
			v[j] = never
		case b.mask == nil:
			v[j] = 0
		case !b.whole:
			v[j] = b.mask[from+j]
		case b.mask[from+j] == 0:
			v[j] = never
		default:
			v[j] = 0
		}
	}
}
