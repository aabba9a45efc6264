package op

import (
	"errors"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// roiAlign is a RoiAlign node.
type roiAlign struct {
	height, width   int
	rows, columns   int
	scale, shift    float64
	ratio           int
	largest         bool
	corners         []corner
	cornersPerPlace int
}

// corner is one of four elements around a sample, with its share of it.
type corner struct {
	at    int
	share float64
}

// mostSamples bounds the samples of a region along an axis of a place: a number
// in a file may ask for any.
const mostSamples = 1 << 12

func forwardRoiAlign(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	_, facts, err := settled(n, in, inferRoiAlign)
	if err != nil {
		return nil, err
	}
	lists, err := allReals(in)
	if err != nil {
		return nil, err
	}
	shape, out := in[0].Shape, facts[0].Shape
	r := &roiAlign{
		height: int(shape[2]), width: int(shape[3]), rows: int(out[2]), columns: int(out[3]),
		scale: float64(n.Attrs.Float("spatial_scale", 1)), ratio: int(n.Attrs.Int("sampling_ratio", 0)),
		largest: n.Attrs.Str("mode", "avg") == "max",
	}
	if n.Version >= 16 && n.Attrs.Str("coordinate_transformation_mode", "half_pixel") == "half_pixel" {
		r.shift = 0.5
	}
	if in[1].Shape[1] != 4 || len(in) < 3 || in[2] == nil {
		return nil, errors.New("needs four coordinates and an image for every region")
	}
	count, size := planes(shape)
	_, places := planes(out)
	y := make([]float64, product(out))
	for i := range int(out[0]) {
		image := int(lists[2][i])
		if image < 0 || int64(image) >= shape[0] || size == 0 {
			return nil, fmt.Errorf("there is no image %d", image)
		}
		if err := r.aim(lists[1][i*4:][:4]); err != nil {
			return nil, err
		}
		channels := count / int(shape[0])
		for c := range channels {
			r.pool(y[(i*channels+c)*places:][:places], lists[0][(image*channels+c)*size:][:size])
		}
	}
	return result(&facts[0], y)
}

// aim finds the samples of a region [x1, y1, x2, y2] for every place.
func (r *roiAlign) aim(region []float64) error {
	left, top := region[0]*r.scale-r.shift, region[1]*r.scale-r.shift
	width, height := region[2]*r.scale-r.shift-left, region[3]*r.scale-r.shift-top
	if r.shift == 0 {
		width, height = max(width, 1), max(height, 1)
	}
	stepX, stepY := width/float64(r.columns), height/float64(r.rows)
	across, down := r.ratio, r.ratio
	if r.ratio <= 0 {
		across, down = int(math.Ceil(stepX)), int(math.Ceil(stepY))
	}
	across, down = max(across, 0), max(down, 0)
	if across > mostSamples || down > mostSamples || across*down*r.rows*r.columns > mostMeetings {
		return errors.New("a region has too many samples to evaluate")
	}
	r.corners, r.cornersPerPlace = r.corners[:0], 4*across*down
	for p := range r.rows * r.columns {
		y, x := top+float64(p/r.columns)*stepY, left+float64(p%r.columns)*stepX
		for i := range down {
			for j := range across {
				r.sample(y+(float64(i)+0.5)*stepY/float64(down), x+(float64(j)+0.5)*stepX/float64(across))
			}
		}
	}
	return nil
}

// sample adds the four corners of a sample; one beyond the image has no share
// of it.
func (r *roiAlign) sample(y, x float64) {
	if !(y >= -1 && y <= float64(r.height) && x >= -1 && x <= float64(r.width)) {
		r.corners = append(r.corners, corner{}, corner{}, corner{}, corner{})
		return
	}
	top, bottom, fy := between(y, r.height)
	left, right, fx := between(x, r.width)
	r.corners = append(
		r.corners,
		corner{top*r.width + left, (1 - fy) * (1 - fx)}, corner{top*r.width + right, (1 - fy) * fx},
		corner{bottom*r.width + left, fy * (1 - fx)}, corner{bottom*r.width + right, fy * fx},
	)
}

// between are the elements of an axis that a coordinate lies between, and how
// far it is from the first.
func between(x float64, size int) (low, high int, fraction float64) {
	x = max(x, 0)
	if low = int(x); low >= size-1 {
		return size - 1, size - 1, 0
	}
	return low, low + 1, x - float64(low)
}

// pool makes a number of the samples of every place: their mean, or the
// largest share that a corner has of one.
func (r *roiAlign) pool(y, plane []float64) {
	for p := range y {
		list := r.corners[p*r.cornersPerPlace:][:r.cornersPerPlace]
		top, sum := math.Inf(-1), 0.0
		for _, c := range list {
			v := c.share * plane[c.at]
			sum += v
			top = max(top, v)
		}
		switch {
		case len(list) == 0:
		case r.largest:
			y[p] = top
		default:
			y[p] = sum / float64(len(list)/4)
		}
	}
}

// forwardMaxRoiPool gives the largest element of every place of a region.
func forwardMaxRoiPool(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	_, facts, err := settled(n, in, inferMaxRoiPool)
	if err != nil {
		return nil, err
	}
	lists, err := allReals(in)
	if err != nil {
		return nil, err
	}
	shape, out := in[0].Shape, facts[0].Shape
	if in[1].Shape[1] != 5 {
		return nil, errors.New("a region is an image and four coordinates")
	}
	scale := float64(n.Attrs.Float("spatial_scale", 1))
	y := make([]float64, 0, product(out))
	for i := range int(out[0]) {
		region := lists[1][i*5:][:5]
		if region[0] < 0 || region[0] >= float64(shape[0]) {
			return nil, fmt.Errorf("there is no image %g", region[0])
		}
		images := lists[0][int(region[0])*int(product(shape[1:])):]
		left, columns := halves(region[1]*scale, region[3]*scale, int(out[3]), int(shape[3]))
		top, rows := halves(region[2]*scale, region[4]*scale, int(out[2]), int(shape[2]))
		for c := range int(shape[1]) {
			plane := images[c*int(shape[2]*shape[3]):][:shape[2]*shape[3]]
			for r := range top {
				for k := range left {
					y = append(y, largestIn(plane, int(shape[3]), [4]int{top[r], rows[r], left[k], columns[k]}))
				}
			}
		}
	}
	return result(&facts[0], y)
}

// halves divides a region of an axis, both ends included and rounded, into
// parts that may overlap by one.
func halves(from, to float64, parts, size int) (start, end []int) {
	first, last := math.Round(from), math.Round(to)
	length := max(last-first+1, 1) / float64(parts)
	within := func(x float64) int { return int(max(min(x+first, float64(size)), 0)) }
	for p := range parts {
		start = append(start, within(math.Floor(float64(p)*length)))
		end = append(end, within(math.Ceil(float64(p+1)*length)))
	}
	return start, end
}

// largestIn is the largest element of rows and columns from the first to before
// the second; zero where there are none.
func largestIn(plane []float64, width int, r [4]int) float64 {
	if r[0] >= r[1] || r[2] >= r[3] {
		return 0
	}
	top := math.Inf(-1)
	for i := r[0]; i < r[1]; i++ {
		for _, x := range plane[i*width+r[2] : i*width+r[3]] {
			top = max(top, x)
		}
	}
	return top
}
