package dataset

import (
	"math"
	"slices"
	"testing"

	"onnxcompress/graph/tensor"
)

func scores(shape []int64, v ...float32) *tensor.Tensor { return tensor.FromFloat32s(shape, v) }

func TestTopK(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name   string
		scores *tensor.Tensor
		labels []int64
		k      int
		want   int // -1: refused
	}{
		{"first", scores([]int64{2, 3}, 1, 3, 2, 9, 0, 1), []int64{1, 1}, 1, 1},
		{"second", scores([]int64{2, 3}, 1, 3, 2, 9, 0, 1), []int64{2, 2}, 2, 2},
		{"equal scores go to the lower class", scores([]int64{2, 2}, 5, 5, 5, 5), []int64{0, 1}, 1, 1},
		{"not a number", scores([]int64{2, 2}, nan, nan, nan, 1), []int64{0, 1}, 1, 0},
		{"not a number, all classes asked for", scores([]int64{1, 2}, nan, 1), []int64{0}, 5, 0},
		{"axes of size 1", scores([]int64{1, 2, 1, 1}, 1, 2), []int64{1}, 1, 1},
		{"label out of range", scores([]int64{1, 2}, 1, 2), []int64{2}, 1, -1},
		{"negative label", scores([]int64{1, 2}, 1, 2), []int64{-1}, 1, -1},
		{"count", scores([]int64{1, 2}, 1, 2), []int64{1, 1}, 1, -1},
		{"rank", scores([]int64{1, 2, 2}, 1, 2, 3, 4), []int64{1}, 1, -1},
		{"no classes", scores([]int64{1, 0}), []int64{0}, 1, -1},
		{"strings", tensor.New(tensor.String, 1, 2), []int64{0}, 1, -1},
	} {
		got, err := TopK(c.scores, c.labels, c.k)
		if err != nil {
			got = -1
		}
		if got != c.want {
			t.Errorf("%s: %d (%v), want %d", c.name, got, err, c.want)
		}
	}
}

func TestArgmax(t *testing.T) {
	nan := float32(math.NaN())
	got, err := Argmax(scores([]int64{4, 3}, 1, 3, 3, -5, -6, -4, nan, 1, 2, nan, nan, nan))
	if err != nil || !slices.Equal(got, []int64{1, 2, 2, 0}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := Argmax(scores([]int64{3}, 1, 2, 3)); err == nil {
		t.Errorf("classes %v of a vector", got)
	}
}
