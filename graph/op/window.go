package op

import (
	"fmt"
	"slices"
)

// windows is how a kernel slides over the spatial axes, all of one length.
type windows struct {
	kernel, strides, dilations []int64
	// before and after pad each axis.
	before, after []int64
	ceil          bool
	auto          string
}

// windowsOf reads the attributes of pooling and convolution for spatial axes
// of the given sizes.
func windowsOf(n *Node, spatial, kernel []int64) (windows, error) {
	rank := len(spatial)
	w := windows{kernel: kernel, auto: n.Attrs.Str("auto_pad", "NOTSET"), ceil: n.Attrs.Int("ceil_mode", 0) != 0}
	if len(kernel) != rank {
		return w, fmt.Errorf("kernel %v does not fit %d spatial axes", kernel, rank)
	}
	ones := line(int64(rank), 1, 0)
	w.strides, w.dilations = ones, ones
	if s := n.Attrs.Ints("strides"); len(s) > 0 {
		w.strides = s
	}
	if d := n.Attrs.Ints("dilations"); len(d) > 0 {
		w.dilations = d
	}
	pads := n.Attrs.Ints("pads")
	if len(pads) == 0 {
		pads = line(2*int64(rank), 0, 0)
	}
	if len(w.strides) != rank || len(w.dilations) != rank || len(pads) != 2*rank {
		return w, fmt.Errorf("strides, dilations and pads do not fit %d spatial axes", rank)
	}
	for _, list := range [][]int64{kernel, w.strides, w.dilations} {
		for _, v := range list {
			if v < 1 || v > 1<<31 {
				return w, fmt.Errorf("kernel %v, strides %v and dilations %v are out of range", kernel, w.strides, w.dilations)
			}
		}
	}
	for _, p := range pads {
		if p < 0 || p > 1<<31 {
			return w, fmt.Errorf("pads %v are out of range", pads)
		}
	}
	w.before, w.after = slices.Clone(pads[:rank]), slices.Clone(pads[rank:])
	w.fill(spatial)
	return w, nil
}

// reach is the length of the dilated kernel.
func (w *windows) reach(i int) int64 { return (w.kernel[i]-1)*w.dilations[i] + 1 }

// fill sets the padding that auto_pad asks for.
func (w *windows) fill(spatial []int64) {
	for i, size := range spatial {
		switch w.auto {
		case "VALID":
			w.before[i], w.after[i] = 0, 0
		case "SAME_UPPER", "SAME_LOWER":
			count := (size + w.strides[i] - 1) / w.strides[i]
			total := max((count-1)*w.strides[i]+w.reach(i)-size, 0)
			w.before[i], w.after[i] = total/2, total-total/2
			if w.auto == "SAME_LOWER" {
				w.before[i], w.after[i] = w.after[i], w.before[i]
			}
		}
	}
}

// counts is the number of windows along each spatial axis.
func (w *windows) counts(spatial []int64) ([]int64, error) {
	out := make([]int64, len(spatial))
	for i, size := range spatial {
		if w.auto == "SAME_UPPER" || w.auto == "SAME_LOWER" {
			out[i] = (size + w.strides[i] - 1) / w.strides[i]
			continue
		}
		room := size + w.before[i] + w.after[i] - w.reach(i)
		if room < 0 {
			return nil, fmt.Errorf("a window of %d does not fit into spatial axis %d of %d", w.reach(i), i, size)
		}
		out[i] = room/w.strides[i] + 1
		if !w.ceil {
			continue
		}
		out[i] = (room+w.strides[i]-1)/w.strides[i] + 1
		if (out[i]-1)*w.strides[i] >= size+w.before[i] {
			out[i]-- // a window that starts in the padding behind is none
		}
	}
	return out, nil
}

// padded reports whether windows reach beyond the axes.
func (w *windows) padded() bool {
	return w.ceil || slices.Max(append(slices.Clone(w.before), w.after...)) > 0
}

// touch reports whether every window is sure to hold an element that is not
// padding.
func (w *windows) touch(spatial []int64) bool {
	for i, size := range spatial {
		if w.before[i] >= w.reach(i) || w.after[i] >= w.reach(i) {
			return false
		}
		if w.dilations[i] > max(size, 1) && w.before[i]+w.after[i] > 0 {
			return false
		}
	}
	return true
}
