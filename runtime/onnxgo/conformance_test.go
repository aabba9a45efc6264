package onnxgo_test

import (
	"errors"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend/testbackend"
	_ "github.com/owulveryck/onnx-go/backend/testbackend/onnx"
	"gorgonia.org/tensor"

	"onnxcompress/runtime/onnxgo"
)

// TestConformance runs onnx-go's own suite of operators. Its numbers are compared
// as they are recorded: within 1e-6, of a number's size where that is above one,
// and in one case to four decimals.
func TestConformance(t *testing.T) {
	tests := testbackend.FindAllTestsMatching(regexp.MustCompile(""))
	if len(tests) == 0 {
		t.Fatal("there are no cases")
	}
	var cases []*testbackend.TestCase
	for _, construct := range tests {
		cases = append(cases, construct())
	}
	slices.SortFunc(cases, func(a, b *testbackend.TestCase) int { return strings.Compare(a.Title, b.Title) })
	passed := 0
	for _, c := range cases {
		t.Run(c.Title, func(t *testing.T) {
			g := onnxgo.NewGraph()
			g.Threads = 1
			defer g.Close()
			if c.OpType == bodied {
				refused(t, g, c)
				return
			}
			try(t, g, c)
			passed++
		})
	}
	t.Logf("%d of %d cases pass", passed, len(cases))
}

// bodied is the operator of the suite that cannot be run: onnx-go hands no
// subgraphs on.
const bodied = "Scan"

// refused holds that a case is beyond the backend, and that it says so.
func refused(t *testing.T, g *onnxgo.Graph, c *testbackend.TestCase) {
	var beyond *onnx.ErrNotImplemented
	if err := onnx.NewModel(g).UnmarshalBinary(c.ModelB); !errors.As(err, &beyond) {
		t.Fatalf("error %v", err)
	}
}

func try(t *testing.T, g *onnxgo.Graph, c *testbackend.TestCase) {
	m := onnx.NewModel(g)
	if err := m.UnmarshalBinary(c.ModelB); err != nil {
		t.Fatal(err)
	}
	for i, x := range c.Input {
		if err := m.SetInput(i, x); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.Run(); err != nil {
		t.Fatal(err)
	}
	out, err := m.GetOutputTensors()
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != len(c.ExpectedOutput) {
		t.Fatalf("%d outputs, want %d", len(out), len(c.ExpectedOutput))
	}
	limit := 1e-6
	if c.OpType == "RoiAlign" {
		limit = 1e-4
	}
	for i, want := range c.ExpectedOutput {
		if !want.Shape().Eq(out[i].Shape()) {
			t.Fatalf("output %d has shape %v, want %v", i, out[i].Shape(), want.Shape())
		}
		x, y := numbers(out[i]), numbers(want)
		for k := range y {
			if !(math.Abs(x[k]-y[k]) <= limit*max(1, math.Abs(y[k]))) {
				t.Fatalf("output %d is %v at %d, want %v", i, x[k], k, y[k])
			}
		}
	}
}

// numbers are the elements of a tensor.
func numbers(t tensor.Tensor) []float64 {
	data := reflect.ValueOf(t.Data())
	if data.Kind() != reflect.Slice {
		return []float64{number(data)}
	}
	list := make([]float64, data.Len())
	for i := range list {
		list[i] = number(data.Index(i))
	}
	return list
}

func number(v reflect.Value) float64 {
	if v.Kind() == reflect.Bool {
		if v.Bool() {
			return 1
		}
		return 0
	}
	return v.Convert(reflect.TypeFor[float64]()).Float()
}
