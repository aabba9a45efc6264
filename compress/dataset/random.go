package dataset

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"onnxcompress/graph/tensor"
)

// maxRandom bounds the elements of one random input: a model may declare a
// shape that no machine holds.
const maxRandom = 1 << 28

// Random makes a random value for each port: floats from N(0,1), integers from
// 0 to 9, or 0 and 1 where the name contains "type", or 1 where it contains
// "mask", and no more than the type holds; booleans are true and strings "a". A
// free first dimension is 1, the batch; another is 64 in inputs of rank 4 and 8
// elsewhere. shapes gives whole shapes by input name instead.
func Random(ports []Port, shapes map[string][]int64, rng *rand.Rand) (map[string]*tensor.Tensor, error) {
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
	t := tensor.New(p.DType, shape...)
	name := strings.ToLower(p.Name)
	switch dt := p.DType; {
	case dt == tensor.Undefined:
		return nil, errors.New("it is not a tensor")
	case dt == tensor.String:
		for i := range t.Strings {
			t.Strings[i] = []byte("a")
		}
	case dt == tensor.Bool, dt.IsWhole() && strings.Contains(name, "mask"):
		for i := range int(n) {
			t.SetInt(i, 1)
		}
	case dt.IsWhole():
		below := 10
		if strings.Contains(name, "type") {
			below = 2
		}
		if dt.Bits() < 8 {
			below = min(below, 1<<(dt.Bits()-1))
		}
		for i := range int(n) {
			t.SetInt(i, int64(rng.IntN(below)))
		}
	default:
		return t, normal(t, rng)
	}
	return t, nil
}

// normal fills a tensor of real or complex floats.
func normal(t *tensor.Tensor, rng *rand.Rand) error {
	parts := t
	switch t.DType {
	case tensor.Complex64:
		parts = &tensor.Tensor{DType: tensor.Float32, Shape: []int64{int64(len(t.Data) / 4)}, Data: t.Data}
	case tensor.Complex128:
		parts = &tensor.Tensor{DType: tensor.Float64, Shape: []int64{int64(len(t.Data) / 8)}, Data: t.Data}
	}
	for i := range parts.Len() {
		if !parts.Set(i, rng.NormFloat64()) {
			return fmt.Errorf("none are made of type %v", t.DType)
		}
	}
	return nil
}
