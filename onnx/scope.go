package onnx

import "fmt"

// A scope is the names that the nodes of one graph may read.
type scope struct {
	outer    *scope
	given    map[string]bool // inputs, initializers and the outputs of every node
	producer map[string]int  // the node that has the name among its outputs
	at       int             // the node whose reads are being looked up
	edges    []edge
}

// An edge says that a node, or a graph inside of it, reads what another gives.
type edge struct{ from, to int }

func newScope(outer *scope) *scope {
	return &scope{outer: outer, given: map[string]bool{}, producer: map[string]int{}}
}

// give defines a name in a scope.
func (c *checker) give(s *scope, name, what string) {
	c.name(what, name)
	if s.given[name] {
		c.fail("%s %q is a name that the graph already has", what, name)
	}
	s.given[name] = true
}

// read looks a name up from the inside out.
func (c *checker) read(s *scope, name, reader string) {
	c.name("value", name)
	for in := s; in != nil; in = in.outer {
		if !in.given[name] {
			continue
		}
		if from, ok := in.producer[name]; ok {
			in.edges = append(in.edges, edge{from, in.at})
		}
		return
	}
	c.fail("%s reads %q, which nothing defines", reader, name)
}

// order reports what is wrong with the order of nodes, of which some read what
// a later one gives: whether they only have to be sorted or go in a circle.
func (c *checker) order(nodes []*NodeProto, s *scope) {
	waits, readers := make([]int, len(nodes)), make([][]int, len(nodes))
	for _, e := range s.edges {
		waits[e.to]++
		readers[e.from] = append(readers[e.from], e.to)
	}
	var ready []int
	for i, n := range waits {
		if n == 0 {
			ready = append(ready, i)
		}
	}
	for len(ready) > 0 {
		done := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		for _, i := range readers[done] {
			if waits[i]--; waits[i] == 0 {
				ready = append(ready, i)
			}
		}
	}
	if node, ok := onCycle(waits, s.edges); ok {
		c.fail("the graph is cyclic: %s depends on its own outputs", label(nodes[node]))
		return
	}
	for _, e := range s.edges {
		if e.from >= e.to {
			c.fail("the nodes are not sorted: %s reads what %s gives only after it", label(nodes[e.to]), label(nodes[e.from]))
		}
	}
}

// onCycle gives a node of a cycle, if there is one among the nodes that still
// wait for others: going back from one of them to another must lead into it.
func onCycle(waits []int, edges []edge) (node int, ok bool) {
	before := map[int]int{}
	for _, e := range edges {
		if waits[e.from] > 0 && waits[e.to] > 0 {
			before[e.to] = e.from
			node, ok = e.to, true
		}
	}
	for range before {
		node = before[node]
	}
	return node, ok
}

// label names a node for a message.
func label(n *NodeProto) string {
	switch {
	case n.GetName() != "":
		return fmt.Sprintf("%s %q", n.GetOpType(), n.GetName())
	case len(n.GetOutput()) > 0:
		return fmt.Sprintf("%s of %q", n.GetOpType(), n.GetOutput()[0])
	default:
		return n.GetOpType()
	}
}
