package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"onnxcompress/compress/pipeline"
)

func newValidate() *cobra.Command {
	f := &common{}
	var tolerance float64
	var jsonFile string
	c := &cobra.Command{
		Use:   "validate A B",
		Short: "do two models compute the same in onnxruntime?",
		Args:  exactly(2),
		RunE: func(c *cobra.Command, args []string) error {
			p := f.newProgress(c)
			defer p.close()
			e := f.engine(c, p)
			p.Stage("comparing")
			a, err := openModel(e, args[0])
			if err != nil {
				return err
			}
			defer a.close()
			b, err := openModel(e, args[1])
			if err != nil {
				return err
			}
			defer b.close()
			batches, err := f.feed(e, a, 3)
			if err != nil {
				return err
			}
			worst, err := pipeline.Compare(c.Context(), e, a, b, batches)
			if err != nil {
				return err
			}
			p.close()
			if jsonFile != "" {
				v := pipeline.Validation{MaxRelError: pipeline.Number(worst), Inputs: len(batches)}
				if err := writeJSON(c.OutOrStdout(), jsonFile, v); err != nil {
					return err
				}
			}
			if !(worst <= tolerance) {
				return pipeline.Fail(pipeline.Disagrees, "%s and %s differ by %.2g (relative), more than %.2g", args[0], args[1], worst, tolerance)
			}
			if jsonFile != "-" {
				fmt.Fprintf(c.OutOrStdout(), "equal within %.2g on %d batches\n", worst, len(batches))
			}
			return nil
		},
	}
	c.Flags().Float64Var(&tolerance, "tolerance", 1e-4, "largest relative error that counts as equal")
	c.Flags().StringVar(&jsonFile, "json", "", "write the result as JSON to this file, - for standard output")
	f.register(c, inputFlags, runFlags, progressFlags)
	return c
}
