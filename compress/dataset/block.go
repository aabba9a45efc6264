package dataset

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"onnxcompress/graph/tensor"
)

// block is an array whose first axis counts samples: Data holds it, or read
// gets one sample from where it is stored, into buf or elsewhere.
type block struct {
	*tensor.Tensor
	read func(i int, buf []byte) ([]byte, error)
}

// sample is one sample's elements as a tensor holds them, not to be written to.
// They may lie in buf, which has room for them.
func (b *block) sample(i int, buf []byte) ([]byte, error) {
	if b.read != nil {
		return b.read(i, buf)
	}
	n := b.stride()
	return b.Data[i*n : (i+1)*n], nil
}

// stride is the number of bytes of one sample.
func (b *block) stride() int {
	n := b.DType.Size()
	for _, d := range b.Shape[1:] {
		n *= int(d)
	}
	return n
}

// each visits the elements in runs: those of one sample, or more where the
// array is in memory.
func (b *block) each(visit func(*tensor.Tensor) error) error {
	size := b.DType.Size()
	part := func(data []byte) *tensor.Tensor {
		return &tensor.Tensor{DType: b.DType, Shape: []int64{int64(len(data) / size)}, Data: data}
	}
	if b.read == nil {
		for data := range slices.Chunk(b.Data, size<<16) {
			if err := visit(part(data)); err != nil {
				return err
			}
		}
		return nil
	}
	buf := make([]byte, b.stride())
	for i := range int(b.Shape[0]) {
		data, err := b.sample(i, buf)
		if err != nil {
			return err
		}
		if err := visit(part(data)); err != nil {
			return err
		}
	}
	return nil
}

// whole is the array in memory.
func (b *block) whole() (*tensor.Tensor, error) {
	if b.read == nil {
		return b.Tensor, nil
	}
	t := &tensor.Tensor{DType: b.DType, Shape: b.Shape}
	err := b.each(func(part *tensor.Tensor) error {
		t.Data = append(t.Data, part.Data...)
		return nil
	})
	return t, err
}

// limits are the least and the greatest of the elements.
func (b *block) limits() (low, high float64, err error) {
	low, high = math.Inf(1), math.Inf(-1)
	err = b.each(func(t *tensor.Tensor) error {
		for _, v := range t.AsFloat64s() {
			low, high = min(low, v), max(high, v)
		}
		return nil
	})
	return low, high, err
}

// array is one that begins at a place of a file and ends with it: read
// into memory, or where it is large when samples are asked for.
func (o *opener) array(c content, at int64, t *tensor.Tensor, big bool) (*block, error) {
	count, err := tensor.Count(t.Shape)
	if err != nil {
		return nil, err
	}
	size := t.DType.Size()
	switch n := count * int64(size); {
	case n != c.size-at:
		return nil, fmt.Errorf("array %v of %v takes %d bytes, the file has %d", t.Shape, t.DType, n, c.size-at)
	case n <= inMemory || t.Rank() == 0:
		t.Data = make([]byte, n)
		if err := readFull(c, t.Data, at); err != nil {
			return nil, err
		}
		if big {
			swapBytes(t.Data, size)
		}
		return &block{Tensor: t}, nil
	}
	b := &block{Tensor: t}
	stride := b.stride()
	b.read = func(i int, buf []byte) ([]byte, error) {
		buf = buf[:stride]
		if err := readFull(c, buf, at+int64(i)*int64(stride)); err != nil {
			return nil, fmt.Errorf("sample %d: %w", i, err)
		}
		if big {
			swapBytes(buf, size)
		}
		return buf, nil
	}
	return b, nil
}

// readFull fills data from a place of a file; less than that is an error.
func readFull(r io.ReaderAt, data []byte, at int64) error {
	n, err := r.ReadAt(data, at)
	if n == len(data) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// swapBytes turns big-endian elements into little-endian ones.
func swapBytes(data []byte, size int) {
	if size == 1 {
		return
	}
	for e := range slices.Chunk(data, size) {
		slices.Reverse(e)
	}
}

// joined is arrays of one type, whose samples have one shape, as one.
func joined(parts []*block) (*block, error) {
	first := parts[0]
	if len(parts) == 1 {
		return first, nil
	}
	ends := make([]int, len(parts))
	total := 0
	for i, p := range parts {
		if p.DType != first.DType || !slices.Equal(p.Shape[1:], first.Shape[1:]) {
			return nil, fmt.Errorf("samples are %v%v in one part, and %v%v in another", first.DType, first.Shape[1:], p.DType, p.Shape[1:])
		}
		total += int(p.Shape[0])
		ends[i] = total
	}
	shape := slices.Concat([]int64{int64(total)}, first.Shape[1:])
	read := func(i int, buf []byte) ([]byte, error) {
		k, _ := slices.BinarySearch(ends, i+1)
		if k > 0 {
			i -= ends[k-1]
		}
		return parts[k].sample(i, buf)
	}
	return &block{&tensor.Tensor{DType: first.DType, Shape: shape}, read}, nil
}
