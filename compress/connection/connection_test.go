package connection

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/compress/train"
	"onnxcompress/internal/modeltext"
	"onnxcompress/onnx"
	"onnxcompress/runtime"
)

// open readies a model written as text.
func open(t *testing.T, text string) *train.Net {
	t.Helper()
	p, err := modeltext.Parse(text, 17, 3)
	if err != nil {
		t.Fatal(err)
	}
	b, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnx.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	own, err := train.Prepare(m, train.Preparation{})
	if err != nil {
		t.Fatal(err)
	}
	n, err := train.NewNet(own, nil, runtime.TrainOptions{Threads: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// TestLayers holds which weights are connections, where their features lie and
// how often they are used.
func TestLayers(t *testing.T) {
	n := open(t, `
		input x N,3,8,8
		a = Conv x conv:w[16,3,3,3] w[16] ; pads=[1,1,1,1]
		n = BatchNormalization a p[16] w[16] w[16] p[16]
		b = Conv n depth:w[16,1,3,3] w[16] ; group=16 pads=[1,1,1,1] strides=[2,2]
		c = ConvTranspose b back:w[16,6,2,2] ; strides=[2,2]
		f = Flatten c
		g = Gemm f turned:w[20,384] w[20] ; transB=1
		h = Gemm g straight:w[20,12] w[12] ; alpha=0.5
		m = MatMul h product:w[12,5]
		s = Add m w[5]
		output s`)
	want := map[string]Layer{
		"conv":     {Size: 432, Uses: 64, Out: Axis{16, 27}, In: Axis{3, 9}},
		"depth":    {Size: 144, Uses: 16, Out: Axis{16, 9}, In: Axis{1, 9}},
		"back":     {Size: 384, Uses: 16, Out: Axis{6, 4}, In: Axis{16, 24}},
		"turned":   {Size: 7680, Uses: 1, Out: Axis{20, 384}, In: Axis{384, 1}},
		"straight": {Size: 240, Uses: 1, Out: Axis{12, 1}, In: Axis{20, 12}},
		"product":  {Size: 60, Uses: 1, Out: Axis{5, 1}, In: Axis{12, 5}},
	}
	layers := Layers(n)
	if len(layers) != len(want) {
		t.Errorf("%d layers, want %d", len(layers), len(want))
	}
	for _, l := range layers {
		name := n.Initializer(l.Var)
		w := want[name]
		w.Var = l.Var
		if l != w {
			t.Errorf("%s: %+v, want %+v", name, l, w)
		}
	}
	values := n.Values()
	clear(values[layers[0].Var][:27])
	c := Of(n)
	if want := (Count{Total: 8940, Live: 8913, MACs: 432*64 + 144*16 + 384*16 + 7980, LiveMACs: 405*64 + 144*16 + 384*16 + 7980}); c != want {
		t.Errorf("counted %+v, want %+v", c, want)
	}
}

func TestLeast(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	list := []float32{0, float32(math.Copysign(0, -1)), float32(math.Inf(1)), float32(math.Inf(-1)), 1, 1, 1}
	for range 500 {
		list = append(list, float32(rng.NormFloat64()*math.Pow(10, float64(rng.IntN(20)-10))))
	}
	sorted := slices.Sorted(slices.Values(list))
	for rank, want := range sorted {
		if got := Least(list, rank); got != want {
			t.Errorf("number %d is %v, want %v", rank, got, want)
		}
	}
}

func TestKeep(t *testing.T) {
	scores := train.Arrays{{3, 1, 2}, nil, {2, -5, 2}}
	all := train.Arrays{{1, 1, 1}, {1}, {1, 1, 1}}
	for _, c := range []struct {
		name  string
		open  train.Arrays
		count int
		want  train.Arrays
	}{
		{"none", all, 0, train.Arrays{{-1, -1, -1}, nil, {-1, -1, -1}}},
		{"the highest", all, 1, train.Arrays{{1, -1, -1}, nil, {-1, -1, -1}}},
		{"the first of equals", all, 3, train.Arrays{{1, -1, 1}, nil, {1, -1, -1}}},
		{"all of equals", all, 4, train.Arrays{{1, -1, 1}, nil, {1, -1, 1}}},
		{"all", all, 6, train.Arrays{{1, 1, 1}, nil, {1, 1, 1}}},
		{"closed ones make room", train.Arrays{{0, 1, 1}, {1}, {1, 1, 0}}, 3, train.Arrays{{-1, 1, 1}, nil, {1, -1, -1}}},
		{"too few are open", train.Arrays{{0, 0, 1}, {1}, {0, 0, 0}}, 3, train.Arrays{{-1, -1, 1}, nil, {-1, -1, -1}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Keep(scores, c.open, c.count); !slices.EqualFunc(got, c.want, slices.Equal) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
