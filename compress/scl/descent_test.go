package scl

import (
	"math"
	"testing"

	"onnxcompress/compress/connection"
	"onnxcompress/compress/train"
)

// near reports whether numbers are what they should be but for rounding.
func near(got, want []float32) bool {
	for i, w := range want {
		if math.Abs(float64(got[i]-w)) > 1e-5 {
			return false
		}
	}
	return len(got) == len(want)
}

// TestNormalise: the layer has two output features in rows and three input ones
// in columns.
func TestNormalise(t *testing.T) {
	layer := connection.Layer{Size: 6, Out: connection.Axis{Count: 2, Inner: 3}, In: connection.Axis{Count: 3, Inner: 1}}
	pulls := []float32{3, 0, 4, 0, -5, 12}
	r := func(x float64) float32 { return float32(math.Sqrt(x)) }
	for _, c := range []struct {
		name    string
		feature Feature
		norm    Norm
		want    []float32
	}{
		{"none", None, L2, pulls},
		{"rows", OutFeature, L2, []float32{0.6, 0, 0.8, 0, -5. / 13, 12. / 13}},
		{"rows by their mean", OutFeature, RMS, []float32{0.6 * r(3), 0, 0.8 * r(3), 0, -5. / 13 * r(3), 12. / 13 * r(3)}},
		{"columns", InFeature, L2, []float32{1, 0, 4 / r(160), 0, -1, 12 / r(160)}},
		{"all", Layer, L2, []float32{3 / r(194), 0, 4 / r(194), 0, -5 / r(194), 12 / r(194)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(Options{Feature: c.feature, Norm: c.norm})
			got := append([]float32{}, pulls...)
			if m.normalise(got, layer); !near(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
	zero := make([]float32, 6)
	New(Options{}).normalise(zero, layer)
	if !near(zero, make([]float32, 6)) {
		t.Errorf("nothing becomes %v", zero)
	}
}

// TestSlope holds that the derivative of each surrogate but Rectified is positive.
func TestSlope(t *testing.T) {
	sigmoid := func(x float64) float32 { return float32(1 / (1 + math.Exp(-x))) }
	for _, c := range []struct {
		ste  STE
		want []float32 // at -2, 0 and 3
	}{
		{Identity, []float32{1, 1, 1}},
		{Leaky, []float32{leak, 1, 1}},
		{Softplus, []float32{sigmoid(-2), 0.5, sigmoid(3)}},
		{Rectified, []float32{0, 1, 1}},
	} {
		if got := []float32{c.ste.slope(-2), c.ste.slope(0), c.ste.slope(3)}; !near(got, c.want) {
			t.Errorf("%d: %v, want %v", c.ste, got, c.want)
		}
	}
}

// TestBid holds that connections whose bid is above the price stay, and those whose
// bid is below it go, for every surrogate.
func TestBid(t *testing.T) {
	masks, pulls := []float32{0.1, 0.1, -0.05, 0.3, -0.2, 0}, []float32{1, -0.5, -2, 0.1, 0.3, -0.01}
	for _, ste := range []STE{Identity, Leaky, Softplus, Rectified} {
		for _, count := range []float64{1, 2.5} {
			m := New(Options{STE: ste, Rate: 0.05})
			m.masks, m.pulls = train.Arrays{masks}, train.Arrays{append([]float32{}, pulls...)}
			for i, x := range masks {
				m.pulls[0][i] *= ste.slope(x)
			}
			m.bid(0, float32(count))
			for _, price := range []float64{0, 0.3, 1.1, 4} {
				for i, x := range masks {
					slope := float64(ste.slope(x))
					after := float64(x) - m.Rate*(float64(pulls[i])*slope+price*count*slope)
					if math.Abs(after) > 1e-6 && (after >= 0) != (float64(m.bids[i]) >= price) {
						t.Errorf("surrogate %d, count %v, price %v: mask %v is then %v, its bid %v", ste, count, price, x, after, m.bids[i])
					}
				}
			}
		}
	}
}
