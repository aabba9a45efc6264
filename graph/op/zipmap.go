package op

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// forwardZipMap makes a map from labels to scores of each sample. A map is
// ordered by its keys; of scores with the same label the last counts.
func forwardZipMap(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	labels := attrTensor(n, "classlabels")
	if labels == nil || labels.DType != tensor.String && labels.DType != tensor.Int64 {
		return nil, errors.New("there are no labels")
	}
	v, rows, features, err := samples(in[0])
	if err != nil {
		return nil, err
	}
	if features != labels.Len() {
		return nil, fmt.Errorf("%d scores for %d labels", features, labels.Len())
	}
	order := make([]int, features)
	for i := range order {
		order[i] = i
	}
	compare := func(a, b int) int {
		if labels.DType == tensor.String {
			return bytes.Compare(labels.Strings[a], labels.Strings[b])
		}
		return cmp.Compare(labels.Int64s()[a], labels.Int64s()[b])
	}
	slices.SortStableFunc(order, compare)
	var places []int
	for i, at := range order {
		if i+1 == len(order) || compare(at, order[i+1]) != 0 {
			places = append(places, at)
		}
	}
	maps := make([]*tensor.Tensor, rows)
	for r := range maps {
		values := tensor.New(tensor.Float32, int64(len(places)))
		for i, at := range places {
			values.Set(i, v[r*features+at])
		}
		maps[r] = tensor.Map(labelsAt(labels, places), values)
	}
	return []*tensor.Tensor{tensor.List(tensor.Float32, maps...)}, nil
}

// labelsAt are elements of a vector of strings or int64.
func labelsAt(t *tensor.Tensor, places []int) *tensor.Tensor {
	out := tensor.New(t.DType, int64(len(places)))
	for i, at := range places {
		if t.DType == tensor.String {
			out.Strings[i] = t.Strings[at]
		} else {
			out.SetInt(i, t.Int64s()[at])
		}
	}
	return out
}
