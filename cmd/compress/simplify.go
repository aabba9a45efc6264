package main

import (
	"errors"

	"github.com/spf13/cobra"

	"onnxcompress/compress/pipeline"
)

func newSimplify() *cobra.Command {
	f := &compressFlags{}
	o := &f.options
	c := &cobra.Command{
		Use:   "simplify MODEL",
		Short: "the same model without what is unused or known in advance",
		Args:  exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Input, o.Inputs, o.Seed = args[0], f.inputs, f.seed
			o.Method, o.RoundTo, o.NoCompensate = pipeline.Magnitude, 1, true
			o.Target = &pipeline.Target{Quantity: pipeline.Sparsity}
			o.Whole = true
			var err error
			if o.Shapes, err = f.shapes(); err != nil {
				return err
			}
			if err := f.saveConfig(c); err != nil {
				return err
			}
			o.Origin = origin(c, args[0])
			p := f.newProgress(c)
			report, err := pipeline.Run(c.Context(), *o, f.engine(c, p), p)
			p.close()
			if report.Before.Bytes > 0 {
				err = errors.Join(err, f.tell(c, report, err))
			}
			return err
		},
	}
	c.Flags().StringVarP(&o.Output, "output", "o", "", "where the result goes; <stem>.compact.onnx beside the input if not given")
	c.Flags().BoolVar(&o.Force, "force", false, "overwrite the output")
	c.Flags().BoolVar(&o.NoValidate, "no-validate", false, "do not compare with onnxruntime")
	c.Flags().BoolVar(&o.FoldBatchNorm, "fold-batchnorm", false, "put BatchNormalization into the weights before it")
	c.Flags().StringVar(&f.json, "json", "", "write the report as JSON to this file, - for standard output")
	f.common.register(c, inputFlags, runFlags, progressFlags, configFlags)
	return c
}
