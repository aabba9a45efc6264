package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// TestSVG: every curve of two points or more is drawn, as well-formed SVG that
// refers to nothing and names no black; less is ErrShort.
func TestSVG(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	tests := []struct {
		name   string
		points [][2]float64
		drawn  bool
	}{
		{"none", nil, false},
		{"one", [][2]float64{{1, 1}}, false},
		{"two", [][2]float64{{0, 1}, {1, 0.5}}, true},
		{"one that is finite", [][2]float64{{0, 1}, {1, nan}, {inf, 1}, {2, -inf}}, false},
		{"gaps", [][2]float64{{0, 1}, {1, nan}, {2, 3}}, true},
		{"level", [][2]float64{{0, 1}, {1, 1}, {2, 1}}, true},
		{"level at 0", [][2]float64{{0, 0}, {1, 0}}, true},
		{"upright", [][2]float64{{1, 0}, {1, 1}}, true},
		{"huge", [][2]float64{{0, -1e99}, {1e12, 1e99}}, true},
		{"tiny", [][2]float64{{0, 1e-300}, {1e-9, 2e-300}}, true},
		{"beyond floats", [][2]float64{{0, -math.MaxFloat64}, {1, math.MaxFloat64}}, false},
		{"nearly level", [][2]float64{{0, 1}, {1, 1 + 1e-16}, {2, 1 - 1e-15}}, true},
		{"nearly upright", [][2]float64{{1e9, 1}, {1e9 + 1e-7, 2}}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, zero := range []bool{false, true} {
				c := Curve{Title: "a < b & \"c\"", X: "epoch", Y: "%", Points: test.points, FromZero: zero}
				svg, err := c.SVG()
				if !test.drawn {
					if !errors.Is(err, ErrShort) {
						t.Errorf("got %q, %v", svg, err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				for _, foreign := range []string{"://", "xmlns", "href", "#000000", "NaN", "Inf", "<?"} {
					if strings.Contains(string(svg), foreign) {
						t.Errorf("there is %s in %s", foreign, svg)
					}
				}
				for d := xml.NewDecoder(strings.NewReader(string(svg))); err == nil; {
					_, err = d.Token()
				}
				if err != io.EOF {
					t.Errorf("%v in %s", err, svg)
				}
			}
		})
	}
}

// FuzzSVG: whatever the numbers, drawing ends.
func FuzzSVG(f *testing.F) {
	f.Add(0.0, 1.0, 1.0, 0.5, 2.0, 0.25)
	f.Add(0.0, 1.0, 1.0, 1+1e-16, 2.0, 1-1e-12)
	f.Add(5e-324, -1e99, 1e99, 5e-324, 1e-310, 0.0)
	f.Fuzz(func(t *testing.T, x0, y0, x1, y1, x2, y2 float64) {
		for _, zero := range []bool{false, true} {
			c := Curve{Points: [][2]float64{{x0, y0}, {x1, y1}, {x2, y2}}, FromZero: zero}
			if svg, err := c.SVG(); err != nil && !errors.Is(err, ErrShort) || strings.Contains(string(svg), "NaN") {
				t.Errorf("%v: %s, %v", c.Points, svg, err)
			}
		}
	})
}
