package connection_test

import (
	"math/rand/v2"
	"testing"

	"onnxcompress/compress"
	"onnxcompress/compress/connection"
	"onnxcompress/compress/optim"
	"onnxcompress/compress/scl"
	"onnxcompress/compress/sparsify"
	"onnxcompress/compress/train"
	"onnxcompress/depgraph"
	"onnxcompress/internal/modeltext"
	"onnxcompress/runtime/loss"
)

// TestLimits holds that methods for connections remove no group that must stay, and
// no more of a family than the limits allow.
func TestLimits(t *testing.T) {
	for name, made := range map[string]func() train.Method{
		"random": func() train.Method { return sparsify.New(sparsify.Once(sparsify.Random, 0.98, 0.5)) },
		"masks":  func() train.Method { return scl.New(scl.Usual(0.98)) },
	} {
		for _, text := range []string{nets[0].text, nets[1].text} {
			t.Run(name, func(t *testing.T) {
				p, err := modeltext.Parse(text, 20, 5)
				if err != nil {
					t.Fatal(err)
				}
				task := &train.Task{
					Net: ready(t, p), Method: made(), Source: &noise{[]int64{8, 3, 8, 8}, rand.New(rand.NewPCG(2, 2))},
					Objective: &train.Objective{Truth: loss.CrossEntropy{}}, Optimiser: &optim.SGD{Momentum: 0.9},
					Rate: 0.01, Schedule: optim.Constant(1), Epochs: 1, Select: nothing,
				}
				n := task.Net
				keep := map[int]bool{}
				for g := range n.Graph.Groups {
					keep[g] = g%4 == 0
				}
				const least = 0.6
				n.Limit(compress.Limits{Keep: keep, MinKept: least})
				if _, err := task.Run(t.Context()); err != nil {
					t.Fatal(err)
				}
				for g, must := range keep {
					if must && n.Gone(g) {
						t.Errorf("group %d has gone", g)
					}
				}
				for f, family := range n.Graph.Families {
					if kept := float64(n.Cut().Kept(f)); kept < least*float64(len(family.Groups)) {
						t.Errorf("%v of %d groups of family %d are left", kept, len(family.Groups), f)
					}
				}
				if n.Removed() == 0 {
					t.Error("nothing has gone")
				}
				if c := connection.Of(n); c.Sparsity() < 0.95 {
					t.Errorf("sparsity %v", c.Sparsity())
				}
				alike(t, n.Full(), n.Model(), (&noise{[]int64{8, 3, 8, 8}, rand.New(rand.NewPCG(4, 4))}).tensor())
			})
		}
	}
}

// nothing is a train.Selector that takes no more than what has gone.
func nothing(_ compress.Scores, _ bool, gone *depgraph.Cut) (*depgraph.Cut, error) { return gone, nil }
