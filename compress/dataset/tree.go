package dataset

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// inMemory is how much of one file or array is held in memory: what is
	// larger is read where it lies, or unpacked into a temporary file.
	inMemory = 256 << 20
	// maxDeflate is the most that deflate can expand a byte.
	maxDeflate = 1032
)

// opener reads one data set and keeps what must be closed with it.
type opener struct {
	Options
	bad     *bad
	closers []func() error
}

func (o *opener) later(c func() error) { o.closers = append(o.closers, c) }

// close closes all and returns the first error.
func (o *opener) close() (err error) {
	for _, c := range o.closers {
		if closed := c(); err == nil {
			err = closed
		}
	}
	o.closers = nil
	return err
}

// tree is a folder, or a zip as a folder.
type tree struct {
	fs.FS
	zip *zip.Reader // nil for a folder
	raw io.ReaderAt // the zip's own bytes
	// size is that of the zip.
	size int64
}

// content is a file unpacked, to be read at any place and by any number of
// goroutines.
type content struct {
	io.ReaderAt
	size int64
}

func (c content) reader() *io.SectionReader { return io.NewSectionReader(c, 0, c.size) }

// archive opens a zip.
func (o *opener) archive(path string) (tree, error) {
	f, err := os.Open(path)
	if err != nil {
		return tree{}, err
	}
	o.later(f.Close)
	info, err := f.Stat()
	if err != nil {
		return tree{}, err
	}
	z, err := zip.NewReader(f, info.Size())
	return tree{z, z, f, info.Size()}, err
}

// beside is the folder of a file, and the file's name in it.
func beside(path string) (tree, string) {
	return tree{FS: os.DirFS(filepath.Dir(path))}, filepath.Base(path)
}

// content opens a file of a tree. One that is packed, as an entry of a zip or
// by its own name, is unpacked.
func (o *opener) content(t tree, name string) (content, error) {
	c, err := o.stored(t, name)
	if err != nil || !strings.HasSuffix(name, ".gz") {
		return c, err
	}
	z, err := gzip.NewReader(c.reader())
	if err != nil {
		return content{}, err
	}
	return o.unpack(z)
}

// stored opens a file as it is.
func (o *opener) stored(t tree, name string) (content, error) {
	if t.zip != nil {
		for _, f := range t.zip.File {
			if f.Name == name {
				return o.entry(t, f)
			}
		}
		return content{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	f, err := t.Open(name)
	if err != nil {
		return content{}, err
	}
	o.later(f.Close)
	info, err := f.Stat()
	if err != nil {
		return content{}, err
	}
	r, ok := f.(io.ReaderAt)
	if !ok || info.IsDir() {
		return content{}, errors.New("is no file")
	}
	return content{r, info.Size()}, nil
}

// entry opens a file of a zip. One that is large and not packed is read where
// it lies, the checksum unread; any other is unpacked.
func (o *opener) entry(t tree, f *zip.File) (content, error) {
	packed := min(f.CompressedSize64, uint64(t.size))
	if f.UncompressedSize64 > packed*maxDeflate {
		return content{}, fmt.Errorf("claims %d bytes out of %d", f.UncompressedSize64, packed)
	}
	if f.Method == zip.Store && f.UncompressedSize64 > inMemory {
		at, err := f.DataOffset()
		if err != nil {
			return content{}, err
		}
		size := int64(f.UncompressedSize64)
		return content{io.NewSectionReader(t.raw, at, size), size}, nil
	}
	r, err := f.Open()
	if err != nil {
		return content{}, err
	}
	c, err := o.unpack(r)
	if closed := r.Close(); err == nil {
		err = closed
	}
	return c, err
}

// unpack reads to the end: into memory or, what is large, into a temporary
// file that is removed with the set.
func (o *opener) unpack(r io.Reader) (content, error) {
	var b bytes.Buffer
	n, err := io.CopyN(&b, r, inMemory+1)
	if errors.Is(err, io.EOF) {
		return content{bytes.NewReader(b.Bytes()), n}, nil
	}
	if err != nil {
		return content{}, err
	}
	f, err := os.CreateTemp("", "compress-data-*")
	if err != nil {
		return content{}, err
	}
	// Where an open file can be removed, none is left however the process ends.
	_ = os.Remove(f.Name())
	o.later(func() error {
		err := f.Close()
		if left := os.Remove(f.Name()); err == nil && !errors.Is(left, fs.ErrNotExist) {
			err = left
		}
		return err
	})
	n, err = io.Copy(f, io.MultiReader(&b, r))
	if err != nil {
		return content{}, fmt.Errorf("unpacked into a temporary file: %w", err)
	}
	return content{f, n}, nil
}
