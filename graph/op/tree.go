package op

import (
	"errors"
	"fmt"
	"math"
)

// branch is a place in a tree: it compares a feature and goes on, or is a leaf.
type branch struct {
	feature int
	holds   func(x float64) bool
	// missing says that what is not a number goes where the comparison holds.
	missing bool
	yes, no *branch
	// votes are those of a leaf.
	leaf  bool
	votes []vote
}

// vote is what a leaf gives to a target.
type vote struct {
	target int
	weight float64
}

// comparisonMode is how a branch compares a feature with its number.
type comparisonMode struct {
	name  string
	holds func(x, limit float64) bool
}

// comparisons are the modes of a branch, by the names of the older operators;
// those of TreeEnsemble number them in this order.
var comparisons = []comparisonMode{
	{"BRANCH_LEQ", func(x, limit float64) bool { return x <= limit }},
	{"BRANCH_LT", func(x, limit float64) bool { return x < limit }},
	{"BRANCH_GTE", func(x, limit float64) bool { return x >= limit }},
	{"BRANCH_GT", func(x, limit float64) bool { return x > limit }},
	{"BRANCH_EQ", func(x, limit float64) bool { return x == limit }},
	{"BRANCH_NEQ", func(x, limit float64) bool { return x != limit }},
}

// memberMode is the number of the mode that asks for membership in a list.
const memberMode = 6

// forest are trees whose votes are put together.
type forest struct {
	roots   []*branch
	targets int
	// gather is SUM, AVERAGE, MIN or MAX.
	gather string
	base   []float64
}

// at goes down a tree to the leaf of a row.
func (b *branch) at(row []float64) (*branch, error) {
	for !b.leaf {
		if b.feature < 0 || b.feature >= len(row) {
			return nil, fmt.Errorf("compares feature %d of %d", b.feature, len(row))
		}
		x := row[b.feature]
		if b.holds(x) || b.missing && math.IsNaN(x) {
			b = b.yes
		} else {
			b = b.no
		}
	}
	return b, nil
}

// scores puts the votes for a row together; met marks the targets that had one.
func (f *forest) scores(row []float64) (sums []float64, met []bool, err error) {
	sums, met = make([]float64, f.targets), make([]bool, f.targets)
	for _, root := range f.roots {
		leaf, err := root.at(row)
		if err != nil {
			return nil, nil, err
		}
		for _, v := range leaf.votes {
			switch {
			case !met[v.target]:
				sums[v.target] = v.weight
			case f.gather == "MIN":
				sums[v.target] = min(sums[v.target], v.weight)
			case f.gather == "MAX":
				sums[v.target] = max(sums[v.target], v.weight)
			default:
				sums[v.target] += v.weight
			}
			met[v.target] = true
		}
	}
	if f.gather == "AVERAGE" {
		for i := range sums {
			sums[i] /= float64(len(f.roots))
		}
	}
	return sums, met, nil
}

// acyclic refuses trees in which a place leads back to itself, or that are
// deeper than there are places.
func acyclic(roots []*branch) error {
	state := map[*branch]int{}
	var visit func(b *branch) error
	visit = func(b *branch) error {
		switch {
		case state[b] == 1:
			return errors.New("a tree leads back to itself")
		case b.leaf || state[b] == 2:
			return nil
		}
		state[b] = 1
		for _, next := range []*branch{b.yes, b.no} {
			if err := visit(next); err != nil {
				return err
			}
		}
		state[b] = 2
		return nil
	}
	for _, root := range roots {
		if err := visit(root); err != nil {
			return err
		}
	}
	return nil
}

// numbersAttr is a list of floats in an attribute, or in a tensor.
func numbersAttr(n *Node, name string) []float64 {
	if t := n.Attrs[name+"_as_tensor"].Tensor; t != nil {
		return t.AsFloat64s()
	}
	list := n.Attrs[name].Floats
	v := make([]float64, len(list))
	for i, x := range list {
		v[i] = float64(x)
	}
	return v
}
