package graph

import (
	"fmt"

	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// Dense reads a sparse initializer as the tensor that it stands for.
func Dense(m *onnx.Model, s *onnx.SparseTensorProto) (*tensor.Tensor, error) {
	values, err := Decode(m, s.GetValues())
	if err != nil {
		return nil, err
	}
	places, err := Decode(m, s.GetIndices())
	if err != nil {
		return nil, err
	}
	size, dims := values.DType.Size(), s.GetDims()
	count, err := tensor.Count(dims)
	if err != nil {
		return nil, err
	}
	if size == 0 || count > evalFloor+sparsest*int64(values.Len()+1) {
		return nil, fmt.Errorf("sparse tensor of %v and shape %v cannot be made dense", values.DType, dims)
	}
	at, rank := places.AsInt64s(), 1
	if places.Rank() == 2 {
		rank = len(dims)
	}
	if len(at) != values.Len()*rank {
		return nil, fmt.Errorf("sparse tensor has %d indices for %d values", len(at), values.Len())
	}
	out := tensor.New(values.DType, dims...)
	for i := range values.Len() {
		place := at[i*rank]
		if rank > 1 {
			place = 0
			for axis, d := range dims {
				k := at[i*rank+axis]
				if k < 0 || k >= d {
					return nil, fmt.Errorf("sparse tensor of shape %v has index %d on axis %d", dims, k, axis)
				}
				place = place*d + k
			}
		}
		if place < 0 || place >= count {
			return nil, fmt.Errorf("sparse tensor of shape %v has index %d", dims, place)
		}
		copy(out.Data[int(place)*size:], values.Data[i*size:(i+1)*size])
	}
	return out, nil
}

// sparsest is how many elements a sparse tensor may have for each that it
// stores, beyond what any may have.
const sparsest = 1 << 10
