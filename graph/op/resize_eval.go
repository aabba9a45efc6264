package op

import (
	"errors"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// stretching is how one axis is resized. Places are computed in the precision
// that onnxruntime has, because which element is nearest hangs on it.
type stretching struct {
	axis       int
	in, out    int64
	scale      float32
	start, end float32
	// place is the coordinate that an element of the output is read at.
	place func(s *stretching, x float32) float32
}

func forwardResize(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	seen, facts, err := settled(n, in, inferResize)
	if err != nil {
		return nil, err
	}
	axes, err := stretchings(seen, in[0].Shape, facts[0].Shape)
	if err != nil {
		return nil, err
	}
	switch mode := n.Attrs.Str("mode", "nearest"); mode {
	case "nearest":
		return resizeNearest(seen, in[0], facts[0].Shape, axes)
	case "linear", "bilinear":
		return resizeBetween(seen, in[0], &facts[0], axes, 1, func(x float64) float64 { return max(1-math.Abs(x), 0) })
	case "cubic":
		a := float64(n.Attrs.Float("cubic_coeff_a", -0.75))
		return resizeBetween(seen, in[0], &facts[0], axes, 2, func(x float64) float64 { return cubic(x, a) })
	default:
		return nil, fmt.Errorf("mode %q is not one of Resize", mode)
	}
}

// stretchings are the axes that do not come out as they went in.
func stretchings(n *Node, shape, out []int64) ([]stretching, error) {
	s, err := scalingOf(n, len(shape))
	if err != nil {
		return nil, err
	}
	mode := n.Attrs.Str("coordinate_transformation_mode", "half_pixel")
	if n.Type == "Upsample" || n.Version < 11 {
		mode = "asymmetric"
	}
	place, ok := transformations[mode]
	if !ok {
		return nil, fmt.Errorf("coordinate_transformation_mode %q is not one of Resize", mode)
	}
	common := float32(0)
	if policy := n.Attrs.Str("keep_aspect_ratio_policy", "stretch"); s.scales == nil && policy != "stretch" {
		common = s.keepAspect(shape, policy == "not_larger")
	}
	var list []stretching
	for i, axis := range s.axes {
		a := stretching{axis: axis, in: shape[axis], out: out[axis], end: 1, place: place}
		switch {
		case s.scales != nil:
			a.scale = s.scales[i]
		case common != 0:
			a.scale = common
		default:
			a.scale = float32(a.out) / float32(a.in)
		}
		if crops(n) {
			if a.start, a.end, ok = cropOf(n, axis, i, len(s.axes)); !ok {
				return nil, errors.New("roi does not fit the axes")
			}
		} else if a.scale == 1 && a.in == a.out {
			continue
		}
		if a.in == 0 && a.out > 0 {
			return nil, errors.New("resizes an empty axis")
		}
		list = append(list, a)
	}
	return list, nil
}

// transformations turn an element of the output into a coordinate.
var transformations = map[string]func(s *stretching, x float32) float32{
	"half_pixel":           func(s *stretching, x float32) float32 { return (x+0.5)/s.scale - 0.5 },
	"asymmetric":           func(s *stretching, x float32) float32 { return x / s.scale },
	"tf_half_pixel_for_nn": func(s *stretching, x float32) float32 { return (x + 0.5) / s.scale },
	"pytorch_half_pixel": func(s *stretching, x float32) float32 {
		if s.out == 1 {
			return 0
		}
		return (x+0.5)/s.scale - 0.5
	},
	"half_pixel_symmetric": func(s *stretching, x float32) float32 {
		scale, length := float64(s.scale), float64(s.in)
		return float32(length/2*(1-float64(s.out)/(scale*length)) + (float64(x)+0.5)/scale - 0.5)
	},
	"align_corners": func(s *stretching, x float32) float32 {
		if s.out == 1 {
			return 0
		}
		return x * float32(s.in-1) / float32(s.out-1)
	},
	"tf_crop_and_resize": func(s *stretching, x float32) float32 {
		if s.out == 1 {
			return 0.5 * (s.start + s.end) * float32(s.in-1)
		}
		return s.start*float32(s.in-1) + x*(s.end-s.start)*float32(s.in-1)/float32(s.out-1)
	},
}

// outside reports that an element is read where there is none: only a crop
// reaches there.
func (s *stretching) outside(n *Node, x float32) bool {
	return crops(n) && !(x >= 0 && x <= float32(s.in-1))
}

// nearest is the element that stands for a coordinate.
func (s *stretching) nearest(n *Node, x float32) int64 {
	v := float64(x)
	if n.Type == "Upsample" || n.Version < 11 {
		if s.scale < 1 {
			return int64(math.Ceil(v))
		}
		return int64(v)
	}
	switch n.Attrs.Str("nearest_mode", "round_prefer_floor") {
	case "floor":
		return int64(math.Floor(v))
	case "ceil":
		return int64(math.Ceil(v))
	case "round_prefer_ceil":
		return int64(math.Floor(v + 0.5))
	}
	return int64(math.Ceil(v - 0.5))
}

func resizeNearest(n *Node, t *tensor.Tensor, shape []int64, axes []stretching) ([]*tensor.Tensor, error) {
	tables, steps := lines(t.Shape), strides(t.Shape)
	for _, s := range axes {
		table := make([]int64, s.out)
		for i := range table {
			x := s.place(&s, float32(i))
			if table[i] = -1; !s.outside(n, x) {
				table[i] = max(min(s.nearest(n, x), s.in-1), 0) * steps[s.axis]
			}
		}
		tables[s.axis] = table
	}
	var fill []byte
	if v := n.Attrs.Float("extrapolation_value", 0); v != 0 {
		if e := tensor.Scalar(t.DType, float64(v)); e != nil {
			fill = e.Data
		}
	}
	out, err := pick(t, shape, tables, fill)
	return []*tensor.Tensor{out}, err
}

// share is the part that an element has in one of the output.
type share struct {
	at     int
	weight float64
}

// shares are the parts of elements around a coordinate, by a kernel that is
// zero from radius on. Against aliasing the kernel is as wide as what one
// element of the output stands for.
func (s *stretching) shares(n *Node, x, radius float64, kernel func(float64) float64) []share {
	narrow := 1.0
	smooth := n.Attrs.Int("antialias", 0) != 0
	if smooth {
		narrow = min(float64(s.scale), 1)
	}
	exclude := n.Attrs.Int("exclude_outside", 0) != 0
	var list []share
	total := 0.0
	for i := math.Ceil(x - radius/narrow); i <= x+radius/narrow; i++ {
		w := kernel((i - x) * narrow)
		if w == 0 || exclude && (i < 0 || i >= float64(s.in)) {
			continue
		}
		list = append(list, share{int(max(min(i, float64(s.in-1)), 0)), w})
		total += w
	}
	if smooth || exclude {
		for k := range list {
			list[k].weight /= total
		}
	}
	return list
}

// resizeBetween interpolates axis by axis.
func resizeBetween(n *Node, t *tensor.Tensor, f *Fact, axes []stretching, radius float64, kernel func(float64) float64) ([]*tensor.Tensor, error) {
	v, err := reals(t)
	if err != nil {
		return nil, err
	}
	shape := append([]int64{}, t.Shape...)
	for i := range axes {
		s := &axes[i]
		before, after := int(product(shape[:s.axis])), int(product(shape[s.axis+1:]))
		shape[s.axis] = s.out
		if err := bounded(tensor.Float64, shape); err != nil {
			return nil, err
		}
		y := make([]float64, product(shape))
		for k := range int(s.out) {
			// What is far off is read like what stands beside the axis.
			x := max(min(float64(s.place(s, float32(k))), 2*float64(s.in)+2), -float64(s.in)-2)
			list := s.shares(n, x, radius, kernel)
			for b := range before {
				to := y[(b*int(s.out)+k)*after:][:after]
				for _, part := range list {
					for j, x := range v[(b*int(s.in)+part.at)*after:][:after] {
						to[j] += part.weight * x
					}
				}
			}
		}
		v = y
	}
	if crops(n) {
		extrapolate(n, v, shape, axes)
	}
	settle(n, f.DType, v)
	return result(f, v)
}

// extrapolate overwrites what a crop reads beside the data.
func extrapolate(n *Node, v []float64, shape []int64, axes []stretching) {
	fill := float64(n.Attrs.Float("extrapolation_value", 0))
	for i := range axes {
		s := &axes[i]
		after := int(product(shape[s.axis+1:]))
		for k := range int(s.out) {
			if !s.outside(n, s.place(s, float32(k))) {
				continue
			}
			for at := k * after; at < len(v); at += int(s.out) * after {
				for j := range v[at : at+after] {
					v[at+j] = fill
				}
			}
		}
	}
}

// settle makes whole numbers of what is to be one: the nearest against
// aliasing, else the one towards zero, as onnxruntime does.
func settle(n *Node, dt tensor.DType, v []float64) {
	if !dt.IsInt() {
		return
	}
	smooth := n.Attrs.Int("antialias", 0) != 0
	half := math.Ldexp(1, dt.Bits()-1)
	low, high := -half, half-1
	if dt == tensor.Uint8 || dt == tensor.Uint16 || dt == tensor.Uint32 || dt == tensor.Uint64 {
		low, high = 0, 2*half-1
	}
	for i, x := range v {
		if x = float64(float32(x)); smooth {
			x = math.Floor(x + 0.5)
		}
		v[i] = max(min(x, high), low)
	}
}
