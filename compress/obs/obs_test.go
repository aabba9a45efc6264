package obs_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress"
	"onnxcompress/compress/compact"
	"onnxcompress/compress/obs"
	"onnxcompress/depgraph"
	"onnxcompress/graph"
	"onnxcompress/graph/op"
	"onnxcompress/graph/tensor"
	"onnxcompress/internal/modelgen"
	"onnxcompress/internal/ortest"
	"onnxcompress/onnx"
	"onnxcompress/runtime/ort"
)

func TestMain(m *testing.M) { ortest.Main(m) }

// engine runs models in onnxruntime.
type engine struct{}

type session struct{ *ort.Session }

func (s session) Close() error { s.Session.Close(); return nil }

func (engine) Open(model []byte) (compress.Session, error) {
	s, err := ort.OpenBytes(model, ort.Options{Threads: 1})
	return session{s}, err
}

func (engine) OpenFile(path string) (compress.Session, error) {
	s, err := ort.Open(path, ort.Options{Threads: 1})
	return session{s}, err
}

// trial is a model with samples.
type trial struct {
	*testing.T
	graph   *depgraph.Graph
	samples obs.Samples
}

func newTrial(t *testing.T, p *onnx.ModelProto, batches int) *trial {
	t.Helper()
	m, err := onnx.Parse(marshal(t, p))
	if err != nil {
		t.Fatal(err)
	}
	g, err := graph.Import(m)
	if err != nil {
		t.Fatal(err)
	}
	tr := &trial{T: t, graph: depgraph.Build(graph.Analyze(g, nil))}
	s, err := ortest.Open(t.TempDir(), p)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rng := rand.New(rand.NewPCG(3, 4))
	for range batches {
		in, err := ortest.Inputs(s, rng)
		if err != nil {
			t.Fatal(err)
		}
		tr.samples.Batches = append(tr.samples.Batches, in)
	}
	return tr
}

func marshal(t *testing.T, p proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// halve chooses half of the multiplications and fits the rest.
func (tr *trial) halve() (compress.Choice, compact.Weights) {
	tr.Helper()
	s, err := obs.Score(tr.Context(), tr.graph, engine{}, tr.samples)
	if err != nil {
		tr.Fatal(err)
	}
	target := compress.Target{Value: float64(compress.SizeOf(tr.graph).MACs) / 2}
	c := compress.Choose(tr.graph, s, target, compress.Limits{RoundTo: 1, MinKept: 0.05, PerCost: true})
	w, _, err := obs.Compensate(tr.Context(), tr.graph, c.Cut, engine{}, tr.samples)
	if err != nil {
		tr.Fatal(err)
	}
	return c, w
}

// outputs runs the compact model of a cut.
func (tr *trial) outputs(cut *depgraph.Cut, w compact.Weights) []map[string]*tensor.Tensor {
	tr.Helper()
	m, err := compact.Model(tr.graph, cut, w)
	if err != nil {
		tr.Fatal(err)
	}
	s, err := ortest.Open(tr.TempDir(), m.Proto)
	if err != nil {
		tr.Fatal(err)
	}
	defer s.Close()
	var all []map[string]*tensor.Tensor
	for _, in := range tr.samples.Batches {
		out, err := s.Run(in)
		if err != nil {
			tr.Fatal(err)
		}
		all = append(all, out)
	}
	return all
}

// silenced is the full-size form of a cut: fitted weights, the slices that go
// set to zero.
func (tr *trial) silenced(cut *depgraph.Cut, w compact.Weights) compact.Weights {
	all := compact.Weights{}
	for _, use := range tr.graph.Weights {
		t := w[use]
		for axis := range tr.graph.Witness.Values[use.Value.ID].Shape {
			kept := cut.Channels(use.Node, op.In(use.Slot, axis))
			if kept == nil || !use.Zeroable(axis) {
				continue
			}
			if t == nil {
				var err error
				if t, err = tr.graph.Witness.Tensor(use.Value); err != nil {
					tr.Fatal(err)
				}
			}
			t = zeroed(t, axis, kept)
		}
		if t != nil {
			all[use] = t
		}
	}
	return all
}

func zeroed(t *tensor.Tensor, axis int, kept []int64) *tensor.Tensor {
	stays := make([]bool, t.Shape[axis])
	for _, k := range kept {
		stays[k] = true
	}
	size := t.DType.Size()
	inner := 1
	for _, d := range t.Shape[axis+1:] {
		inner *= int(d)
	}
	t = t.Clone()
	for i := range t.Len() {
		if !stays[i/inner%len(stays)] {
			clear(t.Data[i*size : (i+1)*size])
		}
	}
	return t
}

func distance(a, b []map[string]*tensor.Tensor) float64 {
	worst := 0.0
	for i := range a {
		for name := range a[i] {
			worst = max(worst, ort.CompareTensors(name, a[i][name], b[i][name]).RelError)
		}
	}
	return worst
}

// squared is the sum of squared differences.
func squared(a, b []map[string]*tensor.Tensor) float64 {
	sum := 0.0
	for i := range a {
		for name := range a[i] {
			y := b[i][name].AsFloat64s()
			for j, x := range a[i][name].AsFloat64s() {
				sum += (x - y[j]) * (x - y[j])
			}
		}
	}
	return sum
}

// TestCompensationHelps: the fit brings outputs closer to the original's than
// the same cut without it does, and the model with the same fit at full size
// computes the same.
func TestCompensationHelps(t *testing.T) {
	for name, p := range map[string]*onnx.ModelProto{"plain": small(false, false), "residual": small(true, false), "batchnorm": small(true, true)} {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, p, 8)
			c, w := tr.halve()
			if c.Cut.Len == 0 || len(w) == 0 {
				t.Fatalf("%d groups go and %d weights change", c.Cut.Len, len(w))
			}
			want, fitted, sliced := tr.outputs(tr.graph.NewCut(), nil), tr.outputs(c.Cut, w), tr.outputs(c.Cut, nil)
			if a, b := squared(want, fitted), squared(want, sliced); a > b/4 {
				t.Errorf("squared error %g after the fit, %g without", a, b)
			}
			if d := distance(fitted, tr.outputs(tr.graph.NewCut(), tr.silenced(c.Cut, w))); d > 1e-4 {
				t.Errorf("masked and compact differ by %g", d)
			}
		})
	}
}

// TestDeterministic: the same seed gives the same weights, byte for byte.
func TestDeterministic(t *testing.T) {
	p := small(true, false)
	first := newTrial(t, p, 4)
	_, a := first.halve()
	second := newTrial(t, p, 4)
	_, b := second.halve()
	if len(a) != len(b) || len(a) == 0 {
		t.Fatalf("%d and %d weights", len(a), len(b))
	}
	for i, use := range first.graph.Weights {
		x, y := a[use], b[second.graph.Weights[i]]
		if (x == nil) != (y == nil) || x != nil && !bytes.Equal(x.Data, y.Data) {
			t.Errorf("weight %s differs", use.Value.Name)
		}
	}
}

// TestRandomGraphs: whatever the operators, scores and fits come out, and the
// compact model equals the masked one.
func TestRandomGraphs(t *testing.T) {
	fitted := 0
	const models = 100
	for seed := range uint64(models) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			tr := newTrial(t, modelgen.Model(seed), 2)
			if len(tr.graph.Groups) == 0 {
				return
			}
			c, w := tr.halve()
			if len(w) > 0 {
				fitted++
			}
			var node *compact.NodeError
			if _, err := compact.Model(tr.graph, c.Cut, w); errors.As(err, &node) {
				return // the pipeline spares such a node's groups
			}
			if d := distance(tr.outputs(c.Cut, w), tr.outputs(tr.graph.NewCut(), tr.silenced(c.Cut, w))); d > 1e-3 {
				t.Errorf("masked and compact differ by %g", d)
			}
		})
	}
	if fitted < models/10 {
		t.Errorf("only %d of %d models have weights that are fitted", fitted, models)
	}
}
