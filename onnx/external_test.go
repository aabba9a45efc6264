package onnx

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
)

// reference is a tensor of bytes in external data, given as keys and values.
func reference(name string, size int64, pairs ...string) *TensorProto {
	t := rawTensor(name, TensorProto_UINT8, nil, size)
	t.DataLocation = TensorProto_EXTERNAL.Enum()
	for i := 0; i < len(pairs); i += 2 {
		t.ExternalData = append(t.ExternalData, &StringStringEntryProto{Key: &pairs[i], Value: &pairs[i+1]})
	}
	return t
}

func withTensors(list ...*TensorProto) *ModelProto {
	m := sample()
	m.Graph.Initializer = append(m.Graph.Initializer, list...)
	return m
}

func TestLoadExternal(t *testing.T) {
	content := counting(100, 0)
	tests := []struct {
		name    string
		tensors []*TensorProto
		want    [][]byte
	}{
		{"whole", []*TensorProto{reference("w", 100, "location", "w.bin")}, [][]byte{content}},
		{"range", []*TensorProto{reference("w", 7, "location", "w.bin", "offset", "10", "length", "7", "checksum", "0")}, [][]byte{content[10:17]}},
		{"no length", []*TensorProto{reference("w", 7, "location", "w.bin", "offset", "93")}, [][]byte{content[93:]}},
		{"empty at the end", []*TensorProto{reference("w", 0, "location", "w.bin", "offset", "100")}, [][]byte{{}}},
		{"folder", []*TensorProto{reference("w", 2, "location", "sub/v.bin")}, [][]byte{content[:2]}},
		{"link inside", []*TensorProto{reference("w", 2, "location", "link.bin")}, [][]byte{content[:2]}},
		{"the same bytes", []*TensorProto{
			reference("v", 10, "location", "w.bin", "offset", "5"), reference("w", 10, "location", "w.bin", "offset", "5", "length", "10"),
		}, [][]byte{content[5:15], content[5:15]}},
		{"side by side", []*TensorProto{
			reference("v", 10, "location", "w.bin", "offset", "10"), reference("w", 10, "location", "w.bin"),
		}, [][]byte{content[10:20], content[:10]}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			layOut(t, dir, content, withTensors(test.tensors...))
			m := mustLoad(t, filepath.Join(dir, "model", "m.onnx"))
			if err := m.Check(); err != nil {
				t.Error(err)
			}
			for i, want := range test.want {
				got, err := m.Data(m.Proto.GetGraph().GetInitializer()[4+i])
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("tensor %d: got %x, %v; want %x", i, got, err, want)
				}
			}
		})
	}
}

// layOut makes a folder with a model, data files inside and outside of the
// model's folder, and links to them.
func layOut(t *testing.T, dir string, content []byte, p *ModelProto) {
	t.Helper()
	folder := filepath.Join(dir, "model")
	for _, name := range []string{"outside.bin", "model/w.bin", "model/sub/v.bin"} {
		writeFile(t, filepath.Join(dir, filepath.FromSlash(name)), content)
	}
	for link, target := range map[string]string{"link.bin": "sub/v.bin", "out.bin": "../outside.bin", "away": ".."} {
		if err := os.Symlink(filepath.FromSlash(target), filepath.Join(folder, link)); err != nil {
			t.Skipf("symbolic links cannot be made here: %v", err)
		}
	}
	writeFile(t, filepath.Join(folder, "m.onnx"), marshal(t, p))
}

func TestLoadExternalRefuses(t *testing.T) {
	dir := t.TempDir()
	at := func(location string) []*TensorProto { return []*TensorProto{reference("w", 4, "location", location)} }
	sized := func(pairs ...string) []*TensorProto {
		return []*TensorProto{reference("w", 4, append([]string{"location", "w.bin"}, pairs...)...)}
	}
	huge := reference("w", 1<<40, "location", "w.bin")
	tests := []struct {
		name    string
		tensors []*TensorProto
		want    string
	}{
		{"parent", at("../outside.bin"), "has a parent folder in it"},
		{"parent and back", at("sub/../w.bin"), "has a parent folder in it"},
		{"parent on Windows", at(`..\outside.bin`), "has a parent folder in it"},
		{"absolute", at(filepath.ToSlash(filepath.Join(dir, "outside.bin"))), "is not relative to the model's folder"},
		{"absolute on Windows", at(`\outside.bin`), "is not relative to the model's folder"},
		{"empty", at(""), "no location"},
		{"no location", []*TensorProto{reference("w", 4)}, "no location"},
		{"link outside", at("out.bin"), "links to a file outside of the model's folder"},
		{"linked folder", at("away/outside.bin"), "links to a file outside of the model's folder"},
		{"folder", at("sub"), "is a directory"},
		{"offset too far", sized("offset", "97"), "4 bytes at 97 run past the end"},
		{"offset far too far", sized("offset", "9223372036854775807"), "run past the end"},
		{"negative offset", sized("offset", "-1"), `offset "-1" is not a number of bytes`},
		{"offset in words", sized("offset", "ten"), `offset "ten" is not a number of bytes`},
		{"offset overflow", sized("offset", "9223372036854775808"), "is not a number of bytes"},
		{"negative length", sized("length", "-4"), `length "-4" is not a number of bytes`},
		{"wrong length", sized("length", "5"), "length 5 where shape [4] takes 4"},
		{"larger than the file", []*TensorProto{huge}, "run past the end"},
		{"overlap", []*TensorProto{
			reference("v", 10, "location", "w.bin", "offset", "5"), reference("w", 10, "location", "w.bin", "offset", "14"),
		}, "tensors at bytes 5 and 14"},
		{"overlap at one offset", []*TensorProto{
			reference("v", 10, "location", "w.bin"), reference("w", 11, "location", "w.bin"),
		}, "tensors at bytes 0 and 0"},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(dir, string(rune('a'+i)))
			layOut(t, dir, counting(100, 0), withTensors(test.tensors...))
			_, err := Load(filepath.Join(dir, "model", "m.onnx"))
			wantInvalid(t, err, test.want)
		})
	}
	layOut(t, dir, nil, withTensors(at("none.bin")...))
	if _, err := Load(filepath.Join(dir, "model", "m.onnx")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing data file gives %v", err)
	}
	_, err := Parse(marshal(t, withTensors(at("w.bin")...)))
	wantInvalid(t, err, "of a model that is not a file")
}

// A cache of models is a folder of links to blobs beside each other.
func TestLoadLinked(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "blobs", "a1"), marshal(t, withTensors(reference("w", 100, "location", "w.bin"))))
	writeFile(t, filepath.Join(dir, "blobs", "b2"), counting(100, 0))
	writeFile(t, filepath.Join(dir, "snapshot", "README"), nil)
	for link, blob := range map[string]string{"m.onnx": "a1", "w.bin": "b2"} {
		if err := os.Symlink(filepath.Join("..", "blobs", blob), filepath.Join(dir, "snapshot", link)); err != nil {
			t.Skipf("symbolic links cannot be made here: %v", err)
		}
	}
	mustLoad(t, filepath.Join(dir, "snapshot", "m.onnx"))
}

func TestSaveExternal(t *testing.T) {
	dir := t.TempDir()
	shared := []*TensorProto{reference("v", 10, "location", "w.bin", "offset", "5"), reference("w", 10, "location", "w.bin", "offset", "5")}
	empty := reference("n", 0, "location", "w.bin")
	layOut(t, dir, counting(100, 0), withTensors(append(shared, empty)...))
	folder := filepath.Join(dir, "model")
	m := mustLoad(t, filepath.Join(folder, "m.onnx"))
	list := m.Proto.GetGraph().GetInitializer()
	SetData(list[0], counting(4096, 99))

	out := filepath.Join(dir, "out", "n.onnx")
	writeFile(t, filepath.Join(dir, "out", "other"), nil)
	if err := m.Save(out); err != nil {
		t.Fatal(err)
	}
	if got, want := fileNames(t, filepath.Dir(out)), []string{"n.onnx", "n.onnx.data", "other"}; !slices.Equal(got, want) {
		t.Errorf("files are %q, want %q", got, want)
	}
	n := mustLoad(t, out)
	if err := n.Check(); err != nil {
		t.Error(err)
	}
	sameData(t, m, n)
	saved := n.Proto.GetGraph().GetInitializer()
	if a, b := saved[4].ExternalData, saved[5].ExternalData; a[1].GetValue() != b[1].GetValue() {
		t.Error("tensors that shared their bytes do not any more")
	}
	if !external(saved[0]) || external(saved[6]) {
		t.Error("the data file does not have the tensors that it should have")
	}
	total := int64(len(readFile(t, out)) + len(readFile(t, DataFile(out))))
	if n.Size() != total {
		t.Errorf("Size is %d, the files have %d bytes", n.Size(), total)
	}

	model, data := readFile(t, out), readFile(t, DataFile(out))
	if err := n.Save(out); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(model, readFile(t, out)) || !bytes.Equal(data, readFile(t, DataFile(out))) {
		t.Error("a model saved over itself changes")
	}
	b, err := n.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	inline, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	sameData(t, m, inline)
}

// sameData compares the initializers of two models by their elements.
func sameData(t *testing.T, a, b *Model) {
	t.Helper()
	x, y := a.Proto.GetGraph().GetInitializer(), b.Proto.GetGraph().GetInitializer()
	if len(x) != len(y) {
		t.Fatalf("%d and %d initializers", len(x), len(y))
	}
	for i := range x {
		if x[i].GetDataType() == int32(TensorProto_STRING) {
			continue
		}
		want, err := a.Data(x[i])
		if err != nil {
			t.Fatal(err)
		}
		if got, err := b.Data(y[i]); err != nil || !bytes.Equal(got, want) {
			t.Errorf("initializer %q differs (%v)", x[i].GetName(), err)
		}
	}
}

// A model too large for one message goes to two files without being asked.
func TestSaveLarge(t *testing.T) {
	m, err := Parse(marshal(t, sample()))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := m.save(path, int(m.Size())-1); err != nil {
		t.Fatal(err)
	}
	n := mustLoad(t, path)
	if !external(n.Proto.GetGraph().GetInitializer()[0]) {
		t.Error("the largest initializer is not in the data file")
	}
	sameData(t, m, n)
	if err := m.save(path, 100); err == nil {
		t.Error("a model beyond the limit even without its initializers is saved")
	}
}

func TestSaveFailure(t *testing.T) {
	dir := t.TempDir()
	layOut(t, dir, counting(100, 0), withTensors(reference("w", 100, "location", "w.bin")))
	folder := filepath.Join(dir, "model")
	m := mustLoad(t, filepath.Join(folder, "m.onnx"))
	before := fileNames(t, folder)
	if err := m.Save(filepath.Join(folder, "sub")); err == nil {
		t.Error("a folder is replaced by a model")
	}
	if err := m.Save(filepath.Join(folder, "none", "x.onnx")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("saving to a missing folder gives %v", err)
	}
	broken := m.Clone()
	defer broken.Close()
	broken.Proto.Graph.Initializer[4].Dims[0] = 101
	kept := filepath.Join(folder, "m.onnx")
	content := readFile(t, kept)
	if err := broken.Save(kept); err == nil {
		t.Error("a broken reference is saved")
	}
	if err := os.Mkdir(filepath.Join(folder, "x.onnx.data"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := m.Save(filepath.Join(folder, "x.onnx")); err == nil {
		t.Error("a folder is replaced by a data file")
	}
	if err := os.Remove(filepath.Join(folder, "x.onnx.data")); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(content, readFile(t, kept)) {
		t.Error("a failed save changed the file")
	}
	if after := fileNames(t, folder); !slices.Equal(before, after) {
		t.Errorf("failed saves leave %q, there were %q", after, before)
	}
}

// The data file of the new model must not be that of the one it is made from.
func TestSaveSpares(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.onnx")
	writeFile(t, in, marshal(t, withTensors(reference("w", 100, "location", "out.onnx.data"))))
	writeFile(t, filepath.Join(dir, "out.onnx.data"), counting(100, 0))
	m := mustLoad(t, in)
	for _, name := range []string{"out.onnx", "out.onnx.data"} {
		if err := m.Save(filepath.Join(dir, name)); err == nil {
			t.Errorf("saving to %s replaces the data of the original", name)
		}
	}
	if !proto.Equal(mustLoad(t, in).Proto, m.Proto) {
		t.Error("the original changed")
	}
}
