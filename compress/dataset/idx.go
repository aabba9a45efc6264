package dataset

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"onnxcompress/graph/tensor"
)

// idxName matches MNIST's names in both spellings: train-images-idx3-ubyte and
// train-images.idx3-ubyte, packed or not.
var idxName = regexp.MustCompile(`^(.*?)[-_.]?(images|labels)[-.]idx\d(-ubyte)?(\.gz)?$`)

var idxDTypes = map[byte]tensor.DType{
	0x08: tensor.Uint8, 0x09: tensor.Int8, 0x0b: tensor.Int16,
	0x0c: tensor.Int32, 0x0d: tensor.Float32, 0x0e: tensor.Float64,
}

// idxFiles lists the IDX files of a folder.
func idxFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if m := idxName.FindStringSubmatch(e.Name()); m != nil && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func openIDX(dir string, names []string, o Options) (source, bool, error) {
	images, labels, divided, err := chooseIDX(names, o.Split)
	if err != nil {
		return nil, false, err
	}
	data, err := readIDX(filepath.Join(dir, images))
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", images, err)
	}
	var classes *tensor.Tensor
	if labels != "" {
		if classes, err = readIDX(filepath.Join(dir, labels)); err != nil {
			return nil, false, fmt.Errorf("%s: %w", labels, err)
		}
	}
	src, err := feed(data, classes, o)
	return src, divided, err
}

// chooseIDX finds the images of a part and the labels of the same prefix. A
// file that is there both packed and plain counts once.
func chooseIDX(names []string, part Split) (images, labels string, divided bool, err error) {
	byPrefix := map[string]map[string]string{"images": {}, "labels": {}}
	for _, n := range names {
		m := idxName.FindStringSubmatch(n)
		byPrefix[m[2]][m[1]] = n
	}
	var found []string
	for prefix := range byPrefix["images"] {
		p, named := idxPart(prefix)
		divided = divided || named
		if !named || p == part {
			found = append(found, prefix)
		}
	}
	if len(found) != 1 {
		return "", "", false, fmt.Errorf("has %d IDX files of %v images among %s", len(found), part, list(names))
	}
	return byPrefix["images"][found[0]], byPrefix["labels"][found[0]], divided, nil
}

func idxPart(prefix string) (part Split, named bool) {
	switch p := strings.ToLower(prefix); {
	case strings.Contains(p, "train"):
		return Train, true
	case strings.Contains(p, "t10k"), strings.Contains(p, "test"), strings.Contains(p, "val"):
		return Test, true
	}
	return Train, false
}

func readIDX(path string) (_ *tensor.Tensor, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(path, ".gz") {
		return parseIDX(bufio.NewReader(f), info.Size(), true)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return parseIDX(z, info.Size()*maxDeflate, false)
}

// parseIDX reads an IDX file of size bytes, exactly or at most.
func parseIDX(r io.Reader, size int64, exact bool) (*tensor.Tensor, error) {
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return nil, fmt.Errorf("IDX header: %w", err)
	}
	dt, ok := idxDTypes[magic[2]]
	if !ok || magic[0] != 0 || magic[1] != 0 || magic[3] == 0 {
		return nil, fmt.Errorf("magic number %#x is not IDX's", magic)
	}
	t := &tensor.Tensor{DType: dt, Shape: make([]int64, magic[3])}
	head := make([]byte, 4*len(t.Shape))
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, fmt.Errorf("IDX header: %w", err)
	}
	for a := range t.Shape {
		t.Shape[a] = int64(binary.BigEndian.Uint32(head[4*a:]))
	}
	data, err := readArray(r, t, size-int64(len(magic)+len(head)), exact)
	if err != nil {
		return nil, err
	}
	swapBytes(data, dt.Size())
	t.Data = data
	return t, nil
}
