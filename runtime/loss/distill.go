package loss

import (
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// Distill compares logits with a teacher's, a Float32 tensor of pred's shape:
// the Kullback-Leibler divergence of the softened probabilities, summed over
// positions, times the squared temperature, over the batch's size.
type Distill struct {
	// Temperature divides both logits; 0 stands for 1.
	Temperature float32
	// Axis holds the classes, as in CrossEntropy.
	Axis int
}

// Value implements Loss.
func (l Distill) Value(pred, target *tensor.Tensor, grad []float32) (float64, error) {
	temperature := float64(l.Temperature)
	if temperature == 0 {
		temperature = 1
	}
	if !(temperature > 0) || math.IsInf(temperature, 0) {
		return 0, fmt.Errorf("temperature %v is not a positive number", l.Temperature)
	}
	if err := checkPair(pred, target, grad); err != nil {
		return 0, err
	}
	f, _, err := foldAt(pred, l.Axis)
	if err != nil {
		return 0, err
	}
	n := float64(pred.Shape[0])
	return f.distill(pred.Float32s(), target.Float32s(), grad, temperature, n), nil
}

func (f fold) distill(x, teacher, grad []float32, temperature, n float64) float64 {
	var sum float64
	var mine, theirs [lanes]float64
	scale := 1 / temperature
	for r := range f.runs {
		f.logSumExp(mine[:], x, r, scale)
		f.logSumExp(theirs[:], teacher, r, scale)
		for c := range f.classes {
			at := r.at + c*f.inner
			for i, v := range x[at:][:r.width] {
				logP := scale*float64(v) - mine[i]
				logQ := scale*float64(teacher[at+i]) - theirs[i]
				q := math.Exp(logQ)
				if q != 0 { // the limit of q·log q at zero is zero
					sum += q * (logQ - logP)
				}
				if grad != nil {
					grad[at+i] = float32(temperature * (math.Exp(logP) - q) / n)
				}
			}
		}
	}
	return temperature * temperature * sum / n
}
