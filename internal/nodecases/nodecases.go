// Package nodecases reads the operator cases of the ONNX project for tests:
// small models with recorded inputs and outputs.
package nodecases

import (
	"archive/zip"
	"fmt"
	"io"
	"iter"
	"path"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"onnxcompress/graph"
	"onnxcompress/graph/tensor"
	"onnxcompress/onnx"
)

// Case is one model with what its inputs and outputs were.
type Case struct {
	Name  string
	dir   string
	files map[string]*zip.File
}

// Open lists the cases of an archive in its order. The test is skipped where
// the archive is not there.
func Open(t testing.TB, archive string) []Case {
	t.Helper()
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Skipf("the operator cases of ONNX are not there: %v", err)
	}
	t.Cleanup(func() { _ = z.Close() })
	files := map[string]*zip.File{}
	var cases []Case
	for _, f := range z.File {
		files[f.Name] = f
		if dir, ok := strings.CutSuffix(f.Name, "/model.onnx"); ok {
			cases = append(cases, Case{strings.TrimPrefix(path.Base(dir), "test_"), dir, files})
		}
	}
	if len(cases) == 0 {
		t.Fatalf("%s holds no cases", archive)
	}
	return cases
}

// Model decodes the case's model.
func (c Case) Model(t testing.TB) *onnx.ModelProto {
	t.Helper()
	m := &onnx.ModelProto{}
	if err := proto.Unmarshal(c.read(t, c.dir+"/model.onnx"), m); err != nil {
		t.Fatalf("%s: %v", c.Name, err)
	}
	return m
}

// Sets is the number of recordings.
func (c Case) Sets() int {
	n := 0
	for {
		prefix := fmt.Sprintf("%s/test_data_set_%d/", c.dir, n)
		if c.files[prefix+"input_0.pb"] == nil && c.files[prefix+"output_0.pb"] == nil {
			return n
		}
		n++
	}
}

// Tensors decodes one recording of the inputs or, as side says, the outputs that
// infos declare, named as they are there; ok is false where one is not a tensor
// or was not recorded.
func (c Case) Tensors(t testing.TB, set int, side string, infos []*onnx.ValueInfoProto) (list []*onnx.TensorProto, ok bool) {
	t.Helper()
	for i, info := range infos {
		name := c.file(set, side, i)
		if info.GetType().GetTensorType() == nil || c.files[name] == nil {
			return nil, false
		}
		p := &onnx.TensorProto{}
		if err := proto.Unmarshal(c.read(t, name), p); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p.Name = proto.String(info.GetName())
		list = append(list, p)
	}
	return list, true
}

// Values decodes one recording as Tensors does, sequences and optionals too.
// What was not recorded is nil.
func (c Case) Values(t testing.TB, set int, side string, infos []*onnx.ValueInfoProto) []*tensor.Tensor {
	t.Helper()
	list := make([]*tensor.Tensor, len(infos))
	for i, info := range infos {
		if name := c.file(set, side, i); c.files[name] != nil {
			list[i] = value(t, c.read(t, name), info.GetType())
		}
	}
	return list
}

func (c Case) file(set int, side string, i int) string {
	return fmt.Sprintf("%s/test_data_set_%d/%s_%d.pb", c.dir, set, side, i)
}

func (c Case) read(t testing.TB, name string) []byte {
	t.Helper()
	r, err := c.files[name].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// value decodes a tensor, a sequence or an optional, as its type says.
func value(t testing.TB, b []byte, typ *onnx.TypeProto) *tensor.Tensor {
	t.Helper()
	const tensorField, sequenceField = 3, 5
	switch {
	case typ.GetOptionalType() != nil:
		for field, content := range messages(t, b) {
			if field == tensorField || field == sequenceField {
				return value(t, content, typ.GetOptionalType().GetElemType())
			}
		}
		return tensor.Absent()
	case typ.GetSequenceType() != nil:
		var items []*tensor.Tensor
		for field, content := range messages(t, b) {
			if field == tensorField || field == sequenceField {
				items = append(items, value(t, content, typ.GetSequenceType().GetElemType()))
			}
		}
		return tensor.List(elementType(typ.GetSequenceType().GetElemType()), items...)
	}
	p := &onnx.TensorProto{}
	if err := proto.Unmarshal(b, p); err != nil {
		t.Fatal(err)
	}
	v, err := graph.Decode(&onnx.Model{}, p)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func elementType(typ *onnx.TypeProto) tensor.DType {
	return tensor.DType(typ.GetTensorType().GetElemType())
}

// messages are the embedded messages of an encoded message, by number. ONNX keeps
// sequences and optionals in a file of definitions of its own. An optional's
// content has the number that a sequence's content has there.
func messages(t testing.TB, b []byte) iter.Seq2[protowire.Number, []byte] {
	return func(yield func(protowire.Number, []byte) bool) {
		for len(b) > 0 {
			number, kind, size := protowire.ConsumeTag(b)
			if size < 0 {
				t.Fatal(protowire.ParseError(size))
			}
			b = b[size:]
			if size = protowire.ConsumeFieldValue(number, kind, b); size < 0 {
				t.Fatal(protowire.ParseError(size))
			}
			if kind == protowire.BytesType {
				content, _ := protowire.ConsumeBytes(b)
				if !yield(number, content) {
					return
				}
			}
			b = b[size:]
		}
	}
}
