package loss

import (
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// fold is a tensor of logits seen as outer × classes × inner.
type fold struct{ outer, classes, inner int }

// foldAt folds pred around its axis of classes. Axis 0 is the batch's, so 0
// stands for the axis after it; negative axes count from the end.
func foldAt(pred *tensor.Tensor, axis int) (f fold, at int, err error) {
	rank := pred.Rank()
	switch {
	case axis == 0:
		at = 1
	case axis < 0:
		at = axis + rank
	default:
		at = axis
	}
	if at < 1 || at >= rank {
		return fold{}, 0, fmt.Errorf("predictions of shape %v have no classes on axis %d", pred.Shape, at)
	}
	f = fold{outer: 1, classes: int(pred.Shape[at]), inner: 1}
	for _, d := range pred.Shape[:at] {
		f.outer *= int(d)
	}
	for _, d := range pred.Shape[at+1:] {
		f.inner *= int(d)
	}
	switch {
	case f.classes == 0:
		return fold{}, 0, fmt.Errorf("predictions of shape %v have no classes", pred.Shape)
	case f.outer*f.inner == 0:
		return fold{}, 0, fmt.Errorf("predictions of shape %v are empty", pred.Shape)
	}
	return f, at, nil
}

// lanes is how many positions are worked on together: where classes are not
// the last axis, memory is then read in runs and not one element per line.
const lanes = 64

// run is up to lanes adjacent positions: the offset of the first one's first
// logit, its number among the positions, and how many there are.
type run struct{ at, position, width int }

// runs gives the positions of f in order.
func (f fold) runs(yield func(run) bool) {
	for o := range f.outer {
		for i := 0; i < f.inner; i += lanes {
			r := run{o*f.classes*f.inner + i, o*f.inner + i, min(lanes, f.inner-i)}
			if !yield(r) {
				return
			}
		}
	}
}

// logSumExp writes log Σ exp(scale·x) over the classes of each position of r.
func (f fold) logSumExp(dst []float64, x []float32, r run, scale float64) {
	var buf [lanes]float64
	peak := buf[:r.width]
	for i := range peak {
		peak[i] = math.Inf(-1)
	}
	for c := range f.classes {
		for i, v := range x[r.at+c*f.inner:][:r.width] {
			peak[i] = max(peak[i], scale*float64(v))
		}
	}
	dst = dst[:r.width]
	clear(dst)
	for c := range f.classes {
		for i, v := range x[r.at+c*f.inner:][:r.width] {
			dst[i] += math.Exp(scale*float64(v) - peak[i])
		}
	}
	for i := range dst {
		dst[i] = peak[i] + math.Log(dst[i])
	}
}
