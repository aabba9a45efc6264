package main

import (
	"archive/zip"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"onnxcompress/internal/modeltext"
	"onnxcompress/internal/reinit"
	"onnxcompress/onnx"
)

// ensure makes a file that is not there. What it is made of must be.
func (f file) ensure() error {
	if f.make == nil {
		return nil
	}
	if _, err := os.Stat(f.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o777); err != nil {
		return err
	}
	if err := f.make(f.path); err != nil {
		return fmt.Errorf("making %s: %w", f.path, err)
	}
	return nil
}

// redrawn makes a model of another with its weights drawn anew.
func redrawn(from string, seed int) func(string) error {
	return func(path string) error {
		m, err := onnx.Load(filepath.FromSlash(from))
		if err != nil {
			return err
		}
		defer m.Close()
		if err := reinit.Draw(m, uint64(seed)); err != nil {
			return err
		}
		return m.Save(path)
	}
}

// lenet300 makes a LeNet-300-100 with random weights.
func lenet300(seed int) func(string) error {
	const text = `
	input x N,1,28,28
	f = Flatten x
	a = Gemm f w[300,784] w[300] ; transB=1
	b = Relu a
	c = Gemm b w[100,300] w[100] ; transB=1
	d = Relu c
	y = Gemm d w[10,100] w[10] ; transB=1
	output y`
	return func(path string) error {
		p, err := modeltext.Parse(text, 17, 0)
		if err != nil {
			return err
		}
		m := &onnx.Model{Proto: p}
		if err := reinit.Draw(m, uint64(seed)); err != nil {
			return err
		}
		return m.Save(path)
	}
}

// unpackedCARN makes the zoo's CARN for twice the size of images of any size. Its
// weights are random.
func unpackedCARN(shared string) func(string) error {
	return func(path string) error {
		bytes, err := member(filepath.Join(shared, "zoo", "dev.zip"), "carn_x2_ts.onnx")
		if err != nil {
			return err
		}
		m, err := onnx.Parse(bytes)
		if err != nil {
			return err
		}
		free(m.Proto.GetGraph())
		return m.Save(path)
	}
}

// free takes back that a model of images is declared for one size of them.
func free(g *onnx.GraphProto) {
	for side, values := range map[string][]*onnx.ValueInfoProto{"in": g.GetInput(), "out": g.GetOutput()} {
		for _, v := range values {
			for axis, d := range v.GetType().GetTensorType().GetShape().GetDim() {
				if axis > 1 {
					d.Value = &onnx.TensorShapeProto_Dimension_DimParam{DimParam: fmt.Sprintf("%s_%d", side, axis)}
				}
			}
		}
	}
	g.ValueInfo = nil
}

// member reads a file of an archive, in whatever folder it lies there.
func member(archive, name string) ([]byte, error) {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	for _, f := range z.File {
		if f.Name == name || strings.HasSuffix(f.Name, "/"+name) {
			r, err := f.Open()
			if err != nil {
				return nil, err
			}
			defer r.Close()
			return io.ReadAll(r)
		}
	}
	return nil, fmt.Errorf("%s: there is no %s", archive, name)
}

// firstImages makes a folder of the first images and labels of another, which holds
// IDX files.
func firstImages(from string, train, test int) func(string) error {
	return func(path string) error {
		entries, err := os.ReadDir(from)
		if err != nil {
			return err
		}
		scratch, err := os.MkdirTemp(filepath.Dir(path), "part-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(scratch)
		for _, e := range entries {
			count := test
			if strings.HasPrefix(e.Name(), "train") {
				count = train
			}
			if err := firstItems(filepath.Join(from, e.Name()), filepath.Join(scratch, e.Name()), count); err != nil {
				return fmt.Errorf("%s: %w", e.Name(), err)
			}
		}
		if err := os.Chmod(scratch, 0o777); err != nil {
			return err
		}
		return os.Rename(scratch, path)
	}
}

// firstItems copies the beginning of a packed IDX file of bytes.
func firstItems(from, to string, count int) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	var head [4]byte
	if _, err := io.ReadFull(unpacked, head[:]); err != nil {
		return err
	}
	dims := make([]uint32, head[3])
	if err := binary.Read(unpacked, binary.BigEndian, dims); err != nil {
		return err
	}
	if len(dims) == 0 || int(dims[0]) < count {
		return fmt.Errorf("has no %d items", count)
	}
	dims[0] = uint32(count)
	size := int64(1)
	for _, d := range dims {
		size *= int64(d)
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	packed := gzip.NewWriter(out)
	_, first := packed.Write(head[:])
	second := binary.Write(packed, binary.BigEndian, dims)
	_, third := io.CopyN(packed, unpacked, size)
	return errors.Join(first, second, third, packed.Close(), out.Close())
}
