package onnx

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/protobuf/proto"
)

const (
	// maxInline is the most that a file of one protobuf message may hold.
	maxInline = math.MaxInt32
	// minExternal is the least size for which an initializer leaves the model
	// file when there is a data file.
	minExternal = 1 << 10
	// Large tensors begin where every system can map them.
	pageSize = 1 << 16
	minPaged = 1 << 20
	wordSize = 64
)

// DataFile is the path of the external data file that Save may write for a
// model at path.
func DataFile(path string) string { return path + ".data" }

// Save writes the model to path. The same model always gives the same bytes.
// Weights go from where they lie straight to the file. A model of more than
// 2 GiB, and one that was loaded with external data, has the raw bytes of its
// initializers written to one external data file beside it, DataFile(path).
//
// Both files are written under other names first, in the same folder, and then
// renamed, the data file before the model: on an error nothing of them is left,
// and what stood at path is still there.
func (m *Model) Save(path string) error {
	e, err := m.encode(filepath.Base(DataFile(path)), maxInline)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var files pending
	defer files.discard()
	if e.data.size > 0 {
		if err := files.write(DataFile(path), e.data.writeTo); err != nil {
			return err
		}
	}
	if err := files.write(path, e.model.writeTo); err != nil {
		return err
	}
	return files.commit()
}

// Size is the number of bytes that Save writes, the data file included; 0 if
// the model cannot be saved.
func (m *Model) Size() int64 {
	e, err := m.encode("model.data", maxInline)
	if err != nil {
		return 0
	}
	return int64(e.model.size()) + int64(e.data.size)
}

// WriteTo writes the model as one message, the bytes of external data included.
func (m *Model) WriteTo(w io.Writer) (int64, error) {
	e, err := m.inline()
	if err != nil {
		return 0, err
	}
	if e.model.size() > maxInline {
		return 0, fmt.Errorf("%w: more than 2 GiB in one message", ErrInvalid)
	}
	c := counter{w: w}
	err = e.model.writeTo(&c)
	return c.written, err
}

type counter struct {
	w       io.Writer
	written int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.written += int64(n)
	return n, err
}

// An encoding is a model ready to be written.
type encoding struct {
	model *plan
	data  dataFile
}

// encode prepares a model for a file of at most limit bytes, with a data file
// at location where it takes one.
func (m *Model) encode(location string, limit int) (*encoding, error) {
	if m.source == nil || len(m.source.external) == 0 {
		e, err := m.inline()
		if err != nil || e.model.size() <= limit {
			return e, err
		}
	}
	e := &encoding{data: dataFile{location: location, placed: map[extentKey]int{}}}
	var err error
	e.model, err = m.plan(func(t *TensorProto, initializer bool) error {
		if !external(t) && (!initializer || len(t.RawData) < minExternal) {
			return nil
		}
		data, err := m.Data(t)
		if err != nil {
			return err
		}
		e.data.place(t, data)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if e.model.size() > limit {
		return nil, fmt.Errorf("%w: more than 2 GiB besides the raw bytes of initializers", ErrInvalid)
	}
	return e, nil
}

// inline prepares a model for one message.
func (m *Model) inline() (*encoding, error) {
	model, err := m.plan(func(t *TensorProto, _ bool) error {
		if !external(t) {
			return nil
		}
		data, err := m.Data(t)
		if err == nil {
			SetData(t, data)
		}
		return err
	})
	return &encoding{model: model}, err
}

func (m *Model) plan(prepare func(*TensorProto, bool) error) (*plan, error) {
	if m.Proto == nil {
		return nil, errors.New("the model is closed")
	}
	d := detacher{prepare: prepare}
	bare, err := d.model(m.Proto)
	if err != nil {
		return nil, err
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(bare)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return newPlan(b, d.payloads.restore)
}

// A dataFile is an external data file to be written.
type dataFile struct {
	location string
	chunks   []chunk
	placed   map[extentKey]int
	size     int
}

type chunk struct {
	offset int
	data   []byte
}

// An extentKey tells whether two tensors share their bytes.
type extentKey struct {
	first *byte
	size  int
}

// place makes t refer to data in the file. Tensors that share their bytes in
// memory do so in the file.
func (f *dataFile) place(t *TensorProto, data []byte) {
	SetData(t, nil)
	t.RawData = nil
	t.DataLocation = TensorProto_EXTERNAL.Enum()
	offset := 0
	if len(data) > 0 {
		key := extentKey{&data[0], len(data)}
		at, ok := f.placed[key]
		if !ok {
			at = f.append(data)
			f.placed[key] = at
		}
		offset = at
	}
	for _, e := range [][2]string{
		{"location", f.location},
		{"offset", strconv.Itoa(offset)},
		{"length", strconv.Itoa(len(data))},
	} {
		t.ExternalData = append(t.ExternalData, &StringStringEntryProto{Key: &e[0], Value: &e[1]})
	}
}

func (f *dataFile) append(data []byte) int {
	step := wordSize
	if len(data) >= minPaged {
		step = pageSize
	}
	at := (f.size + step - 1) / step * step
	f.chunks = append(f.chunks, chunk{at, data})
	f.size = at + len(data)
	return at
}

func (f *dataFile) writeTo(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<16)
	gap, at := make([]byte, pageSize), 0
	for _, c := range f.chunks {
		_, _ = b.Write(gap[:c.offset-at])
		_, _ = b.Write(c.data)
		at = c.offset + len(c.data)
	}
	return b.Flush()
}

// pending are files that have been written but not been given their names.
type pending []pendingFile

type pendingFile struct{ temp, path string }

func (p *pending) write(path string, content func(io.Writer) error) error {
	f, err := createTemp(path)
	if err != nil {
		return err
	}
	*p = append(*p, pendingFile{f.Name(), path})
	err = content(f)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// createTemp makes a new file beside path. Unlike os.CreateTemp it leaves the
// permissions to the umask, as they are those of the finished file.
func createTemp(path string) (*os.File, error) {
	for try := 0; ; try++ {
		name := fmt.Sprintf("%s.%d.%d.tmp", path, os.Getpid(), try)
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil || !errors.Is(err, os.ErrExist) || try == 1000 {
			return f, err
		}
	}
}

func (p *pending) commit() error {
	for len(*p) > 0 {
		if err := os.Rename((*p)[0].temp, (*p)[0].path); err != nil {
			return err
		}
		*p = (*p)[1:]
	}
	return nil
}

func (p *pending) discard() {
	for _, f := range *p {
		_ = os.Remove(f.temp)
	}
}
