package main

import (
	"context"
	"math/rand/v2"
	"path/filepath"

	"onnxcompress/compress/dataset"
	"onnxcompress/compress/train"
	"onnxcompress/graph/tensor"
)

// batch is the size of one.
const batch = 256

// open opens a part of Fashion-MNIST, normalised by its usual mean and deviation.
func open(shared string, split dataset.Split) (*dataset.Set, error) {
	return dataset.Open(filepath.Join(shared, "data", "fashion-mnist"), dataset.Options{
		Inputs: []dataset.Port{{Name: "x", DType: tensor.Float32, Shape: []int64{-1, 1, 28, 28}}},
		Mean:   []float64{0.286}, Std: []float64{0.353}, Split: split,
	})
}

// shuffled is a set as a train.Source: in another order in each epoch.
type shuffled struct {
	set         *dataset.Set
	seed        uint64
	order       []int
	epoch, step int
}

// Steps implements train.Source. What is left of an epoch is left out.
func (s *shuffled) Steps() int { return s.set.Len() / batch }

// Seek implements train.Source.
func (s *shuffled) Seek(epoch, step int) error {
	s.epoch, s.step = epoch, step
	s.order = rand.New(rand.NewPCG(s.seed, uint64(epoch))).Perm(s.set.Len())
	return nil
}

// Next implements train.Source.
func (s *shuffled) Next(context.Context) (train.Batch, error) {
	if s.step == s.Steps() {
		if err := s.Seek(s.epoch+1, 0); err != nil {
			return train.Batch{}, err
		}
	}
	index := s.order[s.step*batch:][:batch]
	s.step++
	in, labels, err := s.set.Batch(index)
	return train.Batch{Inputs: in, Truth: tensor.FromInt64s([]int64{batch}, labels), Index: index}, err
}

// accuracy is the share of a set that a net is right on.
func accuracy(n *train.Net, set *dataset.Set) (float64, error) {
	right := 0
	for b, err := range set.Batches(1000) {
		if err != nil {
			return 0, err
		}
		out, err := n.Trainer().Evaluate(b.Inputs["x"])
		if err != nil {
			return 0, err
		}
		correct, err := dataset.TopK(out[0], b.Labels, 1)
		if err != nil {
			return 0, err
		}
		right += correct
	}
	return float64(right) / float64(set.Len()), nil
}
