package modelgen

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// weight is a trained matrix or kernel whose products sum over fan terms. One
// in four is computed from other constants, and some are shared with an
// earlier use of the same shape.
func (g *generator) weight(fan int64, shape ...int64) string {
	key := fmt.Sprint("weight", shape)
	if list := g.weights[key]; len(list) > 0 && g.chance(6) {
		return pick(g, list)
	}
	w := raw{g, shape, 1 / math.Sqrt(float64(max(fan, 1)))}
	var name string
	if g.plain || !g.chance(25) {
		name = w.floats(shape)
	} else {
		name = pick(g, forms)(w)
	}
	g.weights[key] = append(g.weights[key], name)
	return name
}

// raw is a weight that is to be made.
type raw struct {
	*generator
	shape     []int64
	deviation float64
}

func (w raw) floats(shape []int64) string {
	return w.generator.floats(shape, w.normals(count(shape), 0, w.deviation))
}

// forms are the ways in which a weight comes to be.
var forms = []func(raw) string{
	raw.identity, raw.transposed, raw.reshaped, raw.cast, raw.joined, raw.parted, raw.scaled, raw.quantised,
	raw.normalised, raw.sliced, raw.gathered, raw.perChannel, raw.squeezed,
}

func (w raw) identity() string { return w.node("Identity", []string{w.floats(w.shape)}) }

func (w raw) transposed() string {
	perm := w.Perm(len(w.shape))
	inner := make([]int64, len(perm))
	list := make([]int64, len(perm))
	for i, p := range perm {
		inner[p], list[i] = w.shape[i], int64(p)
	}
	return w.node("Transpose", []string{w.floats(inner)}, attr("perm", list))
}

func (w raw) reshaped() string {
	return w.node("Reshape", []string{w.floats([]int64{count(w.shape)}), w.ints(w.shape...)})
}

func (w raw) squeezed() string {
	return w.generator.squeeze(val{w.floats(append([]int64{1}, w.shape...)), append([]int64{1}, w.shape...)}, 0).name
}

func (w raw) cast() string {
	v := w.normals(count(w.shape), 0, w.deviation)
	if w.chance(50) {
		b := make([]byte, 0, 8*len(v))
		for _, x := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(x)))
		}
		return w.node("Cast", []string{w.constant(tensorProto(tensor.Float64, w.shape, b))}, attr("to", 1))
	}
	b := make([]byte, 0, 2*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint16(b, tensor.Float32ToHalf(x))
	}
	return w.node("Cast", []string{w.constant(tensorProto(tensor.Float16, w.shape, b))}, attr("to", 1))
}

func (w raw) joined() string {
	axis := w.IntN(len(w.shape))
	n := w.shape[axis]
	if n < 2 {
		return w.identity()
	}
	first := 1 + w.Int64N(n-1)
	a, b := slices.Clone(w.shape), slices.Clone(w.shape)
	a[axis], b[axis] = first, n-first
	return w.node("Concat", []string{w.floats(a), w.floats(b)}, attr("axis", axis))
}

// larger is the weight's shape with more along one axis.
func (w raw) larger() (axis int, shape []int64) {
	axis = w.IntN(len(w.shape))
	shape = slices.Clone(w.shape)
	shape[axis] += 1 + w.Int64N(4)
	return axis, shape
}

func (w raw) parted() string {
	axis, shape := w.larger()
	n := w.shape[axis]
	parts := w.split(val{w.floats(shape), shape}, axis, n, shape[axis]-n)
	return parts[0].name
}

func (w raw) sliced() string {
	axis, shape := w.larger()
	start := w.Int64N(shape[axis] - w.shape[axis] + 1)
	return w.slice(val{w.floats(shape), shape}, axis, start, start+w.shape[axis], 1).name
}

func (w raw) gathered() string {
	axis, shape := w.larger()
	idx := make([]int64, w.shape[axis])
	for i, p := range w.Perm(int(shape[axis]))[:len(idx)] {
		idx[i] = int64(p)
	}
	return w.gather(val{w.floats(shape), shape}, axis, idx).name
}

func (w raw) scaled() string {
	return w.node("Mul", []string{w.floats(w.shape), w.zeroDim(1.5)})
}

func (w raw) perChannel() string {
	shape := slices.Repeat([]int64{1}, len(w.shape))
	axis := w.IntN(len(shape))
	shape[axis] = w.shape[axis]
	return w.node("Mul", []string{w.floats(w.shape), w.generator.floats(shape, w.positive(w.shape[axis]))})
}

func (w raw) quantised() string {
	if w.opset < 10 {
		return w.scaled()
	}
	b := make([]byte, count(w.shape))
	for i := range b {
		b[i] = byte(int8(w.IntN(255) - 127))
	}
	q := w.constant(tensorProto(tensor.Int8, w.shape, b))
	scale := float32(w.deviation / 64)
	zero := w.constant(tensorProto(tensor.Int8, nil, []byte{0}))
	if w.opset < 13 || w.chance(40) {
		return w.node("DequantizeLinear", []string{q, w.zeroDim(scale), zero})
	}
	axis := w.IntN(len(w.shape))
	scales := w.positive(w.shape[axis])
	for i := range scales {
		scales[i] *= scale
	}
	in := []string{q, w.generator.floats([]int64{w.shape[axis]}, scales)}
	if w.chance(50) {
		in = append(in, w.constant(tensorProto(tensor.Int8, []int64{w.shape[axis]}, make([]byte, w.shape[axis]))))
	}
	return w.node("DequantizeLinear", in, attr("axis", axis))
}

// normalised is a direction of unit length times a magnitude per row.
func (w raw) normalised() string {
	v := val{w.floats(w.shape), w.shape}
	axes := make([]int, 0, len(w.shape))
	for axis := 1; axis < len(w.shape); axis++ {
		axes = append(axes, axis)
	}
	norm := w.reduce("ReduceL2", v, axes, true)
	rows := slices.Repeat([]int64{1}, len(w.shape))
	rows[0] = w.shape[0]
	gain := w.generator.floats(rows, w.positive(w.shape[0]))
	if w.chance(50) {
		return w.node("Mul", []string{w.node("Div", []string{v.name, norm.name}), gain})
	}
	return w.node("Mul", []string{v.name, w.node("Div", []string{gain, norm.name})})
}
