package op

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

var resizeSpec = Spec{
	Infer: inferResize, Links: linkResize, Dead: deadResize, Narrow: narrowResize, Forward: forwardResize,
	Compile: compileResize, Layout: layoutResize,
}

// scaling says how Resize or Upsample changes the axes that it names. Either
// scales or sizes are set; both are nil where they are computed.
type scaling struct {
	axes   []int
	scales []float32
	sizes  []int64
}

// scalingOf reads the scales or sizes from where the opset has them.
func scalingOf(n *Node, rank int) (s scaling, err error) {
	for axis := range rank {
		s.axes = append(s.axes, axis)
	}
	if list := n.Attrs.Ints("axes"); list != nil {
		s.axes = nil
		for _, a := range list {
			axis, err := Axis(a, rank)
			if err != nil {
				return s, err
			}
			s.axes = append(s.axes, axis)
		}
	}
	slot := 2
	if n.Type == "Upsample" || n.Version < 11 {
		slot = 1
	}
	switch scales, given := scalesIn(n, slot); {
	case given:
		s.scales = scales
	case slot == 2 && n.Has(3):
		s.sizes, _ = n.In[3].Ints()
	default:
		return s, errors.New("has neither scales nor sizes")
	}
	if s.scales != nil && len(s.scales) != len(s.axes) || s.sizes != nil && len(s.sizes) != len(s.axes) {
		return s, fmt.Errorf("scales or sizes do not fit %d axes", len(s.axes))
	}
	for i := range s.axes {
		if s.scales != nil && !(s.scales[i] > 0 && s.scales[i] < 1<<30) || s.sizes != nil && s.sizes[i] < 0 {
			return s, errors.New("scales and sizes must be positive")
		}
	}
	return s, nil
}

// scalesIn returns the scales at input slot or in the attribute; given is
// false where there are none or where they are left empty for sizes.
func scalesIn(n *Node, slot int) (scales []float32, given bool) {
	f := n.Input(slot)
	if f == nil {
		a, ok := n.Attrs["scales"]
		return a.Floats, ok
	}
	if f.Known && slices.Equal(f.Shape, []int64{0}) {
		return nil, false
	}
	if f.Value == nil {
		return nil, true
	}
	for _, v := range f.Value.AsFloat64s() {
		scales = append(scales, float32(v))
	}
	return scales, true
}

func inferResize(n *Node) ([]Fact, error) {
	shape, ok := n.Shape(0)
	if !ok {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	s, err := scalingOf(n, len(shape))
	if err != nil {
		return nil, err
	}
	if s.scales == nil && s.sizes == nil {
		return []Fact{Unknown(n.DType(0))}, nil
	}
	if s.scales == nil && n.Attrs.Str("keep_aspect_ratio_policy", "stretch") != "stretch" {
		s.keepAspect(shape, n.Attrs.Str("keep_aspect_ratio_policy", "") == "not_larger")
	}
	out := slices.Clone(shape)
	for i, axis := range s.axes {
		if s.sizes != nil {
			out[axis] = s.sizes[i]
			continue
		}
		whole, known := region(n, axis, i, len(s.axes))
		if !known {
			out[axis] = n.Fresh()
			continue
		}
		out[axis] = int64(math.Floor(float64(float32(shape[axis]) * whole * s.scales[i])))
	}
	return []Fact{Of(n.DType(0), out...)}, nil
}

// keepAspect replaces sizes by those of one scale for all axes, which it
// returns.
func (s *scaling) keepAspect(shape []int64, smaller bool) float32 {
	best := float32(math.Inf(-1))
	if smaller {
		best = float32(math.Inf(1))
	}
	for i, axis := range s.axes {
		scale := float32(s.sizes[i]) / float32(shape[axis])
		if smaller {
			best = min(best, scale)
		} else {
			best = max(best, scale)
		}
	}
	s.sizes = slices.Clone(s.sizes)
	for i, axis := range s.axes {
		s.sizes[i] = int64(math.Floor(float64(best*float32(shape[axis])) + 0.5))
	}
	return best
}

func crops(n *Node) bool {
	return n.Attrs.Str("coordinate_transformation_mode", "") == "tf_crop_and_resize"
}

// region is the part of an axis, the i-th of count, that is resized: all of it
// but under tf_crop_and_resize.
func region(n *Node, axis, i, count int) (part float32, known bool) {
	if !crops(n) {
		return 1, true
	}
	start, end, known := cropOf(n, axis, i, count)
	return end - start, known
}

// cropOf is where the region of an axis, the i-th of count, starts and ends, as
// parts of the axis.
func cropOf(n *Node, axis, i, count int) (start, end float32, known bool) {
	f := n.Input(1)
	if f == nil || f.Value == nil {
		return 0, 0, false
	}
	roi := f.Value.AsFloat64s()
	if len(roi) == 2*n.In[0].Rank() {
		i, count = axis, n.In[0].Rank()
	}
	if len(roi) != 2*count {
		return 0, 0, false
	}
	return float32(roi[i]), float32(roi[count+i]), true
}

// keeps reports whether the axis comes out as it went in.
func (s *scaling) keeps(n *Node, axis int) bool {
	i := slices.Index(s.axes, axis)
	switch {
	case i < 0:
		return true
	case crops(n):
		f := n.Input(1)
		if f == nil || f.Value == nil {
			return false
		}
		roi, at := f.Value.AsFloat64s(), i
		if len(roi) == 2*n.In[0].Rank() {
			at = axis
		}
		if half := len(roi) / 2; at >= half || roi[at] != 0 || roi[half+at] != 1 {
			return false
		}
	}
	if s.scales != nil {
		return s.scales[i] == 1
	}
	return s.sizes != nil && s.sizes[i] == n.In[0].Shape[axis] &&
		n.Attrs.Str("keep_aspect_ratio_policy", "stretch") == "stretch"
}

func linkResize(n *Node, l *Linker) {
	s, err := scalingOf(n, n.In[0].Rank())
	if err != nil || n.Out[0].Rank() != n.In[0].Rank() {
		l.Silence = "resizes by unknown scales"
		return
	}
	for axis := range n.In[0].Shape {
		if s.keeps(n, axis) {
			l.Same(In(0, axis), Out(0, axis))
			continue
		}
		l.Pin(In(0, axis), "interpolates along this axis")
		l.Pin(Out(0, axis), "interpolates along this axis")
	}
}

// deadResize: interpolation keeps zero, and picking the nearest element any
// number. Other weights sum to one only up to rounding.
func deadResize(n *Node, _, _ int, in []State) State {
	state := in[0]
	if state.Kind == ConstState && n.Attrs.Str("mode", "nearest") != "nearest" {
		state = Varying
	}
	if crops(n) {
		state = state.Join(Const(float64(n.Attrs.Float("extrapolation_value", 0))))
	}
	return state
}

func narrowResize(n *Node, c *Cut) error {
	s, err := scalingOf(n, n.In[0].Rank())
	if err != nil || s.sizes == nil {
		return err
	}
	sizes := slices.Clone(s.sizes)
	for i, axis := range s.axes {
		if c.Kept(Out(0, axis)) != nil {
			sizes[i] = c.Size(Out(0, axis))
		}
	}
	c.Operands[3] = sizes
	return nil
}
