package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"onnxcompress/runtime/ort"
)

func newVersion() *cobra.Command {
	f := &common{}
	c := &cobra.Command{
		Use:   "version",
		Short: "versions of compress, Go and onnxruntime",
		Args:  exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			w := c.OutOrStdout()
			fmt.Fprintf(w, "compress    %s\n", moduleVersion())
			fmt.Fprintf(w, "go          %s %s/%s\n", runtime.Version(), runtime.GOOS, runtime.GOARCH)
			library, err := ort.Find(f.ortLib)
			if err == nil {
				err = ort.Init(library)
			}
			if err != nil {
				fmt.Fprintf(w, "onnxruntime none: %v\n", err)
				return nil
			}
			fmt.Fprintf(w, "onnxruntime %s (%s)\n", ort.Version(), library)
			return nil
		},
	}
	c.Flags().StringVar(&f.ortLib, "ort-lib", "", "onnxruntime's library")
	return c
}

// moduleVersion is the version that was built, or its commit.
func moduleVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel " + s.Value
		}
	}
	return "devel"
}
