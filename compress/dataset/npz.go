package dataset

import (
	"archive/zip"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"onnxcompress/graph/tensor"
	"onnxcompress/graph/tensor/npy"
)

// npz reads arrays by name: those of an archive, or the npy files of a folder.
// A single npy is the only input.
func (o *opener) npz(p place) (source, bool, error) {
	if p.file != "" {
		b, err := o.npy(p.tree, p.file)
		if err != nil {
			return nil, false, fmt.Errorf("npy: %w", err)
		}
		src, err := o.feed(b, nil, "")
		return src, false, err
	}
	want := ending(".npy")
	if ending(".npz")(p.path) {
		// Some writers leave the ending of arrays out.
		want = func(string) bool { return true }
	}
	arrays, err := p.files(want)
	if err != nil {
		return nil, false, err
	}
	archives, err := p.files(ending(".npz"))
	if err != nil {
		return nil, false, err
	}
	if len(arrays) > 0 || len(archives) == 0 {
		return o.byName(p.tree, arrays)
	}
	chosen, divided, err := o.pick(archives)
	if err != nil {
		return nil, false, err
	}
	if len(chosen) != 1 {
		return nil, false, fmt.Errorf("has several npz files of one part: %s", list(chosen))
	}
	c, err := o.content(p.tree, chosen[0])
	if err != nil {
		return nil, false, err
	}
	z, err := zip.NewReader(c, c.size)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", chosen[0], err)
	}
	inner := place{tree: tree{z, z, c, c.size}}
	if arrays, err = inner.files(ending(".npy")); err != nil {
		return nil, false, err
	}
	src, inside, err := o.byName(inner.tree, arrays)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", chosen[0], err)
	}
	return src, divided || inside, nil
}

// npy reads an array, and what lies in rows and is large where it is.
func (o *opener) npy(t tree, name string) (*block, error) {
	c, err := o.content(t, name)
	if err != nil {
		return nil, err
	}
	info, err := npy.Stat(c.reader(), uint64(c.size))
	if err != nil {
		return nil, err
	}
	if info.Direct && len(info.Shape) > 0 && !complex(info.DType) {
		return o.array(c, info.Offset, &tensor.Tensor{DType: info.DType, Shape: info.Shape}, info.BigEndian)
	}
	a, err := npy.Read(c.reader(), uint64(c.size))
	return &block{Tensor: a}, err
}

func complex(dt tensor.DType) bool { return dt == tensor.Complex64 || dt == tensor.Complex128 }

// byName makes a source of the arrays that are chosen from files of a tree.
func (o *opener) byName(t tree, files []string) (source, bool, error) {
	file := map[string]string{}
	for _, f := range files {
		file[strings.TrimSuffix(f, ".npy")] = f
	}
	pick, err := choose(slices.Sorted(maps.Keys(file)), o.Options)
	if err != nil {
		return nil, false, err
	}
	data := map[string]*block{}
	for _, key := range slices.Concat(pick.data, pick.labels) {
		if data[key], err = o.npy(t, file[key]); err != nil {
			return nil, false, fmt.Errorf("array %s: %w", key, err)
		}
	}
	var judge *block
	from := ""
	if len(pick.labels) > 0 {
		from = "array " + pick.labels[0]
		judge = data[pick.labels[0]]
	}
	var src source
	switch {
	case !pick.byName:
		src, err = o.feed(data[pick.data[0]], judge, from)
	case isWhole(data, judge != nil, o.Options):
		src, err = newWhole(data, o.Options)
	default:
		src, err = o.labelled(data, judge, from)
	}
	return src, pick.divided, err
}

// choice names the arrays of an npz that are the samples and their labels.
type choice struct {
	data    []string
	labels  []string // one or none
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
	keys := slices.Concat(labelKeys, o.Outputs)
	switch {
	case len(missing) == 0:
		return choice{data: named, labels: find(names, keys, named), byName: true}, nil
	case len(o.Inputs) > 1:
		return choice{}, fmt.Errorf("has no array for %s; its arrays are %s", strings.Join(missing, ", "), list(names))
	}
	for _, keys := range splitKeys[o.Split] {
		if x := find(names, keys[:1], nil); x != nil {
			return choice{data: x, labels: find(names, keys[1:], nil), divided: true}, nil
		}
	}
	if x := find(names, dataKeys, nil); x != nil {
		return choice{data: x, labels: find(names, keys, x)}, nil
	}
	for _, keys := range splitKeys[1-o.Split] {
		if x := find(names, keys[:1], nil); x != nil {
			return choice{}, fmt.Errorf("has no %v samples, only %s", o.Split, x[0])
		}
	}
	if len(names) == 1 {
		return choice{data: names}, nil
	}
	return choice{}, fmt.Errorf("has no array for input %s; its arrays are %s", missing[0], cmp.Or(list(names), "none"))
}

// find returns the first of names that is one of keys in any case, tried in
// the order of the keys, and is not among taken; nil where there is none.
func find(names, keys, taken []string) []string {
	for _, k := range keys {
		for _, n := range names {
			if strings.EqualFold(n, k) && !slices.Contains(taken, n) {
				return []string{n}
			}
		}
	}
	return nil
}

// list joins names for a message, leaving out what would make it long.
func list(names []string) string {
	const most = 8
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
