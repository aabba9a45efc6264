package loss

import (
	"fmt"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// CrossEntropy compares logits with the true class of each position: all of
// pred but its axis of classes. The target is an Int64 tensor of classes, of
// pred's shape without that axis, or a Float32 tensor of probabilities, of
// pred's shape. The value is a mean over positions.
type CrossEntropy struct {
	// Smoothing, in [0, 1], is the share of each target that is spread evenly
	// over all classes.
	Smoothing float32
	// Axis holds the classes; 0 stands for 1, as in PyTorch, and negative axes
	// count from the end.
	Axis int
}

// Value implements Loss.
func (l CrossEntropy) Value(pred, target *tensor.Tensor, grad []float32) (float64, error) {
	if !(l.Smoothing >= 0 && l.Smoothing <= 1) {
		return 0, fmt.Errorf("label smoothing %v is not in [0, 1]", l.Smoothing)
	}
	if err := checkPred(pred, grad); err != nil {
		return 0, err
	}
	f, axis, err := foldAt(pred, l.Axis)
	if err != nil {
		return 0, err
	}
	a := aim{
		fold:   f,
		spread: float64(l.Smoothing) / float64(f.classes),
		keep:   1 - float64(l.Smoothing),
	}
	if target.DType == tensor.Int64 {
		a.class, err = classes(pred, target, axis)
	} else if err = checkPair(pred, target, grad); err == nil {
		a.share = target.Float32s()
	}
	if err != nil {
		return 0, err
	}
	return a.crossEntropy(pred.Float32s(), grad), nil
}

// classes checks a target of class numbers.
func classes(pred, target *tensor.Tensor, axis int) ([]int64, error) {
	before, after := pred.Shape[:axis], pred.Shape[axis+1:]
	if target.Rank() != pred.Rank()-1 ||
		!slices.Equal(target.Shape[:axis], before) || !slices.Equal(target.Shape[axis:], after) {
		return nil, fmt.Errorf("target has shape %v, want %v without axis %d", target.Shape, pred.Shape, axis)
	}
	class := target.Int64s()
	for i, c := range class {
		if c < 0 || c >= pred.Shape[axis] {
			return nil, fmt.Errorf("target %d is class %d of %d", i, c, pred.Shape[axis])
		}
	}
	return class, nil
}

// aim is what the probabilities are to be: class or share, smoothed.
type aim struct {
	fold
	class        []int64
	share        []float32
	spread, keep float64
}

// of is the probability aimed at for class c at position i of r.
func (a *aim) of(r run, i, c int) float64 {
	switch {
	case a.class == nil:
		return a.spread + a.keep*float64(a.share[r.at+c*a.inner+i])
	case a.class[r.position+i] == int64(c):
		return a.spread + a.keep
	}
	return a.spread
}

func (a *aim) crossEntropy(x, grad []float32) float64 {
	var sum float64
	var lse, mass [lanes]float64
	n := float64(a.outer * a.inner)
	for r := range a.runs {
		a.logSumExp(lse[:], x, r, 1)
		clear(mass[:r.width])
		for c := range a.classes {
			for i, v := range x[r.at+c*a.inner:][:r.width] {
				t := a.of(r, i, c)
				mass[i] += t
				if t != 0 { // a class ruled out by an infinite logit costs nothing where it is not wanted
					sum += t * (lse[i] - float64(v))
				}
			}
		}
		if grad == nil {
			continue
		}
		for c := range a.classes {
			at := r.at + c*a.inner
			for i, v := range x[at:][:r.width] {
				p := math.Exp(float64(v) - lse[i])
				grad[at+i] = float32((mass[i]*p - a.of(r, i, c)) / n)
			}
		}
	}
	return sum / n
}
