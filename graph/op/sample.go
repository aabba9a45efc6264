package op

import "math"

// sampler reads a grid of numbers between its elements.
type sampler struct {
	sizes []int
	// weights are the shares of the elements around a place, the first of them
	// the one at its floor plus from.
	weights func(fraction float64) []float64
	from    int
	// outside gives the element that stands for one beside an axis of a size,
	// and negative where that is zero.
	outside func(i, axis int) int
}

// at is the number at a place, one coordinate for each axis.
func (s *sampler) at(plane, place []float64) float64 { return s.axis(plane, place, 0, 0) }

func (s *sampler) axis(plane, place []float64, axis, offset int) float64 {
	if axis == len(s.sizes) {
		return plane[offset]
	}
	floor, sum := math.Floor(place[axis]), 0.0
	for k, w := range s.weights(place[axis] - floor) {
		if w == 0 {
			continue
		}
		i := int(floor) + s.from + k
		if i < 0 || i >= s.sizes[axis] {
			if i = s.outside(i, axis); i < 0 {
				continue
			}
		}
		sum += w * s.axis(plane, place, axis+1, offset*s.sizes[axis]+i)
	}
	return sum
}

// nothing stands for elements beside the axes.
func nothing(int, int) int { return -1 }

func nearestWeights(float64) []float64 { return []float64{1} }

func linearWeights(f float64) []float64 { return []float64{1 - f, f} }

// cubicWeights are those of cubic convolution.
func cubicWeights(a float64) func(f float64) []float64 {
	return func(f float64) []float64 {
		return []float64{cubic(f+1, a), cubic(f, a), cubic(1-f, a), cubic(2-f, a)}
	}
}

// cubic is the weight of an element at a distance.
func cubic(x, a float64) float64 {
	switch x = math.Abs(x); {
	case x <= 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((a*x-5*a)*x+8*a)*x - 4*a
	}
	return 0
}
