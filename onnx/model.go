// Package onnx is the wire format of ONNX: the generated types, loading, saving
// and checking a model. Nothing that a file holds is lost by loading and saving
// it, and the bytes of weights stay in the mapped file until they are used.
package onnx

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
)

// ErrInvalid marks a file that is not an ONNX model, or a model that breaks a
// rule of ONNX.
var ErrInvalid = errors.New("invalid model")

// Model is a loaded model. The raw bytes of its tensors lie in the mapped file:
// nobody writes to them in place, SetData replaces them. The file must not be
// changed in place while the model is open; Save replaces files and is safe.
// Methods other than Close only read the model and may run at the same time.
type Model struct {
	Proto *ModelProto
	Path  string // where it was loaded from, empty if it was parsed from memory

	source *source
}

// Load maps a model file and the external data files that it names. The error
// wraps ErrInvalid where the content is at fault, and is the system's where the
// file, or one of its data files, cannot be read.
func Load(path string) (*Model, error) {
	s := newSource()
	m, err := load(s, path)
	if err != nil {
		return nil, errors.Join(err, s.release())
	}
	return m, nil
}

func load(s *source, path string) (*Model, error) {
	b, err := s.open(path)
	if err != nil {
		return nil, err
	}
	m := &Model{Path: path, source: s}
	if m.Proto, err = parse(b); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := m.openExternal(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// Parse reads a model from memory. The model aliases b, which must not change.
// External data has no folder to be looked for in and is refused.
func Parse(b []byte) (*Model, error) {
	p, err := parse(b)
	if err != nil {
		return nil, err
	}
	m := &Model{Proto: p, source: newSource()}
	if err := m.openExternal(); err != nil {
		return nil, err
	}
	return m, nil
}

func parse(b []byte) (*ModelProto, error) {
	p, err := decode(b)
	if what := foreign(b); what != "" && (err != nil || p.GetGraph() == nil) {
		return nil, fmt.Errorf("%w: %s, not an ONNX model", ErrInvalid, what)
	}
	if err != nil {
		return nil, err
	}
	if p.GetGraph() == nil {
		return nil, fmt.Errorf("%w: there is no graph in it: truncated or not ONNX", ErrInvalid)
	}
	return p, nil
}

func undecodable(err error) error {
	// The text of protobuf's errors varies on purpose, only a part is said.
	if strings.Contains(err.Error(), "recursion") {
		return fmt.Errorf("%w: messages nested deeper than %d levels", ErrInvalid, maxDepth)
	}
	return fmt.Errorf("%w: cannot be decoded: damaged or not ONNX", ErrInvalid)
}

// Clone is a deep copy of the model that shares the bytes of its tensors. It is
// closed on its own, in any order.
func (m *Model) Clone() *Model {
	var d detacher
	bare, err := d.model(m.Proto)
	if err != nil {
		panic(err) // without prepare nothing in a detacher can fail
	}
	out := &Model{Proto: proto.CloneOf(bare), Path: m.Path, source: m.source}
	d.payloads.attach(out.Proto)
	if m.source != nil {
		m.source.users.Add(1)
	}
	return out
}

// Close gives the model up. The mapped files go with the last of a model and
// its clones, and the bytes of tensors must not be read after that. Closing
// again does nothing.
func (m *Model) Close() error {
	s := m.source
	if s == nil {
		return nil
	}
	m.source, m.Proto = nil, nil
	return s.release()
}
