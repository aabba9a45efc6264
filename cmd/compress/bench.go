package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"onnxcompress/compress"
	"onnxcompress/compress/pipeline"
	"onnxcompress/graph"
	"onnxcompress/internal/engine"
	"onnxcompress/runtime/ort"
)

// timing is what bench says of one model as JSON.
type timing struct {
	Model   string `json:"model"`
	Engine  string `json:"engine"`
	Mode    string `json:"mode"`
	Batch   int64  `json:"batch"`
	Threads int    `json:"threads"`
	// SamplesPerSecond and GFLOPS are those of the median run; a training step
	// counts as three runs forward, and a multiplication with its addition as two
	// operations.
	SamplesPerSecond float64 `json:"samples_per_second"`
	Median           float64 `json:"ms_median"`
	P10              float64 `json:"ms_p10"`
	P90              float64 `json:"ms_p90"`
	Mean             float64 `json:"ms_mean"`
	// Spread is P90 less P10.
	Spread float64 `json:"ms_spread"`
	GFLOPS float64 `json:"gflops"`
	// PeakBytes is the most memory that the process had, 0 where the system does
	// not say.
	PeakBytes int64 `json:"peak_bytes"`
	// PlanBytes is the memory that a step of a training works in.
	PlanBytes int64 `json:"plan_bytes,omitempty"`
	Runs      int   `json:"runs"`
}

// benchFlags are the flags of bench.
type benchFlags struct {
	common
	train  bool
	memory string
	batch  int64
	jsonTo string
	timing ort.LatencyOptions
}

func newBench() *cobra.Command {
	f := &benchFlags{}
	c := &cobra.Command{
		Use:   "bench MODEL [MODEL]",
		Short: "speed of inference or training, of two models in turn",
		Args: func(c *cobra.Command, args []string) error {
			return exactly(max(1, min(len(args), 2)))(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			timings, err := f.bench(c, args)
			if err != nil {
				return err
			}
			return f.tell(c, timings)
		},
	}
	flags := c.Flags()
	flags.BoolVar(&f.train, "train", false, "time steps of a training: cross-entropy of the first output with random labels, SGD with momentum; native only")
	flags.StringVar(&f.memory, "memory-limit", "", "memory that a step of a training may work in, as 500MB or 2GiB: what does not fit is computed again; what the machine has if not given")
	flags.Int64Var(&f.batch, "batch", 1, "size of free first dimensions")
	flags.DurationVar(&f.timing.MaxTime, "time", time.Second, "how long to measure")
	flags.IntVar(&f.timing.MinRuns, "runs", 30, "least number of runs")
	flags.StringVar(&f.jsonTo, "json", "", "write the result as JSON to this file, - for standard output")
	f.register(c, inputFlags, runFlags, engineFlag, progressFlags)
	return c
}

// bench times the models, which have to suit the same inputs.
func (f *benchFlags) bench(c *cobra.Command, paths []string) ([]timing, error) {
	switch {
	case f.train && f.backend == "onnxruntime":
		return nil, usageError{errors.New("--train needs --engine native")}
	case f.memory != "" && !f.train:
		return nil, usageError{errors.New("--memory-limit needs --train")}
	case f.batch < 1:
		return nil, usageError{fmt.Errorf("--batch %d: want at least 1", f.batch)}
	}
	p := f.newProgress(c)
	defer p.close()
	p.Stage("measuring")
	e, err := f.runner(c, p)
	if err != nil {
		return nil, err
	}
	timings := make([]timing, len(paths))
	var in compress.Inputs
	for i, path := range paths {
		g, drop, err := loadGraph(path)
		if err != nil {
			return nil, err
		}
		if in == nil {
			in, err = f.benchInputs(c, e, g)
		}
		timings[i] = f.describe(path, g, in)
		drop()
		if err != nil {
			return nil, err
		}
	}
	var stats []ort.Stats
	if e, ok := e.(*engine.Engine); ok {
		stats, err = f.timeORT(e, in, paths)
	} else {
		stats, err = f.timeNative(in, paths, timings)
	}
	if err != nil {
		return nil, err
	}
	for i := range timings {
		timings[i].fill(stats[i])
	}
	return timings, nil
}

// benchInputs gives inputs for a model: those that were given, or random ones of
// the batch asked for.
func (f *benchFlags) benchInputs(c *cobra.Command, e pipeline.Runner, g *graph.Graph) (compress.Inputs, error) {
	var in compress.Inputs
	if f.inputs != "" {
		batches, _, err := pipeline.ReadInputs(f.inputs, pipeline.Ports(g))
		if err != nil {
			return nil, err
		}
		in = batches[0]
	} else {
		shapes, err := f.shapes()
		if err != nil {
			return nil, err
		}
		b := graph.Nominal(shapes)
		b.Batch = f.batch
		facts := g.Infer(b)
		for _, v := range g.Inputs {
			if f := &facts.Values[v.ID]; f.Known && shapes[v.Name] == nil {
				shapes[v.Name] = f.Shape
			}
		}
		if in, err = e.Random(pipeline.Ports(g), shapes, f.seed); err != nil {
			return nil, pipeline.BadInputs(err)
		}
	}
	if got := batchOf(g, in); c.Flags().Changed("batch") && got != f.batch {
		return nil, usageError{fmt.Errorf("--batch %d: the inputs have %d samples", f.batch, got)}
	}
	return in, nil
}

// batchOf is the number of samples in the inputs.
func batchOf(g *graph.Graph, in compress.Inputs) int64 {
	for _, v := range g.Inputs {
		if t := in[v.Name]; t != nil && t.Rank() > 0 {
			return t.Shape[0]
		}
	}
	return 1
}

// describe is the timing of a model but for the times; GFLOPS is the work of a
// run.
func (f *benchFlags) describe(path string, g *graph.Graph, in compress.Inputs) timing {
	shapes := map[string][]int64{}
	for name, t := range in {
		shapes[name] = t.Shape
	}
	facts := g.Infer(graph.Nominal(shapes))
	macs := int64(0)
	for _, n := range g.Nodes {
		if n.Spec != nil && n.Spec.Cost != nil {
			macs += n.Spec.Cost(facts.Nodes[n.Index])
		}
	}
	t := timing{Model: path, Engine: f.backend, Mode: "infer", Batch: batchOf(g, in), Threads: f.threads, GFLOPS: 2e-9 * float64(macs)}
	if t.Threads == 0 {
		t.Threads = runtime.GOMAXPROCS(0)
	}
	if f.train {
		t.Mode = "train"
		t.GFLOPS *= 3
	}
	return t
}

// fill adds what was measured.
func (t *timing) fill(s ort.Stats) {
	seconds := s.Median.Seconds()
	t.SamplesPerSecond, t.GFLOPS = float64(t.Batch)/seconds, t.GFLOPS/seconds
	t.Median, t.P10, t.P90, t.Mean, t.Spread = millis(s.Median), millis(s.P10), millis(s.P90), millis(s.Mean), millis(s.Spread)
	t.PeakBytes, t.Runs = peakMemory(), s.Runs
}

// timeORT times models in onnxruntime, after a run of each on the inputs whose
// sessions are not in the way of those timed.
func (f *benchFlags) timeORT(e *engine.Engine, in compress.Inputs, paths []string) ([]ort.Stats, error) {
	for _, path := range paths {
		m, err := openModel(e, path)
		if err != nil {
			return nil, err
		}
		_, err = m.Run(in)
		m.close()
		if err != nil {
			return nil, pipeline.BadInputs(err)
		}
	}
	stats, err := e.Stats(in, f.timing, paths...)
	if err != nil {
		return nil, &pipeline.Failure{Kind: pipeline.Unsupported, Err: err}
	}
	return stats, nil
}

// tell writes the timings: of a single model as one object.
func (f *benchFlags) tell(c *cobra.Command, timings []timing) error {
	if f.jsonTo != "" {
		if len(timings) == 1 {
			return writeJSON(c.OutOrStdout(), f.jsonTo, timings[0])
		}
		return writeJSON(c.OutOrStdout(), f.jsonTo, timings)
	}
	t := newTable(c.OutOrStdout(), 1, "model", "median ms", "p10", "p90", "mean", "runs", "samples/s", "GFLOP/s")
	for _, m := range timings {
		t.AppendRow(table.Row{m.Model, short(m.Median), short(m.P10), short(m.P90), short(m.Mean), m.Runs, short(m.SamplesPerSecond), short(m.GFLOPS)})
	}
	t.Render()
	return nil
}

func millis(d time.Duration) float64 { return d.Seconds() * 1000 }

// peakMemory is the most memory that the process was resident in, in bytes; 0
// where the system does not say.
func peakMemory() int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(text, "kB")), 10, 64)
			if err == nil {
				return kib << 10
			}
		}
	}
	return 0
}
