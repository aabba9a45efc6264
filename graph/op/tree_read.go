package op

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// place names a node of the older tree operators.
type treePlace struct{ tree, node int64 }

// treeLists are the attributes that hold the nodes of the older operators.
type treeLists struct {
	trees, nodes, features, yes, no, missing []int64
	modes                                    []string
	limits                                   []float64
}

func readTreeLists(n *Node) (*treeLists, error) {
	l := &treeLists{
		trees: n.Attrs.Ints("nodes_treeids"), nodes: n.Attrs.Ints("nodes_nodeids"), features: n.Attrs.Ints("nodes_featureids"),
		yes: n.Attrs.Ints("nodes_truenodeids"), no: n.Attrs.Ints("nodes_falsenodeids"),
		missing: n.Attrs.Ints("nodes_missing_value_tracks_true"),
		modes:   n.Attrs["nodes_modes"].Strs, limits: numbersAttr(n, "nodes_values"),
	}
	for _, length := range []int{len(l.nodes), len(l.features), len(l.modes), len(l.limits), len(l.yes), len(l.no)} {
		if length != len(l.trees) {
			return nil, errors.New("the lists of nodes are not of one length")
		}
	}
	return l, nil
}

// branch makes node i, without where it leads.
func (l *treeLists) branch(i int) (*branch, error) {
	b := &branch{feature: int(l.features[i]), leaf: l.modes[i] == "LEAF", missing: i < len(l.missing) && l.missing[i] != 0}
	if b.leaf {
		return b, nil
	}
	k := slices.IndexFunc(comparisons, func(c comparisonMode) bool { return c.name == l.modes[i] })
	if k < 0 {
		return nil, fmt.Errorf("mode %q is not one of ONNX's", l.modes[i])
	}
	limit := l.limits[i]
	b.holds = func(x float64) bool { return comparisons[k].holds(x, limit) }
	return b, nil
}

// treesOf reads the trees of the older operators, whose votes are in attributes
// that begin with kind.
func treesOf(n *Node, kind string, targets int) (*forest, error) {
	l, err := readTreeLists(n)
	if err != nil {
		return nil, err
	}
	f := &forest{targets: targets, gather: n.Attrs.Str("aggregate_function", "SUM"), base: numbersAttr(n, "base_values")}
	all, inner := map[treePlace]*branch{}, map[treePlace]bool{}
	for i := range l.trees {
		at := treePlace{l.trees[i], l.nodes[i]}
		if all[at] != nil {
			return nil, fmt.Errorf("node %d of tree %d is there twice", at.node, at.tree)
		}
		if all[at], err = l.branch(i); err != nil {
			return nil, err
		}
	}
	for i, tree := range l.trees {
		b := all[treePlace{tree, l.nodes[i]}]
		if b.leaf {
			continue
		}
		yes, no := treePlace{tree, l.yes[i]}, treePlace{tree, l.no[i]}
		if b.yes, b.no = all[yes], all[no]; b.yes == nil || b.no == nil {
			return nil, fmt.Errorf("node %d of tree %d leads nowhere", l.nodes[i], tree)
		}
		inner[yes], inner[no] = true, true
	}
	for i, tree := range l.trees {
		if at := (treePlace{tree, l.nodes[i]}); !inner[at] {
			f.roots = append(f.roots, all[at])
		}
	}
	if err := l.vote(n, kind, targets, all); err != nil {
		return nil, err
	}
	return f, acyclic(f.roots)
}

// vote gives leaves their votes.
func (l *treeLists) vote(n *Node, kind string, targets int, all map[treePlace]*branch) error {
	trees, nodes, ids := n.Attrs.Ints(kind+"_treeids"), n.Attrs.Ints(kind+"_nodeids"), n.Attrs.Ints(kind+"_ids")
	weights := numbersAttr(n, kind+"_weights")
	if len(nodes) != len(trees) || len(ids) != len(trees) || len(weights) != len(trees) {
		return errors.New("the lists of votes are not of one length")
	}
	for i := range trees {
		leaf := all[treePlace{trees[i], nodes[i]}]
		if leaf == nil || ids[i] < 0 || ids[i] >= int64(targets) {
			return errors.New("a vote has no node or no target")
		}
		leaf.votes = append(leaf.votes, vote{int(ids[i]), weights[i]})
	}
	return nil
}

// ensemble reads the trees of TreeEnsemble, whose leaves are in lists of their
// own.
type ensemble struct {
	modes, features, yes, no, yesLeaf, noLeaf, missing []int64
	splits                                             []float64
	members                                            [][]float64
	leaves                                             []*branch
	nodes                                              []*branch
}

func readEnsemble(n *Node, targets int) (*forest, error) {
	e := &ensemble{
		features: n.Attrs.Ints("nodes_featureids"), missing: n.Attrs.Ints("nodes_missing_value_tracks_true"),
		yes: n.Attrs.Ints("nodes_truenodeids"), no: n.Attrs.Ints("nodes_falsenodeids"),
		yesLeaf: n.Attrs.Ints("nodes_trueleafs"), noLeaf: n.Attrs.Ints("nodes_falseleafs"),
	}
	if t := n.Attrs["nodes_modes"].Tensor; t != nil {
		e.modes = t.AsInt64s()
	}
	if t := n.Attrs["nodes_splits"].Tensor; t != nil {
		e.splits = t.AsFloat64s()
	}
	for _, length := range []int{len(e.modes), len(e.yes), len(e.no), len(e.yesLeaf), len(e.noLeaf), len(e.splits)} {
		if length != len(e.features) {
			return nil, errors.New("the lists of nodes are not of one length")
		}
	}
	if t := n.Attrs["membership_values"].Tensor; t != nil {
		e.members = [][]float64{nil}
		for _, x := range t.AsFloat64s() {
			if math.IsNaN(x) {
				e.members = append(e.members, nil)
			} else {
				e.members[len(e.members)-1] = append(e.members[len(e.members)-1], x)
			}
		}
	}
	if err := e.leafs(n, targets); err != nil {
		return nil, err
	}
	return e.forest(n, targets)
}

func (e *ensemble) leafs(n *Node, targets int) error {
	ids, weights := n.Attrs.Ints("leaf_targetids"), []float64(nil)
	if t := n.Attrs["leaf_weights"].Tensor; t != nil {
		weights = t.AsFloat64s()
	}
	if len(weights) != len(ids) {
		return errors.New("the lists of leaves are not of one length")
	}
	for i, id := range ids {
		if id < 0 || id >= int64(targets) {
			return fmt.Errorf("leaf %d has no target", i)
		}
		e.leaves = append(e.leaves, &branch{leaf: true, votes: []vote{{int(id), weights[i]}}})
	}
	return nil
}

func (e *ensemble) forest(n *Node, targets int) (*forest, error) {
	gathers := []string{"AVERAGE", "SUM", "MIN", "MAX"}
	gather := n.Attrs.Int("aggregate_function", 1)
	if gather < 0 || gather >= int64(len(gathers)) {
		return nil, fmt.Errorf("aggregate_function %d is not one of ONNX's", gather)
	}
	f := &forest{targets: targets, gather: gathers[gather]}
	for i := range e.features {
		e.nodes = append(e.nodes, &branch{feature: int(e.features[i]), missing: i < len(e.missing) && e.missing[i] != 0})
	}
	for i, b := range e.nodes {
		var err error
		if b.holds, err = e.question(i); err != nil {
			return nil, err
		}
		if b.yes, err = e.next(e.yes[i], e.yesLeaf[i]); err != nil {
			return nil, err
		}
		if b.no, err = e.next(e.no[i], e.noLeaf[i]); err != nil {
			return nil, err
		}
	}
	for _, r := range n.Attrs.Ints("tree_roots") {
		root, err := e.next(r, 0)
		if err != nil {
			return nil, err
		}
		f.roots = append(f.roots, root)
	}
	return f, acyclic(f.roots)
}

func (e *ensemble) next(id, leaf int64) (*branch, error) {
	list := choose(leaf != 0, e.leaves, e.nodes)
	if id < 0 || id >= int64(len(list)) {
		return nil, fmt.Errorf("there is no node or leaf %d", id)
	}
	return list[id], nil
}

// question is what node i asks; those of membership take the lists in order.
func (e *ensemble) question(i int) (func(float64) bool, error) {
	mode, limit := e.modes[i], e.splits[i]
	switch {
	case mode == memberMode && len(e.members) > 0:
		set := e.members[0]
		e.members = e.members[1:]
		return func(x float64) bool { return slices.Contains(set, x) }, nil
	case mode < 0 || mode >= int64(len(comparisons)):
		return nil, fmt.Errorf("mode %d is not one of ONNX's", mode)
	}
	return func(x float64) bool { return comparisons[mode].holds(x, limit) }, nil
}
