package main

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"onnxcompress/compress/pipeline"
	"onnxcompress/runtime/ort"
)

func newRun() *cobra.Command {
	f := &common{}
	var outputs string
	c := &cobra.Command{
		Use:   "run MODEL",
		Short: "compute a model's outputs in onnxruntime",
		Args:  exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			p := f.newProgress(c)
			defer p.close()
			p.Stage("running")
			e := f.engine(c, p)
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
				return ort.WriteNPZ(outputs, m.names(out), out)
			}
			printOutputs(c.OutOrStdout(), m.names(out), out)
			return nil
		},
	}
	c.Flags().StringVar(&outputs, "outputs", "", "write the outputs to this npz by name")
	f.register(c, inputFlags, runFlags, progressFlags)
	return c
}

// names lists outputs in the model's order, and then those that a sequence or a
// map came apart into.
func (m *model) names(out pipeline.Outputs) []string {
	var names, rest []string
	for _, name := range m.outputs() {
		if out[name] != nil {
			names = append(names, name)
		}
	}
	for name := range out {
		if !slices.Contains(names, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return append(names, rest...)
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
