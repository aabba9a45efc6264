// Command scl trains LeNet-300-100 on Fashion-MNIST from random weights with
// connections masked by different methods, and prints a table of what becomes
// of it. It looks at a part held back from the training data, unless asked for the
// test data.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"onnxcompress/compress/dataset"
	"onnxcompress/compress/scl"
	"onnxcompress/compress/sparsify"
	"onnxcompress/compress/train"
)

// held is the share of the training data that is held back.
const held = 1.0 / 6

type options struct {
	shared             string
	test               bool
	epochs, seeds      int
	arms, sparsities   string
	feature, norm, ste int
	power, begin       float64
	freeze             float64
	jobs               int
}

func main() {
	var o options
	flag.StringVar(&o.shared, "shared", "../shared", "folder of data")
	flag.BoolVar(&o.test, "test", false, "train with all training data and judge by the test data")
	flag.IntVar(&o.epochs, "epochs", 6, "epochs of a training")
	flag.IntVar(&o.seeds, "seeds", 3, "trainings of each kind")
	flag.StringVar(&o.arms, "methods", "scl,magnitude", "methods: dense, scl, magnitude, uniform, random, once")
	flag.StringVar(&o.sparsities, "sparsities", "0.9,0.95,0.975,0.99,0.995", "shares of connections to go")
	flag.IntVar(&o.feature, "feature", -1, "scl.Feature, -1 for the usual one")
	flag.IntVar(&o.norm, "norm", -1, "scl.Norm, -1 for the usual one")
	flag.IntVar(&o.ste, "ste", -1, "scl.STE, -1 for the usual one")
	flag.Float64Var(&o.power, "power", -1, "scl's Power, -1 for the usual one")
	flag.Float64Var(&o.begin, "begin", -1, "scl's Begin, -1 for the usual one")
	flag.Float64Var(&o.freeze, "freeze", -1, "Freeze of scl and of what is gradual, -1 for the usual one")
	flag.IntVar(&o.jobs, "jobs", 2, "trainings at a time")
	flag.Parse()
	if err := o.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "scl:", err)
		os.Exit(1)
	}
}

// method is one of a name, at its start.
func (o *options) method(name string, sparsity float64, seed uint64) (train.Method, error) {
	gradual := func(by sparsify.By) (train.Method, error) {
		s := sparsify.Gradually(by, sparsity)
		s.Seed = seed
		if o.freeze >= 0 {
			s.Freeze = o.freeze
		}
		return sparsify.New(s), nil
	}
	switch name {
	case "dense":
		return &train.Given{}, nil
	case "magnitude":
		return gradual(sparsify.Magnitude)
	case "uniform":
		return gradual(sparsify.Uniform)
	case "random":
		return gradual(sparsify.Random)
	case "once":
		return sparsify.New(sparsify.Once(sparsify.Magnitude, sparsity, 0.75)), nil
	case "scl":
		s := scl.Usual(sparsity)
		if o.feature >= 0 {
			s.Feature = scl.Feature(o.feature)
		}
		if o.norm >= 0 {
			s.Norm = scl.Norm(o.norm)
		}
		if o.ste >= 0 {
			s.STE = scl.STE(o.ste)
		}
		if o.power >= 0 {
			s.Power = o.power
		}
		if o.begin >= 0 {
			s.Begin = o.begin
		}
		if o.freeze >= 0 {
			s.Freeze = o.freeze
		}
		return scl.New(s), nil
	}
	return nil, fmt.Errorf("there is no method %q", name)
}

func (o *options) run(ctx context.Context) error {
	learn, err := open(o.shared, dataset.Train)
	if err != nil {
		return err
	}
	defer learn.Close()
	judge, rest := learn.Split(held)
	if o.test {
		rest = learn
		if judge, err = open(o.shared, dataset.Test); err != nil {
			return err
		}
		defer judge.Close()
	}
	fmt.Println("| sparsity | method | accuracy % | connections | MACs of these | dense MACs left | groups removed | s |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, text := range strings.Split(o.sparsities, ",") {
		sparsity, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		for _, arm := range strings.Split(o.arms, ",") {
			results := make([]result, o.seeds)
			g, ctx := errgroup.WithContext(ctx)
			g.SetLimit(max(o.jobs, 1))
			for seed := range results {
				g.Go(func() error {
					m, err := o.method(arm, sparsity, uint64(seed))
					if err != nil {
						return err
					}
					results[seed], err = trial{m, uint64(seed), o.epochs, rest, judge}.run(ctx)
					return err
				})
			}
			if err := g.Wait(); err != nil {
				return fmt.Errorf("%s at %s: %w", arm, text, err)
			}
			fmt.Println(row(text, arm, results))
		}
	}
	return nil
}

// row is a line of the table: means over trainings, and the accuracies' deviation.
func row(sparsity, arm string, results []result) string {
	mean := func(of func(r result) float64) float64 {
		sum := 0.0
		for _, r := range results {
			sum += of(r) / float64(len(results))
		}
		return sum
	}
	right := mean(func(r result) float64 { return 100 * r.accuracy })
	spread := math.Sqrt(mean(func(r result) float64 { return (100*r.accuracy - right) * (100*r.accuracy - right) }))
	return fmt.Sprintf(
		"| %s | %s | %.2f ± %.2f | %.0f | %.0f | %.0f | %.0f | %.0f |", sparsity, arm, right, spread,
		mean(func(r result) float64 { return float64(r.count.Live) }), mean(func(r result) float64 { return r.count.LiveMACs }),
		mean(func(r result) float64 { return float64(r.dense) }), mean(func(r result) float64 { return float64(r.removed) }),
		mean(func(r result) float64 { return r.seconds }),
	)
}
