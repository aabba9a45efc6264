package ort

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"onnxcompress/graph/tensor"
)

// maxRandom bounds the elements of one random input: a model may declare a
// shape that no machine holds.
const maxRandom = 1 << 28

// Synthesize makes a random value for each port: floats from N(0,1), integers
// from 0 to 9, or 0 and 1 where the name contains "type", or 1 where it
// contains "mask"; booleans are true and strings "a". A free first dimension is
// 1, the batch; another is 64 in inputs of rank 4 and 8 elsewhere. shapes gives
// whole shapes by input name instead.
func Synthesize(ports []Port, shapes map[string][]int64, rng *rand.Rand) (map[string]*tensor.Tensor, error) {
	for name := range shapes {
		if !slices.ContainsFunc(ports, func(p Port) bool { return p.Name == name }) {
			return nil, fmt.Errorf("a shape is given for %s, which is no input", name)
		}
	}
	values := make(map[string]*tensor.Tensor, len(ports))
	for _, p := range ports {
		shape := shapes[p.Name]
		if shape == nil {
			shape = freeFilled(p.Shape)
		}
		t, err := random(p, shape, rng)
		if err != nil {
			return nil, fmt.Errorf("random values for input %s: %w", p.Name, err)
		}
		values[p.Name] = t
	}
	return values, nil
}

func freeFilled(shape []int64) []int64 {
	filled := make([]int64, len(shape))
	for i, d := range shape {
		switch {
		case d > 0:
			filled[i] = d
		case i == 0:
			filled[i] = 1
		case len(shape) == 4:
			filled[i] = 64
		default:
			filled[i] = 8
		}
	}
	return filled
}

func random(p Port, shape []int64, rng *rand.Rand) (*tensor.Tensor, error) {
	n, err := tensor.Count(shape)
	if err != nil {
		return nil, err
	}
	if n > maxRandom {
		return nil, fmt.Errorf("shape %v is too large", shape)
	}
	name := strings.ToLower(p.Name)
	var next func() float64
	switch {
	case p.DType == tensor.String:
		t := tensor.New(tensor.String, shape...)
		for i := range t.Strings {
			t.Strings[i] = []byte("a")
		}
		return t, nil
	case p.DType.IsFloat():
		next = rng.NormFloat64
	case p.DType == tensor.Bool, p.DType.IsInt() && strings.Contains(name, "mask"):
		next = func() float64 { return 1 }
	case p.DType.IsInt() && strings.Contains(name, "type"):
		next = func() float64 { return float64(rng.IntN(2)) }
	case p.DType.IsInt():
		next = func() float64 { return float64(rng.IntN(10)) }
	case p.DType == tensor.Undefined:
		return nil, fmt.Errorf("it is not a tensor")
	default:
		return nil, fmt.Errorf("none are made of type %v", p.DType)
	}
	t := tensor.New(p.DType, shape...)
	for i := range int(n) {
		put(t, i, next())
	}
	return t, nil
}

// put stores v as element i of a tensor of floats, whole numbers or booleans.
func put(t *tensor.Tensor, i int, v float64) {
	var bits uint64
	switch t.DType {
	case tensor.Float32:
		bits = uint64(math.Float32bits(float32(v)))
	case tensor.Float64:
		bits = math.Float64bits(v)
	case tensor.Float16:
		bits = uint64(tensor.Float32ToHalf(float32(v)))
	case tensor.BFloat16:
		bits = uint64(bfloat16(float32(v)))
	default:
		bits = uint64(int64(v))
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], bits)
	size := t.DType.Size()
	copy(t.Data[i*size:(i+1)*size], b[:])
}
