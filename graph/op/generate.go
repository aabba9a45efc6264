package op

import (
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// typeAttr is the element type that attribute dtype asks for.
func typeAttr(n *Node, def tensor.DType) tensor.DType {
	return tensor.DType(n.Attrs.Int("dtype", int64(def)))
}

func inferRandom(n *Node) ([]Fact, error) {
	shape := n.Attrs.Ints("shape")
	if _, err := tensor.Count(shape); err != nil {
		return nil, err
	}
	return []Fact{Of(typeAttr(n, tensor.Float32), shape...)}, nil
}

func narrowRandom(n *Node, c *Cut) error {
	if want := c.OutShape(0); !slices.Equal(want, n.Attrs.Ints("shape")) {
		c.Attrs["shape"] = Attr{Ints: want}
	}
	return nil
}

func inferRandomLike(n *Node) ([]Fact, error) {
	dt := typeAttr(n, n.DType(0))
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(dt)}, nil
	}
	return []Fact{Of(dt, shape...)}, nil
}

func inferMultinomial(n *Node) ([]Fact, error) {
	dt := typeAttr(n, tensor.Int32)
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(dt)}, nil
	}
	if len(shape) != 2 {
		return nil, fmt.Errorf("draws from rank 2, not from shape %v", shape)
	}
	return []Fact{Of(dt, shape[0], n.Attrs.Int("sample_size", 1))}, nil
}

func inferEyeLike(n *Node) ([]Fact, error) {
	dt := typeAttr(n, n.DType(0))
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(dt)}, nil
	}
	if len(shape) != 2 {
		return nil, fmt.Errorf("needs a matrix, not shape %v", shape)
	}
	return []Fact{Of(dt, shape...)}, nil
}

func forwardEyeLike(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	facts, err := inferEyeLike(given(n, in))
	if err != nil {
		return nil, err
	}
	out, err := alloc(facts[0].DType, facts[0].Shape)
	if err != nil {
		return nil, err
	}
	rows, columns, k := out.Shape[0], out.Shape[1], n.Attrs.Int("k", 0)
	k = max(min(k, columns), -rows)
	for i := max(0, -k); i < rows && i+k < columns; i++ {
		if !out.Set(int(i*columns+i+k), 1) {
			return nil, fmt.Errorf("there is no one in %v", out.DType)
		}
	}
	return []*tensor.Tensor{out}, nil
}
