package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
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

// idx reads the images of a part and their labels. One file by itself is the
// images; the labels lie beside it.
func (o *opener) idx(p place) (source, bool, error) {
	dir := "."
	images, labels, divided := p.file, "", false
	names, err := place{tree: p.tree}.files(func(n string) bool { return idxName.MatchString(path.Base(n)) })
	if p.file != "" {
		names, err = idxBeside(p)
	}
	if err != nil {
		return nil, false, err
	}
	if p.file == "" {
		if len(names) == 0 {
			return nil, false, errors.New("holds no IDX files")
		}
		// Files of several folders are several sets: the first counts.
		dir = path.Dir(names[0])
		names = slices.DeleteFunc(names, func(n string) bool { return path.Dir(n) != dir })
		for i, n := range names {
			names[i] = path.Base(n)
		}
		if images, labels, divided, err = chooseIDX(names, o.Split); err != nil {
			return nil, false, err
		}
	} else if len(names) > 0 {
		labels = names[0]
	}
	data, err := o.idxFile(p.tree, path.Join(dir, images))
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", images, err)
	}
	var classes *block
	if labels != "" {
		if classes, err = o.idxFile(p.tree, path.Join(dir, labels)); err != nil {
			return nil, false, fmt.Errorf("%s: %w", labels, err)
		}
	}
	src, err := o.feed(data, classes, labels)
	return src, divided, err
}

// idxBeside finds the labels that lie beside a file of images.
func idxBeside(p place) ([]string, error) {
	own := idxName.FindStringSubmatch(p.file)
	entries, err := fs.ReadDir(p, ".")
	if err != nil || own == nil {
		return nil, err
	}
	for _, e := range entries {
		m := idxName.FindStringSubmatch(e.Name())
		if m != nil && m[1] == own[1] && m[2] == "labels" && own[2] == "images" {
			return []string{e.Name()}, nil
		}
	}
	return nil, nil
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

// idxFile reads the header of an array, and what follows as that says.
func (o *opener) idxFile(t tree, name string) (*block, error) {
	c, err := o.content(t, name)
	if err != nil {
		return nil, err
	}
	return o.parseIDX(c)
}

func (o *opener) parseIDX(c content) (*block, error) {
	r := c.reader()
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
	return o.array(c, int64(len(magic)+len(head)), t, true)
}
