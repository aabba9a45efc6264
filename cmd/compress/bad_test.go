package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"onnxcompress/onnx"
)

// spoilt returns the model after a change to it.
func spoilt(change func(m *onnx.ModelProto, g *onnx.GraphProto)) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		m := conv()
		change(m, m.Graph)
		return write(t, filepath.Join(dir, "m.onnx"), encoded(t, m))
	}
}

// file is a model file of these bytes.
func file(b []byte) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string { return write(t, filepath.Join(dir, "m.onnx"), b) }
}

// truncated is the sound model without its last bytes.
func truncated(n int) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		b := encoded(t, conv())
		return write(t, filepath.Join(dir, "m.onnx"), b[:len(b)-n])
	}
}

// outside moves w1 to external data that these keys and values describe. The
// folder holds w.bin, large enough, link.bin beside it, which leads out of the
// folder, and dir.bin, a folder.
func outside(pairs ...string) func(*testing.T, string) string {
	return func(t *testing.T, dir string) string {
		m := conv()
		refer(m.Graph.Initializer[0], pairs...)
		return layOut(t, dir, m)
	}
}

func refer(w *onnx.TensorProto, pairs ...string) {
	w.FloatData, w.DataLocation = nil, onnx.TensorProto_EXTERNAL.Enum()
	for i := 0; i < len(pairs); i += 2 {
		w.ExternalData = append(w.ExternalData, &onnx.StringStringEntryProto{Key: &pairs[i], Value: &pairs[i+1]})
	}
}

func layOut(t *testing.T, dir string, m *onnx.ModelProto) string {
	t.Helper()
	content := make([]byte, 1<<14)
	write(t, filepath.Join(dir, "far", "w.bin"), content)
	write(t, filepath.Join(dir, "near", "w.bin"), content)
	if err := os.Mkdir(filepath.Join(dir, "near", "dir.bin"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("..", "far", "w.bin"), filepath.Join(dir, "near", "link.bin")); err != nil {
		t.Skipf("symbolic links cannot be made here: %v", err)
	}
	return write(t, filepath.Join(dir, "near", "m.onnx"), encoded(t, m))
}

// nestedIf is a model of subgraphs within subgraphs.
func nestedIf(depth int) *onnx.ModelProto {
	m := conv()
	leaf := &onnx.GraphProto{Name: proto.String("leaf"), Node: []*onnx.NodeProto{node("Relu", []string{"x"}, "z")}, Output: declared("z", 1)}
	for i := range depth {
		branch := func(name string) *onnx.AttributeProto {
			return &onnx.AttributeProto{Name: &name, Type: onnx.AttributeProto_GRAPH.Enum(), G: leaf}
		}
		out := fmt.Sprint("if", i)
		leaf = &onnx.GraphProto{Name: proto.String(out), Output: declared(out, 1), Node: []*onnx.NodeProto{node("If", []string{"c"}, out, branch("then_branch"))}}
	}
	m.Graph.Initializer = append(m.Graph.Initializer, &onnx.TensorProto{Name: proto.String("c"), DataType: proto.Int32(9), Int32Data: []int32{1}})
	m.Graph.Node = append(m.Graph.Node, leaf.Node...)
	m.Graph.Output = append(m.Graph.Output, leaf.Output...)
	return m
}

// wrapped is a message of type graphs nested far deeper than any reader goes.
func wrapped(levels int) []byte {
	b := []byte{}
	for i := range levels {
		field := []protowire.Number{1, 5, 6}[(levels-1-i)%3] // node, attribute, graph, from the outside
		b = protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), b)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), b)
}

var badInput = []struct {
	name string
	make func(t *testing.T, dir string) string
	want string
	code int
}{
	{"missing", func(_ *testing.T, dir string) string { return filepath.Join(dir, "m.onnx") }, "no such file", 2},
	{"directory", func(_ *testing.T, dir string) string { return dir }, "is a directory", 2},
	{"empty", file(nil), "an empty file", 2},
	{"text", file([]byte("# A model\nthis is not one, it is only prose that goes on for a while.\n")), "a text file", 2},
	{"zip", file([]byte("PK\x03\x04 and so on")), "a zip archive", 2},
	{"gzip", file([]byte("\x1f\x8b\x08 and so on")), "a gzip archive", 2},
	{"zeros", file(make([]byte, 1000)), "not ONNX", 2},
	{"ones", file(bytes.Repeat([]byte{0xFF}, 1000)), "not ONNX", 2},
	{"truncated by one", truncated(1), "truncated", 2},
	{"truncated by half", truncated(1500), "truncated", 2},
	{"too deep", file(wrapped(400)), "nested deeper", 2},
	{"far too deep", file(wrapped(40000)), "nested deeper", 2},
	{"no graph", file([]byte{8, 8, 18, 2, 0x70, 0}), "there is no graph", 2},
	{"no outputs", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Output = nil }), "no outputs", 2},
	{"no opset", spoilt(func(m *onnx.ModelProto, _ *onnx.GraphProto) { m.OpsetImport = nil }), "opset_import", 2},
	{"future opset", spoilt(func(m *onnx.ModelProto, _ *onnx.GraphProto) { m.OpsetImport[0].Version = proto.Int64(9999) }), "newer than", 2},
	{"ancient opset", spoilt(func(m *onnx.ModelProto, _ *onnx.GraphProto) { m.OpsetImport[0].Version = proto.Int64(1) }), "older than", 2},
	{"negative opset", spoilt(func(m *onnx.ModelProto, _ *onnx.GraphProto) { m.OpsetImport[0].Version = proto.Int64(-1 << 63) }), "older than", 2},
	{"cycle", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Node[0].Input[0] = "y" }), "cyclic", 2},
	{"own output", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Node[1].Input[0] = "r" }), "cyclic", 2},
	{"unsorted", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { slices.Reverse(g.Node) }), "not sorted", 2},
	{"dangling input", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Node[1].Input[0] = "nowhere" }), `Relu "the_r" reads "nowhere", which nothing defines`, 2},
	{"dangling output", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Output[0].Name = proto.String("nowhere") }), `"nowhere", which nothing defines`, 2},
	{"defined twice", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Node[1].Output[0] = "h" }), `"h" is a name that the graph already has`, 2},
	{"no operator", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Node[1].OpType = nil }), "no op_type", 2},
	{"name is not UTF-8", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Node[1].Name = proto.String("a\xff\xfeb") }), "is not UTF-8", 2},
	{"value is not UTF-8", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) {
		g.Node[0].Output[0], g.Node[1].Input[0] = "\xff", "\xff"
	}), "is not UTF-8", 2},
	{"too little data", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Initializer[0].FloatData = []float32{1} }), `tensor "w1"`, 2},
	{"too much data", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Initializer[0].Dims = []int64{1} }), `tensor "w1"`, 2},
	{"negative weight dimension", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Initializer[0].Dims[0] = -16 }), `tensor "w1"`, 2},
	{"absurd weight dimension", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Initializer[0].Dims[0] = 1 << 40 }), `tensor "w1"`, 2},
	{"weight dimensions overflow", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Initializer[0].Dims = []int64{1 << 32, 1 << 32} }), `tensor "w1"`, 2},
	{"weight of an unknown type", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Initializer[0].DataType = proto.Int32(99) }), `tensor "w1"`, 2},
	{"absurd input dimensions", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) { g.Input = declared("x", 1, 3, 1<<40, 1<<40) }), `input "x"`, 2},
	{"no weights", spoilt(func(_ *onnx.ModelProto, g *onnx.GraphProto) {
		g.Initializer, g.Node = nil, []*onnx.NodeProto{node("Relu", []string{"x"}, "y")}
	}), "no weight", 3},
	{"deep subgraphs", func(t *testing.T, dir string) string {
		return write(t, filepath.Join(dir, "m.onnx"), encoded(t, nestedIf(33)))
	}, "nested deeper", 2},
	{"data: parent", outside("location", "../far/w.bin"), "parent folder", 2},
	{"data: absolute", func(t *testing.T, dir string) string {
		return outside("location", filepath.Join(dir, "far", "w.bin"))(t, dir)
	}, "not relative", 2},
	{"data: no location", outside(), "no location", 2},
	{"data: missing", outside("location", "v.bin"), "no such file", 2},
	{"data: directory", outside("location", "dir.bin"), "is a directory", 2},
	{"data: link out", outside("location", "link.bin"), "outside of the model's folder", 2},
	{"data: too long", outside("location", "w.bin", "length", "999999"), "length 999999", 2},
	{"data: past the end", outside("location", "w.bin", "offset", "16000"), "past the end", 2},
	{"data: absurd offset", outside("location", "w.bin", "offset", "9223372036854775807"), "past the end", 2},
	{"data: negative offset", outside("location", "w.bin", "offset", "-1"), "not a number of bytes", 2},
	{"data: overlap", func(t *testing.T, dir string) string {
		m := conv()
		refer(m.Graph.Initializer[0], "location", "w.bin", "offset", "0")
		refer(m.Graph.Initializer[1], "location", "w.bin", "offset", "100")
		return layOut(t, dir, m)
	}, "overlap", 2},
}

// TestBadInput: one line that names the file, the exit code, no output, and no
// more memory than the file accounts for.
func TestBadInput(t *testing.T) {
	for _, test := range badInput {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := test.make(t, dir)
			before := files(t, dir)
			for _, args := range [][]string{
				{path, "--target-macs", "50%", "--method", "magnitude", "-o", filepath.Join(dir, "out.onnx"), "--masked-output", filepath.Join(dir, "masked.onnx")},
				{"inspect", path},
				{"run", path},
				native("run", path),
				{"bench", path},
				{"bench", path, "--engine", "native", "--train"},
				{"validate", path, path},
				{"eval", path, "--data", path},
			} {
				if test.code == 3 && args[0] != path {
					continue // nothing is wrong with it unless it is to be cut
				}
				code, stdout, stderr, allocated := measured(args)
				if code != test.code || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) || !strings.Contains(stderr, path) {
					t.Errorf("%s: exit %d, said %q; want %d, one line with %q and the file", args[0], code, stderr, test.code, test.want)
				}
				if stdout != "" {
					t.Errorf("%s: standard output has %q", args[0], stdout)
				}
				if allocated > 64<<20 {
					t.Errorf("%s: allocated %d MiB", args[0], allocated>>20)
				}
			}
			if after := files(t, dir); after != before {
				t.Errorf("the folder has\n%s\nand had\n%s", after, before)
			}
		})
	}
}

// TestDeepest: as many subgraphs within each other as a file can hold are
// carried through, and one more is an error.
func TestDeepest(t *testing.T) {
	dir := t.TempDir()
	for depth := 1; ; depth++ {
		path := write(t, filepath.Join(dir, "m.onnx"), encoded(t, nestedIf(depth)))
		code, _, stderr := command("inspect", path)
		if code == 2 && strings.Contains(stderr, "nested deeper") {
			if depth < 30 {
				t.Errorf("%d levels are too deep already", depth)
			}
			return
		}
		if code != 0 || depth > 100 {
			t.Fatalf("%d levels: exit %d, said %q", depth, code, stderr)
		}
	}
}

// measured is command with the bytes that were allocated meanwhile.
func measured(args []string) (code int, stdout, stderr string, allocated uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	code, stdout, stderr = command(args...)
	runtime.ReadMemStats(&after)
	return code, stdout, stderr, after.TotalAlloc - before.TotalAlloc
}

// TestDamaged flips every bit of a model, one at a time, and cuts it short at
// every byte: whatever comes of it, it is an exit code of the contract and one
// line at most.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	m := conv()
	m.Graph.Initializer = []*onnx.TensorProto{floats("w1", 2, 3, 1, 1), floats("w2", 4, 2, 1, 1)}
	sound := encoded(t, m)
	try := func(what string, b []byte) {
		path := write(t, filepath.Join(dir, "m.onnx"), b)
		before := files(t, dir)
		code, _, stderr, allocated := measured([]string{
			path, "--target-macs", "50%", "--method", "magnitude", "--no-validate", "-q", "--round-to", "1", "-o", filepath.Join(dir, "out.onnx"),
		})
		switch {
		case code == 0:
			if err := os.Remove(filepath.Join(dir, "out.onnx")); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		case code != 2 && code != 3 && code != 5 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, path):
			t.Errorf("%s: exit %d, said %q", what, code, stderr)
		}
		if allocated > 64<<20 {
			t.Errorf("%s: allocated %d MiB", what, allocated>>20)
		}
		if after := files(t, dir); after != before {
			t.Fatalf("%s: the folder has\n%s\nand had\n%s", what, after, before)
		}
	}
	for i := range len(sound) * 8 {
		b := slices.Clone(sound)
		b[i/8] ^= 1 << (i % 8)
		try(fmt.Sprintf("bit %d of byte %d", i%8, i/8), b)
	}
	for n := range len(sound) {
		try(fmt.Sprintf("the first %d bytes", n), sound[:n])
	}
}
