package op

import (
	"errors"
	"slices"
)

// sweep lists where a kernel that slides over data meets it: place o of the
// kernel and its tap k lie on element o·stride + k·dilation - before of the
// data. Whole rows along the last axis are met at once.
type sweep struct {
	rows  []meeting
	spans []span
	// stride is the step of the last axis through the data.
	stride int
	// data, places and taps are the elements of a plane of each.
	data, places, taps int
}

// meeting is the start of a row of places, of data and of taps.
type meeting struct{ place, data, tap int }

// span is the run of places, first to end, that one tap of the last axis finds
// data at; from is the element of the first.
type span struct{ first, end, from int }

// mostMeetings bounds the memory of a sweep.
const mostMeetings = 1 << 22

// newSweep places a kernel over data with spatial axes of the given sizes.
func newSweep(w *windows, data, places []int64) (*sweep, error) {
	s := &sweep{data: int(product(data)), places: int(product(places)), taps: int(product(w.kernel))}
	axes := slidingAxes(w, data, places)
	last := axes[len(axes)-1]
	s.stride = int(last.stride)
	for k := range last.kernel {
		first, end := last.meets(k)
		s.spans = append(s.spans, span{int(first), int(end), int(first*last.stride + k*last.dilation - last.before)})
	}
	if s.places == 0 || s.data == 0 {
		return s, nil
	}
	s.rows = []meeting{{}}
	place, row, tap := s.places, s.data, s.taps
	for _, a := range axes[:len(axes)-1] {
		place, row, tap = place/int(a.places), row/int(a.data), tap/int(a.kernel)
		next := []meeting{}
		for _, m := range s.rows {
			for k := range a.kernel {
				first, end := a.meets(k)
				for o := first; o < end; o++ {
					at := o*a.stride + k*a.dilation - a.before
					next = append(next, meeting{m.place + int(o)*place, m.data + int(at)*row, m.tap + int(k)*tap})
				}
				if len(next) > mostMeetings {
					return nil, errors.New("the kernel is too large to evaluate")
				}
			}
		}
		s.rows = next
	}
	return s, nil
}

// sliding is one axis that a kernel slides along.
type sliding struct{ kernel, stride, dilation, before, data, places int64 }

// slidingAxes leaves out axes along which nothing slides, and makes one axis of
// all where the kernel is a point.
func slidingAxes(w *windows, data, places []int64) []sliding {
	var axes []sliding
	for i := range data {
		a := sliding{w.kernel[i], w.strides[i], w.dilations[i], w.before[i], data[i], places[i]}
		if a != (sliding{1, a.stride, a.dilation, 0, 1, 1}) {
			axes = append(axes, a)
		}
	}
	point := !slices.ContainsFunc(axes, func(a sliding) bool {
		return a.kernel != 1 || a.stride != 1 || a.before != 0 || a.data != a.places
	})
	if point {
		return []sliding{{1, 1, 1, 0, product(data), product(places)}}
	}
	return axes
}

// meets is the run of places at which tap k finds data.
func (a *sliding) meets(k int64) (first, end int64) {
	at := a.before - k*a.dilation
	if at > 0 {
		first = (at + a.stride - 1) / a.stride
	}
	if top := a.data - 1 + at; top >= 0 {
		end = min(top/a.stride+1, a.places)
	}
	return min(first, end), end
}

// gather adds to every place the data under it times the taps.
func (s *sweep) gather(places, data, taps []float64) {
	for _, r := range s.rows {
		for k, p := range s.spans {
			w, at := taps[r.tap+k], r.data+p.from
			sums := places[r.place+p.first : r.place+p.end]
			if s.stride == 1 && len(sums) > 0 {
				for i, x := range data[at : at+len(sums)] {
					sums[i] += w * x
				}
				continue
			}
			for i := range sums {
				sums[i] += w * data[at]
				at += s.stride
			}
		}
	}
}

// spread adds to the data under every place the place's number times the taps.
func (s *sweep) spread(places, data, taps []float64) {
	for _, r := range s.rows {
		for k, p := range s.spans {
			s.row(places[r.place+p.first:r.place+p.end], data, r.data+p.from, taps[r.tap+k])
		}
	}
}

func (s *sweep) row(places, data []float64, at int, w float64) {
	for _, x := range places {
		data[at] += w * x
		at += s.stride
	}
}
