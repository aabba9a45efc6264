package npy

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"onnxcompress/graph/tensor"
)

// ReadArchive reads the arrays of a numpy archive by name, and their names in the
// file's order. Every numeric type of numpy, booleans and strings are read, in
// any byte and axis order.
func ReadArchive(path string) (arrays map[string]*tensor.Tensor, order []string, err error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	defer z.Close()
	arrays = map[string]*tensor.Tensor{}
	for _, f := range z.File {
		name := strings.TrimSuffix(f.Name, ".npy")
		if arrays[name] != nil {
			return nil, nil, fmt.Errorf("%s: array %s is there twice", path, name)
		}
		t, err := readEntry(f)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: array %s: %w", path, name, err)
		}
		arrays[name] = t
		order = append(order, name)
	}
	return arrays, order, nil
}

func readEntry(f *zip.File) (*tensor.Tensor, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return Read(r, f.UncompressedSize64)
}

// WriteArchive writes the named arrays, in that order and uncompressed, as numpy's
// savez does: the same arrays give the same bytes. The file appears whole or not
// at all. Types that numpy does not have are written as Append says.
func WriteArchive(path string, names []string, arrays map[string]*tensor.Tensor) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("%s: %w", path, err)
		}
	}()
	err = writeArrays(f, names, arrays)
	for _, step := range []func() error{func() error { return f.Chmod(0o644) }, f.Sync, f.Close} {
		if e := step(); err == nil {
			err = e
		}
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func writeArrays(w io.Writer, names []string, arrays map[string]*tensor.Tensor) error {
	buffered := bufio.NewWriter(w)
	z := zip.NewWriter(buffered)
	for _, name := range names {
		t := arrays[name]
		if t == nil {
			return fmt.Errorf("no array %s to write", name)
		}
		b, err := Append(nil, t)
		if err != nil {
			return fmt.Errorf("array %s: %w", name, err)
		}
		entry, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: zip.Store})
		if err != nil {
			return err
		}
		if _, err := entry.Write(b); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}
