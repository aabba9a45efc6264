package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	pq "github.com/parquet-go/parquet-go"

	"onnxcompress/graph/tensor"
)

// A leaf is a column of a Parquet file that holds values: numbers of a type,
// in lists as deep as nesting says, or strings of bytes (tensor.String).
type leaf struct {
	path    string // names joined by dots
	dtype   tensor.DType
	nesting int
}

// parquet reads the files of a part as the Hugging Face hub exports them: a
// column of images (bytes, or a structure of bytes and a path) or columns of
// numbers and lists by the inputs' names, and a column of labels. The columns
// of numbers of an only input may have any names: one of lists, or all that are
// single numbers, in the file's order.
func (o *opener) parquet(p place) (source, bool, error) {
	names, err := p.files(ending(".parquet"))
	if err != nil {
		return nil, false, err
	}
	chosen, divided, err := o.pick(names)
	if err != nil {
		return nil, false, err
	}
	t := newRowReader()
	for _, n := range chosen {
		c, err := o.content(p.tree, n)
		if err == nil {
			err = t.add(n, c)
		}
		if err != nil {
			if p.file == "" {
				err = fmt.Errorf("%s: %w", n, err)
			}
			return nil, false, err
		}
	}
	src, err := o.parquetSource(t, p)
	return src, divided, err
}

// columns are the leaves of a file by the name of the column that they are the
// content of.
type columns struct {
	names []string
	leaf  map[string]leaf
}

// columnsOf lists what can be read: groups of one leaf, as lists are, and
// structures that have bytes.
func columnsOf(root *pq.Column) columns {
	c := columns{leaf: map[string]leaf{}}
	for _, top := range root.Columns() {
		at := top
		for !at.Leaf() {
			next := at.Column("bytes")
			if len(at.Columns()) == 1 {
				next = at.Columns()[0]
			}
			if next == nil {
				break
			}
			at = next
		}
		if dt := typeOf(at); at.Leaf() && dt != tensor.Undefined {
			c.names = append(c.names, top.Name())
			c.leaf[top.Name()] = leaf{strings.Join(at.Path(), "."), dt, at.MaxRepetitionLevel()}
		}
	}
	return c
}

// typeOf is the type of a leaf's values, Undefined for what is not read.
func typeOf(c *pq.Column) tensor.DType {
	whole := map[pq.Kind]map[string]tensor.DType{
		pq.Int32: {
			"": tensor.Int32, "INT(8,true)": tensor.Int8, "INT(8,false)": tensor.Uint8, "INT(16,true)": tensor.Int16,
			"INT(16,false)": tensor.Uint16, "INT(32,true)": tensor.Int32, "INT(32,false)": tensor.Uint32,
		},
		pq.Int64: {"": tensor.Int64, "INT(64,true)": tensor.Int64, "INT(64,false)": tensor.Uint64},
	}
	switch kind := c.Type().Kind(); kind {
	case pq.Boolean:
		return tensor.Bool
	case pq.Int32, pq.Int64:
		logical := ""
		if t := c.Type().LogicalType(); t != nil && t.Value != nil {
			logical = t.String()
		}
		return whole[kind][logical]
	case pq.Float:
		return tensor.Float32
	case pq.Double:
		return tensor.Float64
	case pq.ByteArray:
		return tensor.String
	}
	return tensor.Undefined
}

// parquetSource chooses columns by the inputs' names, or else by what an only
// input can be fed with.
func (o *opener) parquetSource(t *rowReader, p place) (source, error) {
	c := t.columns
	label := ""
	byName := true
	var own []string
	for _, in := range o.Inputs {
		_, ok := c.leaf[in.Name]
		byName = byName && ok
		own = append(own, in.Name)
	}
	if !byName {
		own = nil
	}
	if at := find(c.names, slices.Concat([]string{"label", "labels"}, textLabelKeys, o.Outputs), own); at != nil {
		label = at[0]
	}
	judge, err := o.parquetLabels(t, label)
	if err != nil {
		return nil, err
	}
	rest := slices.DeleteFunc(slices.Clone(c.names), func(n string) bool { return n == label })
	isBytes := func(n string) bool { return c.leaf[n].dtype == tensor.String }
	image := find(slices.DeleteFunc(slices.Clone(rest), func(n string) bool { return !isBytes(n) }), []string{o.Inputs[0].Name, "image", "img", "images", "picture", "bytes"}, nil)
	switch {
	case byName && !slices.ContainsFunc(own, isBytes):
		data := map[string]*block{}
		for _, n := range own {
			if data[n], err = t.block(c.leaf[n]); err != nil {
				return nil, err
			}
		}
		return o.judged(data, judge)
	case len(o.Inputs) > 1:
		return nil, fmt.Errorf("has no columns of numbers for each of %s; its columns are %s", describe(o.Inputs), list(c.names))
	case image != nil:
		s, err := o.decoder(&cellImages{t, c.leaf[image[0]].path, p.tree})
		if err != nil {
			return nil, err
		}
		s.judge = judge
		return s, nil
	}
	numbers, err := t.numbers(slices.DeleteFunc(rest, isBytes))
	if err != nil {
		return nil, err
	}
	return o.judged(map[string]*block{o.Inputs[0].Name: numbers}, judge)
}

func (o *opener) judged(data map[string]*block, judge truth) (source, error) {
	a, err := o.stack(data)
	if err != nil {
		return nil, err
	}
	a.judge = judge
	return a, nil
}

// numbers is the only column of lists, or all of single numbers side by side.
func (t *rowReader) numbers(names []string) (*block, error) {
	var lists, single []leaf
	for _, n := range names {
		if l := t.columns.leaf[n]; l.nesting > 0 {
			lists = append(lists, l)
		} else {
			single = append(single, l)
		}
	}
	switch {
	case len(lists) == 1:
		return t.block(lists[0])
	case len(lists) > 1 || len(single) == 0:
		return nil, fmt.Errorf("has no column of images, and not one of numbers to feed the input; its columns are %s", list(t.columns.names))
	}
	out := &tensor.Tensor{DType: tensor.Float64, Shape: []int64{int64(t.rows()), int64(len(single))}}
	return &block{out, func(i int, buf []byte) ([]byte, error) {
		row := tensor.Tensor{DType: tensor.Float64, Shape: out.Shape[1:], Data: buf[:8*len(single)]}
		for k, l := range single {
			data, err := t.cell(l.path, i)
			if err != nil {
				return nil, err
			}
			if len(data) != l.dtype.Size() {
				return nil, &undecodable{i, t.name(i), fmt.Errorf("column %s holds no number", l.path)}
			}
			row.Set(k, (&tensor.Tensor{DType: l.dtype, Data: data}).AsFloat64s()[0])
		}
		return row.Data, nil
	}}, nil
}

// block is a column of numbers or of lists that have the first one's shape.
func (t *rowReader) block(l leaf) (*block, error) {
	shape, err := t.shape(l)
	if err != nil {
		return nil, err
	}
	b := &block{Tensor: &tensor.Tensor{DType: l.dtype, Shape: slices.Concat([]int64{int64(t.rows())}, shape)}}
	if _, err := tensor.Count(b.Shape); err != nil {
		return nil, err
	}
	stride := b.stride()
	b.read = func(i int, _ []byte) ([]byte, error) {
		data, err := t.cell(l.path, i)
		if err == nil && len(data) != stride {
			err = &undecodable{i, t.name(i), fmt.Errorf("column %s holds %d numbers, %d in the first row", l.path, len(data)/l.dtype.Size(), stride/l.dtype.Size())}
		}
		return data, err
	}
	return b, nil
}

// parquetLabels reads the column of labels, if there is one.
func (o *opener) parquetLabels(t *rowReader, name string) (truth, error) {
	if name == "" {
		return truth{}, nil
	}
	l := t.columns.leaf[name]
	from := "column " + name
	if l.dtype != tensor.String {
		b, err := t.block(l)
		if err != nil {
			return truth{}, err
		}
		if !o.Regression && l.dtype.IsInt() {
			// The hub writes -1 for labels that it keeps to itself.
			if low, high, err := b.limits(); err != nil || low == -1 && high == -1 {
				return truth{}, err
			}
		}
		j, err := newTruth(b, t.rows(), from, o.Regression)
		if j.label != nil && j.classes == 0 {
			j.classes = t.classNames[name]
		}
		return j, err
	}
	classes := map[string]bool{}
	labels := make([]string, 0, t.rows())
	for i := range t.rows() {
		c, err := t.cell(l.path, i)
		if err != nil {
			return truth{}, err
		}
		s := string(c)
		labels = append(labels, s)
		classes[s] = true
	}
	return named(labels, slices.Sorted(maps.Keys(classes)), from), nil
}

// hubClasses is how many classes the hub's description of a file names for
// columns of labels.
func hubClasses(text string) map[string]int {
	var d struct {
		Info struct {
			Features map[string]json.RawMessage
		}
	}
	n := map[string]int{}
	if json.Unmarshal([]byte(text), &d) != nil {
		return n
	}
	for name, raw := range d.Info.Features {
		var f struct{ Names []string }
		if json.Unmarshal(raw, &f) == nil {
			n[name] = len(f.Names)
		}
	}
	return n
}

// cellImages are the images in a column; one without bytes is the file that the
// path beside them names.
type cellImages struct {
	*rowReader
	path string
	tree fs.FS
}

func (c *cellImages) size() int { return c.rows() }

func (c *cellImages) bytes(i int) ([]byte, error) {
	data, err := c.cell(c.path, i)
	if err != nil || len(data) > 0 {
		return data, err
	}
	parent, ok := strings.CutSuffix(c.path, ".bytes")
	if !ok {
		return nil, errors.New("holds no bytes")
	}
	name, err := c.cell(parent+".path", i)
	if err == nil && len(name) == 0 {
		err = errors.New("holds neither bytes nor a path")
	}
	if err != nil {
		return nil, err
	}
	file, err := inside(c.shardOf(i), string(name))
	if err != nil {
		return nil, err
	}
	return readFile(c.tree, file)
}
