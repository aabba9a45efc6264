package op

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"onnxcompress/graph/tensor"
)

func whole8(shape ...int64) *tensor.Tensor { return tensor.New(tensor.Int8, shape...) }

// TestShapeCuts: links, narrowing and inference agree: a cut node gives the
// original's shapes less the cut.
func TestShapeCuts(t *testing.T) {
	v, d := tensor.Vector, decimals
	kernel := func(k ...int64) Attrs { return Attrs{"kernel_shape": ints(k...)} }
	with := func(a Attrs, name string, x Attr) Attrs {
		a = maps.Clone(a)
		if a == nil {
			a = Attrs{}
		}
		a[name] = x
		return a
	}
	one := Attr{Int: 1}
	cases := []struct {
		op      string
		version int
		attrs   Attrs
		outputs int
		in      []*tensor.Tensor
		free    int
	}{
		{"MaxPool", 12, kernel(2, 2), 1, []*tensor.Tensor{d(2, 3, 4, 4)}, 2 + 3},
		{"MaxPool", 12, kernel(2, 2), 2, []*tensor.Tensor{d(2, 3, 4, 4)}, 0},
		{"AveragePool", 11, with(kernel(3), "auto_pad", Attr{Str: "SAME_UPPER"}), 1, []*tensor.Tensor{d(2, 3, 7)}, 2 + 3},
		{"LpPool", 11, kernel(1, 2, 3), 1, []*tensor.Tensor{d(2, 3, 4, 4, 4)}, 2 + 3},
		{"GlobalAveragePool", 1, nil, 1, []*tensor.Tensor{d(2, 3, 4, 4)}, 2 + 3},
		{"GlobalMaxPool", 1, nil, 1, []*tensor.Tensor{d(2, 3, 4)}, 2 + 3},
		{"MaxUnpool", 11, with(kernel(2), "strides", ints(2)), 1, []*tensor.Tensor{d(2, 3, 4), tensor.New(tensor.Int32, 2, 3, 4)}, 0},
		{"MaxRoiPool", 1, Attrs{"pooled_shape": ints(2, 2)}, 1, []*tensor.Tensor{d(2, 3, 8, 8), d(4, 5)}, 3 + 4},
		{"RoiAlign", 16, nil, 1, []*tensor.Tensor{d(2, 3, 8, 8), d(5, 4), v(0, 0, 1, 1, 0)}, 3 + 5},
		{"GridSample", 20, nil, 1, []*tensor.Tensor{d(2, 3, 8, 8), d(2, 4, 5, 2)}, 2 + 3 + 4 + 5},
		{"CenterCropPad", 18, Attrs{"axes": ints(0, 1)}, 1, []*tensor.Tensor{d(4, 3), v(4, 2)}, 4},
		{"Col2Im", 18, nil, 1, []*tensor.Tensor{d(2, 12, 9), v(4, 4), v(2, 2)}, 2 + 3},
		{"DeformConv", 19, nil, 1, []*tensor.Tensor{d(2, 4, 5, 5), d(6, 4, 3, 3), d(2, 18, 3, 3), d(6)}, 2 + 4 + 6},
		{"DeformConv", 19, Attrs{"group": {Int: 2}}, 1, []*tensor.Tensor{d(2, 4, 5, 5), d(6, 2, 3, 3), d(2, 18, 3, 3)}, 2 + 2 + 2 + 3},
		{"ConvInteger", 10, nil, 1, []*tensor.Tensor{whole8(2, 4, 5), whole8(6, 4, 3), nil, whole8(6)}, 2 + 4 + 6},
		{"ConvInteger", 10, Attrs{"group": {Int: 4}}, 1, []*tensor.Tensor{whole8(2, 4, 5), whole8(4, 1, 3)}, 2 + 4},
		{"MatMulInteger", 10, nil, 1, []*tensor.Tensor{whole8(2, 3, 4), whole8(4, 5)}, 2 + 3 + 4 + 5},
		{"MatMulInteger", 10, nil, 1, []*tensor.Tensor{whole8(4), whole8(7, 4, 5)}, 7 + 4 + 5},
		{"QLinearMatMul", 10, nil, 1, []*tensor.Tensor{whole8(3, 4), d(), whole8(), whole8(4, 5), d(5), whole8(5), d(), whole8()}, 3 + 4 + 5},
		{"QLinearConv", 10, nil, 1, []*tensor.Tensor{whole8(2, 4, 5), d(), whole8(), whole8(6, 4, 3), d(6), whole8(6), d(), whole8(), numbered(6)}, 2 + 4 + 6},
		{"QuantizeLinear", 13, nil, 1, []*tensor.Tensor{d(2, 3, 4), d(3), whole8(3)}, 2 + 3 + 4},
		{"DequantizeLinear", 13, Attrs{"axis": {Int: 0}}, 1, []*tensor.Tensor{whole8(3, 4), d(3)}, 3 + 4},
		{"DequantizeLinear", 10, nil, 1, []*tensor.Tensor{whole8(3, 4), d()}, 3 + 4},
		{"DequantizeLinear", 21, Attrs{"block_size": {Int: 2}}, 1, []*tensor.Tensor{whole8(3, 8), d(3, 4)}, 3 + 4},
		{"DynamicQuantizeLinear", 11, nil, 1, []*tensor.Tensor{d(2, 3)}, 2 + 3},
		{"Softmax", 13, nil, 1, []*tensor.Tensor{d(2, 3, 4)}, 2 + 3},
		{"Softmax", 11, nil, 1, []*tensor.Tensor{d(2, 3, 4)}, 2},
		{"LogSoftmax", 11, Attrs{"axis": {Int: -1}}, 1, []*tensor.Tensor{d(2, 3, 4)}, 2 + 3},
		{"Hardmax", 13, Attrs{"axis": {Int: 0}}, 1, []*tensor.Tensor{d(2, 3, 4)}, 3 + 4},
		{"LpNormalization", 1, nil, 1, []*tensor.Tensor{d(2, 3)}, 2 + 3},
		{"MeanVarianceNormalization", 13, nil, 1, []*tensor.Tensor{d(2, 3, 4, 4)}, 3},
		{"LRN", 13, Attrs{"size": {Int: 3}}, 1, []*tensor.Tensor{d(2, 3, 4)}, 2 + 4},
		{"LSTM", 7, Attrs{"hidden_size": {Int: 3}}, 3, []*tensor.Tensor{d(5, 2, 4), d(1, 12, 4), d(1, 12, 3)}, 2 + 4 + 3},
		{"LSTM", 14, Attrs{"hidden_size": {Int: 3}, "layout": one, "direction": {Str: "bidirectional"}}, 3, []*tensor.Tensor{
			d(2, 5, 4), d(2, 12, 4), d(2, 12, 3), d(2, 24), numbered(2), d(2, 2, 3), d(2, 2, 3), d(2, 9),
		}, 2 + 4 + 3},
		{"GRU", 7, Attrs{"hidden_size": {Int: 3}}, 1, []*tensor.Tensor{d(5, 2, 4), d(1, 9, 4), d(1, 9, 3), nil, nil, d(1, 2, 3)}, 2 + 4 + 3},
		{"RNN", 7, Attrs{"hidden_size": {Int: 3}, "direction": {Str: "reverse"}}, 2, []*tensor.Tensor{d(5, 2, 4), d(1, 3, 4), d(1, 3, 3), d(1, 6)}, 2 + 4 + 3},
		{"DFT", 20, nil, 1, []*tensor.Tensor{d(2, 3, 8, 1)}, 2 + 3},
		{"STFT", 17, nil, 1, []*tensor.Tensor{d(2, 16, 1), tensor.FromInt64s(nil, []int64{4}), d(8)}, 2},
		{"Det", 11, nil, 1, []*tensor.Tensor{d(2, 3, 3)}, 2},
		{"TensorScatter", 24, nil, 1, []*tensor.Tensor{d(2, 3, 8, 4), d(2, 3, 1, 4), v(0, 1)}, 2 + 3 + 4},
		{"CausalConvWithState", 27, nil, 2, []*tensor.Tensor{d(2, 3, 8), d(3, 1, 4), d(3)}, 2 + 3},
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%s/%d", c.op, i), func(t *testing.T) {
			x := newTrial(t, c.op, c.version, c.attrs, c.outputs, c.in)
			x.node.Out = x.node.Out[:min(c.outputs, len(x.node.Out))]
			sets := x.removals()
			if len(sets) != c.free {
				t.Errorf("%d sets of channels may go, want %d: %v", len(sets), c.free, sets)
			}
			for _, gone := range sets {
				kept := x.kept(gone)
				for o, got := range x.cut(t, kept).node.Out[:len(x.node.Out)] {
					want := slices.Clone(x.node.Out[o].Shape)
					for axis := range want {
						if list := kept(Out(o, axis)); list != nil {
							want[axis] = int64(len(list))
						}
					}
					if !slices.Equal(got.Shape, want) {
						t.Errorf("without %v output %d has shape %v, want %v", slices.Collect(maps.Keys(gone)), o, got.Shape, want)
					}
				}
			}
		})
	}
}

// TestRecurrentUnit: a unit goes with its rows in every gate of every
// direction, its column, its biases and peepholes and all its states.
func TestRecurrentUnit(t *testing.T) {
	d := decimals
	x := newTrial(t, "LSTM", 14, Attrs{"hidden_size": {Int: 3}, "direction": {Str: "bidirectional"}}, 3, []*tensor.Tensor{
		d(5, 2, 4), d(2, 12, 4), d(2, 12, 3), d(2, 24), nil, d(2, 2, 3), d(2, 2, 3), d(2, 9),
	})
	want := map[Ref]int{
		In(1, 1): 4, In(2, 1): 4, In(2, 2): 1, In(3, 1): 8, In(5, 2): 1, In(6, 2): 1, In(7, 1): 3,
		Out(0, 3): 1, Out(1, 2): 1, Out(2, 2): 1,
	}
	units := 0
	for _, gone := range x.removals() {
		got := map[Ref]int{}
		for c := range gone {
			got[c.Ref]++
		}
		if got[In(2, 2)] == 0 {
			continue
		}
		if units++; !maps.Equal(got, want) {
			t.Errorf("a unit takes %v, want %v", got, want)
		}
	}
	if units != 3 {
		t.Errorf("%d units may go, want 3", units)
	}
}

func TestFamilyDead(t *testing.T) {
	half, nan := Const(0.5), Bad
	x, gates := dims(2, 3, 4), func(n int64) *Fact { return dims(1, 3*n, 4) }
	pool := Attrs{"kernel_shape": ints(2)}
	padded := Attrs{"kernel_shape": ints(2), "pads": ints(1, 0)}
	lstm := []*Fact{dims(5, 2, 4), gates(4), dims(1, 12, 3)}
	three := func(s State) []State { return []State{Varying, s, s} }
	act := func(names ...string) Attrs { return Attrs{"activations": {Strs: names}} }
	zero := known(tensor.New(tensor.Int8))
	cases := []struct {
		op    string
		attrs Attrs
		facts []*Fact
		axis  int
		in    []State
		want  State
	}{
		{"MaxPool", pool, []*Fact{x}, 1, []State{half}, half},
		{"MaxPool", padded, []*Fact{x}, 1, []State{Zero}, Zero},
		{"MaxPool", Attrs{"kernel_shape": ints(2), "pads": ints(2, 0)}, []*Fact{x}, 1, []State{Zero}, Bad},
		{"AveragePool", padded, []*Fact{x}, 1, []State{half}, half},
		{"AveragePool", Attrs{"kernel_shape": ints(2), "pads": ints(1, 0), "count_include_pad": {Int: 1}}, []*Fact{x}, 1, []State{half}, Varying},
		{"LpPool", pool, []*Fact{x}, 1, []State{half}, Varying},
		{"GlobalAveragePool", nil, []*Fact{x}, 1, []State{half}, half},
		{"GlobalLpPool", nil, []*Fact{x}, 1, []State{half}, Varying},
		{"GlobalLpPool", nil, []*Fact{x}, 1, []State{Zero}, Zero},
		{"ReduceMean", nil, []*Fact{x}, 1, []State{half}, half},
		{"ReduceSum", nil, []*Fact{x}, 1, []State{half}, Varying},
		{"ReduceProd", nil, []*Fact{x}, 1, []State{Zero}, Zero},
		{"ReduceLogSum", nil, []*Fact{x}, 1, []State{Zero}, Bad},
		{"ReduceLogSumExp", nil, []*Fact{x}, 1, []State{Zero}, Varying},
		{"ReduceMax", nil, []*Fact{x}, 1, []State{nan}, Bad},
		{"ArgMax", nil, []*Fact{x}, 1, []State{half}, Zero},
		{"ArgMax", Attrs{"select_last_index": {Int: 1}}, []*Fact{x}, 1, []State{half}, Varying},
		{"CumSum", nil, []*Fact{x, known(tensor.Vector(2))}, 1, []State{Zero, Varying}, Zero},
		{"CumSum", nil, []*Fact{x, known(tensor.Vector(1))}, 1, []State{Zero, Varying}, Varying},
		{"CumProd", Attrs{"exclusive": {Int: 1}}, []*Fact{x, known(tensor.Vector(2))}, 1, []State{Zero, Varying}, Varying},
		{"Softmax", nil, []*Fact{x}, 1, []State{Zero}, Varying},
		{"LpNormalization", nil, []*Fact{x}, 1, []State{Zero}, Zero},
		{"MeanVarianceNormalization", nil, []*Fact{x}, 1, []State{half}, Bad},
		{"LSTM", nil, lstm, 3, three(Zero), Zero},
		{"LSTM", nil, lstm, 3, three(Varying), Varying},
		{"LSTM", nil, lstm, 3, three(Bad), Bad},
		{"LSTM", act("Sigmoid", "Sigmoid", "Tanh"), lstm, 3, three(Zero), Varying},
		{"LSTM", act("HardSigmoid", "relu", "Softsign"), lstm, 3, three(Zero), Zero},
		{"LSTM", nil, slices.Concat(lstm, []*Fact{nil, nil, dims(1, 2, 3)}), 3, []State{Varying, Zero, Zero, Varying, Varying, Zero}, Zero},
		{"LSTM", nil, slices.Concat(lstm, []*Fact{nil, nil, dims(1, 2, 3)}), 3, []State{Varying, Zero, Zero, Varying, Varying, Varying}, Varying},
		{"GRU", act("Sigmoid", "Affine"), []*Fact{dims(5, 2, 4), gates(3), dims(1, 9, 3)}, 3, three(Zero), Varying},
		{"RNN", nil, []*Fact{dims(5, 2, 4), gates(1), dims(1, 3, 3)}, 3, three(Zero), Zero},
		{"QuantizeLinear", nil, []*Fact{x, dims()}, 1, []State{Zero, half}, Zero},
		{"QuantizeLinear", nil, []*Fact{x, dims(), zero}, 1, []State{Zero, half, Const(7)}, Const(7)},
		{"DequantizeLinear", nil, []*Fact{x, dims(), zero}, 1, []State{Const(7), half, Const(7)}, Zero},
		{"DequantizeLinear", nil, []*Fact{x, dims(), zero}, 1, []State{Const(9), half, Const(7)}, Const(1)},
		{"DequantizeLinear", nil, []*Fact{x, dims(3)}, 1, []State{Varying, Zero}, Zero},
		{
			"QLinearConv", nil,
			[]*Fact{x, dims(), zero, dims(5, 3, 1), dims(5), zero, dims(), zero},
			1,
			[]State{Varying, half, Zero, Varying, Zero, Zero, half, Const(3)},
			Const(3),
		},
		{"MatMulInteger", nil, []*Fact{dims(3, 4), dims(4, 5), zero}, 0, []State{Const(3), Varying, Const(3)}, Zero},
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%s/%d", c.op, i), func(t *testing.T) {
			n := &Node{Type: c.op, Version: 13, Attrs: c.attrs, In: c.facts, Outputs: 1}
			if got := Lookup("", c.op).Dead(n, 0, c.axis, c.in); got != c.want {
				t.Errorf("Dead gives %v, want %v", got, c.want)
			}
		})
	}
}
