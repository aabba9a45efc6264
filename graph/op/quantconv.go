package op

import (
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// integerConv says where a convolution of quantised numbers has its inputs; -1
// for what it lacks.
type integerConv struct {
	w, zeroX, zeroW, scaleW, bias, zeroY int
}

var integerConvRows = map[string]*Spec{
	"ConvInteger": (&integerConv{1, 2, 3, -1, -1, -1}).spec(),
	"QLinearConv": (&integerConv{3, 2, 5, 4, 8, 7}).spec(),
}

func (k *integerConv) spec() *Spec {
	return strict(Spec{Infer: k.infer, Links: k.link, Dead: k.dead, Narrow: k.narrow, Cost: k.cost, Forward: k.forward, Unfolded: every})
}

func (k *integerConv) infer(n *Node) ([]Fact, error) {
	dt := tensor.Int32
	if k.zeroY >= 0 {
		dt = n.DType(k.zeroY)
		if !n.Has(k.zeroY) || !n.Has(k.scaleW) {
			return nil, errNoScale
		}
	}
	x, ok := n.Shape(0)
	w, okW := n.Shape(k.w)
	if !ok || !okW {
		return []Fact{Unknown(dt)}, nil
	}
	spatial, err := spatialOf(x)
	if err != nil {
		return nil, err
	}
	groups := n.Attrs.Int("group", 1)
	if len(w) != len(x) || groups < 1 || groups > x[1] || w[1]*groups != x[1] || w[0]%groups != 0 {
		return nil, fmt.Errorf("a weight of shape %v in %d groups does not fit shape %v", w, groups, x)
	}
	win, err := windowsOf(n, spatial, w[2:])
	if err != nil {
		return nil, err
	}
	counts, err := win.counts(spatial)
	if err != nil {
		return nil, err
	}
	return []Fact{Of(dt, slices.Concat([]int64{x[0], w[0]}, counts)...)}, nil
}

// link contracts the channels of each group with the weight's, and ties groups
// as the slow digit of the channels on both sides.
func (k *integerConv) link(n *Node, l *Linker) {
	l.Silence = slides
	w, groups := n.In[k.w].Shape, n.Attrs.Int("group", 1)
	inner := Digit{In(0, 1), 1, w[1]}
	l.ContractFrom(inner, l.whole(In(k.w, 1)), knownZero(n, k.zeroX), knownZero(n, k.zeroW))
	each := w[0] / groups
	l.Digits(In(0, 1), w[1], Out(0, 1), each, groups)
	l.Same(In(0, 0), Out(0, 0))
	linkGroups(l, groups, each, In(k.w, 0), Out(0, 1))
	for _, slot := range []int{k.zeroW, k.scaleW, k.bias} {
		if slot >= 0 && n.Has(slot) && n.In[slot].Rank() == 1 && n.In[slot].Shape[0] == w[0] {
			linkGroups(l, groups, each, In(slot, 0), Out(0, 1))
		}
	}
}

// dead is the zero point where the weight stands for zero and no bias is
// added, or where everything is scaled by zero.
func (k *integerConv) dead(n *Node, _, axis int, in []State) State {
	sum := Varying
	c, ok := in[k.w].Number()
	zero, okZero := zeroPoint(n, k.zeroW, in).Number()
	switch {
	case axis != 1:
		return Varying
	case ok && okZero && c == zero && (k.bias < 0 || !n.Has(k.bias) || in[k.bias] == Zero):
		sum = Zero
	case k.scaleW >= 0 && in[k.scaleW] == Zero:
		sum = Zero
	}
	if k.zeroY >= 0 && sum == Zero {
		return in[k.zeroY]
	}
	return sum
}

// narrow keeps as many groups as the channels that are left make.
func (k *integerConv) narrow(n *Node, c *Cut) error {
	groups := n.Attrs.Int("group", 1)
	left := c.Size(In(0, 1)) / max(c.Size(In(k.w, 1)), 1)
	if left != groups {
		c.SetInt("group", left)
	}
	return nil
}

func (k *integerConv) cost(n *Node) int64 {
	if len(n.Out) == 0 || !allKnown(n.Out[0], n.Input(k.w)) {
		return 0
	}
	return product(n.Out[0].Shape) * product(n.In[k.w].Shape[1:])
}
