package op

import "math"

// compileMaxRoiPool keeps where the largest elements are; regions have no
// gradient.
func compileMaxRoiPool(n *Node) (*Routine, error) {
	if !floats(n, 0, 1) || n.In[1].Shape[1] != 5 || product(n.In[0].Shape) == 0 {
		return nil, nil
	}
	p := &peaks{scale: float64(n.Attrs.Float("spatial_scale", 1))}
	for axis := range 4 {
		p.shape[axis], p.out[axis] = int(n.In[0].Shape[axis]), int(n.Out[0].Shape[axis])
	}
	p.from = make([]int, product(n.Out[0].Shape))
	return &Routine{
		Adds: true, Forward: p.forward,
		Backward: func(f *Frame) {
			if f.DIn[1] != nil {
				f.begin(1, true)
			}
			if f.DIn[0] == nil {
				return
			}
			dx := f.begin(0, true)
			for i, at := range p.from {
				if at >= 0 {
					dx[at] += f.DOut[0].Float32s()[i]
				}
			}
		},
	}, nil
}

// peaks is a MaxRoiPool node of fixed shapes; from is where each output is from,
// -1 for nowhere.
type peaks struct {
	shape, out [4]int
	scale      float64
	from       []int
}

// bounds is where part i of parts of a region of an axis begins and ends.
func (p *peaks) bounds(from, to float32, i, parts, size int) (start, end int) {
	first, last := math.Round(float64(from)*p.scale), math.Round(float64(to)*p.scale)
	length := max(last-first+1, 1) / float64(parts)
	within := func(x float64) int { return int(max(min(x+first, float64(size)), 0)) }
	return within(math.Floor(float64(i) * length)), within(math.Ceil(float64(i+1) * length))
}

func (p *peaks) forward(f *Frame) {
	channels, height, width := p.shape[1], p.shape[2], p.shape[3]
	to := 0
	for i := range p.out[0] {
		region := f.X(1)[i*5 : (i+1)*5]
		if !(region[0] >= 0 && region[0] < float32(p.shape[0])) {
			f.Fail("there is no image %g", region[0])
			return
		}
		for c := range channels {
			plane := (int(region[0])*channels + c) * height * width
			for row := range p.out[2] {
				top, bottom := p.bounds(region[2], region[4], row, p.out[2], height)
				for column := range p.out[3] {
					left, right := p.bounds(region[1], region[3], column, p.out[3], width)
					f.Y(0)[to], p.from[to] = 0, -1
					for y := top; y < bottom; y++ {
						for x := left; x < right; x++ {
							if at := plane + y*width + x; p.from[to] < 0 || f.X(0)[at] > f.Y(0)[to] {
								f.Y(0)[to], p.from[to] = f.X(0)[at], at
							}
						}
					}
					to++
				}
			}
		}
	}
}
