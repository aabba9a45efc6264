package dataset

import (
	"fmt"
	"math"

	"onnxcompress/graph/tensor"
)

// Argmax is the class of the highest score in every row of scores [N,C], the
// first where several are equal. Further axes of size 1 are ignored.
func Argmax(scores *tensor.Tensor) ([]int64, error) {
	v, classes, err := rowsOf(scores)
	if err != nil {
		return nil, err
	}
	best := make([]int64, 0, scores.Shape[0])
	for ; len(v) > 0; v = v[classes:] {
		at := 0
		for c, s := range v[:classes] {
			if s > v[at] || v[at] != v[at] && s == s {
				at = c
			}
		}
		best = append(best, int64(at))
	}
	return best, nil
}

// TopK counts the rows of scores [N,C] in which fewer than k classes come
// before the labelled one: those that score higher, or the same with a lower
// number. A score that is not a number is before all others, and never right.
func TopK(scores *tensor.Tensor, labels []int64, k int) (correct int, err error) {
	v, classes, err := rowsOf(scores)
	if err != nil {
		return 0, err
	}
	if n := scores.Shape[0]; n != int64(len(labels)) {
		return 0, fmt.Errorf("%d rows of scores for %d labels", n, len(labels))
	}
	for i, label := range labels {
		if label < 0 || label >= int64(classes) {
			return 0, fmt.Errorf("label %d of sample %d: the output has %d classes", label, i, classes)
		}
		if rank(v[i*classes:(i+1)*classes], int(label)) < k {
			correct++
		}
	}
	return correct, nil
}

// rank counts the scores that come before that of a class; all do if it is not
// a number.
func rank(row []float64, class int) int {
	own := row[class]
	if own != own {
		return math.MaxInt
	}
	before := 0
	for c, s := range row {
		if !(s <= own) || s == own && c < class {
			before++
		}
	}
	return before
}

func rowsOf(scores *tensor.Tensor) (v []float64, classes int, err error) {
	s := scores.Shape
	for len(s) > 2 && s[len(s)-1] == 1 {
		s = s[:len(s)-1]
	}
	if len(s) != 2 || s[1] == 0 || !scores.DType.IsFloat() && !scores.DType.IsInt() {
		return nil, 0, fmt.Errorf("output %v of %v: want scores [N,C]", scores.Shape, scores.DType)
	}
	return scores.AsFloat64s(), int(s[1]), nil
}
