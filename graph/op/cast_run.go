package op

import "onnxcompress/graph/tensor"

// compileCast serves nodes that give float32: from floats they do nothing, from
// whole numbers and booleans there is no gradient.
func compileCast(to func(*Node) tensor.DType) func(*Node) (*Routine, error) {
	return func(n *Node) (*Routine, error) {
		x := n.In[0]
		if !x.Known || to(n) != tensor.Float32 {
			return nil, nil
		}
		size := int(product(x.Shape))
		convert := func(body func(y []float32, f *Frame, lo, hi int)) (*Routine, error) {
			return &Routine{Forward: shared(size, 1, func(f *Frame, _, lo, hi int) { body(f.Y(0)[lo:hi], f, lo, hi) })}, nil
		}
		switch x.DType {
		case tensor.Float32:
			return &Routine{View: true, Pass: []int{0}}, nil
		case tensor.Int64:
			return convert(func(y []float32, f *Frame, lo, hi int) { floated(y, f.In[0].Int64s()[lo:hi]) })
		case tensor.Int32:
			return convert(func(y []float32, f *Frame, lo, hi int) { floated(y, f.In[0].Int32s()[lo:hi]) })
		case tensor.Uint8, tensor.Bool:
			return convert(func(y []float32, f *Frame, lo, hi int) { floated(y, f.In[0].Data[lo:hi]) })
		}
		return nil, nil
	}
}

// floated sets y to whole numbers.
func floated[T int64 | int32 | byte](y []float32, x []T) {
	for i, v := range x {
		y[i] = float32(v)
	}
}
