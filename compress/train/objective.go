package train

import (
	"errors"
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
	"onnxcompress/runtime/loss"
)

// Objective is what a training minimises: a loss against what is true, one
// against what the teacher says, or both.
type Objective struct {
	// Truth compares with labels or targets; nil where there are none.
	Truth loss.Loss
	// Classes says that outputs are logits: the teacher's are met by their
	// probabilities, softened by Temperature. Otherwise, and in Match, they are met as they
	// are, by the squared error in units of the variance of Scale.
	Classes     bool
	Temperature float64
	// Distill is the weight of the teacher, from 0 to 1; that of the truth is
	// what is left.
	Distill float64
	// Match is the weight, on top, of meeting the teacher's numbers as they are.
	Match float64
	// Scale measures how much the teacher's numbers vary.
	Scale *Scale

	grad []float32
}

// Value is the loss of predictions, and overwrites grad with its gradient. Teacher
// is nil where Distill and Match are 0, truth where there is no Truth.
func (o *Objective) Value(pred, truth, teacher *tensor.Tensor, grad []float32) (float64, error) {
	clear(grad)
	total := 0.0
	add := func(weight float64, l loss.Loss, target *tensor.Tensor) error {
		if weight == 0 {
			return nil
		}
		if target == nil {
			return errors.New("the batch has nothing to compare with")
		}
		if len(o.grad) != len(grad) {
			o.grad = make([]float32, len(grad))
		}
		v, err := l.Value(pred, target, o.grad)
		if err != nil {
			return err
		}
		total += weight * v
		for i, g := range o.grad {
			grad[i] += float32(weight) * g
		}
		return nil
	}
	follow, distill := o.Distill, o.Distill
	if o.Truth == nil {
		follow, distill = 1, 1
	}
	if o.Truth != nil {
		if err := add(1-distill, o.Truth, truth); err != nil {
			return 0, err
		}
	}
	if o.Classes {
		if err := add(follow, loss.Distill{Temperature: float32(o.Temperature)}, teacher); err != nil {
			return 0, err
		}
	} else if err := add(follow, o.Scale, teacher); err != nil {
		return 0, err
	}
	return total, add(o.Match, o.Scale, teacher)
}

// Scale is a loss: the mean squared error over the variances of what is compared.
// Outputs of different sizes and units, one after the other, count the same.
type Scale struct {
	// Widths are how many numbers of a batch belong to each output; not needed for
	// one output.
	Widths []int
	// Variances are those of each output's numbers.
	Variances []float64
}

// Measure takes the variances from what a teacher says of some samples: one
// tensor for each output and batch.
func Measure(batches [][]*tensor.Tensor) (*Scale, error) {
	if len(batches) == 0 {
		return nil, errors.New("there are no samples")
	}
	s := &Scale{}
	for out := range batches[0] {
		n, sum, squares := 0.0, 0.0, 0.0
		for _, b := range batches {
			for _, v := range b[out].Float32s() {
				n, sum, squares = n+1, sum+float64(v), squares+float64(v)*float64(v)
			}
		}
		if n == 0 {
			return nil, errors.New("an output is empty")
		}
		variance := squares/n - sum/n*sum/n
		if math.IsNaN(variance) || math.IsInf(variance, 0) {
			return nil, errors.New("the model's own outputs are not finite")
		}
		s.Variances = append(s.Variances, math.Max(variance, 1e-12+1e-9*squares/n))
	}
	return s, nil
}

// Value implements loss.Loss.
func (s *Scale) Value(pred, target *tensor.Tensor, grad []float32) (float64, error) {
	x, y := pred.Float32s(), target.Float32s()
	if len(x) != len(y) {
		return 0, fmt.Errorf("%d numbers, and the teacher gives %d", len(x), len(y))
	}
	widths := s.Widths
	if len(s.Variances) == 1 {
		widths = []int{len(x)}
	}
	total, at := 0.0, 0
	for out, width := range widths {
		unit := 1 / (s.Variances[out] * float64(width) * float64(len(widths)))
		for i := at; i < min(at+width, len(x)); i++ {
			d := float64(x[i]) - float64(y[i])
			total += unit * d * d
			if grad != nil {
				grad[i] = float32(2 * unit * d)
			}
		}
		at += width
	}
	if at != len(x) {
		return 0, fmt.Errorf("%d numbers, and the outputs have %d", len(x), at)
	}
	return total, nil
}
