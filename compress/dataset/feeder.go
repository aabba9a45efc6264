package dataset

import (
	"fmt"
	"slices"

	"onnxcompress/graph/tensor"
)

// feeder gives the samples of one input, in two steps: what a sample is in the
// data, brought to the shape and the order of the input, and how that is encoded
// in the input's type. Its methods may be called concurrently.
type feeder interface {
	input() Port
	// raw is sample i before it is encoded, and its frame if the input is one
	// of pictures, else the zero frame. It is valid until the scratch is used
	// again, and not to be written to.
	raw(i int, s *scratch) ([]byte, frame, error)
	// encode adds the elements of a raw sample to dst.
	encode(dst, raw []byte) ([]byte, error)
	// shape is that of a sample.
	shape(f frame) []int64
	// name is what messages call a sample.
	name(i int) string
	// rawType is the element type of raw samples, and dear tells whether they
	// cost much more than their encoding.
	rawType() tensor.DType
	dear() bool
}

// scratch is memory that reading a sample takes.
type scratch struct{ read, moved []byte }

// gathered makes a batch of samples of every feeder, and of their truth.
func gathered(feeders []feeder, judge *truth, idx []int) (b Batch, err error) {
	b.Inputs = make(map[string]*tensor.Tensor, len(feeders))
	var s scratch
	for _, f := range feeders {
		t := &tensor.Tensor{}
		part := builder{feeder: f, to: t}
		for _, i := range idx {
			raw, frame, err := f.raw(i, &s)
			if err == nil {
				err = part.add(i, raw, frame, len(idx))
			}
			if err != nil {
				return Batch{}, err
			}
		}
		b.Inputs[f.input().Name] = t
	}
	return b, judge.judge(&b, idx)
}

// builder puts a batch together, sample after sample, in memory that its tensor
// has from before as far as it suffices.
type builder struct {
	feeder
	to    *tensor.Tensor
	count int
	first int // the number of the first sample, which has the frame
	frame frame
	size  int // of an encoded sample in bytes
}

// begin starts anew in the same memory.
func (b *builder) begin() { b.count, b.to.Data = 0, b.to.Data[:0] }

// add encodes a raw sample, of n that are to come.
func (b *builder) add(i int, raw []byte, f frame, n int) error {
	p := b.input()
	if b.count == 0 {
		if b.to.Shape == nil || f != b.frame {
			b.to.Shape = slices.Concat([]int64{0}, b.shape(f))
		}
		b.to.Shape[0] = int64(n)
		b.to.DType, b.first, b.frame = p.DType, i, f
		count, err := tensor.Count(b.to.Shape)
		if err != nil {
			return fmt.Errorf("input %v: %w", p, err)
		}
		b.size = int(count) / n * p.DType.Size()
		b.to.Data = slices.Grow(b.to.Data, n*b.size)
	}
	if f != b.frame {
		return fmt.Errorf("%s is %dx%d, %s %dx%d: input %v leaves the size free, so a batch takes one size",
			b.name(i), f.width, f.height, b.name(b.first), b.frame.width, b.frame.height, p)
	}
	var err error
	if b.to.Data, err = b.encode(b.to.Data, raw); err != nil {
		return fmt.Errorf("%s: input %v: %w", b.name(i), p, err)
	}
	b.count++
	return nil
}
