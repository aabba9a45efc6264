package onnx

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A span is where in which data file the elements of a tensor lie.
type span struct {
	location string
	offset   int
	length   int // -1 if it is not said
}

func external(t *TensorProto) bool {
	return t.GetDataLocation() == TensorProto_EXTERNAL
}

// spanOf reads the reference of a tensor to external data.
func spanOf(t *TensorProto) (span, error) {
	s := span{length: -1}
	for _, e := range t.GetExternalData() {
		var err error
		switch e.GetKey() {
		case "location":
			s.location = e.GetValue()
		case "offset":
			s.offset, err = byteCount(e)
		case "length":
			s.length, err = byteCount(e)
		}
		if err != nil {
			return span{}, err
		}
	}
	return s, checkLocation(s.location)
}

func byteCount(e *StringStringEntryProto) (int, error) {
	n, err := strconv.ParseUint(e.GetValue(), 10, strconv.IntSize-1)
	if err != nil {
		return 0, fmt.Errorf("external data: %s %q is not a number of bytes", e.GetKey(), e.GetValue())
	}
	return int(n), nil
}

// checkLocation refuses what does not stay inside of a folder. ONNX wants POSIX
// paths; a backslash would be a separator on Windows alone.
func checkLocation(location string) error {
	switch {
	case location == "":
		return errors.New("external data: no location")
	case slices.Contains(strings.FieldsFunc(location, isSeparator), ".."):
		return fmt.Errorf("external data: location %q has a parent folder in it", location)
	case isSeparator(rune(location[0])), !filepath.IsLocal(filepath.FromSlash(location)):
		return fmt.Errorf("external data: location %q is not relative to the model's folder", location)
	}
	return nil
}

func isSeparator(r rune) bool { return r == '/' || r == '\\' }

// externalData gives the bytes of a tensor that is stored in a data file.
func (m *Model) externalData(t *TensorProto, size int) ([]byte, error) {
	s, err := spanOf(t)
	if err != nil {
		return nil, err
	}
	if m.source == nil {
		return nil, errors.New("external data: the model is closed")
	}
	file, ok := m.source.external[s.location]
	switch {
	case !ok:
		return nil, fmt.Errorf("external data: %q was not among the data files when the model was loaded", s.location)
	case s.length >= 0 && s.length != size:
		return nil, fmt.Errorf("external data: length %d where shape %v takes %d", s.length, t.GetDims(), size)
	case s.offset > len(file) || size > len(file)-s.offset:
		return nil, fmt.Errorf("external data: %d bytes at %d run past the end of %q, which has %d", size, s.offset, s.location, len(file))
	}
	return file[s.offset : s.offset+size : s.offset+size], nil
}

// openExternal maps the data files of a model and checks every reference to
// them, so that no later use of a tensor can fail.
func (m *Model) openExternal() error {
	spans := map[string][]span{}
	var errs []error
	eachTensor(m.Proto.ProtoReflect(), modelRoute(), func(t *TensorProto) {
		if !external(t) || len(errs) >= maxListed {
			return
		}
		s, err := m.openTensor(t)
		if err != nil {
			errs = append(errs, fmt.Errorf("tensor %q: %w", t.GetName(), err))
		} else if s.length > 0 {
			spans[s.location] = append(spans[s.location], s)
		}
	})
	if len(errs) > 0 {
		return oneLine(errs)
	}
	return overlaps(spans)
}

func (m *Model) openTensor(t *TensorProto) (span, error) {
	s, err := spanOf(t)
	if err != nil {
		return span{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if m.Path == "" {
		return span{}, fmt.Errorf("%w: external data %q of a model that is not a file", ErrInvalid, s.location)
	}
	if _, ok := m.source.external[s.location]; !ok {
		path, err := resolve(m.Path, s.location)
		if err != nil {
			return span{}, err
		}
		if m.source.external[s.location], err = m.source.open(path); err != nil {
			return span{}, fmt.Errorf("external data: %w", err)
		}
		m.source.paths = append(m.source.paths, path)
	}
	data, err := m.data(t)
	if err != nil {
		return span{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	s.length = len(data)
	return s, nil
}

// resolve gives the real path of a data file. Links may lead about in the
// folder of the model and, as caches of models are chains of links, in the
// folder of the file that the model's own path resolves to.
func resolve(model, location string) (string, error) {
	path, err := filepath.EvalSymlinks(filepath.Join(filepath.Dir(model), filepath.FromSlash(location)))
	if err != nil {
		return "", fmt.Errorf("external data: %w", err)
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(model))
	if err != nil {
		return "", err
	}
	file, err := filepath.EvalSymlinks(model)
	if err != nil {
		return "", err
	}
	for _, dir := range []string{folder, filepath.Dir(file)} {
		if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: external data: %q links to a file outside of the model's folder", ErrInvalid, location)
}

// overlaps refuses tensors that share a part of their bytes only.
func overlaps(spans map[string][]span) error {
	var errs []error
	for location, list := range spans {
		slices.SortFunc(list, func(a, b span) int { return a.offset - b.offset })
		for i, s := range list[1:] {
			before := list[i]
			if s != before && s.offset < before.offset+before.length {
				errs = append(errs, fmt.Errorf("%w: external data: tensors at bytes %d and %d of %q overlap", ErrInvalid, before.offset, s.offset, location))
				break
			}
		}
	}
	return oneLine(errs)
}
