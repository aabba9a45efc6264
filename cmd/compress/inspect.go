package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"onnxcompress/compress/pipeline"
)

// inspection is what inspect says as JSON.
type inspection struct {
	Input        string            `json:"input"`
	Before       pipeline.Measures `json:"before"`
	Operators    []operatorCount   `json:"operators"`
	Groups       pipeline.Groups   `json:"groups"`
	Families     []int             `json:"families"`
	PrunableMACs float64           `json:"prunable_macs"`
	Pinned       []pipeline.Pinned `json:"pinned"`

	families []family
}

// family is one family of groups and the nodes that it is cut through.
type family struct {
	groups int
	nodes  []string
}

// operatorCount is how often an operator occurs.
type operatorCount struct {
	Operator  string `json:"operator"`
	Nodes     int    `json:"nodes"`
	MACs      int64  `json:"macs"`
	Supported bool   `json:"supported"`
}

func newInspect() *cobra.Command {
	f := &common{}
	var jsonFile string
	var dot bool
	c := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "operators, parameters, MACs, groups, and what pins what cannot be cut",
		Args:  exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			shapes, err := f.shapes()
			if err != nil {
				return err
			}
			s, err := pipeline.Load(args[0], shapes)
			if err != nil {
				return err
			}
			defer s.Close()
			if dot {
				return writeDot(c.OutOrStdout(), s.Graph)
			}
			i := inspect(args[0], s)
			if jsonFile != "" {
				return writeJSON(c.OutOrStdout(), jsonFile, i)
			}
			return i.print(c.OutOrStdout())
		},
	}
	c.Flags().StringVar(&jsonFile, "json", "", "write JSON to this file, - for standard output")
	c.Flags().BoolVar(&dot, "dot", false, "write families and the nodes they touch in graphviz's language to standard output")
	f.register(c, shapeFlags)
	return c
}

func inspect(path string, s *pipeline.Subject) *inspection {
	i := &inspection{Input: path, Before: s.Before, Operators: operators(s), Families: []int{}}
	i.Groups.Total, i.Groups.Prunable = len(s.Graph.Groups), len(s.Graph.Groups)
	for _, f := range s.Graph.Families {
		i.Families = append(i.Families, len(f.Groups))
		member := family{groups: len(f.Groups)}
		for _, n := range s.Graph.Touches(f.Groups[0]) {
			member.nodes = append(member.nodes, s.Graph.Nodes[n].Label())
		}
		i.families = append(i.families, member)
	}
	i.Pinned, _, i.PrunableMACs = pipeline.Explain(s.Graph)
	return i
}

// operators counts the nodes of the main graph by operator, most MACs first.
func operators(s *pipeline.Subject) []operatorCount {
	counts := map[string]*operatorCount{}
	for _, n := range s.Graph.Nodes {
		name := n.Proto.GetOpType()
		if d := n.Proto.GetDomain(); d != "" && d != "ai.onnx" {
			name = d + "." + name
		}
		o := counts[name]
		if o == nil {
			o = &operatorCount{Operator: name, Supported: n.Spec != nil && n.Spec.Infer != nil}
			counts[name] = o
		}
		o.Nodes++
		if n.Spec != nil && n.Spec.Cost != nil {
			o.MACs += n.Spec.Cost(s.Graph.Nominal.Nodes[n.Index])
		}
	}
	list := make([]operatorCount, 0, len(counts))
	for _, o := range counts {
		list = append(list, *o)
	}
	slices.SortFunc(list, func(a, b operatorCount) int {
		return cmp.Or(cmp.Compare(b.MACs, a.MACs), cmp.Compare(b.Nodes, a.Nodes), cmp.Compare(a.Operator, b.Operator))
	})
	return list
}

func (i *inspection) print(w io.Writer) error {
	fmt.Fprintf(w, "%s: %d MACs, %d parameters, %d bytes\n", i.Input, i.Before.MACs, i.Before.Params, i.Before.Bytes)
	fmt.Fprintf(w, "%d groups in %d families touch %.1f %% of the MACs\n\n", i.Groups.Total, len(i.Families), 100*i.PrunableMACs)
	t := newTable(w, 1, "operator", "nodes", "MACs", "")
	for _, o := range i.Operators {
		note := ""
		if !o.Supported {
			note = "unsupported"
		}
		t.AppendRow(table.Row{o.Operator, o.Nodes, o.MACs, note})
	}
	t.Render()
	i.printFamilies(w)
	t = newTable(w, 4, "pinned", "axis", "by", "which", "MACs")
	for _, p := range i.Pinned {
		if p.Extent {
			continue // --json has them; here they would hide the others
		}
		t.AppendRow(table.Row{p.Value, p.Axis, p.Operator, p.Reason, p.MACs})
	}
	if t.Length() == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t.Render()
	return nil
}

// mostNodes bounds the nodes that are named of a family.
const mostNodes = 3

func (i *inspection) printFamilies(w io.Writer) {
	if len(i.families) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := newTable(w, 3, "family", "groups", "cut through")
	for at, f := range i.families {
		named := strings.Join(f.nodes[:min(len(f.nodes), mostNodes)], ", ")
		if more := len(f.nodes) - mostNodes; more > 0 {
			named += fmt.Sprintf(" and %d more", more)
		}
		t.AppendRow(table.Row{at, f.groups, named})
	}
	t.Render()
}
