package onnx

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
)

// A source holds the mapped files that the payloads of a model and of its
// clones lie in. It goes when the last of them is closed.
type source struct {
	users    atomic.Int32
	releases []func() error
	external map[string][]byte // by location, as the model spells it
	paths    []string          // of the external data files
}

func newSource() *source {
	s := &source{external: map[string][]byte{}}
	s.users.Store(1)
	return s
}

// open maps a file until the source is released.
func (s *source) open(path string) ([]byte, error) {
	// A pipe or a device would block on opening, so the kind is asked first.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("%s: %w: is a directory", path, ErrInvalid)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w: is not a regular file", path, ErrInvalid)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	size := int(info.Size())
	switch {
	case int64(size) != info.Size():
		return nil, fmt.Errorf("%s: %w: %d bytes do not fit in the address space", path, ErrInvalid, info.Size())
	case size == 0:
		return []byte{}, nil
	}
	data, release, err := mapFile(f, size)
	if err != nil {
		return nil, err
	}
	s.releases = append(s.releases, release)
	return data, nil
}

func (s *source) release() error {
	if s.users.Add(-1) > 0 {
		return nil
	}
	var errs []error
	for _, release := range s.releases {
		errs = append(errs, release())
	}
	s.releases = nil
	return errors.Join(errs...)
}
