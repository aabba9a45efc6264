package dataset

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"onnxcompress/graph/tensor"
	"onnxcompress/graph/tensor/npy"
)

// openFile tells npz, npy and a zip of images apart by what they hold.
func openFile(path string, size int64, o Options) (_ source, divided bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, err
	}
	keep := false
	defer func() {
		if !keep {
			err = errors.Join(err, f.Close())
		}
	}()
	var magic [6]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil || string(magic[:2]) != "PK" && string(magic[:]) != npy.Magic {
		return nil, false, errors.New("is neither an npz or npy file, nor a zip or a folder of images, nor a folder of IDX files")
	}
	if string(magic[:]) == npy.Magic {
		t, err := readNPY(f, size)
		if err != nil {
			return nil, false, err
		}
		src, err := feed(t, nil, o)
		return src, false, err
	}
	z, err := zip.NewReader(f, size)
	if err != nil {
		return nil, false, err
	}
	if strings.EqualFold(filepath.Ext(path), ".npz") || slices.ContainsFunc(z.File, isNPY) {
		return openNPZ(z, size, o)
	}
	src, divided, err := openImages(z, f, o)
	keep = err == nil
	return src, divided, err
}

func isNPY(f *zip.File) bool { return strings.HasSuffix(f.Name, ".npy") }

func readNPY(r io.Reader, size int64) (*tensor.Tensor, error) {
	t, err := npy.Read(r, uint64(size))
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	return t, nil
}

// archive is an npz: its arrays by name, read when asked for.
type archive struct {
	entries map[string]*zip.File
	size    int64
}

func openNPZ(z *zip.Reader, size int64, o Options) (source, bool, error) {
	a := archive{entries: map[string]*zip.File{}, size: size}
	for _, f := range z.File {
		a.entries[strings.TrimSuffix(f.Name, ".npy")] = f
	}
	pick, err := choose(a.names(), o)
	if err != nil {
		return nil, false, err
	}
	data := map[string]*tensor.Tensor{}
	for _, key := range pick.data {
		if data[key], err = a.read(key); err != nil {
			return nil, false, err
		}
	}
	var labels *tensor.Tensor
	if pick.labels != "" {
		if labels, err = a.read(pick.labels); err != nil {
			return nil, false, err
		}
	}
	var src source
	switch {
	case !pick.byName:
		src, err = feed(data[pick.data[0]], labels, o)
	case isWhole(data, labels != nil, o):
		src, err = newWhole(data, o)
	default:
		src, err = stack(data, labels, o)
	}
	return src, pick.divided, err
}

func (a *archive) names() []string {
	names := make([]string, 0, len(a.entries))
	for n := range a.entries {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// maxDeflate is the most that deflate can expand a byte.
const maxDeflate = 1032

func (a *archive) read(key string) (*tensor.Tensor, error) {
	f := a.entries[key]
	packed := min(f.CompressedSize64, uint64(a.size))
	if f.UncompressedSize64 > packed*maxDeflate {
		return nil, fmt.Errorf("array %s: claims %d bytes out of %d", key, f.UncompressedSize64, packed)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("array %s: %w", key, err)
	}
	t, err := readNPY(r, int64(f.UncompressedSize64))
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("array %s: %w", key, err)
	}
	return t, nil
}

// choice names the arrays of an npz that are the samples and their labels.
type choice struct {
	data    []string
	labels  string
	byName  bool
	divided bool
}

var (
	splitKeys = map[Split][][2]string{
		Train: {{"x_train", "y_train"}, {"train_images", "train_labels"}, {"train_x", "train_y"}},
		Test: {
			{"x_test", "y_test"},
			{"test_images", "test_labels"},
			{"test_x", "test_y"},
			{"x_val", "y_val"},
			{"val_images", "val_labels"},
			{"val_x", "val_y"},
		},
	}
	dataKeys  = []string{"x", "images", "data", "inputs", "input"}
	labelKeys = []string{"y", "labels", "label", "targets", "target"}
)

// choose finds the arrays by the inputs' names, else by the names that are
// customary, else takes the only one.
func choose(names []string, o Options) (choice, error) {
	named, missing := []string{}, []string{}
	for _, p := range o.Inputs {
		if slices.Contains(names, p.Name) {
			named = append(named, p.Name)
		} else {
			missing = append(missing, p.Name)
		}
	}
	label := find(names, labelKeys, named)
	switch {
	case len(missing) == 0:
		return choice{data: named, labels: label, byName: true}, nil
	case len(o.Inputs) > 1:
		return choice{}, fmt.Errorf("has no array for %s; its arrays are %s", strings.Join(missing, ", "), list(names))
	}
	for _, keys := range splitKeys[o.Split] {
		if x := find(names, keys[:1], nil); x != "" {
			return choice{data: []string{x}, labels: find(names, keys[1:], nil), divided: true}, nil
		}
	}
	if x := find(names, dataKeys, nil); x != "" {
		return choice{data: []string{x}, labels: label}, nil
	}
	for _, keys := range splitKeys[1-o.Split] {
		if x := find(names, keys[:1], nil); x != "" {
			return choice{}, fmt.Errorf("has no %v samples, only %s", o.Split, x)
		}
	}
	if len(names) == 1 {
		return choice{data: names}, nil
	}
	return choice{}, fmt.Errorf("has no array for input %s; its arrays are %s", missing[0], cmp.Or(list(names), "none"))
}

// find returns the first of names that is one of keys in any case, tried in
// the order of the keys, and is not among taken.
func find(names, keys, taken []string) string {
	for _, k := range keys {
		for _, n := range names {
			if strings.EqualFold(n, k) && !slices.Contains(taken, n) {
				return n
			}
		}
	}
	return ""
}

// list joins names for a message, leaving out what would make it long.
func list(names []string) string {
	const most = 8
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
