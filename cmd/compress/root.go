package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"

	"github.com/spf13/cobra"

	"onnxcompress/compress/pipeline"
	"onnxcompress/internal/config"
)

const rootUse = "compress MODEL [-o OUT]"

const rootLong = `compress takes a trained ONNX model and gives back a smaller one: whole channels,
heads and hidden units are cut out, and onnxruntime checks the result before a
file is written. Without a target it goes as far as the outputs allow.`

const rootExample = `  compress model.onnx
  compress model.onnx --target-macs 50% --calib images/
  compress model.onnx --target-macs 50% --data digits.npz`

// newRoot is the command with all its subcommands. verbose is set where the
// user asks for it.
func newRoot(verbose *bool) *cobra.Command {
	f := &compressFlags{}
	c := &cobra.Command{
		Use: rootUse, Long: rootLong, Example: rootExample,
		SilenceErrors: true, SilenceUsage: true,
		// Arguments are files unless they name a subcommand.
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			*verbose = f.verbose
			if _, err := os.Stat(args[0]); errors.Is(err, fs.ErrNotExist) {
				return usageError{fmt.Errorf("%s: there is no such file, nor a subcommand of that name", args[0])}
			}
			return f.compress(c, args[0])
		},
	}
	c.CompletionOptions.DisableDefaultCmd = true
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	c.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return settle(c.Flags()) }
	f.register(c)
	c.AddCommand(
		newInspect(), newValidate(), newBench(), newRun(), newEval(), newSimplify(), newOps(), newVersion(), newORT(),
	)
	return c
}

// exactly asks for n arguments.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("%s takes %d arguments, not %d; see %s --help", c.CommandPath(), n, len(args), c.CommandPath())}
		}
		return nil
	}
}

// compressFlags are the flags of the bare form.
type compressFlags struct {
	common
	options         pipeline.Options
	targets         [5]string
	keep            string
	maxAccuracyDrop string
	minKept         string
	training        trainingFlags
	json, html      string
}

// targetFlags are the flags of targets, by quantity.
var targetFlags = [...]string{
	pipeline.MACs: "target-macs", pipeline.Params: "target-params", pipeline.Size: "target-size",
	pipeline.Latency: "target-latency", pipeline.Sparsity: "target-sparsity",
}

func (f *compressFlags) register(c *cobra.Command) {
	o, flags := &f.options, c.Flags()
	flags.StringVarP(&o.Output, "output", "o", "", "where the result goes; <stem>.compact.onnx beside the input if not given")
	flags.BoolVar(&o.Force, "force", false, "overwrite outputs")
	for q, name := range targetFlags {
		help := fmt.Sprintf("%v that remain: 50%%, 0.5, or an amount", pipeline.Quantity(q))
		if pipeline.Quantity(q) == pipeline.Sparsity {
			help = "share of groups that go"
		}
		flags.StringVar(&f.targets[q], name, "", help)
	}
	flags.StringVar(&o.Method, "method", pipeline.Auto, fmt.Sprintf("one of %v", pipeline.Methods()))
	flags.BoolVar(&o.NoValidate, "no-validate", false, "do not compare with onnxruntime")
	flags.BoolVar(&o.NoTrain, "no-train", false, "score and cut only, also with --data")
	flags.BoolVar(&o.NoCompensate, "no-compensate", false, "weights that stay keep their values")
	flags.BoolVar(&o.FoldBatchNorm, "fold-batchnorm", false, "put BatchNormalization into the weights before it")
	flags.StringVar(&o.MaskedOutput, "masked-output", "", "where the full-size model goes with the removed slices set to zero")
	flags.IntVar(&o.RoundTo, "round-to", 8, "kept counts are multiples of this, where the target allows")
	flags.StringVar(&f.minKept, "min-kept", "5%", "share of every family of groups that stays")
	flags.StringVar(&f.keep, "keep", "", "regular expression: nodes and values whose channels stay")
	flags.StringVar(&f.maxAccuracyDrop, "max-accuracy-drop", "", "guard: 1% or 0.01, on samples held back from --data")
	flags.StringVar(&o.Calib, "calib", "", "samples to calibrate on: "+dataForms)
	flags.StringVar(&o.Data, "data", "", "samples with labels, in the same forms")
	flags.BoolVar(&o.SkipBad, "skip-bad", false, skipBadHelp)
	flags.StringVar(&o.Val, "val", "", "samples with labels that are only measured")
	pixelFlags(flags, &o.Mean, &o.Std, &o.Pixels)
	flags.IntVar(&o.NumSamples, "num-samples", 0, "samples to calibrate on")
	flags.BoolVar(&o.DryRun, "dry-run", false, "say what would be done and write nothing")
	flags.BoolVar(&o.KeepBest, "keep-best", false, "write the best model although the target is missed")
	flags.StringVar(&f.json, "json", "", "write the report as JSON to this file, - for standard output")
	flags.StringVar(&f.html, "report", "", "write the report as HTML to this file")
	f.training.register(c, &o.Training)
	f.common.register(c, inputFlags, runFlags, progressFlags, configFlags)
	config.Exclusive(flags, targetFlags[:]...)
}

// decode turns flags into options.
func (f *compressFlags) decode(model string) (pipeline.Options, error) {
	o := f.options
	o.Input, o.Inputs, o.Seed, o.Threads = model, f.inputs, f.seed, f.threads
	err := f.training.decode(&o.Training)
	if err != nil {
		return o, err
	}
	if o.Shapes, err = f.shapes(); err != nil {
		return o, err
	}
	for q, text := range f.targets {
		if text == "" {
			continue
		}
		if o.Target != nil {
			return o, usageError{errors.New("more than one target is given")}
		}
		t, err := pipeline.ParseTarget(pipeline.Quantity(q), text)
		if err != nil {
			return o, usageError{fmt.Errorf("--%s: %w", targetFlags[q], err)}
		}
		o.Target = &t
	}
	if o.MinKept, err = pipeline.ParseShare(f.minKept); err != nil {
		return o, usageError{fmt.Errorf("--min-kept: %w", err)}
	}
	if f.maxAccuracyDrop != "" {
		drop, err := pipeline.ParseShare(f.maxAccuracyDrop)
		if err != nil {
			return o, usageError{fmt.Errorf("--max-accuracy-drop: %w", err)}
		}
		o.MaxAccuracyDrop = &drop
	}
	if f.keep != "" {
		if o.Keep, err = regexp.Compile(f.keep); err != nil {
			return o, usageError{fmt.Errorf("--keep: %w", err)}
		}
	}
	return o, nil
}

// compress is the bare form.
func (f *compressFlags) compress(c *cobra.Command, model string) error {
	o, err := f.decode(model)
	if err != nil {
		return err
	}
	if err := f.saveConfig(c); err != nil {
		return err
	}
	o.Origin = origin(c, model)
	p := f.newProgress(c)
	report, err := pipeline.Run(c.Context(), o, f.engine(c, p), p)
	p.close()
	if report.Before.Bytes > 0 {
		err = errors.Join(err, f.tell(c, report, err))
	}
	return err
}

// tell writes the report in the forms that were asked for.
func (f *compressFlags) tell(c *cobra.Command, r *pipeline.Report, failed error) error {
	if f.json != "" {
		if err := writeJSON(c.OutOrStdout(), f.json, r); err != nil {
			return err
		}
	}
	if failed != nil {
		return nil
	}
	if f.html != "" {
		if err := writeFile(f.html, r.WriteHTML); err != nil {
			return err
		}
	}
	if f.quiet || f.json == "-" {
		return nil
	}
	return printReport(c.OutOrStdout(), r)
}
