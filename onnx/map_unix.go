//go:build unix

package onnx

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile gives the first size bytes of f as read-only memory that outlives f,
// and what releases it. size is positive.
func mapFile(f *os.File, size int) (data []byte, release func() error, err error) {
	data, err = unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, &os.PathError{Op: "mmap", Path: f.Name(), Err: err}
	}
	return data, func() error { return unix.Munmap(data) }, nil
}
