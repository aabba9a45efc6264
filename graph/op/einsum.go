package op

import (
	"fmt"
	"strings"
)

// einsumRows are sums of products by an equation.
var einsumRows = map[string]*Spec{
	"Einsum": guarded(Spec{Infer: inferEinsum, Links: linkEinsum, Dead: deadEinsum, Forward: forwardEinsum, Compile: compileEinsum}),
}

// ellipsis stands in a term for the axes that ... names, one letter each, which
// cannot be written in an equation: the last axis is ellipsis, the one before
// ellipsis+1 and so on.
const ellipsis = rune(1 << 16)

// equation holds the labels of every axis of every operand and of the result.
type equation struct {
	in  [][]rune
	out []rune
}

// readEquation expands the equation of a node for operands of known ranks.
func readEquation(n *Node) (*equation, error) {
	text := strings.ReplaceAll(n.Attrs.Str("equation", ""), " ", "")
	left, right, explicit := strings.Cut(text, "->")
	terms := strings.Split(left, ",")
	if len(terms) != len(n.In) {
		return nil, fmt.Errorf("equation %q has %d terms for %d inputs", text, len(terms), len(n.In))
	}
	e, most := &equation{}, 0
	for i, term := range terms {
		rest := n.In[i].Rank() - len(strings.Replace(term, "...", "", 1))
		if rest < 0 || rest > 0 && !strings.Contains(term, "...") {
			return nil, fmt.Errorf("equation %q does not fit an input of rank %d", text, n.In[i].Rank())
		}
		most = max(most, rest)
		e.in = append(e.in, expandTerm(term, rest))
	}
	if explicit {
		e.out = expandTerm(right, most)
		return e, nil
	}
	e.out = e.implicit(most)
	return e, nil
}

func expandTerm(term string, rest int) []rune {
	before, after, found := strings.Cut(term, "...")
	labels := []rune(before)
	if found {
		for i := rest - 1; i >= 0; i-- {
			labels = append(labels, ellipsis+rune(i))
		}
	}
	return append(labels, []rune(after)...)
}

// implicit is the result of an equation without one: the broadcast axes, then
// the labels that occur once, in alphabetical order.
func (e *equation) implicit(rest int) []rune {
	count := map[rune]int{}
	for _, term := range e.in {
		for _, label := range term {
			count[label]++
		}
	}
	out := expandTerm("...", rest)
	for label := 'A'; label <= 'z'; label++ {
		if count[label] == 1 {
			out = append(out, label)
		}
	}
	return out
}

func inferEinsum(n *Node) ([]Fact, error) {
	if !allKnown(n.In...) {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	e, err := readEquation(n)
	if err != nil {
		return nil, err
	}
	size := map[rune]int64{}
	for i, term := range e.in {
		for axis, label := range term {
			d := n.In[i].Shape[axis]
			switch was, ok := size[label]; {
			case !ok || was == 1:
				size[label] = d
			case d != 1 && d != was:
				return nil, fmt.Errorf("equation gives %q the sizes %d and %d", label, was, d)
			}
		}
	}
	out := make([]int64, len(e.out))
	for axis, label := range e.out {
		d, ok := size[label]
		if !ok {
			return nil, fmt.Errorf("equation asks for %q, which no input has", label)
		}
		out[axis] = d
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

func linkEinsum(n *Node, l *Linker) {
	e, err := readEquation(n)
	if err != nil {
		return
	}
	l.Silence = "takes a diagonal over this axis"
	where := map[rune][]Ref{}
	var summed []rune
	for i, term := range e.in {
		for axis, label := range term {
			if n.In[i].Shape[axis] != 1 {
				if where[label] == nil {
					summed = append(summed, label)
				}
				where[label] = append(where[label], In(i, axis))
			}
		}
	}
	for axis, label := range e.out {
		if strings.Count(string(e.out), string(label)) > 1 || diagonal(where[label]) {
			delete(where, label)
			continue
		}
		for _, r := range where[label] {
			l.Same(r, Out(0, axis))
		}
		delete(where, label)
	}
	for _, label := range summed {
		refs := where[label]
		if len(refs) == 0 || diagonal(refs) {
			continue
		}
		if len(refs) == 1 {
			l.Reduce(refs[0])
		}
		for _, r := range refs[1:] {
			l.Contract(refs[0], r)
		}
	}
}

// diagonal reports whether two axes of one input have a label.
func diagonal(refs []Ref) bool {
	seen := map[int]bool{}
	for _, r := range refs {
		if seen[r.Slot] {
			return true
		}
		seen[r.Slot] = true
	}
	return false
}

func deadEinsum(_ *Node, _, _ int, in []State) State {
	zero := false
	for _, s := range in {
		if s == Bad {
			return Bad
		}
		zero = zero || s == Zero
	}
	if zero {
		return Zero
	}
	return Varying
}
