package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"onnxcompress/compress/dataset"
	"onnxcompress/compress/pipeline"
	"onnxcompress/graph"
)

// evaluation is what eval says as JSON.
type evaluation struct {
	Model string `json:"model"`
	Data  string `json:"data"`
	pipeline.Metric
}

func newEval() *cobra.Command {
	f := &common{}
	o := dataset.Options{Split: dataset.Test}
	var data, jsonFile string
	c := &cobra.Command{
		Use:   "eval MODEL --data PATH",
		Short: "how good a model is on samples: accuracy, PSNR or R²",
		Args:  exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			if data == "" {
				return usageError{fmt.Errorf("eval needs --data")}
			}
			o.Seed = f.seed
			m, err := f.eval(c, args[0], data, o)
			if err != nil {
				return err
			}
			if jsonFile != "" {
				return writeJSON(c.OutOrStdout(), jsonFile, evaluation{args[0], data, m})
			}
			of := fmt.Sprintf("on %d samples", m.Samples)
			if m.Correct != nil {
				of = fmt.Sprintf("%d of %d", *m.Correct, m.Samples)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s %s (%s)\n", m.Label(), m.Text(), of)
			return nil
		},
	}
	flags := c.Flags()
	flags.StringVar(&data, "data", "", "samples with labels or targets, or pictures for a model that enlarges them, the test part where there is one: "+dataForms)
	flags.BoolVar(&o.SkipBad, "skip-bad", false, skipBadHelp)
	pixelFlags(flags, &o.Mean, &o.Std, &o.Preprocessing)
	flags.IntVar(&o.NumSamples, "num-samples", 0, "samples to use; 0 for all")
	flags.Int64Var(&f.seed, "seed", 0, "seed by which --num-samples are drawn")
	flags.StringVar(&jsonFile, "json", "", "write the result as JSON to this file, - for standard output")
	f.register(c, runFlags, engineFlag, progressFlags)
	return c
}

func (f *common) eval(c *cobra.Command, path, data string, o dataset.Options) (pipeline.Metric, error) {
	var none pipeline.Metric
	p := f.newProgress(c)
	defer p.close()
	p.Stage("evaluating")
	e, err := f.runner(c, p)
	if err != nil {
		return none, err
	}
	m, err := openModel(e, path)
	if err != nil {
		return none, err
	}
	defer m.close()
	o.Inputs, o.Outputs = pipeline.Ports(m.graph), m.outputs()
	o.Enlarge = pipeline.Enlarges(m.graph, m.graph.Infer(graph.Nominal(nil)))
	set, err := pipeline.OpenSet(c.Context(), data, o)
	if err != nil {
		return none, &pipeline.Failure{Kind: pipeline.BadInput, Err: err}
	}
	defer set.Close()
	found, err := pipeline.Evaluate(c.Context(), m, m.outputs(), set, o.Inputs, p)
	if names := set.Skipped(); len(names) > 0 {
		p.Note("left out, since they cannot be decoded: " + strings.Join(names, ", "))
	}
	return found, err
}
