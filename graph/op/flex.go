package op

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// recentRows are kinds of attention that newer opsets add.
var recentRows = map[string]*Spec{
	"ai.onnx.preview.FlexAttention": {Infer: inferFlexAttention, Opaque: "runs a subgraph on its scores", Forward: forwardFlexAttention, Unfolded: every},
	"LinearAttention":               {Infer: inferLinearAttention, Opaque: "hands a state from step to step", Forward: forwardLinearAttention},
}

func inferFlexAttention(n *Node) ([]Fact, error) {
	q, ok := n.Shape(0)
	k, okK := n.Shape(1)
	v, okV := n.Shape(2)
	if !ok || !okK || !okV {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	if len(q) != 4 || len(k) != 4 || len(v) != 4 {
		return nil, fmt.Errorf("attends with rank 4, not shapes %v, %v and %v", q, k, v)
	}
	switch {
	case q[0] != k[0] || q[0] != v[0] || k[1] != v[1] || q[3] != k[3] || k[2] != v[2], k[1] < 1 || q[1]%k[1] != 0:
		return nil, fmt.Errorf("shapes %v, %v and %v do not attend to each other", q, k, v)
	}
	return []Fact{Of(n.DType(0), q[0], q[1], q[2], v[3])}, nil
}

// forwardFlexAttention lets subgraphs change scores and shares on the way.
func forwardFlexAttention(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 3); err != nil {
		return nil, err
	}
	facts, err := inferFlexAttention(given(n, in))
	if err != nil {
		return nil, err
	}
	lists, err := columns(in[:3], (*tensor.Tensor).AsFloat64s)
	if err != nil {
		return nil, err
	}
	q, k := in[0].Shape, in[1].Shape
	scale := 1 / math.Sqrt(float64(q[3]))
	if a, ok := n.Attrs["scale"]; ok {
		scale = float64(a.Float)
	}
	keys, values := headsFor(lists[1], in[1].Shape, q[1]), headsFor(lists[2], in[2].Shape, q[1])
	turned, err := forwardTranspose(&Node{Attrs: Attrs{"perm": {Ints: []int64{0, 1, 3, 2}}}}, []*tensor.Tensor{keys})
	if err != nil {
		return nil, err
	}
	products, err := multiply(lists[0], turned[0].AsFloat64s(), q, turned[0].Shape)
	if err != nil {
		return nil, err
	}
	for i := range products {
		products[i] *= scale
	}
	shape := []int64{q[0], q[1], q[2], k[2]}
	if products, err = modified(n, "score_mod", products, shape, in[0].DType); err != nil {
		return nil, err
	}
	for at := 0; at < len(products); at += int(k[2]) {
		exponentials(products[at:at+int(k[2])], func(float64) bool { return true })
	}
	if products, err = modified(n, "prob_mod", products, shape, in[0].DType); err != nil {
		return nil, err
	}
	sums, err := multiply(products, values.AsFloat64s(), shape, values.Shape)
	if err != nil {
		return nil, err
	}
	return one(ofNumbers(facts[0].DType, facts[0].Shape, sums))
}

// headsFor repeats each head of keys or values for the queries that share it.
func headsFor(v []float64, shape []int64, count int64) *tensor.Tensor {
	out, each := slices.Clone(shape), product(shape[2:])
	out[1] = count
	t := tensor.New(tensor.Float64, out...)
	for i := range t.Len() {
		head := int64(i) / each
		from := head/count*shape[1] + head%count/(count/shape[1])
		t.Set(i, v[from*each+int64(i)%each])
	}
	return t
}

// modified lets a subgraph, where the node has it, change scores. It sees them
// in the precision that the node gives.
func modified(n *Node, attr string, v []float64, shape []int64, dt tensor.DType) ([]float64, error) {
	if _, ok := n.Attrs[attr]; !ok {
		return v, nil
	}
	precision := choose(dt == tensor.Float64, tensor.Float64, tensor.Float32)
	if a, ok := n.Attrs["softmax_precision"]; ok {
		precision = tensor.DType(a.Int)
	}
	scores, err := ofNumbers(precision, shape, v)
	if err != nil {
		return nil, err
	}
	out, err := runBody(n, attr, []*tensor.Tensor{scores}, 1)
	if err != nil {
		return nil, err
	}
	if out[0].Kind != tensor.Dense || !slices.Equal(out[0].Shape, shape) {
		return nil, errors.New("a subgraph gives scores of another shape")
	}
	return numbersOf(out[0])
}
