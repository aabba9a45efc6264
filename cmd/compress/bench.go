package main

import (
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"onnxcompress/compress"
	"onnxcompress/compress/pipeline"
	"onnxcompress/internal/engine"
	"onnxcompress/runtime/ort"
)

// timing is what bench says of one model as JSON.
type timing struct {
	Model  string  `json:"model"`
	Median float64 `json:"median_ms"`
	P10    float64 `json:"p10_ms"`
	P90    float64 `json:"p90_ms"`
	Mean   float64 `json:"mean_ms"`
	Runs   int     `json:"runs"`
}

func newBench() *cobra.Command {
	f := &common{}
	o := ort.LatencyOptions{}
	var jsonFile string
	c := &cobra.Command{
		Use:   "bench MODEL [MODEL]",
		Short: "latency in onnxruntime, of two models in turn",
		Args: func(c *cobra.Command, args []string) error {
			return exactly(max(1, min(len(args), 2)))(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			p := f.newProgress(c)
			defer p.close()
			p.Stage("measuring")
			e := f.engine(c, p)
			in, err := f.suitable(e, args)
			if err != nil {
				return err
			}
			stats, err := e.Stats(in, o, args...)
			if err != nil {
				return &pipeline.Failure{Kind: pipeline.Unsupported, Err: err}
			}
			p.close()
			timings := make([]timing, len(args))
			for i, path := range args {
				s := stats[i]
				timings[i] = timing{path, millis(s.Median), millis(s.P10), millis(s.P90), millis(s.Mean), s.Runs}
			}
			if jsonFile != "" {
				return writeJSON(c.OutOrStdout(), jsonFile, timings)
			}
			t := newTable(c.OutOrStdout(), 1, "model", "median ms", "p10", "p90", "mean", "runs")
			for _, m := range timings {
				t.AppendRow(table.Row{m.Model, short(m.Median), short(m.P10), short(m.P90), short(m.Mean), m.Runs})
			}
			t.Render()
			return nil
		},
	}
	c.Flags().DurationVar(&o.MaxTime, "time", time.Second, "how long to measure")
	c.Flags().IntVar(&o.MinRuns, "runs", 30, "least number of runs")
	c.Flags().StringVar(&jsonFile, "json", "", "write the result as JSON to this file, - for standard output")
	f.register(c, inputFlags, runFlags, progressFlags)
	return c
}

// suitable gives inputs for the first of the models, and makes sure that all
// can be opened. The sessions it needs are not in the way of those timed.
func (f *common) suitable(e *engine.Engine, paths []string) (in compress.Inputs, err error) {
	for _, path := range paths {
		m, err := openModel(e, path)
		if err != nil {
			return nil, err
		}
		if in == nil {
			var batches []compress.Inputs
			if batches, err = f.feed(e, m, 1); err == nil {
				in = batches[0]
			}
		}
		m.close()
		if err != nil {
			return nil, err
		}
	}
	return in, nil
}

func millis(d time.Duration) float64 { return d.Seconds() * 1000 }
