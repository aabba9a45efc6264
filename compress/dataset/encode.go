package dataset

import (
	"encoding/binary"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// encoder turns numbers in a port's order into elements of its type:
// (v/scale - mean) / std for floats, the number itself for the rest.
type encoder struct {
	dtype     tensor.DType
	scale     float64
	mean, std []float64 // one per channel, or one for all
	layout    layout
}

// newEncoder prepares for a port whose samples have the given channels; scale
// is the number that stands for 1, which only float ports divide by.
func newEncoder(p Port, o Options, f frame, scale float64) (encoder, error) {
	e := encoder{dtype: p.DType, scale: 1, mean: []float64{0}, std: []float64{1}, layout: f.layout}
	if !p.DType.IsInt() && !p.DType.IsFloat() && p.DType != tensor.Bool {
		return e, fmt.Errorf("input %v: no data can be read into this type", p)
	}
	if !p.DType.IsFloat() {
		return e, nil
	}
	e.scale = scale
	if !o.normalises(p) {
		return e, nil
	}
	for _, v := range []struct {
		name string
		from []float64
		to   *[]float64
	}{{"mean", o.Mean, &e.mean}, {"std", o.Std, &e.std}} {
		switch n := len(v.from); {
		case n == 1 || n > 1 && int64(n) == f.channels:
			*v.to = v.from
		case n > 1:
			return e, fmt.Errorf("input %v: %s has %d values for %d channels", p, v.name, n, max(f.channels, 1))
		}
	}
	return e, nil
}

// plain reports whether encoding changes no value.
func (e *encoder) plain() bool {
	return e.scale == 1 && len(e.mean) == 1 && len(e.std) == 1 && e.mean[0] == 0 && e.std[0] == 1
}

// append adds the elements of one sample to dst.
func (e *encoder) append(dst []byte, row []float64) ([]byte, error) {
	if !e.dtype.IsFloat() {
		return appendWhole(dst, e.dtype, row)
	}
	channels := max(len(e.mean), len(e.std))
	if channels == 1 {
		for _, v := range row {
			dst = appendFloat(dst, e.dtype, (v/e.scale-e.mean[0])/e.std[0])
		}
		return dst, nil
	}
	run := 1
	if e.layout != interleaved {
		run = len(row) / channels
	}
	for i, v := range row {
		c := i / run % channels
		v = (v/e.scale - e.mean[c%len(e.mean)]) / e.std[c%len(e.std)]
		dst = appendFloat(dst, e.dtype, v)
	}
	return dst, nil
}

func appendFloat(dst []byte, dt tensor.DType, v float64) []byte {
	switch dt {
	case tensor.Float64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	case tensor.Float16:
		return binary.LittleEndian.AppendUint16(dst, tensor.Float32ToHalf(float32(v)))
	case tensor.BFloat16:
		b := math.Float32bits(float32(v))
		if v == v {
			b += 0x7fff + b>>16&1
		}
		return binary.LittleEndian.AppendUint16(dst, uint16(b>>16))
	}
	return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(v)))
}

// appendWhole stores numbers in an integer or boolean type that must hold them
// exactly.
func appendWhole(dst []byte, dt tensor.DType, row []float64) ([]byte, error) {
	bits := dt.Bits()
	low, high := 0.0, math.Ldexp(1, bits)
	switch dt {
	case tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64:
		low, high = -math.Ldexp(1, bits-1), math.Ldexp(1, bits-1)
	case tensor.Bool:
		high = 2
	}
	for _, v := range row {
		if !(v >= low && v < high) || v != math.Trunc(v) {
			return nil, fmt.Errorf("value %v cannot be stored as %v", v, dt)
		}
		u := uint64(int64(v))
		if v >= 1<<63 {
			u = uint64(v)
		}
		for b := 0; b < bits; b += 8 {
			dst = append(dst, byte(u>>b))
		}
	}
	return dst, nil
}
