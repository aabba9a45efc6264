package op

import (
	"errors"
	"math"

	"onnxcompress/graph/tensor"
)

// forwardWindow is a sum of cosines: the amplitude of each multiple.
func forwardWindow(amplitudes ...float64) func(*Node, []*tensor.Tensor) ([]*tensor.Tensor, error) {
	return func(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
		_, facts, err := settled(n, in, inferSignalWindow)
		if err != nil {
			return nil, err
		}
		y := make([]float64, facts[0].Shape[0])
		period := float64(len(y))
		if n.Attrs.Int("periodic", 1) == 0 {
			period--
		}
		for i := range y {
			for k, a := range amplitudes {
				y[i] += a * math.Cos(2*math.Pi*float64(k*i)/period)
			}
		}
		return result(&facts[0], y)
	}
}

// mel is a frequency on the scale of pitches, hertz the other way.
func mel(hertz float64) float64 { return 2595 * math.Log10(1+hertz/700) }

func hertz(mel float64) float64 { return 700 * (math.Pow(10, mel/2595) - 1) }

// forwardMelWeightMatrix gives triangles that overlap by half, evenly spaced in
// pitch.
func forwardMelWeightMatrix(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	_, facts, err := settled(n, in, inferMelWeightMatrix)
	if err != nil {
		return nil, err
	}
	lists, err := allReals(in)
	if err != nil {
		return nil, err
	}
	for slot := range 5 {
		if len(operand(lists, slot)) != 1 {
			return nil, errors.New("needs five numbers")
		}
	}
	bins, low, high := int(facts[0].Shape[1]), mel(lists[3][0]), mel(lists[4][0])
	edges := make([]int, bins+2)
	for i := range edges {
		at := hertz(low + float64(i)*(high-low)/float64(bins+2))
		edges[i] = int(math.Floor((lists[1][0] + 1) * at / lists[2][0]))
		if edges[i] < 0 || int64(edges[i]) >= facts[0].Shape[0] {
			return nil, errors.New("the frequencies do not fit the transform")
		}
	}
	y := make([]float64, product(facts[0].Shape))
	for i := range bins {
		left, centre, right := edges[i], edges[i+1], edges[i+2]
		for j := left; j < centre; j++ {
			y[j*bins+i] = float64(j-left) / float64(centre-left)
		}
		y[centre*bins+i] = 1
		for j := centre + 1; j < right; j++ {
			y[j*bins+i] = float64(right-j) / float64(right-centre)
		}
	}
	return result(&facts[0], y)
}
