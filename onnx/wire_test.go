package onnx

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// survives parses bytes that need not be a model. A model that comes of them
// must be what protobuf alone makes of them, and go through every method.
func survives(t *testing.T, b []byte) {
	t.Helper()
	m, err := Parse(b)
	if err != nil {
		if !errors.Is(err, ErrInvalid) {
			t.Fatalf("%x: %v does not wrap ErrInvalid", b, err)
		}
		return
	}
	want := &ModelProto{}
	if err := proto.Unmarshal(b, want); err != nil {
		t.Fatalf("%x: parsed, but: %v", b, err)
	}
	if !proto.Equal(m.Proto, want) {
		t.Fatalf("%x: parsed as %v, is %v", b, m.Proto, want)
	}
	if err := m.Check(); err != nil && !errors.Is(err, ErrInvalid) {
		t.Fatalf("%x: %v does not wrap ErrInvalid", b, err)
	}
	saved, err := m.Clone().Marshal()
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	again, err := Parse(saved)
	if err != nil {
		t.Fatalf("%x: saved as %x, which is refused: %v", b, saved, err)
	}
	if !proto.Equal(again.Proto, want) {
		t.Fatalf("%x: saved as %v, is %v", b, again.Proto, want)
	}
	eachTensor(m.Proto.ProtoReflect(), modelRoute(), func(p *TensorProto) {
		if _, err := m.Data(p); err == nil && m.checkTensor(p) != nil {
			t.Fatalf("%x: Data and Check disagree on %v", b, p)
		}
	})
}

func TestTruncated(t *testing.T) {
	b := marshal(t, sample())
	for n := range len(b) {
		survives(t, b[:n])
	}
}

func TestFlipped(t *testing.T) {
	b := marshal(t, sample())
	r := rand.New(rand.NewPCG(1, 2))
	for range 5_000 {
		bad := bytes.Clone(b)
		for range 1 + r.IntN(4) {
			bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		}
		survives(t, bad)
	}
}

// The fields by which a tensor is reached, to be looked at when onnx.proto is
// replaced by a newer one.
func TestRoutes(t *testing.T) {
	want := map[protoreflect.FullName][]protowire.Number{
		"onnxcompress.ModelProto": {7, 20, 25}, "onnxcompress.TrainingInfoProto": {1, 2}, "onnxcompress.FunctionProto": {7, 11},
		"onnxcompress.GraphProto": {1, 5, 15}, "onnxcompress.NodeProto": {5}, "onnxcompress.AttributeProto": {5, 6, 10, 11, 22, 23},
		"onnxcompress.SparseTensorProto": {1, 2}, "onnxcompress.TensorProto": nil,
	}
	got := map[protoreflect.FullName][]protowire.Number{}
	var follow func(r *route, d protoreflect.MessageDescriptor)
	follow = func(r *route, d protoreflect.MessageDescriptor) {
		if _, ok := got[d.FullName()]; ok {
			return
		}
		got[d.FullName()] = slices.Sorted(maps.Keys(r.into))
		for number, to := range r.into {
			follow(to, d.Fields().ByNumber(number).Message())
		}
	}
	follow(modelRoute(), (*ModelProto)(nil).ProtoReflect().Descriptor())
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWriteToFails(t *testing.T) {
	m, err := Parse(marshal(t, sample()))
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 10, 5000} {
		if n, err := m.WriteTo(&narrow{room: room}); !errors.Is(err, io.ErrShortWrite) || n > int64(room) {
			t.Errorf("a writer with room for %d bytes took %d, error %v", room, n, err)
		}
	}
}

// A narrow writer takes a number of bytes and no more.
type narrow struct{ room int }

func (n *narrow) Write(b []byte) (int, error) {
	took := min(len(b), n.room)
	n.room -= took
	if took < len(b) {
		return took, io.ErrShortWrite
	}
	return took, nil
}

func FuzzParse(f *testing.F) {
	f.Fuzz(survives)
}

// FuzzLoad is FuzzParse for files: the model may name the data file beside it,
// and is saved with data of its own.
func FuzzLoad(f *testing.F) {
	f.Add(marshal(f, sample()))
	f.Add(marshal(f, withTensors(reference("w", 7, "location", "w.bin", "offset", "10", "length", "7"))))
	f.Add(marshal(f, withTensors(reference("v", 10, "location", "w.bin", "offset", "5"), reference("w", 10, "location", "w.bin", "offset", "15"))))
	f.Add(marshal(f, withTensors(reference("w", 4, "location", "../w.bin"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, "m.onnx")
		writeFile(t, path, b)
		writeFile(t, filepath.Join(dir, "w.bin"), counting(100, 0))
		m, err := Load(path)
		if err != nil {
			return
		}
		defer m.Close()
		if m.Check() != nil {
			return
		}
		if err := m.Save(filepath.Join(dir, "again.onnx")); err != nil {
			t.Fatal(err)
		}
		sameData(t, m, mustLoad(t, filepath.Join(dir, "again.onnx")))
	})
}
