package op

// sameType gives output 0 the element type of input 0 and the broadcast shape.
func sameType(n *Node) ([]Fact, error) { return inferBroadcast(n, n.DType(0)) }

var elementwiseRows = map[string]*Spec{
	"Add":  {Infer: sameType, Links: linkBroadcast, Elementwise: true},
	"Mul":  {Infer: sameType, Links: linkBroadcast, Elementwise: true, ZeroIn: []int{0, 1}},
	"Relu": {Infer: sameType, Links: linkBroadcast, Elementwise: true, ZeroIn: []int{0}},
}
