package dataset

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"onnxcompress/graph/tensor"
)

// cifarImage is the size of a picture: three planes of 32 by 32.
const cifarImage = 3 * 32 * 32

// A cifar is one of the two layouts of a file: records of label bytes, of which
// the last counts, and a picture.
type cifar struct {
	labels  int
	classes int
	file    *regexp.Regexp
}

var (
	cifar10  = cifar{1, 10, regexp.MustCompile(`^(data_batch_\d+|test_batch)\.bin$`)}
	cifar100 = cifar{2, 100, regexp.MustCompile(`^(train|test)\.bin$`)}

	cifarArchive = regexp.MustCompile(`\.(tar|tar\.gz|tgz)$`)
)

func (o *opener) cifar10(p place) (source, bool, error)  { return o.cifar(p, cifar10) }
func (o *opener) cifar100(p place) (source, bool, error) { return o.cifar(p, cifar100) }

// cifarFile is a file of records by name.
type cifarFile struct {
	name string
	content
}

// cifar reads the binary version of CIFAR: files or a folder of them, or the
// archive in which it is distributed.
func (o *opener) cifar(p place, k cifar) (source, bool, error) {
	files, err := o.cifarFiles(p, k)
	if err != nil {
		return nil, false, err
	}
	names := make([]string, len(files))
	for i, f := range files {
		// data_batch_1 is of the part that test_batch is not of.
		names[i] = strings.Replace(path.Base(f.name), "data_batch", "train", 1)
	}
	chosen, divided, err := o.pick(names)
	if err != nil {
		return nil, false, err
	}
	var pixels []*block
	judge := truth{label: []int64{}, classes: k.classes}
	for i, f := range files {
		if !slices.Contains(chosen, names[i]) {
			continue
		}
		b, err := o.records(f, k, &judge)
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", f.name, err)
		}
		pixels = append(pixels, b)
	}
	all, err := joined(pixels)
	if err != nil {
		return nil, false, err
	}
	src, err := o.feed(all, nil, "")
	if a, ok := src.(*arrays); ok && err == nil {
		a.judge = judge
	}
	return src, divided, err
}

// cifarFiles opens the files of records in a place.
func (o *opener) cifarFiles(p place, k cifar) ([]cifarFile, error) {
	if cifarArchive.MatchString(p.file) {
		return o.cifarTar(p, k)
	}
	names, err := p.files(func(n string) bool { return k.file.MatchString(path.Base(n)) })
	if err != nil {
		return nil, err
	}
	var files []cifarFile
	for _, n := range names {
		c, err := o.content(p.tree, n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n, err)
		}
		files = append(files, cifarFile{n, c})
	}
	return files, nil
}

// cifarTar unpacks the files of records of an archive.
func (o *opener) cifarTar(p place, k cifar) (files []cifarFile, err error) {
	err = o.untar(p, func(name string, r io.Reader) (bool, error) {
		if !k.file.MatchString(path.Base(name)) {
			return true, nil
		}
		c, err := o.unpack(r)
		files = append(files, cifarFile{name, c})
		return true, err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("holds no files like %s: of CIFAR the binary version is read", k.file)
	}
	slices.SortFunc(files, func(a, b cifarFile) int { return strings.Compare(a.name, b.name) })
	return files, err
}

// untar visits the files of an archive until visit wants no more.
func (o *opener) untar(p place, visit func(name string, r io.Reader) (more bool, err error)) error {
	c, err := o.stored(p.tree, p.file)
	if err != nil {
		return err
	}
	var from io.Reader = c.reader()
	if !strings.HasSuffix(p.file, ".tar") {
		if from, err = gzip.NewReader(from); err != nil {
			return err
		}
	}
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if more, err := visit(h.Name, r); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		} else if !more {
			return nil
		}
	}
}

// records reads the labels of a file, and its pictures when they are asked for.
func (o *opener) records(c cifarFile, k cifar, judge *truth) (*block, error) {
	size := k.labels + cifarImage
	n := c.size / int64(size)
	if n == 0 || c.size%int64(size) != 0 {
		return nil, fmt.Errorf("%d bytes are no records of %d", c.size, size)
	}
	judge.from = c.name
	r := bufio.NewReaderSize(c.reader(), 1<<20)
	record := make([]byte, size)
	for i := range n {
		if _, err := io.ReadFull(r, record); err != nil {
			return nil, err
		}
		l := record[k.labels-1]
		if int(l) >= k.classes {
			return nil, fmt.Errorf("label %d of record %d: there are %d classes", l, i, k.classes)
		}
		judge.label = append(judge.label, int64(l))
	}
	read := func(i int, buf []byte) ([]byte, error) {
		buf = buf[:cifarImage]
		return buf, readFull(c, buf, int64(i)*int64(size)+int64(k.labels))
	}
	return &block{&tensor.Tensor{DType: tensor.Uint8, Shape: []int64{n, 3, 32, 32}}, read}, nil
}

// whichCIFAR tells the two apart by the names of files, and else by their size.
func (o *opener) whichCIFAR(p place, size int64) (*format, error) {
	var found *format
	look := func(name string) bool {
		switch base := path.Base(name); {
		case cifar10.file.MatchString(base):
			found = formatOf("cifar10")
		case cifar100.file.MatchString(base):
			found = formatOf("cifar100")
		}
		return found == nil
	}
	if cifarArchive.MatchString(p.file) {
		err := o.untar(p, func(name string, _ io.Reader) (bool, error) { return look(name), nil })
		if err == nil && found == nil {
			err = errors.New("holds no files of CIFAR's binary version")
		}
		return found, err
	}
	ten, hundred := size%int64(cifar10.labels+cifarImage) == 0, size%int64(cifar100.labels+cifarImage) == 0
	switch {
	case !look(p.file):
		return found, nil
	case hundred && !ten:
		return formatOf("cifar100"), nil
	case ten && !hundred:
		return formatOf("cifar10"), nil
	case ten:
		return nil, errors.New("may be CIFAR-10 or CIFAR-100: say which as PATH:cifar10 or PATH:cifar100")
	}
	return nil, errUnknown
}
