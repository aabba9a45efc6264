package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"onnxcompress/compress/pipeline"
	"onnxcompress/graph/tensor/npy"
)

func newRun() *cobra.Command {
	f := &common{}
	var outputs string
	c := &cobra.Command{
		Use:   "run MODEL",
		Short: "compute a model's outputs",
		Args:  exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			p := f.newProgress(c)
			defer p.close()
			p.Stage("running")
			e, err := f.runner(c, p)
			if err != nil {
				return err
			}
			m, err := openModel(e, args[0])
			if err != nil {
				return err
			}
			defer m.close()
			batches, err := f.feed(e, m, 1)
			if err != nil {
				return err
			}
			out, err := m.Run(batches[0])
			if err != nil {
				return pipeline.BadInputs(err)
			}
			p.close()
			if outputs != "" {
				return npy.WriteArchive(outputs, m.names(out), out)
			}
			printOutputs(c.OutOrStdout(), m.names(out), out)
			return nil
		},
	}
	c.Flags().StringVar(&outputs, "outputs", "", "write the outputs to this npz by name; floats that numpy lacks (bfloat16, float8) as float32, integers of 4 and 2 bits as 8")
	f.register(c, inputFlags, runFlags, engineFlag, progressFlags)
	return c
}

// names lists outputs in the model's order, a sequence's or a map's parts in its
// place.
func (m *model) names(out pipeline.Outputs) []string {
	var names []string
	for _, name := range m.outputs() {
		var parts []string
		for part := range out {
			rest, ok := strings.CutPrefix(part, name)
			if ok && (rest == "" || rest[0] == '[' || rest[0] == '.') && !slices.Contains(names, part) {
				parts = append(parts, part)
			}
		}
		if out[name] != nil {
			// What begins like a tensor is another output.
			parts = slices.DeleteFunc(parts, func(part string) bool { return part != name })
		}
		// Shorter numbers are smaller.
		slices.SortFunc(parts, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
		names = append(names, parts...)
	}
	return names
}

func printOutputs(w io.Writer, names []string, out pipeline.Outputs) {
	t := newTable(w, 3, "output", "type", "shape", "least", "mean", "greatest")
	for _, name := range names {
		v := out[name]
		row := table.Row{name, v.DType, fmt.Sprint(v.Shape)}
		if x := v.AsFloat64s(); len(x) > 0 {
			least, greatest, sum := math.Inf(1), math.Inf(-1), 0.0
			for _, e := range x {
				least, greatest, sum = min(least, e), max(greatest, e), sum+e
			}
			row = append(row, short(least), short(sum/float64(len(x))), short(greatest))
		}
		t.AppendRow(row)
	}
	t.Render()
}

func short(v float64) string { return fmt.Sprintf("%.5g", v) }
