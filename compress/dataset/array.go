package dataset

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"onnxcompress/graph/tensor"
)

const (
	// maxBytes bounds an array held in memory, whatever it would compress to.
	maxBytes = 8 << 30
	// firstRead is what is allocated on a header's word alone; the rest follows
	// the bytes that really arrive.
	firstRead = 16 << 20
)

// readArray reads the elements of an array and finds the end of the stream
// after them. The stream holds size bytes: exactly, or at most where it is
// compressed and its length unsaid.
func readArray(r io.Reader, t *tensor.Tensor, size int64, exact bool) ([]byte, error) {
	count, err := tensor.Count(t.Shape)
	if err != nil {
		return nil, err
	}
	n := count * int64(t.DType.Size())
	if n > maxBytes {
		return nil, fmt.Errorf("array %v of %v takes %d bytes, more than 8 GiB", t.Shape, t.DType, n)
	}
	if n > size || exact && n != size {
		return nil, fmt.Errorf("array %v of %v takes %d bytes, the file has %d", t.Shape, t.DType, n, size)
	}
	data := make([]byte, 0, min(n, firstRead))
	for int64(len(data)) < n {
		if len(data) == cap(data) {
			data = slices.Grow(data, int(min(n-int64(len(data)), int64(len(data)))))
		}
		next := data[len(data):min(int64(cap(data)), n)]
		if _, err := io.ReadFull(r, next); err != nil {
			return nil, fmt.Errorf("array %v of %v: %w", t.Shape, t.DType, err)
		}
		data = data[:len(data)+len(next)]
	}
	// The end of a compressed stream is where its checksum is compared.
	switch k, err := io.ReadFull(r, make([]byte, 1)); {
	case k > 0:
		return nil, fmt.Errorf("array %v of %v: the file goes on after it", t.Shape, t.DType)
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("array %v of %v: %w", t.Shape, t.DType, err)
	}
	return data, nil
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
