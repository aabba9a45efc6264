package op

import (
	"errors"
	"fmt"
	"strings"
)

// convRows are the convolutions.
var convRows = map[string]*Spec{
	"Conv":          guarded(Spec{Infer: inferConv, Product: productConv, Links: linkConv, Narrow: narrowConv, Dead: deadLinear, Cost: costConv, Forward: forwardConv, Compile: compileConv, Tails: tailsConv, Layout: layoutImage}),
	"ConvTranspose": guarded(Spec{Infer: inferConvTranspose, Links: linkConvTranspose, Narrow: narrowConv, Dead: deadLinear, Cost: costConvTranspose, Forward: forwardConvTranspose, Compile: compileConvTranspose, Layout: layoutImage}),
}

const convolves = "slides a kernel along this axis"

// convShapes are the shapes of data and kernel and the number of groups.
func convShapes(n *Node) (x, w []int64, groups int64, ok bool, err error) {
	x, okX := n.Shape(0)
	w, okW := n.Shape(1)
	if !okX || !okW {
		return nil, nil, 0, false, nil
	}
	groups = n.Attrs.Int("group", 1)
	switch {
	case len(x) < 2 || len(x) != len(w):
		return nil, nil, 0, false, fmt.Errorf("data of shape %v and kernel of shape %v", x, w)
	case groups < 1 || x[1]%groups != 0 || w[0]%groups != 0:
		return nil, nil, 0, false, fmt.Errorf("%d groups do not divide data of shape %v and kernel of shape %v", groups, x, w)
	}
	return x, w, groups, true, nil
}

func inferConv(n *Node) ([]Fact, error) {
	x, w, groups, ok, err := convShapes(n)
	if err != nil || !ok {
		return []Fact{Unknown(n.DType(0))}, err
	}
	if x[1] != w[1]*groups {
		return nil, fmt.Errorf("data of shape %v, kernel of shape %v, %d groups", x, w, groups)
	}
	win, err := windowsOf(n, x[2:], w[2:])
	if err != nil {
		return nil, err
	}
	spatial, err := win.counts(x[2:])
	if err != nil {
		return nil, err
	}
	out := append([]int64{x[0], w[0]}, spatial...)
	return []Fact{Of(n.DType(0), out...)}, nil
}

// linkConv: the kernel is [M, C/groups, ...]. Groups of a grouped convolution
// go whole, or all lose the same channels.
func linkConv(n *Node, l *Linker) {
	w, groups := n.In[1].Shape, n.Attrs.Int("group", 1)
	linkKernel(n, l)
	out, in := w[0]/groups, w[1]
	linkGroups(l, groups, out, In(1, 0), Out(0, 1))
	l.Digits(In(0, 1), in, Out(0, 1), out, groups)
	l.ContractDigits(In(0, 1), 1, In(1, 1), 1, in)
	if n.Has(2) {
		linkGroups(l, groups, out, In(2, 0), Out(0, 1))
	}
}

// linkKernel ties the batch and keeps what the kernel slides along.
func linkKernel(n *Node, l *Linker) {
	l.Silence = convolves
	l.Same(In(0, 0), Out(0, 0))
	for axis := 2; axis < n.In[1].Rank(); axis++ {
		l.Extent(In(1, axis))
	}
}

// linkGroups ties two axes of groups times each channels, digit by digit.
func linkGroups(l *Linker, groups, each int64, a, b Ref) {
	if groups == 1 {
		l.Same(a, b)
		return
	}
	l.Digits(a, each, b, each, groups)
	l.Digits(a, 1, b, 1, each)
}

// narrowConv counts the groups that are left.
func narrowConv(n *Node, c *Cut) error {
	groups := n.Attrs.Int("group", 1)
	if groups == 1 {
		return nil
	}
	each := n.In[0].Shape[1] / groups
	if kept := c.Kept(In(0, 1)); kept != nil {
		each = int64(len(kept)) / distinct(kept, each)
	}
	if each == 0 {
		return errors.New("every channel of a group goes")
	}
	c.SetInt("group", c.Size(In(0, 1))/each)
	return nil
}

// distinct counts the blocks of a size that indices fall into.
func distinct(ascending []int64, size int64) int64 {
	n, last := int64(0), int64(-1)
	for _, i := range ascending {
		if i/size != last {
			n, last = n+1, i/size
		}
	}
	return n
}

// deadLinear: a sum of products of inputs 0 and 1, plus input 2.
func deadLinear(n *Node, _, _ int, in []State) State {
	if in[0] == Bad || in[1] == Bad {
		return Bad
	}
	if in[0] != Zero && in[1] != Zero {
		return Varying
	}
	if !n.Has(2) {
		return Zero
	}
	return in[2]
}

func costConv(n *Node) int64 {
	if !allKnown(n.Out[0], n.In[1]) {
		return 0
	}
	return product(n.Out[0].Shape) * product(n.In[1].Shape[1:])
}

// allKnown reports whether facts are there and have shapes.
func allKnown(facts ...*Fact) bool {
	for _, f := range facts {
		if f == nil || !f.Known {
			return false
		}
	}
	return true
}

func inferConvTranspose(n *Node) ([]Fact, error) {
	x, w, groups, ok, err := convShapes(n)
	if err != nil || !ok {
		return []Fact{Unknown(n.DType(0))}, err
	}
	if x[1] != w[0] {
		return nil, fmt.Errorf("data of shape %v, kernel of shape %v", x, w)
	}
	win, err := windowsOf(n, x[2:], w[2:])
	if err != nil {
		return nil, err
	}
	out := []int64{x[0], w[1] * groups}
	for i, size := range x[2:] {
		d := upsampled(n, &win, i, size)
		if d < 0 {
			return nil, fmt.Errorf("kernel of shape %v does not fit data of shape %v", w, x)
		}
		out = append(out, d)
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

// upsampled is the size that a transposed convolution makes of a spatial axis.
func upsampled(n *Node, w *windows, i int, size int64) int64 {
	if want := n.Attrs.Ints("output_shape"); len(want) >= len(w.kernel) {
		return want[len(want)-len(w.kernel)+i]
	}
	if strings.HasPrefix(w.auto, "SAME") {
		return size * w.strides[i]
	}
	extra := int64(0)
	if more := n.Attrs.Ints("output_padding"); i < len(more) {
		extra = more[i]
	}
	return w.strides[i]*(size-1) + extra + w.reach(i) - w.before[i] - w.after[i]
}

// linkConvTranspose: the kernel is [C, M/groups, ...].
func linkConvTranspose(n *Node, l *Linker) {
	w, groups := n.In[1].Shape, n.Attrs.Int("group", 1)
	linkKernel(n, l)
	in, out := w[0]/groups, w[1]
	if groups == 1 {
		l.Contract(In(0, 1), In(1, 0))
	} else {
		l.ContractDigits(In(0, 1), 1, In(1, 0), 1, in)
		l.Digits(In(0, 1), in, Out(0, 1), out, groups)
		l.Digits(In(1, 0), in, Out(0, 1), out, groups)
	}
	l.Digits(In(1, 1), 1, Out(0, 1), 1, out)
	if n.Has(2) {
		linkGroups(l, groups, out, In(2, 0), Out(0, 1))
	}
}

func costConvTranspose(n *Node) int64 {
	if !allKnown(n.In[0], n.In[1]) || n.In[1].Rank() == 0 {
		return 0
	}
	return product(n.In[0].Shape) * product(n.In[1].Shape[1:])
}
