package op

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// forwardUnique lists the distinct elements, or the distinct parts along an
// axis: with where each is first, which of them each part is and how often each
// is there.
func forwardUnique(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	data, axis := in[0], 0
	if _, ok := n.Attrs["axis"]; !ok {
		data = flat(data)
	} else {
		var err error
		if axis, err = Axis(n.Attrs.Int("axis", 0), data.Rank()); err != nil {
			return nil, err
		}
	}
	compare, err := ordering(data)
	if err != nil {
		return nil, err
	}
	others := only(axis, data.Rank())
	for a := range others {
		others[a] = !others[a]
	}
	first, within := places(data.Shape, others)
	parts := func(i, j int64) int {
		for _, step := range within {
			if c := compare(first[i]+step, first[j]+step); c != 0 {
				return c
			}
		}
		return 0
	}
	order := line(int64(len(first)), 0, 1)
	slices.SortStableFunc(order, parts)
	var firsts, counts []int64
	inverse := make([]int64, len(order))
	for i, at := range order {
		if i == 0 || parts(order[i-1], at) != 0 {
			firsts, counts = append(firsts, at), append(counts, 0)
		}
		counts[len(counts)-1]++
		inverse[at] = int64(len(firsts) - 1)
	}
	if n.Attrs.Int("sorted", 1) == 0 {
		firsts, counts, inverse = appearing(firsts, counts, inverse)
	}
	shape, tables, step := slices.Clone(data.Shape), lines(data.Shape), strides(data.Shape)[axis]
	shape[axis], tables[axis] = int64(len(firsts)), make([]int64, len(firsts))
	for i, at := range firsts {
		tables[axis][i] = at * step
	}
	out, err := pick(data, shape, tables, nil)
	return []*tensor.Tensor{out, tensor.Vector(firsts...), tensor.Vector(inverse...), tensor.Vector(counts...)}, err
}

// appearing puts distinct elements in the order in which they appear.
func appearing(firsts, counts, inverse []int64) (f, c, i []int64) {
	order := line(int64(len(firsts)), 0, 1)
	slices.SortFunc(order, func(a, b int64) int { return int(firsts[a] - firsts[b]) })
	rank := make([]int64, len(order))
	for to, from := range order {
		f, c = append(f, firsts[from]), append(c, counts[from])
		rank[from] = int64(to)
	}
	for _, k := range inverse {
		i = append(i, rank[k])
	}
	return f, c, i
}

// box is a rectangle by its corners.
type box struct{ top, left, bottom, right float64 }

// boxOf reads four numbers: two corners, or the centre and the size.
func boxOf(v []float64, centre bool) box {
	if centre {
		return box{v[1] - v[3]/2, v[0] - v[2]/2, v[1] + v[3]/2, v[0] + v[2]/2}
	}
	return box{min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3])}
}

func (b box) area() float64 { return (b.bottom - b.top) * (b.right - b.left) }

// overlap is the share of the union of two boxes that is in both.
func (b box) overlap(o box) float64 {
	both := box{max(b.top, o.top), max(b.left, o.left), min(b.bottom, o.bottom), min(b.right, o.right)}
	if both.bottom <= both.top || both.right <= both.left {
		return 0
	}
	shared := both.area()
	return float64(float32(shared) / float32(b.area()+o.area()-shared))
}

// numberOf reads the only element of input slot, def where it is absent.
func numberOf(in []*tensor.Tensor, slot int, def float64) (float64, error) {
	t := optional(in, slot)
	if t == nil {
		return def, nil
	}
	v := t.AsFloat64s()
	if len(v) != 1 {
		return 0, fmt.Errorf("input %d is not one number", slot)
	}
	return v[0], nil
}

func forwardNonMaxSuppression(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 2); err != nil {
		return nil, err
	}
	boxes, scores := in[0].AsFloat64s(), in[1].AsFloat64s()
	shape, shapeScores := in[0].Shape, in[1].Shape
	if len(shape) != 3 || len(shapeScores) != 3 || shape[2] != 4 || shape[0] != shapeScores[0] || shape[1] != shapeScores[2] {
		return nil, fmt.Errorf("scores of shape %v do not fit boxes of shape %v", shapeScores, shape)
	}
	most, err := numberOf(in, 2, 0)
	if err != nil {
		return nil, err
	}
	limit, err := numberOf(in, 3, 0)
	if err != nil {
		return nil, err
	}
	least, err := numberOf(in, 4, math.Inf(-1))
	if err != nil {
		return nil, err
	}
	if limit < 0 || limit > 1 {
		return nil, errors.New("iou_threshold is no share")
	}
	count, centre := shape[1], n.Attrs.Int("center_point_box", 0) != 0
	chosen := []int64{}
	for list := range shapeScores[0] * shapeScores[1] {
		batch, class := list/shapeScores[1], list%shapeScores[1]
		row := scores[list*count : (list+1)*count]
		order := slices.DeleteFunc(line(count, 0, 1), func(i int64) bool { return !(row[i] > least) })
		slices.SortStableFunc(order, func(a, b int64) int { return cmp.Compare(row[b], row[a]) })
		var kept []box
		for _, i := range order {
			b := boxOf(boxes[(batch*count+i)*4:], centre)
			if float64(len(kept)) >= most {
				break
			}
			if !slices.ContainsFunc(kept, func(k box) bool { return b.overlap(k) > limit }) {
				kept, chosen = append(kept, b), append(chosen, batch, class, i)
			}
		}
	}
	return []*tensor.Tensor{tensor.FromInt64s([]int64{int64(len(chosen) / 3), 3}, chosen)}, nil
}
