package saliency

import (
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"onnxcompress/compress"
	"onnxcompress/depgraph"
)

// example is two batches of three groups, the last of which is gone. In the
// first, weights (3, 4) move against (1, 0) and (1) against (-2).
func example() measures {
	s := &Sums{}
	s.add([]float64{3, -2, 0}, []float64{25, 1, 0}, []float64{1, 4, 0})
	s.add([]float64{-1, -2, 0}, []float64{25, 1, 0}, []float64{3, 4, 0})
	return measures{norms: []float64{5, 1, 7}, elements: []int{2, 1, 3}, sums: s, counted: []bool{true, true, false}}
}

// TestMix holds every measure to what is worked out by hand, and its sign.
func TestMix(t *testing.T) {
	cosine := 2 / math.Sqrt(50*4)
	for _, c := range []struct {
		name string
		mix  Mix
		// raw are measures before they are divided by their norm.
		raw [2]float64
	}{
		{"magnitude", Mix{Magnitude: 1}, [2]float64{5, 1}},
		{"average", Mix{Average: 1}, [2]float64{2.5, 1}},
		{"inverse", Mix{Inverse: 1}, [2]float64{1 / (2.5 + 1e-6), 1 / (1 + 1e-6)}},
		{"cosine", Mix{Cosine: 1}, [2]float64{cosine, -1}},
		{"cosine for redundancy", Mix{Cosine: -1}, [2]float64{-cosine, 1}},
		{"shifted", Mix{Shifted: 1}, [2]float64{1 + cosine, 0}},
		{"first order", Mix{Taylor1: 1}, [2]float64{2, 2}},
		{"second order", Mix{Taylor2: 1}, [2]float64{2.5, 2}},
	} {
		norm := math.Hypot(c.raw[0], c.raw[1])
		want := []float64{c.raw[0] / norm, c.raw[1] / norm, 0}
		got := c.mix.scores(example())
		for g := range want {
			if math.Abs(got[g]-want[g]) > 1e-12 {
				t.Errorf("%s: group %d scores %v, want %v", c.name, g, got[g], want[g])
			}
		}
	}
}

// TestSum holds that measures add up, each by its weight.
func TestSum(t *testing.T) {
	a, b := Mix{Magnitude: 1}.scores(example()), Mix{Inverse: 1}.scores(example())
	for g, got := range (Mix{Magnitude: 0.25, Inverse: -0.5}).scores(example()) {
		if want := 0.25*a[g] - 0.5*b[g]; math.Abs(got-want) > 1e-12 {
			t.Errorf("group %d scores %v, want %v", g, got, want)
		}
	}
}

func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		mix  Mix
		want bool
	}{
		{Mix{}, false},
		{Mix{Taylor1: 1}, true},
		{Mix{Taylor1: 0.5, Taylor2: 0.5}, true},
		{Mix{Taylor1: -1}, false},
		{Mix{Taylor1: 1, Magnitude: 1}, false},
		{Mix{Cosine: 1}, false},
		{Mix{Taylor1: 1, Balance: 0.5}, false},
	} {
		if got := c.mix.Amounts(); got != c.want {
			t.Errorf("%+v: %v", c.mix, got)
		}
	}
}

// TestJSON holds that sums are read back as they were.
func TestJSON(t *testing.T) {
	for _, s := range []*Sums{{}, example().sums, {Batches: 3, Along: []float64{1.0 / 3, 5e-324, -math.MaxFloat64}}} {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back Sums
		if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(&back, s) {
			t.Errorf("%s became %+v, %v", text, back, err)
		}
	}
}

// TestBalance holds scores by rank to what is counted by hand.
func TestBalance(t *testing.T) {
	g := &depgraph.Graph{Groups: make([]depgraph.Group, 6), Families: []depgraph.Family{{Groups: []int{0, 1, 2, 3}}, {Groups: []int{4, 5}}}}
	scores := compress.Scores{1, 2, 3, 4, -5, 9}
	for _, c := range []struct {
		part float64
		gone int
		want []float64
	}{
		{1, -1, []float64{0.125, 0.375, 0.625, 0.875, 0.25, 0.75}},
		{0, -1, []float64{1.5 / 6, 2.5 / 6, 3.5 / 6, 4.5 / 6, 0.5 / 6, 5.5 / 6}},
		{0.5, -1, []float64{0.1875, 0.375 + 1.0/48, 0.625 - 1.0/48, 0.8125, 0.125 + 1.0/24, 0.875 - 1.0/24}},
		{1, 3, []float64{0.375, 0.625, 0.875, 0.125, 0.25, 0.75}}, // what has gone is lowest
	} {
		got := balanced(g, scores, func(group int) bool { return group == c.gone }, c.part)
		for i := range c.want {
			if math.Abs(got[i]-c.want[i]) > 1e-12 {
				t.Errorf("part %v without %d: group %d scores %v, want %v", c.part, c.gone, i, got[i], c.want[i])
			}
		}
	}
}
