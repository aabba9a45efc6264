package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"onnxcompress/runtime/ort"
)

func newORT() *cobra.Command {
	f := &common{}
	c := &cobra.Command{
		Use:   "ort",
		Short: "find onnxruntime's library, fetch it where it is missing, and print its path",
		Args:  exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			library, err := ort.Ensure(c.Context(), f.ortLib, func(line string) { fmt.Fprintln(c.ErrOrStderr(), line) })
			if err != nil {
				return err
			}
			if err := ort.Init(library); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), library)
			return nil
		},
	}
	c.Flags().StringVar(&f.ortLib, "ort-lib", "", "onnxruntime's library")
	return c
}
