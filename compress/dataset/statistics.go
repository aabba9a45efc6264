package dataset

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"onnxcompress/graph/tensor"
)

// Moments are what the numbers of one input of a batch are like: wrong ones are
// the most frequent reason for a model that is right on nothing.
type Moments struct {
	Input string
	DType tensor.DType
	Shape []int64
	// Min, Max, Mean and Std are of the finite numbers, zero where there are
	// none; Odd counts the others.
	Min, Max, Mean, Std float64
	Odd                 int
}

// Statistics are the moments of every input of a batch that holds numbers, by
// name.
func Statistics(b Batch) []Moments {
	var all []Moments
	for _, name := range slices.Sorted(maps.Keys(b.Inputs)) {
		t := b.Inputs[name]
		if numeric(t) != nil {
			continue
		}
		m := Moments{Input: name, DType: t.DType, Shape: slices.Clone(t.Shape), Min: math.Inf(1), Max: math.Inf(-1)}
		count, spread := 0.0, 0.0
		for _, v := range t.AsFloat64s() {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				m.Odd++
				continue
			}
			m.Min, m.Max = min(m.Min, v), max(m.Max, v)
			// Welford's update, which loses no digits where the mean is large.
			count++
			off := v - m.Mean
			m.Mean += off / count
			spread += off * (v - m.Mean)
		}
		if count == 0 {
			m.Min, m.Max = 0, 0
		} else {
			m.Std = math.Sqrt(spread / count)
		}
		all = append(all, m)
	}
	return all
}

// String is one line for people.
func (m Moments) String() string {
	shape := strings.ReplaceAll(fmt.Sprint(m.Shape), " ", ",")
	text := fmt.Sprintf("%s %v%s: %.4g to %.4g, mean %.4g, standard deviation %.4g", m.Input, m.DType, shape, m.Min, m.Max, m.Mean, m.Std)
	if m.Odd > 0 {
		text += fmt.Sprintf(", %d not finite", m.Odd)
	}
	return text
}
