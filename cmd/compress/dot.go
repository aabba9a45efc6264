package main

import (
	"bufio"
	"fmt"
	"io"

	"onnxcompress/depgraph"
)

// writeDot draws the families of a model and the nodes whose tensors they take
// channels of.
func writeDot(w io.Writer, g *depgraph.Graph) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, "graph groups {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];")
	drawn := map[int32]bool{}
	for i, f := range g.Families {
		if len(f.Groups) == 0 {
			continue
		}
		fmt.Fprintf(b, "  f%d [shape=ellipse, label=%q];\n", i, fmt.Sprintf("family %d: %d groups", i, len(f.Groups)))
		for _, n := range g.Touches(f.Groups[0]) {
			if !drawn[n] {
				drawn[n] = true
				fmt.Fprintf(b, "  n%d [shape=box, label=%q];\n", n, g.Nodes[n].Label())
			}
			fmt.Fprintf(b, "  f%d -- n%d;\n", i, n)
		}
	}
	pinned := map[string]bool{}
	for _, p := range g.Pinned {
		edge := fmt.Sprintf("  n%d -- %q [style=dashed, label=%q];\n", p.Node.Index, p.Operator, p.Text)
		if pinned[edge] {
			continue
		}
		pinned[edge] = true
		if n := int32(p.Node.Index); !drawn[n] {
			drawn[n] = true
			fmt.Fprintf(b, "  n%d [shape=box, label=%q];\n", n, p.Node.Label())
		}
		fmt.Fprint(b, edge)
	}
	fmt.Fprintln(b, "}")
	return b.Flush()
}
