package op

import (
	"fmt"

	"onnxcompress/graph/tensor"
)

var transposeSpec = Spec{
	Infer: inferTranspose, Links: linkTranspose, Forward: forwardTranspose, Compile: compileTranspose, Lies: liesTranspose, Carry: true, Dead: deadFirst,
}

// permutation is the input axis of each output axis.
func permutation(n *Node, rank int) ([]int64, error) {
	perm := n.Attrs.Ints("perm")
	if len(perm) == 0 {
		return line(int64(rank), int64(rank)-1, -1), nil
	}
	seen := make([]bool, rank)
	for _, p := range perm {
		if p < 0 || p >= int64(rank) || seen[p] {
			return nil, fmt.Errorf("perm %v is no permutation of %d axes", perm, rank)
		}
		seen[p] = true
	}
	if len(perm) != rank {
		return nil, fmt.Errorf("perm %v is no permutation of %d axes", perm, rank)
	}
	return perm, nil
}

func inferTranspose(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	perm, err := permutation(n, len(shape))
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(shape))
	for i, p := range perm {
		out[i] = shape[p]
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

func liesTranspose(n *Node, in Lie) []Lie {
	perm, err := permutation(n, len(in.Steps))
	if err != nil {
		return nil
	}
	out := Lie{in.Offset, make([]int64, len(perm))}
	for i, p := range perm {
		out.Steps[i] = in.Steps[p]
	}
	return []Lie{out}
}

func linkTranspose(n *Node, l *Linker) {
	perm, err := permutation(n, n.In[0].Rank())
	if err != nil {
		return
	}
	for i, p := range perm {
		l.Same(In(0, int(p)), Out(0, i))
	}
}

func forwardTranspose(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	perm, err := permutation(n, in[0].Rank())
	if err != nil {
		return nil, err
	}
	out, err := transposed(in[0], perm)
	return []*tensor.Tensor{out}, err
}

// transposed moves axis perm[i] of t to axis i.
func transposed(t *tensor.Tensor, perm []int64) (*tensor.Tensor, error) {
	shape, tables, whole := make([]int64, len(perm)), make([][]int64, len(perm)), lines(t.Shape)
	for i, p := range perm {
		shape[i], tables[i] = t.Shape[p], whole[p]
	}
	return pick(t, shape, tables, nil)
}
