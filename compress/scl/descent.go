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
	for _, l := range m.mask.Layers() {
		if len(m.pulls[l.Var]) != l.Size {
			m.pulls[l.Var] = make([]float32, l.Size)
		}
		pulls, grad := m.pulls[l.Var], n.Variables()[l.Var].Grad
		if grad == nil {
			clear(pulls)
			continue
		}
		m.mask.Weigh(n, l, pulls)
		for i, g := range grad {
			pulls[i] *= g
		}
		if m.STE != Identity {
			for i, x := range m.masks[l.Var] {
				pulls[i] *= m.STE.slope(x)
			}
		}
		m.normalise(pulls, l)
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
		if m.STE == Identity {
			for i, pull := range pulls {
				masks[i] -= rate * (pull + price)
			}
			continue
		}
		for i, x := range masks {
			masks[i] -= rate * (pulls[i] + price*m.STE.slope(x))
		}
	}
}

// control is the least price, but no negative one, that brings the sparsity to
// where it must be after the step.
func (m *Method) control(s *train.Step) float64 {
	begin := s.At(m.Begin)
	way := (float64(s.N-begin) + 1) / (float64(s.At(m.Freeze)-begin) + 1)
	if way <= 0 {
		return 0
	}
	m.bids = m.bids[:0]
	for k, l := range m.mask.Layers() {
		m.bid(l.Var, float32(m.prices[k]))
	}
	left := m.left(m.Sparsity * (1 - math.Pow(1-math.Min(way, 1), m.Power)))
	if left >= len(m.bids) {
		return 0
	}
	return math.Max(float64(connection.Least(m.bids, len(m.bids)-max(left, 1))), 0)
}

// bid adds the prices above which the connections of a variable are masked by a
// step, where one counts for count.
func (m *Method) bid(variable int, count float32) {
	per, pulls := float32(1/m.Rate), m.pulls[variable]
	if m.STE == Identity {
		for i, x := range m.masks[variable] {
			m.bids = append(m.bids, (x*per-pulls[i])/count)
		}
		return
	}
	for i, x := range m.masks[variable] {
		bid := x*per - pulls[i]
		if slope := m.STE.slope(x) * count; slope > 0 {
			bid /= slope
		} else if x < 0 {
			bid = float32(math.Inf(-1))
		}
		m.bids = append(m.bids, bid)
	}
}
