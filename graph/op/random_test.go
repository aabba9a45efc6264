package op

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"onnxcompress/graph/tensor"
)

// TestRandomDraws: what is drawn is never folded, follows from the source or
// the seed, and has the distribution it is to have.
func TestRandomDraws(t *testing.T) {
	const count = 20000
	likes := tensor.New(tensor.Float32, count)
	half := tensor.New(tensor.Float64, count)
	for i := range count {
		half.Set(i, 0.5)
	}
	logits := tensor.FromFloat32s([]int64{1, 3}, []float32{0, float32(math.Log(2)), float32(math.Inf(-1))})
	cases := []struct {
		op         string
		attrs      Attrs
		in         []*tensor.Tensor
		mean, size float64
	}{
		{"RandomNormal", Attrs{"shape": ints(count), "mean": {Float: 3}, "scale": {Float: 2}}, nil, 3, 2},
		{"RandomNormalLike", Attrs{"dtype": {Int: int64(tensor.Float16)}}, []*tensor.Tensor{likes}, 0, 1},
		{"RandomUniform", Attrs{"shape": ints(count), "low": {Float: -1}, "high": {Float: 3}}, nil, 1, 4 / math.Sqrt(12)},
		{"RandomUniformLike", nil, []*tensor.Tensor{likes}, 0.5, 1 / math.Sqrt(12)},
		{"Bernoulli", nil, []*tensor.Tensor{half}, 0.5, 0.5},
		{"Multinomial", Attrs{"sample_size": {Int: count}}, []*tensor.Tensor{logits}, 2. / 3, math.Sqrt(2) / 3},
	}
	for _, c := range cases {
		t.Run(c.op, func(t *testing.T) {
			spec := Lookup("", c.op)
			draw := func(seed float32, rng *rand.Rand) *tensor.Tensor {
				attrs := Attrs{"seed": {Float: seed}}
				for name, a := range c.attrs {
					attrs[name] = a
				}
				out, err := spec.Evaluate(&Node{Type: c.op, Version: 22, Attrs: attrs, Outputs: 1, Rand: rng}, c.in)
				if err != nil {
					t.Fatal(err)
				}
				return out[0]
			}
			if spec.Folds(&Node{Type: c.op, Outputs: 1}) {
				t.Error("is folded")
			}
			source := func() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }
			if a, b := draw(1, nil), draw(1, nil); !bytes.Equal(a.Data, b.Data) {
				t.Error("one seed gives two results")
			}
			if a, b := draw(1, nil), draw(2, nil); bytes.Equal(a.Data, b.Data) {
				t.Error("two seeds give one result")
			}
			if a, b := draw(1, source()), draw(2, source()); !bytes.Equal(a.Data, b.Data) {
				t.Error("the seed matters beside a source")
			}
			v := draw(1, nil).AsFloat64s()
			mean, size := meanOf(v), 0.0
			for _, x := range v {
				size += (x - mean) * (x - mean) / count
			}
			if size = math.Sqrt(size); math.Abs(mean-c.mean) > 0.05*max(c.size, 1) || math.Abs(size-c.size) > 0.05*c.size {
				t.Errorf("has mean %.3f and deviation %.3f, want %.3f and %.3f", mean, size, c.mean, c.size)
			}
		})
	}
}

// TestDropoutTrains: in training the share of elements that is asked for goes,
// and the others make up for it; otherwise nothing does.
func TestDropoutTrains(t *testing.T) {
	const count = 10000
	x := tensor.New(tensor.Float32, count)
	for i := range count {
		x.Set(i, 2)
	}
	ratio, on, off := tensor.Scalar(tensor.Float32, 0.25), tensor.Scalar(tensor.Bool, 1), tensor.Scalar(tensor.Bool, 0)
	cases := []struct {
		name    string
		in      []*tensor.Tensor
		outputs int
		dropped float64
		folds   bool
	}{
		{"inference", []*tensor.Tensor{x}, 1, 0, true},
		{"off", []*tensor.Tensor{x, ratio, off}, 2, 0, false},
		{"training", []*tensor.Tensor{x, ratio, on}, 2, 0.25, false},
		{"training by default", []*tensor.Tensor{x, nil, on}, 2, 0.5, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			n := given(&Node{Type: "Dropout", Version: 13, Attrs: Attrs{"seed": {Int: 3}}, Outputs: c.outputs}, c.in)
			spec := Lookup("", "Dropout")
			if got := spec.Folds(n); got != c.folds {
				t.Errorf("folds: %v", got)
			}
			out, err := spec.Evaluate(n, c.in)
			if err != nil {
				t.Fatal(err)
			}
			gone := 0
			for i, y := range out[0].Float32s() {
				kept := out[1].Data[i] != 0
				if !kept {
					gone++
				}
				if want := 2 / (1 - c.dropped) * truth(kept); math.Abs(float64(y)-want) > 1e-6 {
					t.Fatalf("element %d is %g, want %g", i, y, want)
				}
			}
			if share := float64(gone) / count; math.Abs(share-c.dropped) > 0.03 {
				t.Errorf("drops %.3f, want %.3f", share, c.dropped)
			}
		})
	}
}
