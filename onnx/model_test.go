package onnx

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// roundTrip loads an encoded model, saves it twice and loads it again.
func roundTrip(t *testing.T, encoded []byte) {
	t.Helper()
	want := &ModelProto{}
	if err := proto.Unmarshal(encoded, want); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	in, out, again := filepath.Join(dir, "in.onnx"), filepath.Join(dir, "out.onnx"), filepath.Join(dir, "again.onnx")
	writeFile(t, in, encoded)
	m := mustLoad(t, in)
	if !proto.Equal(m.Proto, want) {
		t.Error("Load differs from proto.Unmarshal")
	}
	if err := errors.Join(m.Save(out), m.Save(again)); err != nil {
		t.Fatal(err)
	}
	first := readFile(t, out)
	if !bytes.Equal(first, readFile(t, again)) {
		t.Error("two saves of one model differ")
	}
	if m.Size() != int64(len(first)) {
		t.Errorf("Size is %d, the file has %d bytes", m.Size(), len(first))
	}
	if reloaded := mustLoad(t, out); !proto.Equal(reloaded.Proto, want) {
		t.Error("the saved model differs from the original")
	}
	if b, err := m.Marshal(); err != nil || !bytes.Equal(b, first) {
		t.Errorf("Marshal differs from Save (%v)", err)
	}
	if !proto.Equal(m.Proto, want) {
		t.Error("saving changed the model")
	}
}

func TestRoundTrip(t *testing.T) { roundTrip(t, marshal(t, sample())) }

func TestRoundTripZoo(t *testing.T) {
	for _, name := range []string{"dev.zip", "real.zip"} {
		path := filepath.Join("..", "..", "shared", "zoo", name)
		z, err := zip.OpenReader(path)
		if errors.Is(err, fs.ErrNotExist) {
			t.Skipf("%s, the models of the zoo, is not there", path)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		models := 0
		for _, f := range z.File {
			if filepath.Ext(f.Name) != ".onnx" {
				continue
			}
			models++
			t.Run(filepath.Base(f.Name), func(t *testing.T) {
				r, err := f.Open()
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				roundTrip(t, b)
				m, err := Parse(b)
				if err != nil {
					t.Fatal(err)
				}
				if err := m.Check(); err != nil {
					t.Error(err)
				}
			})
		}
		if models == 0 {
			t.Errorf("no model in %s", path)
		}
	}
}

// Every payload of a marker's size or more must be found, or its bytes would be
// taken for a marker.
func TestParseAliases(t *testing.T) {
	b := marshal(t, sample())
	m, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	tensors := 0
	eachTensor(m.Proto.ProtoReflect(), modelRoute(), func(p *TensorProto) {
		if len(p.RawData) < markerSize {
			return
		}
		tensors++
		p.RawData[0]++
	})
	if tensors != 10 {
		t.Errorf("found %d large tensors, sample has 10", tensors)
	}
	changed := &ModelProto{}
	if err := proto.Unmarshal(b, changed); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(changed, m.Proto) || proto.Equal(changed, sample()) {
		t.Error("the tensors of a parsed model do not lie in the parsed bytes")
	}
}

// Fields that come twice are merged, the later one counts.
func TestMergedFields(t *testing.T) {
	graph := func(raw []byte) []byte {
		twice := append(marshal(t, rawTensor("w", TensorProto_UINT8, counting(40, 1), 40)), marshal(t, &TensorProto{RawData: raw})...)
		b := protowire.AppendBytes(protowire.AppendTag(nil, 5, protowire.BytesType), twice)
		return protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), b)
	}
	for _, size := range []int{0, 3, 15, 16, 17, 40} {
		b := slices.Concat(graph(counting(size, 2)), graph(counting(20, 3)))
		want := &ModelProto{}
		if err := proto.Unmarshal(b, want); err != nil {
			t.Fatal(err)
		}
		m, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(m.Proto, want) {
			t.Errorf("%d bytes: got %v, want %v", size, m.Proto, want)
		}
	}
}

func TestClone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.onnx")
	writeFile(t, path, marshal(t, sample()))
	m, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	c := m.Clone()
	g := c.Proto.GetGraph()
	if &g.Initializer[0].RawData[0] != &m.Proto.GetGraph().Initializer[0].RawData[0] {
		t.Error("a clone copies payloads")
	}
	SetData(g.Initializer[0], make([]byte, 4096))
	g.Initializer[1].Dims[0] = 5
	g.Initializer[2].FloatData[0] = 9
	g.Node[0].Attribute[0].T.Name = proto.String("other")
	g.Node[1].Attribute[0].G.Node[0].Input[0] = "x"
	g.Input[0].Name = proto.String("renamed")
	if !proto.Equal(m.Proto, sample()) {
		t.Error("changing a clone changed the model")
	}
	if err := errors.Join(m.Close(), m.Close()); err != nil {
		t.Error(err)
	}
	if b, err := c.Marshal(); err != nil || len(b) < 4096 {
		t.Errorf("a clone cannot be used after the model is closed: %d bytes, %v", len(b), err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Save(path); err == nil {
		t.Error("a closed model can be saved")
	}
}

func TestConcurrentReads(t *testing.T) {
	m, err := Parse(marshal(t, sample()))
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			c := m.Clone()
			path := filepath.Join(dir, string(rune('a'+i)))
			SetData(c.Proto.Graph.Initializer[0], make([]byte, 4096))
			if err := errors.Join(m.Check(), m.Save(path), c.Save(path+".clone"), c.Close()); err != nil {
				t.Error(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
				t.Errorf("a model saved beside others differs (%v)", err)
			}
		})
	}
	group.Wait()
}

func TestLoadRefuses(t *testing.T) {
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	if _, err := z.Create("model.onnx"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	whole := marshal(t, sample())
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "an empty file, not an ONNX model"},
		{"text", []byte("This is no model.\nIt is prose."), "a text file, not an ONNX model"},
		{"html", []byte("<!DOCTYPE html>\n<html lang=\"ää\"></html>"), "a text file, not an ONNX model"},
		{"lfs", []byte("version https://git-lfs.github.com/spec/v1\n"), "a Git LFS pointer, not an ONNX model"},
		{"zip", append([]byte("PK\x03\x04"), archive.Bytes()...), "a zip archive, not an ONNX model"},
		{"truncated", whole[:len(whole)/2], "truncated, damaged or not ONNX"},
		{"zeros", make([]byte, 100), "cannot be decoded"},
		{"no graph", marshal(t, &ModelProto{IrVersion: proto.Int64(8), ProducerName: proto.String("p")}), "there is no graph in it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "m.onnx")
			writeFile(t, path, test.data)
			_, err := Load(path)
			wantInvalid(t, err, path+": invalid model: ", test.want)
		})
	}
	dir := t.TempDir()
	_, err := Load(dir)
	wantInvalid(t, err, dir+": ", "is a directory")
	if _, err = Load(filepath.Join(dir, "none.onnx")); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrInvalid) {
		t.Errorf("a missing file gives %v", err)
	}
}

func wantInvalid(t *testing.T, err error, parts ...string) {
	t.Helper()
	if !errors.Is(err, ErrInvalid) {
		t.Fatalf("got %v, want an error that wraps ErrInvalid", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got %q, want %q in it", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is not one line", err)
	}
}

// nested is a message inside of depth others, through the fields in turn.
func nested(depth int, fields ...protowire.Number) []byte {
	var b []byte
	for i := depth - 1; i >= 0; i-- {
		b = protowire.AppendBytes(protowire.AppendTag(nil, fields[i%len(fields)], protowire.BytesType), b)
	}
	return b
}

func TestDepth(t *testing.T) {
	inModel := func(field protowire.Number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), b)
	}
	subgraphs := func(depth int) []byte { return inModel(7, nested(depth-1, 1, 5, 6)) }
	// Below a graph: input, type, then sequences of sequences.
	types := func(depth int) []byte { return inModel(7, inModel(11, inModel(2, nested(depth-3, 4, 1)))) }
	for name, build := range map[string]func(int) []byte{"subgraphs": subgraphs, "types": types} {
		if _, err := Parse(build(maxDepth)); err != nil {
			t.Errorf("%s: %d levels: %v", name, maxDepth, err)
		}
		for _, depth := range []int{maxDepth + 1, 5_000, 20_000} {
			_, err := Parse(build(depth))
			wantInvalid(t, err, "messages nested deeper than 100 levels")
		}
	}
	groups := bytes.Repeat(protowire.AppendTag(nil, 900, protowire.StartGroupType), 1<<20)
	_, err := Parse(append(subgraphs(1), groups...))
	wantInvalid(t, err)
}

// Loading and saving must not bring the weights into memory.
func TestMemory(t *testing.T) {
	const size = 64 << 20
	p := sample()
	p.Graph.Initializer[0] = rawTensor("big", TensorProto_UINT8, make([]byte, size), size)
	dir := t.TempDir()
	path := filepath.Join(dir, "m.onnx")
	writeFile(t, path, marshal(t, p))
	p = nil
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m := mustLoad(t, path)
	c := m.Clone()
	if err := errors.Join(c.Check(), c.Save(filepath.Join(dir, "out.onnx")), c.Close()); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
		t.Errorf("%d bytes allocated for a model of %d", got, size)
	}
	if info, err := os.Stat(filepath.Join(dir, "out.onnx")); err != nil || info.Size() < size {
		t.Errorf("the saved model is not whole: %v", err)
	}
}

func TestOneLine(t *testing.T) {
	var many []error
	for range 25 {
		many = append(many, errors.New("broken"))
	}
	tests := []struct {
		err  error
		want string
	}{
		{errors.New("one"), "one"},
		{errors.Join(errors.New("a"), errors.New("b")), "a; b"},
		{errors.Join(many...), strings.Repeat("broken; ", 10) + "and 15 more"},
	}
	for _, test := range tests {
		if got := OneLine(test.err); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
