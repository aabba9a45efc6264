package reinit_test

import (
	"bytes"
	"math"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/internal/modeltext"
	"onnxcompress/internal/ortest"
	"onnxcompress/internal/reinit"
	"onnxcompress/onnx"
)

// small has weights of every kind, with names to find them by.
const small = `
	input x N,3,16,16
	a = Conv x conv:w[64,3,5,5] bias:w[64] ; pads=[2,2,2,2]
	n = BatchNormalization a scale:w[64] shift:w[64] mean:w[64] var:p[64]
	d = Conv n depth:w[64,1,5,5] ; group=64
	t = ConvTranspose d back:w[64,32,3,3]
	p = GlobalAveragePool t
	f = Flatten p
	g = Gemm f gemm:w[200,32] zero:w[200] ; transB=1
	h = Gemm g straight:w[200,100]
	l = LayerNormalization h one:w[100] none:w[100]
	m = MatMul l product:w[100,80]
	s = Add m added:w[80]
	z = Add s table:w[1,80]
	output z`

func parse(t *testing.T) *onnx.Model {
	t.Helper()
	p, err := modeltext.Parse(small, 17, 7)
	if err != nil {
		t.Fatal(err)
	}
	return ortest.Model(t, p)
}

func values(t *testing.T, m *onnx.Model, name string) []float32 {
	t.Helper()
	for _, p := range m.Proto.GetGraph().GetInitializer() {
		if p.GetName() == name {
			d, err := graph.Decode(m, p)
			if err != nil {
				t.Fatal(err)
			}
			return d.Float32s()
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

func TestDraw(t *testing.T) {
	m := parse(t)
	if err := reinit.Draw(m, 1); err != nil {
		t.Fatal(err)
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	for name, fan := range map[string]float64{"conv": 75, "depth": 25, "back": 64 * 9, "gemm": 32, "straight": 200, "product": 100} {
		v := values(t, m, name)
		var sum, squares float64
		for _, x := range v {
			sum += float64(x)
			squares += float64(x) * float64(x)
		}
		n := float64(len(v))
		want := 2 / fan
		// Four deviations of a mean and of a variance of normal numbers.
		if mean := sum / n; math.Abs(mean) > 4*math.Sqrt(want/n) {
			t.Errorf("%s: mean %g", name, mean)
		}
		if got := squares / n; math.Abs(got/want-1) > 4*math.Sqrt(2/n) {
			t.Errorf("%s: variance %g, want %g", name, got, want)
		}
	}
	for name, want := range map[string]float32{"bias": 0, "scale": 1, "shift": 0, "mean": 0, "var": 1, "zero": 0, "one": 1, "none": 0, "added": 0} {
		for _, x := range values(t, m, name) {
			if x != want {
				t.Errorf("%s: %g, want %g", name, x, want)
				break
			}
		}
	}
	if before, after := values(t, parse(t), "table"), values(t, m, "table"); before[0] != after[0] {
		t.Error("table: an operand that is no vector has changed")
	}
}

func TestSeed(t *testing.T) {
	draw := func(seed uint64) []byte {
		m := parse(t)
		if err := reinit.Draw(m, seed); err != nil {
			t.Fatal(err)
		}
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Proto)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Equal(draw(1), draw(1)) {
		t.Error("one seed gives two models")
	}
	if bytes.Equal(draw(1), draw(2)) {
		t.Error("two seeds give one model")
	}
}

func TestRefuses(t *testing.T) {
	p, err := modeltext.Parse("input x 2,3\ny = Relu x\noutput y", 17, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := reinit.Draw(ortest.Model(t, p), 0); err == nil {
		t.Error("a model without weights is drawn")
	}
}
