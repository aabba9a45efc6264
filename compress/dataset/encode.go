package dataset

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// encoder turns numbers in a port's order into elements of its type:
// (v/scale - mean) / std for floats, the number itself for the rest.
type encoder struct {
	dtype     tensor.DType
	scale     float64
	mean, std []float64 // one per channel, or one for all
	layout    layout
	// table is what bytes become in each channel, or in all; nil unless the type
	// is float32.
	table [][256]float32
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
	if o.Scale > 0 && o.normalises(p) {
		e.scale = 1 / o.Scale
	}
	if !o.normalises(p) {
		e.tabulate()
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
	e.tabulate()
	return e, nil
}

func (e *encoder) tabulate() {
	if e.dtype != tensor.Float32 {
		return
	}
	e.table = make([][256]float32, max(len(e.mean), len(e.std)))
	for c := range e.table {
		for v := range e.table[c] {
			e.table[c][v] = float32(e.value(float64(v), c))
		}
	}
}

// value is what a number becomes in a channel of a float input.
func (e *encoder) value(v float64, c int) float64 {
	return (v/e.scale - e.mean[c%len(e.mean)]) / e.std[c%len(e.std)]
}

// appendBytes adds the elements of one sample of bytes to dst: what append makes
// of their values.
func (e *encoder) appendBytes(dst []byte, pix []uint8) ([]byte, error) {
	if e.table == nil {
		row := make([]float64, len(pix))
		for i, v := range pix {
			row[i] = float64(v)
		}
		return e.append(dst, row)
	}
	at := len(dst)
	dst = slices.Grow(dst, 4*len(pix))[:at+4*len(pix)]
	to := dst[at:]
	channels := len(e.table)
	if e.layout == interleaved && channels > 1 {
		for i, v := range pix {
			binary.LittleEndian.PutUint32(to[4*i:], math.Float32bits(e.table[i%channels][v]))
		}
		return dst, nil
	}
	run := len(pix) / channels
	for c := range e.table {
		table := &e.table[c]
		part := to[4*c*run:]
		for i, v := range pix[c*run : (c+1)*run] {
			binary.LittleEndian.PutUint32(part[4*i:4*i+4], math.Float32bits(table[v]))
		}
	}
	return dst, nil
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
			dst = appendFloat(dst, e.dtype, e.value(v, 0))
		}
		return dst, nil
	}
	run := 1
	if e.layout != interleaved {
		run = len(row) / channels
	}
	for i, v := range row {
		dst = appendFloat(dst, e.dtype, e.value(v, i/run%channels))
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
