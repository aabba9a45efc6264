package op

import "math"

// aligning is a RoiAlign node of fixed shapes. Regions have no gradient: they are
// where the network looks, as other frameworks have it.
type aligning struct {
	roiAlign
	regions, channels, size, places, images int
	// aims has the samples of a region for each worker, errs what each failed with.
	aims []roiAlign
	errs []error
}

func compileRoiAlign(n *Node) (*Routine, error) {
	if len(n.In) < 3 || !floats(n, 0, 1) || !indexed(n, 2) {
		return nil, nil
	}
	x, out := n.In[0].Shape, n.Out[0].Shape
	if product(x) == 0 || n.In[1].Shape[1] != 4 {
		return nil, nil
	}
	r := &aligning{
		roiAlign: roiAlign{
			height: int(x[2]), width: int(x[3]), rows: int(out[2]), columns: int(out[3]),
			scale: float64(n.Attrs.Float("spatial_scale", 1)), ratio: int(n.Attrs.Int("sampling_ratio", 0)),
			largest: n.Attrs.Str("mode", "avg") == "max",
		},
		images: int(x[0]), channels: int(x[1]), size: int(x[2] * x[3]), regions: int(out[0]), places: int(out[2] * out[3]),
	}
	if n.Version >= 16 && n.Attrs.Str("coordinate_transformation_mode", "half_pixel") == "half_pixel" {
		r.shift = 0.5
	}
	forward := shared(r.regions, 8*r.channels*r.places, r.forward)
	return &Routine{
		KeepIn: []int{0, 1, 2}, Adds: true,
		Forward: func(f *Frame) {
			r.ready(f)
			forward(f)
			for i, err := range r.errs {
				if r.errs[i] = nil; err != nil {
					f.Err = err
				}
			}
		},
		Backward: func(f *Frame) {
			r.ready(f)
			if f.DIn[1] != nil {
				f.begin(1, true)
			}
			if f.DIn[0] != nil {
				r.backward(f)
			}
		},
	}, nil
}

// ready makes room for the workers before the first call.
func (r *aligning) ready(f *Frame) {
	for len(r.aims) < f.Pool.Threads() {
		r.aims, r.errs = append(r.aims, r.roiAlign), append(r.errs, nil)
	}
}

// look aims at region i and gives the place of its image.
func (r *aligning) look(f *Frame, a *roiAlign, i int) (image int, err error) {
	var region [4]float64
	for k, v := range f.X(1)[i*4 : (i+1)*4] {
		region[k] = float64(v)
	}
	if err := a.aim(region[:]); err != nil {
		return 0, err
	}
	return indexAt(f.In[2], i, int64(r.images))
}

func (r *aligning) forward(f *Frame, worker, lo, hi int) {
	a := &r.aims[worker]
	for i := lo; i < hi; i++ {
		image, err := r.look(f, a, i)
		if err != nil {
			r.errs[worker] = err
			return
		}
		for c := range r.channels {
			x, y := f.X(0)[(image*r.channels+c)*r.size:][:r.size], f.Y(0)[(i*r.channels+c)*r.places:][:r.places]
			for p := range y {
				y[p] = a.number(x, p)
			}
		}
	}
}

// number is that of place p: the mean of its samples or the largest share.
func (r *roiAlign) number(plane []float32, p int) float32 {
	list := r.corners[p*r.cornersPerPlace:][:r.cornersPerPlace]
	if len(list) == 0 {
		return 0
	}
	if r.largest {
		c := list[r.best(list, plane)]
		return float32(c.share * float64(plane[c.at]))
	}
	sum := 0.0
	for _, c := range list {
		sum += c.share * float64(plane[c.at])
	}
	return float32(sum / float64(len(list)/4))
}

// best is the corner with the largest share.
func (r *roiAlign) best(list []corner, plane []float32) int {
	best, top := 0, math.Inf(-1)
	for k, c := range list {
		if v := c.share * float64(plane[c.at]); v > top {
			best, top = k, v
		}
	}
	return best
}

func (r *aligning) backward(f *Frame) {
	a, dx := &r.aims[0], f.begin(0, true)
	for i := range r.regions {
		image, err := r.look(f, a, i)
		if err != nil {
			f.Err = err
			return
		}
		for c := range r.channels {
			at := (image*r.channels + c) * r.size
			plane, to := f.X(0)[at:at+r.size], dx[at:at+r.size]
			for p, d := range f.DOut[0].Float32s()[(i*r.channels+c)*r.places:][:r.places] {
				a.give(to, plane, p, d)
			}
		}
	}
}

// give adds to the corners of place p their shares of d.
func (r *roiAlign) give(dx, plane []float32, p int, d float32) {
	list := r.corners[p*r.cornersPerPlace:][:r.cornersPerPlace]
	switch {
	case len(list) == 0:
	case r.largest:
		c := list[r.best(list, plane)]
		dx[c.at] += float32(c.share) * d
	default:
		d /= float32(len(list) / 4)
		for _, c := range list {
			dx[c.at] += float32(c.share) * d
		}
	}
}
