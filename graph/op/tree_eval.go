package op

import (
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// regress puts trees together for each row of x.
func (f *forest) regress(x *tensor.Tensor, dt tensor.DType, last func([]float64)) ([]*tensor.Tensor, error) {
	v, rows, features, err := samples(x)
	if err != nil {
		return nil, err
	}
	if len(f.base) > 1 && len(f.base) != f.targets {
		return nil, fmt.Errorf("%d base values for %d targets", len(f.base), f.targets)
	}
	var all []float64
	for r := range rows {
		sums, _, err := f.scores(v[r*features : (r+1)*features])
		if err != nil {
			return nil, err
		}
		for i := range sums {
			switch len(f.base) {
			case 0:
			case 1:
				sums[i] += f.base[0]
			default:
				sums[i] += f.base[i]
			}
		}
		last(sums)
		all = append(all, sums...)
	}
	return one(ofNumbers(dt, []int64{int64(rows), int64(f.targets)}, all))
}

// mostTargets bounds what an attribute may claim.
const mostTargets = 1 << 20

func targetsOf(n *Node) (int, error) {
	count := n.Attrs.Int("n_targets", 1)
	if count < 1 || count > mostTargets {
		return 0, fmt.Errorf("%d targets are out of range", count)
	}
	return int(count), nil
}

func forwardTreeRegressor(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	targets, err := targetsOf(n)
	if err != nil {
		return nil, err
	}
	f, err := treesOf(n, "target", targets)
	if err != nil {
		return nil, err
	}
	last, err := transform(n)
	if err != nil {
		return nil, err
	}
	return f.regress(in[0], tensor.Float32, last)
}

func forwardTreeEnsemble(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	targets, err := targetsOf(n)
	if err != nil {
		return nil, err
	}
	f, err := readEnsemble(n, targets)
	if err != nil {
		return nil, err
	}
	names := []string{"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"}
	last := n.Attrs.Int("post_transform", 0)
	if last < 0 || last >= int64(len(names)) {
		return nil, fmt.Errorf("post_transform %d is not one of ONNX's", last)
	}
	return f.regress(in[0], in[0].DType, transforms[names[last]])
}

func forwardTreeClassifier(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	labels, err := labelsOf(n)
	if err != nil {
		return nil, err
	}
	f, err := treesOf(n, "class", labels.Len())
	if err != nil {
		return nil, err
	}
	if len(f.base) > 0 && len(f.base) != f.targets && (f.targets != 2 || len(f.base) != 1) {
		return nil, fmt.Errorf("%d base values for %d classes", len(f.base), f.targets)
	}
	v, rows, features, err := samples(in[0])
	if err != nil {
		return nil, err
	}
	out := verdicts{Node: n, labels: labels}
	single, positive := f.single()
	for r := range rows {
		sums, met, err := f.scores(v[r*features : (r+1)*features])
		if err != nil {
			return nil, err
		}
		if f.targets == 2 {
			err = f.binary(&out, sums, met, single, positive)
		} else {
			for i := range sums {
				if len(f.base) > 0 {
					sums[i], met[i] = sums[i]+f.base[i], true
				}
			}
			err = out.add(leading(sums, met), sums, alone)
		}
		if err != nil {
			return nil, err
		}
	}
	if out.width == 0 && rows > 0 {
		return nil, errors.New("has no classes")
	}
	return out.tensors()
}

// leading is the place of the largest number among those that are marked.
func leading(v []float64, marked []bool) int {
	at := max(slices.Index(marked, true), 0)
	for i, x := range v {
		if marked[i] && x > v[at] {
			at = i
		}
	}
	return at
}

// single reports whether all votes are for one class, and whether none is
// below zero.
func (f *forest) single() (single, positive bool) {
	targets, seen := map[int]bool{}, map[*branch]bool{}
	positive = true
	var visit func(b *branch)
	visit = func(b *branch) {
		if seen[b] {
			return
		}
		seen[b] = true
		for _, v := range b.votes {
			targets[v.target] = true
			positive = positive && v.weight >= 0
		}
		if !b.leaf {
			visit(b.yes)
			visit(b.no)
		}
	}
	for _, root := range f.roots {
		visit(root)
	}
	return len(targets) == 1, positive
}

// binary decides between two classes. Votes for one of them alone are weighed
// against a half where none is below zero, and against zero otherwise.
func (f *forest) binary(out *verdicts, sums []float64, met []bool, single, positive bool) error {
	switch {
	case len(f.base) == 2 && met[1]:
		sums[0], sums[1] = sums[0]+f.base[0], sums[1]+f.base[1]
	case len(f.base) == 2:
		sums[1] = f.base[1] + sums[0]
		sums[0], met[1] = -sums[1], true
	case len(f.base) == 1:
		sums[0] += f.base[0]
	}
	if !met[1] {
		sums = sums[:1]
	}
	weight := sums[len(sums)-1]
	threshold := choose(single && positive, 0.5, 0.0)
	class := int(truth(weight > threshold))
	return out.add(class, sums, choose(single && positive, shares, sides))
}
