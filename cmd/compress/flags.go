package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"onnxcompress/compress/dataset"
	"onnxcompress/compress/pipeline"
	"onnxcompress/internal/engine"
)

// common are the flags that several commands have.
type common struct {
	ortLib    string
	backend   string
	threads   int
	seed      int64
	inputs    string
	shapeList []string
	verbose   bool
	quiet     bool
	progress  string
	// saved is the file that the settings go to.
	saved string
}

// dataForms is what the flags that name samples take.
var dataForms = "a file, folder or zip, and where its content does not say it the format behind it, PATH:" + strings.Join(dataset.Formats(), "|")

const skipBadHelp = "leave out and name samples that cannot be decoded"

// flagSet registers some of the common flags.
type flagSet func(*common, *cobra.Command)

func (f *common) register(c *cobra.Command, sets ...flagSet) {
	for _, set := range sets {
		set(f, c)
	}
}

// shapeFlags are for commands that read models.
func shapeFlags(f *common, c *cobra.Command) {
	c.Flags().StringArrayVar(&f.shapeList, "shape", nil, "sizes of an input's dimensions: NAME:1,3,224,224; may be repeated")
}

// inputFlags are for commands that feed models.
func inputFlags(f *common, c *cobra.Command) {
	shapeFlags(f, c)
	c.Flags().StringVar(&f.inputs, "inputs", "", "npz of inputs by name, for models that random ones do not suit")
	c.Flags().Int64Var(&f.seed, "seed", 0, "seed of all that is random")
}

// runFlags are for commands that start onnxruntime.
func runFlags(f *common, c *cobra.Command) {
	c.Flags().StringVar(&f.ortLib, "ort-lib", "", "onnxruntime's library; else $ONNXRUNTIME_LIB, the cache, the system")
	c.Flags().IntVar(&f.threads, "threads", 0, "threads that compute; 0 for all cores")
}

// engineFlag is for commands that also run models without onnxruntime.
func engineFlag(f *common, c *cobra.Command) {
	c.Flags().StringVar(&f.backend, "engine", "onnxruntime", "native or onnxruntime")
}

// runner is what runs models, as these flags want it.
func (f *common) runner(c *cobra.Command, p *progress) (pipeline.Runner, error) {
	switch f.backend {
	case "native":
		return engine.NewNative(f.threads, f.seed), nil
	case "onnxruntime":
		return f.engine(c, p), nil
	}
	return nil, usageError{fmt.Errorf("--engine %q: want native or onnxruntime", f.backend)}
}

// engine is onnxruntime as these flags want it.
func (f *common) engine(c *cobra.Command, p *progress) *engine.Engine {
	return engine.New(c.Context(), f.ortLib, f.threads, p.Note)
}

// progressFlags are for commands that take a while.
func progressFlags(f *common, c *cobra.Command) {
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "tell more")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "tell errors only")
	c.Flags().StringVar(&f.progress, "progress", "auto", "auto, plain or none")
	c.PreRunE = func(*cobra.Command, []string) error {
		switch f.progress {
		case "auto", "plain", "none":
			return nil
		}
		return usageError{fmt.Errorf("--progress %q: want auto, plain or none", f.progress)}
	}
}

// shapes are the whole shapes by input name that were given.
func (f *common) shapes() (map[string][]int64, error) {
	shapes := map[string][]int64{}
	for _, s := range f.shapeList {
		at := strings.LastIndexByte(s, ':')
		if at < 1 {
			return nil, usageError{fmt.Errorf("--shape %q: want NAME:1,3,224,224", s)}
		}
		shape := []int64{}
		for _, d := range strings.FieldsFunc(s[at+1:], func(r rune) bool { return r == ',' || r == 'x' }) {
			v, err := strconv.ParseInt(strings.TrimSpace(d), 10, 64)
			if err != nil || v < 1 {
				return nil, usageError{fmt.Errorf("--shape %q: %q is no size", s, d)}
			}
			shape = append(shape, v)
		}
		shapes[s[:at]] = shape
	}
	return shapes, nil
}

// writeJSON writes v, indented, to a file or, for -, to stdout.
func writeJSON(stdout io.Writer, path string, v any) error {
	write := func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(v)
	}
	if path == "-" {
		return write(stdout)
	}
	return writeFile(path, write)
}

// writeFile makes a file of what write writes.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = write(f)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
