//go:build !unix

package onnx

import (
	"io"
	"os"
)

// mapFile gives the first size bytes of f, read into memory where the system
// has no mmap, and what releases them. size is positive.
func mapFile(f *os.File, size int) (data []byte, release func() error, err error) {
	data = make([]byte, size)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, nil, &os.PathError{Op: "read", Path: f.Name(), Err: err}
	}
	return data, func() error { return nil }, nil
}
