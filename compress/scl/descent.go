package scl

import (
	"math"

	"onnxcompress/compress/connection"
	"onnxcompress/compress/train"
)

// pull finds what the loss has to say of the masks: for each, its weight times the
// gradient times the slope of the surrogate, normalised.
func (m *Method) pull(n *train.Net) {
	if len(m.pulls) != len(m.masks) {
		m.pulls = make(train.Arrays, len(m.masks))
	}
	weights := m.mask.Weights(n)
	for _, l := range m.mask.Layers() {
		grad := n.Variables()[l.Var].Grad
		if len(m.pulls[l.Var]) != l.Size {
			m.pulls[l.Var] = make([]float32, l.Size)
		}
		if grad == nil {
			clear(m.pulls[l.Var])
			continue
		}
		pull(m.pulls[l.Var], grad, weights[l.Var], m.masks[l.Var], m.STE)
		m.normalise(m.pulls[l.Var], l)
	}
}

func pull(to, grad, weight, mask []float32, e STE) {
	for i, g := range grad {
		to[i] = g * weight[i] * e.slope(mask[i])
	}
}

// normalise divides the pulls of a layer by their norm over each feature.
func (m *Method) normalise(pulls []float32, l connection.Layer) {
	axis := connection.Axis{Count: 1, Inner: l.Size}
	switch m.Feature {
	case None:
		return
	case OutFeature:
		axis = l.Out
	case InFeature:
		axis = l.In
	}
	sums := make([]float64, axis.Count)
	axis.Runs(len(pulls), func(f, lo, hi int) {
		for _, x := range pulls[lo:hi] {
			sums[f] += float64(x) * float64(x)
		}
	})
	for f, sum := range sums {
		if m.Norm == RMS {
			sum /= float64(len(pulls) / axis.Count)
		}
		sums[f] = 1 / (math.Sqrt(sum) + 1e-12)
	}
	axis.Runs(len(pulls), func(f, lo, hi int) {
		for i := lo; i < hi; i++ {
			pulls[i] *= float32(sums[f])
		}
	})
}

// descend moves the masks by a step.
func (m *Method) descend() {
	rate := float32(m.Rate)
	for k, l := range m.mask.Layers() {
		price := float32(m.Price * m.prices[k])
		masks, pulls := m.masks[l.Var], m.pulls[l.Var]
		for i, x := range masks {
			masks[i] -= rate * (pulls[i] + price*m.STE.slope(x))
		}
	}
}

// control is the least price that brings the sparsity to where it must be after the
// step. The masks have the last word: it is not negative.
func (m *Method) control(s *train.Step) float64 {
	begin := s.At(m.Begin)
	way := (float64(s.N-begin) + 1) / (float64(s.At(m.Freeze)-begin) + 1)
	if way <= 0 {
		return 0
	}
	var payable []float32
	for k, l := range m.mask.Layers() {
		for i, x := range m.masks[l.Var] {
			slope := float64(m.STE.slope(x)) * m.prices[k]
			bid := float64(x)/m.Rate - float64(m.pulls[l.Var][i])
			switch {
			case slope > 0:
				bid /= slope
			case x < 0:
				bid = math.Inf(-1)
			}
			payable = append(payable, float32(bid))
		}
	}
	left := m.left(m.Sparsity * (1 - math.Pow(1-math.Min(way, 1), m.Power)))
	if left >= len(payable) {
		return 0
	}
	return math.Max(float64(connection.Least(payable, len(payable)-max(left, 1))), 0)
}
