// Package methodtest holds methods that compress in training to what all of them
// promise, on a small classifier of digits.
package methodtest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"onnxcompress/compress"
	"onnxcompress/compress/dataset"
	"onnxcompress/compress/optim"
	"onnxcompress/compress/train"
	"onnxcompress/depgraph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
	"onnxcompress/runtime/loss"
)

// What tests of packages two levels below the module read.
const (
	model = "../../testdata/resnet8_digits.onnx"
	data  = "../../testdata/digits.npz"
)

// Size of a training.
const (
	batch = 32
	// Steps is how many there are to an epoch.
	Steps = 8
)

// Target is what must remain: a share of MACs or parameters, or of groups gone.
type Target struct {
	Measure compress.Measure
	Share   float64
}

// Source is digits, shuffled anew in each epoch.
type Source struct {
	set         *dataset.Set
	epoch, step int
}

// Steps implements train.Source.
func (s *Source) Steps() int { return Steps }

// Seek implements train.Source.
func (s *Source) Seek(epoch, step int) error {
	s.epoch, s.step = epoch, step
	return nil
}

// Next implements train.Source.
func (s *Source) Next(context.Context) (train.Batch, error) {
	if s.step == Steps {
		s.epoch, s.step = s.epoch+1, 0
	}
	order := rand.New(rand.NewPCG(7, uint64(s.epoch))).Perm(s.set.Len())
	index := order[s.step*batch:][:batch]
	s.step++
	in, labels, err := s.set.Batch(index)
	return train.Batch{Inputs: in, Truth: tensor.FromInt64s([]int64{batch}, labels), Index: index}, err
}

// batches are n batches of digits.
func (s *Source) batches(n int) train.Inputs {
	return func(yield func(map[string]*tensor.Tensor) bool) {
		for range n {
			b, err := s.Next(context.Background())
			if err != nil || !yield(b.Inputs) {
				break
			}
		}
		s.epoch, s.step = 0, 0
	}
}

// Task is a short training with a method to a target, which keeps checkpoints in
// a folder. It is closed with the test.
func Task(t testing.TB, dir string, method train.Method, target Target, epochs int) *train.Task {
	t.Helper()
	m, err := onnx.Load(model)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	set, err := dataset.Open(data, dataset.Options{
		Inputs: []dataset.Port{{Name: "input", DType: tensor.Float32, Shape: []int64{-1, 1, 8, 8}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	source := &Source{set: set}
	own, err := train.Prepare(m, train.Preparation{BatchNorms: true, Batches: source.batches(8), Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	net, err := train.NewNet(own, nil, runtime.TrainOptions{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		set.Close()
		if err := net.Close(); err != nil {
			t.Error(err)
		}
	})
	return &train.Task{
		Net: net, Method: method, Source: source, Objective: &train.Objective{Truth: loss.CrossEntropy{}},
		Optimiser: &optim.SGD{Momentum: 0.9, WeightDecay: 1e-4}, Rate: 0.05, Clip: 5,
		Schedule: optim.Cosine{Steps: epochs * Steps}, Epochs: epochs, Select: target.selector(net.Graph),
		Checkpoint: &train.Checkpoint{Dir: dir, Every: time.Hour, Task: "digits"},
	}
}

// choosing is the target of a graph in its measure's own unit.
func (t Target) choosing(g *depgraph.Graph) (target compress.Target, whole float64) {
	whole = 1
	switch size := compress.SizeOf(g); t.Measure {
	case compress.MACs:
		whole = float64(size.MACs)
	case compress.Params:
		whole = float64(size.Params)
	}
	return compress.Target{Measure: t.Measure, Value: t.Share * whole}, whole
}

func (t Target) selector(g *depgraph.Graph) train.Selector {
	target, _ := t.choosing(g)
	return func(scores compress.Scores, perCost bool, gone *depgraph.Cut) (*depgraph.Cut, error) {
		c := compress.Choose(g, scores, target, compress.Limits{RoundTo: 1, MinKept: 0.05, Gone: gone, PerCost: perCost})
		return c.Cut, nil
	}
}

// reached is what remains of a net by the target's measure, as a share.
func (t Target) reached(n *train.Net) float64 {
	size, full := compress.SizeWithout(n.Graph, n.Cut()), compress.SizeOf(n.Graph)
	switch t.Measure {
	case compress.MACs:
		return float64(size.MACs) / float64(full.MACs)
	case compress.Params:
		return float64(size.Params) / float64(full.Params)
	}
	return float64(n.Removed()) / float64(len(n.Graph.Groups))
}
