package depgraph

import (
	"slices"

	"onnxcompress/graph/op"
)

// nest finds the strides at which every segment class divides, to a fixpoint,
// and tells whether they form a chain of divisors.
func (f *factoring) nest() bool {
	f.bounds = map[int32][]int64{}
	for _, id := range f.component.spaces {
		f.segments(id, func(_, n int64, class int32) { f.bounds[class] = []int64{1, n} })
	}
	var work []int32
	add := func(class int32, at int64) {
		i, found := slices.BinarySearch(f.bounds[class], at)
		if !found {
			f.bounds[class] = slices.Insert(f.bounds[class], i, at)
			work = append(work, class)
		}
	}
	for _, l := range f.component.links {
		if l.kind != op.Tie {
			continue
		}
		as, okA := f.runs(l.a, l.strideA, l.size, add)
		bs, okB := f.runs(l.b, l.strideB, l.size, add)
		if !okA || !okB || !f.pair(l, as, bs) {
			return false
		}
	}
	for _, id := range f.component.spaces {
		for _, p := range f.all[id].pins {
			if _, ok := f.runs(id, p.stride, p.size, add); !ok && !whole(op.Digit{Stride: p.stride, Size: p.size}, f.all[id].size) {
				return false
			}
		}
	}
	return f.propagate(work, add)
}

// run is the values of a digit that a segment holds.
type run struct {
	class        int32
	first, count int64
}

// runs finds the values of a digit that each segment of a space holds, and adds
// the digit's bounds to the segments'. It fails where one holds a part of them
// only, unless the digit is the outermost and the part consecutive.
func (f *factoring) runs(id int32, stride, size int64, add func(int32, int64)) (list []run, ok bool) {
	ok = true
	each := stride * size
	f.segments(id, func(lo, n int64, class int32) {
		r := run{class, 0, size}
		switch {
		case lo%each == 0 && n%each == 0:
			add(class, each)
		case each == f.all[id].size && lo%stride == 0 && n%stride == 0:
			r.first, r.count = lo/stride, n/stride
		default:
			ok = false
			return
		}
		add(class, stride)
		list = append(list, r)
	})
	return list, ok
}

// pair ties the runs of two digits that hold the same values. It fails where
// runs overlap otherwise, or are too many.
func (f *factoring) pair(l spaceLink, as, bs []run) bool {
	if len(as)*len(bs) > mostTies-len(f.ties) {
		return false
	}
	for _, a := range as {
		for _, b := range bs {
			switch {
			case a.first == b.first && a.count == b.count:
				if a.count > 1 {
					f.ties = append(f.ties, digitTie{a.class, b.class, l.strideA, l.strideB, a.count})
				}
			case a.first < b.first+b.count && b.first < a.first+a.count:
				return false
			}
		}
	}
	return true
}

func (f *factoring) propagate(work []int32, add func(int32, int64)) bool {
	touching := map[int32][]digitTie{}
	for _, t := range f.ties {
		touching[t.a] = append(touching[t.a], t)
		touching[t.b] = append(touching[t.b], digitTie{t.b, t.a, t.strideB, t.strideA, t.size})
		work = append(work, t.a, t.b)
	}
	for pass := 0; pass < len(work); pass++ {
		for _, t := range touching[work[pass]] {
			for _, at := range slices.Clone(f.bounds[t.a]) {
				if t.strideA < at && at < t.strideA*t.size {
					if at%t.strideA != 0 {
						return false
					}
					before := len(f.bounds[t.b])
					add(t.b, at/t.strideA*t.strideB)
					if len(f.bounds[t.b]) > before {
						work = append(work, t.b)
					}
				}
			}
		}
		if len(work) > 1<<22 {
			return false
		}
	}
	for _, bounds := range f.bounds {
		for i := 1; i < len(bounds); i++ {
			if bounds[i]%bounds[i-1] != 0 {
				return false
			}
		}
	}
	return true
}
