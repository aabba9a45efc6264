package train_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress/dataset"
	"onnxcompress/compress/optim"
	"onnxcompress/compress/train"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
	"onnxcompress/runtime/loss"
)

// source shuffles samples anew in each epoch.
type source struct {
	t           *testing.T
	set         *dataset.Set
	epoch, step int
}

func digitSource(t *testing.T, n *train.Net) *source {
	t.Helper()
	in := n.Graph.Inputs[0]
	set, err := dataset.Open("../../testdata/digits.npz", dataset.Options{
		Inputs: []dataset.Port{{Name: in.Name, DType: tensor.Float32, Shape: []int64{-1, 1, 8, 8}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set.Close() })
	return &source{t: t, set: set}
}

func (s *source) Steps() int { return 8 }

func (s *source) Seek(epoch, step int) error {
	s.epoch, s.step = epoch, step
	return nil
}

func (s *source) Next(context.Context) (train.Batch, error) {
	if s.step == s.Steps() {
		s.epoch, s.step = s.epoch+1, 0
	}
	order := rand.New(rand.NewPCG(7, uint64(s.epoch))).Perm(s.set.Len())
	index := order[s.step*32:][:32]
	s.step++
	in, labels, err := s.set.Batch(index)
	return train.Batch{Inputs: in, Truth: tensor.FromInt64s([]int64{32}, labels), Index: index}, err
}

// fading removes a third of the groups in each of two steps, chosen by the
// magnitude of their gradients so far, which it carries.
type fading struct {
	Seen, Gone int
	sums       train.Arrays
}

func (f *fading) Observe(s *train.Step) error {
	grads := s.Net.Gradients()
	if f.sums == nil {
		f.sums = make(train.Arrays, len(grads))
		for i, g := range grads {
			f.sums[i] = make([]float32, len(g))
		}
	}
	for i, g := range grads {
		for k, v := range g {
			f.sums[i][k] += v * v
		}
	}
	return nil
}

func (f *fading) Move(s *train.Step) error {
	f.Seen++
	if f.Seen != 10 && f.Seen != 15 {
		return nil
	}
	sums := s.Net.Dot(f.sums, f.sums, train.Both)
	for _, family := range s.Net.Graph.Families {
		want := len(family.Groups) / 3
		for want > 0 {
			least := -1
			for _, g := range family.Groups {
				if !s.Net.Gone(g) && (least < 0 || sums[g] < sums[least]) {
					least = g
				}
			}
			s.Remove(least)
			want--
		}
	}
	f.Gone++
	return nil
}

func (f *fading) Done() bool                            { return f.Gone == 2 }
func (f *fading) State() any                            { return f }
func (f *fading) Restore(b []byte) error                { return json.Unmarshal(b, f) }
func (f *fading) Carried() map[string]train.Arrays      { return map[string]train.Arrays{"sums": f.sums} }
func (f *fading) Carry(carried map[string]train.Arrays) { f.sums = carried["sums"] }

// task is a short training of a form of the digits model.
func task(t *testing.T, path, dir string) *train.Task {
	n := open(t, path, train.Preparation{BatchNorms: true, Batches: noise(20), Threads: 1})
	return &train.Task{
		Net: n, Method: &fading{}, Source: digitSource(t, n), Objective: &train.Objective{Truth: loss.CrossEntropy{}},
		Optimiser: &optim.SGD{Momentum: 0.9, WeightDecay: 1e-4}, Rate: 0.05, Schedule: optim.Cosine{Steps: 40}, Clip: 5, Epochs: 5,
		Checkpoint: &train.Checkpoint{Dir: dir, Every: time.Hour, Task: "digits"},
	}
}

// TestResume holds that a training that was broken off at any step, and goes on
// from its checkpoint, ends in the same weights as one that was not.
func TestResume(t *testing.T) { resumes(t, digits, 1, 9, 10, 14, 15, 16, 24, 39) }

// TestResumeNarrow holds the same where a weight is of bfloat16, which checkpoints
// have no type for.
func TestResumeNarrow(t *testing.T) { resumes(t, narrowed(t), 12, 35) }

func resumes(t *testing.T, path string, stops ...int) {
	t.Helper()
	whole := task(t, path, t.TempDir())
	if _, err := whole.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := weights(t, whole)
	for _, stop := range stops {
		dir := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		first := task(t, path, dir)
		first.Tell = func(p train.Point) {
			if p.Step == stop {
				cancel()
			}
		}
		if _, err := first.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at %d: %v", stop, err)
		}
		second := task(t, path, dir)
		if ok, err := second.Resume(); !ok || err != nil {
			t.Fatalf("stopped at %d: resumed %v, %v", stop, ok, err)
		}
		points, err := second.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(weights(t, second), want) {
			t.Errorf("stopped at %d: other weights", stop)
		}
		if len(points) != 5 {
			t.Errorf("stopped at %d: %d epochs are told of", stop, len(points))
		}
	}
}

// narrowed writes the digits model with another output that is computed in bfloat16,
// so that its weights lose channels and are not trained.
func narrowed(t *testing.T) string {
	t.Helper()
	m, err := onnx.Load(digits)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	g := m.Proto.GetGraph()
	last := g.GetNode()[len(g.GetNode())-1]
	weight := slices.IndexFunc(g.GetInitializer(), func(w *onnx.TensorProto) bool { return w.GetName() == last.GetInput()[1] })
	if last.GetOpType() != "Gemm" || weight < 0 {
		t.Fatal("the model does not end in a Gemm")
	}
	narrow := tensor.New(tensor.BFloat16, g.GetInitializer()[weight].GetDims()[1], 3)
	for i := range narrow.Len() {
		narrow.Set(i, float64(i%5)-2)
	}
	w := &onnx.TensorProto{Name: proto.String("narrow"), Dims: narrow.Shape, DataType: proto.Int32(int32(tensor.BFloat16))}
	onnx.SetData(w, narrow.Data)
	g.Initializer = append(g.Initializer, w)
	cast := func(from, to string, as tensor.DType) *onnx.NodeProto {
		return &onnx.NodeProto{
			OpType: proto.String("Cast"), Input: []string{from}, Output: []string{to},
			Attribute: []*onnx.AttributeProto{{Name: proto.String("to"), Type: onnx.AttributeProto_INT.Enum(), I: proto.Int64(int64(as))}},
		}
	}
	g.Node = append(
		g.Node, cast(last.GetInput()[0], "low", tensor.BFloat16),
		&onnx.NodeProto{OpType: proto.String("MatMul"), Input: []string{"low", "narrow"}, Output: []string{"product"}}, cast("product", "other", tensor.Float32),
	)
	other := proto.CloneOf(g.GetOutput()[0])
	other.Name = proto.String("other")
	other.Type.GetTensorType().Shape.Dim[1].Value = &onnx.TensorShapeProto_Dimension_DimValue{DimValue: 3}
	g.Output = append(g.Output, other)
	path := filepath.Join(t.TempDir(), "narrow.onnx")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// weights are all numbers of the compact model.
func weights(t *testing.T, task *train.Task) []byte {
	t.Helper()
	m := task.Net.Model()
	defer m.Close()
	var all []byte
	for _, p := range m.Proto.GetGraph().GetInitializer() {
		all = append(all, p.GetRawData()...)
	}
	return all
}

// TestForeignCheckpoint holds that a run does not go on from another's.
func TestForeignCheckpoint(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := task(t, digits, dir).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	other := task(t, digits, dir)
	other.Checkpoint.Task = "other"
	if _, err := other.Resume(); err == nil {
		t.Error("it does")
	}
}

// TestDivergence holds that a loss that is no number ends the training.
func TestDivergence(t *testing.T) {
	wild := task(t, digits, t.TempDir())
	wild.Rate, wild.Clip = 1e12, 0
	var d *train.Diverged
	if _, err := wild.Run(t.Context()); !errors.As(err, &d) {
		t.Errorf("got %v", err)
	}
}
