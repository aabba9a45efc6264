package dataset

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"onnxcompress/graph/tensor"
)

// values are numbers of a record and their shape.
type values struct {
	shape []int64
	v     []float64
}

// record is one sample of a text file.
type record struct {
	// inputs are the numbers of each input, or image is a picture's path.
	inputs []values
	image  string
	// label is there as numbers, as a name, or not at all.
	label values
	class string
}

// A notation is how samples are written as text.
type notation interface {
	// scan goes through a file: where each record lies, and what it holds or
	// what is wrong with it. Names of records are what messages call them.
	scan(c content, visit func(at, size int64, name string, r record, err error) error) error
	// parse reads the bytes of one record.
	parse(text []byte) (record, error)
}

// spot is where a record lies.
type spot struct {
	at         int64
	size, file int32
}

// textFile is a file and how its records are to be read.
type textFile struct {
	content
	notation
}

// text is the samples of text files: what is kept of each is where it lies and
// its label.
type text struct {
	files []textFile
	spots []spot

	first     record
	low, high []float64 // of each input
	whole     []bool

	images  []string
	numbers []float64 // labels, where they are single numbers
	classes []string  // where they are names
}

// maxRecord bounds the text of one sample.
const maxRecord = 1 << 28

// take adds the records of a file.
func (t *text) take(f textFile, name string, left *bad) error {
	t.files = append(t.files, f)
	return f.scan(f.content, func(at, size int64, line string, r record, err error) error {
		if err == nil {
			err = t.fits(r)
		}
		if err == nil && size > maxRecord {
			err = fmt.Errorf("record of %d bytes", size)
		}
		switch {
		case err != nil && !left.skip:
			return fmt.Errorf("%s: %w", line, err)
		case err != nil:
			left.leave(name + " " + line)
			return nil
		}
		t.add(spot{at, int32(size), int32(len(t.files) - 1)}, r)
		return nil
	})
}

// fits compares a record with the first.
func (t *text) fits(r record) error {
	if len(t.spots) == 0 {
		return nil
	}
	for i, in := range r.inputs {
		if want := t.first.inputs[i].shape; !slices.Equal(in.shape, want) {
			return fmt.Errorf("sample of shape %v after others of %v", in.shape, want)
		}
	}
	switch f := t.first; {
	case (f.image == "") != (r.image == ""):
		return errors.New("one of numbers and the path of an image after others of the other")
	case (f.class == "") != (r.class == ""), (f.label.v == nil) != (r.label.v == nil):
		return errors.New("its label is not of the kind of those before")
	case !slices.Equal(f.label.shape, r.label.shape):
		return fmt.Errorf("label of shape %v after others of %v", r.label.shape, f.label.shape)
	}
	return nil
}

func (t *text) add(at spot, r record) {
	if len(t.spots) == 0 {
		t.first = r
		for range r.inputs {
			t.low, t.high, t.whole = append(t.low, math.Inf(1)), append(t.high, math.Inf(-1)), append(t.whole, true)
		}
	}
	t.spots = append(t.spots, at)
	for i, in := range r.inputs {
		for _, v := range in.v {
			t.low[i], t.high[i] = min(t.low[i], v), max(t.high[i], v)
			t.whole[i] = t.whole[i] && v == math.Trunc(v)
		}
	}
	if r.image != "" {
		t.images = append(t.images, r.image)
	}
	if r.class != "" {
		t.classes = append(t.classes, strings.Clone(r.class))
	}
	if len(r.label.v) == 1 {
		t.numbers = append(t.numbers, r.label.v[0])
	}
}

// block reads numbers of a record as an array. Whole numbers that an image's
// input takes for the bytes of pixels are made bytes.
func (t *text) block(shape []int64, pixels bool, of func(record) []float64) *block {
	b := &block{Tensor: &tensor.Tensor{DType: tensor.Float64, Shape: slices.Concat([]int64{int64(len(t.spots))}, shape)}}
	if pixels {
		b.DType = tensor.Uint8
	}
	b.read = func(i int, buf []byte) ([]byte, error) {
		s := t.spots[i]
		line := make([]byte, s.size)
		f := t.files[s.file]
		if err := readFull(f, line, s.at); err != nil {
			return nil, err
		}
		r, err := f.parse(line)
		if err != nil {
			return nil, err
		}
		out := &tensor.Tensor{DType: b.DType, Shape: b.Shape[1:], Data: buf[:b.stride()]}
		v := of(r)
		if len(v) != out.Len() {
			return nil, errors.New("the file has changed since it was opened")
		}
		for k, x := range v {
			out.Set(k, x)
		}
		return out.Data, nil
	}
	return b
}

// textSource makes a source of what was taken.
func (o *opener) textSource(t *text, p place, from string, others []string) (source, error) {
	if len(t.spots) == 0 {
		return nil, errors.New("holds no samples")
	}
	judge, err := t.truth(from, others, o.Regression)
	if err != nil {
		return nil, err
	}
	if len(t.images) > 0 {
		for i, name := range t.images {
			if t.images[i], err = inside(from, name); err != nil {
				return nil, err
			}
		}
		s, err := o.decoder(&imageFiles{p.tree, t.images})
		if err != nil {
			return nil, err
		}
		s.judge = judge
		return s, nil
	}
	data := map[string]*block{}
	for i, port := range o.Inputs {
		pixels := port.DType.IsFloat() && o.isImageInput(port) && t.whole[i] && t.low[i] >= 0 && t.high[i] > 1 && t.high[i] <= 255
		data[port.Name] = t.block(t.first.inputs[i].shape, pixels, func(r record) []float64 { return r.inputs[i].v })
	}
	a, err := o.stack(data)
	if err != nil {
		return nil, err
	}
	a.judge = judge
	return a, nil
}

// truth is made of the labels; others are names of classes that another part of
// the data has.
func (t *text) truth(from string, others []string, regression bool) (truth, error) {
	n := len(t.spots)
	switch f := t.first; {
	case f.class != "":
		names := slices.Compact(slices.Sorted(slices.Values(slices.Concat(t.classes, others))))
		return named(t.classes, names, from), nil
	case f.label.v == nil:
		return truth{}, nil
	case len(f.label.v) == 1:
		dt := tensor.Float64
		if !slices.ContainsFunc(t.numbers, func(v float64) bool { return v != math.Trunc(v) }) {
			dt = tensor.Int64
		}
		b := tensor.New(dt, slices.Concat([]int64{int64(n)}, f.label.shape)...)
		for i, v := range t.numbers {
			b.Set(i, v)
		}
		return newTruth(&block{Tensor: b}, n, from, regression)
	}
	return newTruth(t.block(t.first.label.shape, false, func(r record) []float64 { return r.label.v }), n, from, regression)
}

// number reads a finite number.
func number(s string) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return 0, fmt.Errorf("%.40q is no number", s)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%.40q is not finite", s)
	}
	return v, nil
}

// textFiles reads the files of a part, each in the notation that read finds it
// to have.
func (o *opener) textFiles(p place, want func(string) bool, read func(content) (notation, error)) (source, bool, error) {
	names, err := p.files(want)
	if err != nil {
		return nil, false, err
	}
	chosen, divided, err := o.pick(names)
	if err != nil {
		return nil, false, err
	}
	t, err := o.readText(p, chosen, read, o.bad)
	if err != nil {
		return nil, divided, err
	}
	var others []string
	if t.first.class != "" && divided {
		// Classes are numbered over both parts.
		rest := slices.DeleteFunc(names, func(n string) bool { return slices.Contains(chosen, n) })
		other, err := o.readText(p, rest, read, &bad{skip: true})
		if err != nil {
			return nil, divided, err
		}
		others = other.classes
	}
	src, err := o.textSource(t, p, chosen[0], others)
	return src, divided, err
}

func (o *opener) readText(p place, names []string, read func(content) (notation, error), left *bad) (*text, error) {
	t := &text{}
	for _, n := range names {
		c, err := o.content(p.tree, n)
		var as notation
		if err == nil {
			as, err = read(c)
		}
		if err == nil {
			err = t.take(textFile{c, as}, n, left)
		}
		if err != nil && p.file == "" {
			err = fmt.Errorf("%s: %w", n, err)
		}
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}
