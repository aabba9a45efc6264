// Package reinit takes back what a model has learnt: its weights are drawn anew, so
// that it can be trained from the beginning.
package reinit

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// rule says how the initializer in one slot of an operator begins.
type rule struct {
	slot int
	// value is what all elements are where fan is nil.
	value float32
	// fan counts the inputs of one output element: weights are normal with the
	// variance 2/fan, by which rectified signals keep their size.
	fan func(n *onnx.NodeProto, dims []int64) int64
}

// rules are those of operators with weights. Statistics of normalisations begin as
// if what they normalise were normal.
var rules = map[string][]rule{
	"Conv":               {{slot: 1, fan: channelsAndKernel}, {slot: 2}},
	"ConvTranspose":      {{slot: 1, fan: filtersAndKernel}, {slot: 2}},
	"Gemm":               {{slot: 1, fan: rows}, {slot: 2}},
	"MatMul":             {{slot: 1, fan: rows}},
	"BatchNormalization": {{slot: 1, value: 1}, {slot: 2}, {slot: 3}, {slot: 4, value: 1}},
	"LayerNormalization": {{slot: 1, value: 1}, {slot: 2}},
	"Add":                {{slot: 1}, {slot: 0}},
}

// channelsAndKernel is the fan of a convolution, whose weights are [out, in/groups, kernel...].
func channelsAndKernel(_ *onnx.NodeProto, dims []int64) int64 { return tensor.Extent(dims[1:]) }

// filtersAndKernel is the fan of a transposed convolution, whose weights are
// [in, out/groups, kernel...].
func filtersAndKernel(_ *onnx.NodeProto, dims []int64) int64 {
	return dims[0] * tensor.Extent(dims[2:])
}

// rows is the fan of a product of matrices.
func rows(n *onnx.NodeProto, dims []int64) int64 {
	for _, a := range n.GetAttribute() {
		if a.GetName() == "transB" && a.GetI() != 0 {
			return dims[1]
		}
	}
	return dims[len(dims)-2]
}

// Draw sets the weights of a model in place to what they may be before training:
// those of convolutions and matrix products are drawn by Kaiming's rule from the
// seed, normalisations do nothing, and biases, including vectors that an Add
// adds, are zero. All other initializers keep their values. It is an error if the
// model has no weights to draw, or some that are not of float32.
func Draw(m *onnx.Model, seed uint64) error {
	g := m.Proto.GetGraph()
	weights := map[string]*onnx.TensorProto{}
	for _, t := range g.GetInitializer() {
		weights[t.GetName()] = t
	}
	for _, n := range g.GetNode() {
		if t := weights[first(n.GetInput())]; t != nil && n.GetOpType() == "Identity" {
			weights[n.GetOutput()[0]] = t
		}
	}
	rng, drawn, done := rand.New(rand.NewPCG(seed, 0)), 0, map[*onnx.TensorProto]bool{}
	for _, n := range g.GetNode() {
		for _, r := range rules[n.GetOpType()] {
			if r.slot >= len(n.GetInput()) {
				continue
			}
			t := weights[n.GetInput()[r.slot]]
			if t == nil || done[t] || n.GetOpType() == "Add" && len(t.GetDims()) != 1 {
				continue
			}
			if err := r.apply(rng, n, t); err != nil {
				return fmt.Errorf("%s: tensor %q: %w", n.GetOpType(), t.GetName(), err)
			}
			done[t] = true
			if r.fan != nil {
				drawn++
			}
		}
	}
	if drawn == 0 {
		return errors.New("the model has no weights to draw")
	}
	return nil
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

func (r rule) apply(rng *rand.Rand, n *onnx.NodeProto, t *onnx.TensorProto) error {
	dims := t.GetDims()
	if t.GetDataType() != int32(onnx.TensorProto_FLOAT) {
		return fmt.Errorf("is of type %d, not float32", t.GetDataType())
	}
	if r.fan != nil && len(dims) < 2 {
		return fmt.Errorf("shape %v is none of weights", dims)
	}
	values := tensor.New(tensor.Float32, dims...)
	data := values.Float32s()
	for i := range data {
		data[i] = r.value
	}
	if r.fan != nil {
		deviation := math.Sqrt(2 / float64(max(r.fan(n, dims), 1)))
		for i := range data {
			data[i] = float32(deviation * rng.NormFloat64())
		}
	}
	onnx.SetData(t, values.Data)
	return nil
}
