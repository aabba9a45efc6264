package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"
)

const (
	// maxInline is the most that a file of one protobuf message may hold.
	maxInline = math.MaxInt32
	// minExternal is the least size for which an initializer leaves the model
	// file when there is a data file.
	minExternal = 1 << 10
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
// renamed, the data file before the model: where writing fails, nothing is left
// of them and what stood at path is still there. It is an error if one of them
// would replace a data file that the model this was loaded from needs.
func (m *Model) Save(path string) error {
	if err := m.save(path, maxInline); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (m *Model) save(path string, limit int) error {
	e, err := m.encode(filepath.Base(DataFile(path)), limit)
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return errors.New("is a directory")
	}
	if err := m.spare(path, e.data.size > 0); err != nil {
		return err
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

// spare refuses a path where the model, or its data file if it takes one, would
// replace a data file that this model was loaded with. Only along with its own
// model file may that be.
func (m *Model) spare(path string, withData bool) error {
	if m.source == nil {
		return nil
	}
	withData = withData && !sameFile(path, m.Path)
	for _, used := range m.source.paths {
		if sameFile(path, used) || withData && sameFile(DataFile(path), used) {
			return fmt.Errorf("would replace %s, the data file of %s", used, m.Path)
		}
	}
	return nil
}

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// Size is the number of bytes that Save(m.Path) writes, the data file included,
// whose name alone may make it a few more or less elsewhere. It is 0 if the
// model cannot be saved.
func (m *Model) Size() int64 {
	e, err := m.encode(filepath.Base(DataFile(m.Path)), maxInline)
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

// Marshal is WriteTo into memory.
func (m *Model) Marshal() ([]byte, error) {
	var b bytes.Buffer
	_, err := m.WriteTo(&b)
	return b.Bytes(), err
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
