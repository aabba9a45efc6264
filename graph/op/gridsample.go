package op

import (
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// gridSampling is a GridSample node: where the places of the grid lie, and what
// stands beside the axes.
type gridSampling struct {
	sampler
	corners, nearest bool
	padding          string
}

func newGridSampling(n *Node, shape []int64) (*gridSampling, error) {
	g := &gridSampling{corners: n.Attrs.Int("align_corners", 0) != 0, padding: n.Attrs.Str("padding_mode", "zeros")}
	for _, d := range shape[2:] {
		g.sizes = append(g.sizes, int(d))
	}
	switch mode := n.Attrs.Str("mode", "linear"); mode {
	case "linear", "bilinear":
		g.weights = linearWeights
	case "cubic", "bicubic":
		g.weights, g.from = cubicWeights(-0.75), -1
	case "nearest":
		g.weights, g.nearest = nearestWeights, true
	default:
		return nil, fmt.Errorf("mode %q is not one of GridSample", mode)
	}
	switch g.padding {
	case "zeros":
		g.outside = nothing
	case "border":
		g.outside = func(i, axis int) int { return max(min(i, g.sizes[axis]-1), 0) }
	case "reflection":
		g.outside = func(i, axis int) int {
			low, high := g.border(axis)
			return max(min(int(reflected(float64(i), low, high)), g.sizes[axis]-1), 0)
		}
	default:
		return nil, fmt.Errorf("padding_mode %q is not one of GridSample", g.padding)
	}
	return g, nil
}

// border is where an axis begins and ends.
func (g *gridSampling) border(axis int) (low, high float64) {
	if g.corners {
		return 0, float64(g.sizes[axis] - 1)
	}
	return -0.5, float64(g.sizes[axis]) - 0.5
}

// reflected brings a coordinate back between the borders.
func reflected(x, low, high float64) float64 {
	length := high - low
	if length <= 0 {
		return low
	}
	at := math.Mod(math.Abs(x-low), 2*length)
	if at > length {
		at = 2*length - at
	}
	return low + at
}

// place turns a coordinate from -1 to 1 into one of the axis.
func (g *gridSampling) place(x float64, axis int) float64 {
	low, high := g.border(axis)
	x = low + (x+1)/2*(high-low)
	if g.nearest {
		x = math.RoundToEven(x)
	}
	if x >= low && x <= high {
		return x
	}
	switch {
	case g.padding == "border" && g.from == 0:
		// Cubic weights reach across the border to elements within, so that
		// there it is the elements that are held, not the place.
		x = max(min(x, float64(g.sizes[axis]-1)), 0)
	case g.padding == "reflection":
		x = reflected(x, low, high)
	}
	// What is far off reads nothing but what stands beside the axis.
	return max(min(x, float64(g.sizes[axis]+2)), -3)
}

func forwardGridSample(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	_, facts, err := settled(n, in, inferGridSample)
	if err != nil {
		return nil, err
	}
	shape := in[0].Shape
	if in[1].Shape[0] != shape[0] {
		return nil, fmt.Errorf("%d grids for a batch of %d", in[1].Shape[0], shape[0])
	}
	g, err := newGridSampling(n, shape)
	if err != nil {
		return nil, err
	}
	lists, err := allReals(in)
	if err != nil {
		return nil, err
	}
	y := make([]float64, product(facts[0].Shape))
	count, size := planes(shape)
	_, places := planes(facts[0].Shape)
	if count == 0 || size == 0 {
		return result(&facts[0], y)
	}
	rank, channels := len(g.sizes), int(shape[1])
	place := make([]float64, rank)
	for b := range int(shape[0]) {
		for p := range places {
			copy(place, lists[1][(b*places+p)*rank:])
			slices.Reverse(place)
			for axis, x := range place {
				place[axis] = g.place(x, axis)
			}
			for c := b * channels; c < (b+1)*channels; c++ {
				y[c*places+p] = g.at(lists[0][c*size:][:size], place)
			}
		}
	}
	return result(&facts[0], y)
}

// forwardAffineGrid puts an even grid through an affine map.
func forwardAffineGrid(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	_, facts, err := settled(n, in, inferAffineGrid)
	if err != nil {
		return nil, err
	}
	theta, err := reals(in[0])
	if err != nil {
		return nil, err
	}
	out := facts[0].Shape
	rank := len(out) - 2
	if !slices.Equal(in[0].Shape, []int64{out[0], int64(rank), int64(rank + 1)}) {
		return nil, fmt.Errorf("maps of shape %v do not fit %d grids of %d axes", in[0].Shape, out[0], rank)
	}
	spatial := out[1 : rank+1]
	corners := n.Attrs.Int("align_corners", 0) != 0
	places := product(spatial)
	y, point := make([]float64, product(out)), make([]float64, rank)
	for i := range product(out[:1]) * places {
		at := i % places
		for axis := rank - 1; axis >= 0; axis-- {
			// The first coordinate is that of the last axis.
			point[rank-1-axis] = evenly(at%spatial[axis], spatial[axis], corners)
			at /= spatial[axis]
		}
		for row := range rank {
			m := theta[(int(i/places)*rank+row)*(rank+1):][:rank+1]
			sum := m[rank]
			for k, x := range point {
				sum += m[k] * x
			}
			y[int(i)*rank+row] = sum
		}
	}
	return result(&facts[0], y)
}

// evenly is place i of an axis that goes from -1 to 1.
func evenly(i, size int64, corners bool) float64 {
	if corners {
		return float64(2*i)/float64(size-1) - 1
	}
	return float64(2*i+1)/float64(size) - 1
}
