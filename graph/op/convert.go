package op

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"onnxcompress/graph/tensor"
)

// cast converts elements as ONNX does: to boolean whatever is not zero is true,
// to whole numbers fractions are cut off, and so are bits that do not fit.
func cast(n *Node, t *tensor.Tensor, to tensor.DType) ([]*tensor.Tensor, error) {
	if t.DType == to {
		return []*tensor.Tensor{t}, nil
	}
	out, err := alloc(to, t.Shape)
	if err != nil {
		return nil, err
	}
	switch {
	case t.DType == tensor.String:
		err = parse(t, out)
	case to == tensor.String:
		err = format(t, out)
	case isWhole(t) && to.IsWhole():
		for i, x := range t.AsInt64s() {
			out.SetInt(i, x)
		}
	default:
		err = convert(n, t, out)
	}
	return []*tensor.Tensor{out}, err
}

// convert goes between numbers of which one kind at least is not whole.
func convert(n *Node, t, out *tensor.Tensor) error {
	v := t.AsFloat64s()
	if v == nil && t.Len() > 0 {
		return fmt.Errorf("cannot convert %v to %v", t.DType, out.DType)
	}
	if out.DType == tensor.Float32 && (t.DType == tensor.Int64 || t.DType == tensor.Uint64) {
		roundOnce(t, v)
	}
	r := tensor.Rounding{Wrap: n.Attrs.Int("saturate", 1) == 0, Mode: tensor.Mode(n.Attrs.Str("round_mode", string(tensor.Up)))}
	for i, x := range v {
		if out.DType == tensor.Bool {
			x = truth(x != 0)
		}
		if !out.SetRounded(i, x, r) {
			return fmt.Errorf("cannot convert %v to %v", t.DType, out.DType)
		}
	}
	return nil
}

// roundOnce makes v the float32 nearest to the whole numbers of t, which might
// be another after they were rounded to float64.
func roundOnce(t *tensor.Tensor, v []float64) {
	for i, x := range t.AsInt64s() {
		if t.DType == tensor.Uint64 {
			v[i] = float64(float32(uint64(x)))
		} else {
			v[i] = float64(float32(x))
		}
	}
}

// parse reads numbers as text gives them: in digits, with an exponent or as INF
// or NaN.
func parse(t, out *tensor.Tensor) error {
	for i, s := range t.Strings {
		text := strings.TrimSpace(string(s))
		if out.DType.IsWhole() {
			if x, err := strconv.ParseInt(text, 10, 64); err == nil {
				out.SetInt(i, x)
				continue
			}
			if x, err := strconv.ParseUint(text, 10, 64); err == nil {
				out.SetInt(i, int64(x))
				continue
			}
		}
		x, err := strconv.ParseFloat(text, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return fmt.Errorf("%q is no number", text)
		}
		if out.DType == tensor.Bool {
			x = truth(x != 0)
		}
		if !out.Set(i, x) {
			return fmt.Errorf("cannot read %v", out.DType)
		}
	}
	return nil
}

// format writes the shortest text that gives the same number again.
func format(t, out *tensor.Tensor) error {
	if isWhole(t) {
		for i, x := range t.AsInt64s() {
			if t.DType == tensor.Uint64 {
				out.Strings[i] = strconv.AppendUint(nil, uint64(x), 10)
			} else {
				out.Strings[i] = strconv.AppendInt(nil, x, 10)
			}
		}
		return nil
	}
	v := t.AsFloat64s()
	if v == nil && t.Len() > 0 {
		return fmt.Errorf("cannot write %v", t.DType)
	}
	bits := 32
	if t.DType == tensor.Float64 {
		bits = 64
	}
	for i, x := range v {
		out.Strings[i] = decimal(x, bits)
	}
	return nil
}

func decimal(x float64, bits int) []byte {
	switch {
	case math.IsNaN(x):
		return []byte("NaN")
	case math.IsInf(x, 1):
		return []byte("INF")
	case math.IsInf(x, -1):
		return []byte("-INF")
	}
	style := byte('f')
	if size := math.Abs(x); size != 0 && (size < 1e-4 || size >= 1e16) {
		style = 'e'
	}
	return strconv.AppendFloat(nil, x, style, -1, bits)
}
