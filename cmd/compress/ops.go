package main

import (
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"onnxcompress/graph/op"
)

func newOps() *cobra.Command {
	return &cobra.Command{
		Use:   "ops",
		Short: "operators that are understood",
		Args:  exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			names := op.Names()
			slices.Sort(names)
			t := newTable(c.OutOrStdout(), 6, "operator", "shapes", "links", "narrows", "evaluates", "counts MACs")
			for _, name := range names {
				s := op.Lookup("", name)
				t.AppendRow(table.Row{
					name, mark(s.Infer != nil), mark(s.Links != nil), mark(s.Narrow != nil), mark(s.Forward != nil), mark(s.Cost != nil),
				})
			}
			t.Render()
			return nil
		},
	}
}

func mark(yes bool) string {
	if yes {
		return "yes"
	}
	return ""
}
