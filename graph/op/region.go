package op

import (
	"errors"
	"fmt"
	"slices"
)

// regionRows are the operators that read an image at places of their own.
var regionRows = map[string]*Spec{
	"MaxRoiPool":    strict(Spec{Infer: inferMaxRoiPool, Links: linkRois, Dead: deadIfZero, Forward: forwardMaxRoiPool, Compile: compileMaxRoiPool}),
	"RoiAlign":      strict(Spec{Infer: inferRoiAlign, Links: linkRois, Dead: deadIfZero, Forward: forwardRoiAlign, Compile: compileRoiAlign}),
	"GridSample":    strict(Spec{Infer: inferGridSample, Links: linkGridSample, Dead: deadIfZero, Forward: forwardGridSample, Compile: compileGridSample, Layout: layoutSample}),
	"AffineGrid":    {Infer: inferAffineGrid, Links: silent("makes a grid by position"), Forward: forwardAffineGrid, Compile: compileAffineGrid},
	"CenterCropPad": strict(Spec{Infer: inferCenterCropPad, Links: linkCenterCropPad, Narrow: narrowCenterCropPad, Dead: deadCenterCropPad, Forward: forwardCenterCropPad, Compile: compileCenterCropPad, Layout: layoutAlike}),
	"Col2Im":        strict(Spec{Infer: inferCol2Im, Links: linkCol2Im, Dead: deadIfZero, Forward: forwardCol2Im, Compile: compileCol2Im}),
}

func inferRois(n *Node, height, width int64) ([]Fact, error) {
	shape, ok := n.Shape(0)
	rois, okRois := n.Shape(1)
	if !ok || !okRois {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	if images, ok := n.Shape(2); ok && !slices.Equal(images, rois[:min(len(rois), 1)]) {
		return nil, fmt.Errorf("%v images for regions of shape %v", images, rois)
	}
	if len(shape) != 4 || len(rois) != 2 {
		return nil, fmt.Errorf("needs an image of rank 4 and a list of regions, not shapes %v and %v", shape, rois)
	}
	return []Fact{Of(n.DType(0), rois[0], shape[1], height, width)}, nil
}

func inferMaxRoiPool(n *Node) ([]Fact, error) {
	size := n.Attrs.Ints("pooled_shape")
	if len(size) != 2 {
		return nil, errors.New("pooled_shape is not height and width")
	}
	return inferRois(n, size[0], size[1])
}

func inferRoiAlign(n *Node) ([]Fact, error) {
	return inferRois(n, n.Attrs.Int("output_height", 1), n.Attrs.Int("output_width", 1))
}

func linkRois(n *Node, l *Linker) {
	l.Silence = "reads regions by position"
	l.Same(In(0, 1), Out(0, 1))
	l.Same(In(1, 0), Out(0, 0))
	if n.Has(2) {
		l.Same(In(2, 0), Out(0, 0))
	}
}

func inferGridSample(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	grid, okGrid := n.Shape(1)
	if !ok || !okGrid {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	rank := len(shape)
	if rank < 3 || len(grid) != rank || grid[rank-1] != int64(rank-2) {
		return nil, fmt.Errorf("a grid of shape %v does not sample shape %v", grid, shape)
	}
	return []Fact{Of(n.DType(0), slices.Concat(shape[:2], grid[1:rank-1])...)}, nil
}

func linkGridSample(n *Node, l *Linker) {
	l.Silence = "samples by position"
	l.Same(In(0, 0), Out(0, 0))
	l.Same(In(1, 0), Out(0, 0))
	l.Same(In(0, 1), Out(0, 1))
	for axis := 2; axis < n.Out[0].Rank(); axis++ {
		l.Same(In(1, axis-1), Out(0, axis))
	}
}

func inferAffineGrid(n *Node) ([]Fact, error) {
	size, ok := n.Input(1).Ints()
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	if len(size) < 3 {
		return nil, fmt.Errorf("size %v has no spatial axes", size)
	}
	return []Fact{Of(n.DType(0), slices.Concat(size[:1], size[2:], []int64{int64(len(size) - 2)})...)}, nil
}

// cropped returns the axes that CenterCropPad names and the sizes it wants of
// them; known is false where those are computed.
func cropped(n *Node, rank int) (axes []int, want []int64, known bool, err error) {
	list, ok := n.Attrs["axes"]
	if !ok {
		list.Ints = line(int64(rank), 0, 1)
	}
	for _, a := range list.Ints {
		axis, err := Axis(a, rank)
		if err != nil {
			return nil, nil, false, err
		}
		axes = append(axes, axis)
	}
	want, known = n.Input(1).Ints()
	if known && len(want) != len(axes) {
		return nil, nil, false, fmt.Errorf("shape %v does not fit %d axes", want, len(axes))
	}
	return axes, want, known, nil
}

func inferCenterCropPad(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	axes, want, known, err := cropped(n, len(shape))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(shape)
	for i, axis := range axes {
		if known {
			out[axis] = want[i]
		} else {
			out[axis] = n.Fresh()
		}
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

func linkCenterCropPad(n *Node, l *Linker) {
	l.Silence = "crops or pads around the centre"
	_, _, known, err := cropped(n, n.In[0].Rank())
	if err != nil || !known {
		return
	}
	for axis, size := range n.In[0].Shape {
		if size == n.Out[0].Shape[axis] {
			l.Same(In(0, axis), Out(0, axis))
		}
	}
}

func narrowCenterCropPad(n *Node, c *Cut) error {
	axes, want, known, err := cropped(n, n.In[0].Rank())
	if err != nil || !known {
		return err
	}
	left := slices.Clone(want)
	for i, axis := range axes {
		left[i] = c.Size(Out(0, axis))
	}
	if !slices.Equal(left, want) {
		c.Operands[1] = left
	}
	return nil
}

func deadCenterCropPad(n *Node, _, _ int, in []State) State {
	for axis, size := range n.In[0].Shape {
		if n.Out[0].Shape[axis] > size {
			return in[0].Join(Zero)
		}
	}
	return in[0]
}

func inferCol2Im(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	image, okImage := n.Input(1).Ints()
	block, okBlock := n.Input(2).Ints()
	if !ok || !okImage || !okBlock {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	area := int64(1)
	for _, b := range block {
		if b < 1 || b > 1<<20 {
			return nil, fmt.Errorf("block_shape %v is out of range", block)
		}
		area *= b
	}
	if len(shape) != 3 || area < 1 || shape[1]%area != 0 {
		return nil, fmt.Errorf("blocks of %v do not make up shape %v", block, shape)
	}
	return []Fact{Of(n.DType(0), slices.Concat([]int64{shape[0], shape[1] / area}, image)...)}, nil
}

func linkCol2Im(n *Node, l *Linker) {
	l.Silence = "places blocks by position"
	block, ok := n.Input(2).Ints()
	if !ok {
		return
	}
	l.Same(In(0, 0), Out(0, 0))
	area := product(block)
	l.Digits(In(0, 1), area, Out(0, 1), 1, n.Out[0].Shape[1])
	if area > 1 {
		l.PinDigit(In(0, 1), 1, area, l.Silence)
	}
}
