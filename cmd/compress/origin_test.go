package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/graph/tensor"
	"onnxcompress/graph/tensor/npy"
	"onnxcompress/onnx"
)

// metadata reads what a model says of itself.
func metadata(t *testing.T, path string) map[string]string {
	t.Helper()
	m, err := onnx.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	said := map[string]string{}
	for _, e := range m.Proto.MetadataProps {
		said[e.GetKey()] = e.GetValue()
	}
	return said
}

// TestProvenance: a result says where it comes from, and the report measures the
// file that says so.
func TestProvenance(t *testing.T) {
	needRuntime(t)
	dir := t.TempDir()
	out, masked, report := filepath.Join(dir, "out.onnx"), filepath.Join(dir, "masked.onnx"), filepath.Join(dir, "r.json")
	code, _, stderr := command(cutHalf(out, "--data", digits, "--masked-output", masked, "--json", report, "-q")...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var r struct {
		Before, After struct {
			MACs, Params, Bytes int64
			Metric              float64
		}
	}
	read(t, report, &r)
	if info, err := os.Stat(out); err != nil || info.Size() != r.After.Bytes {
		t.Errorf("the report has %d bytes for %v (%v)", r.After.Bytes, info, err)
	}
	source, err := os.ReadFile(resnet)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(source)
	want := map[string]string{
		"version": moduleVersion(), "source_sha256": hex.EncodeToString(sum[:]), "method": "magnitude", "target": "50 % of MACs", "seed": "3",
		"macs_before": fmt.Sprint(r.Before.MACs), "macs_after": fmt.Sprint(r.After.MACs), "params_before": fmt.Sprint(r.Before.Params), "params_after": fmt.Sprint(r.After.Params),
		"metric_before": fmt.Sprintf("%.6f", r.Before.Metric), "metric_after": fmt.Sprintf("%.6f", r.After.Metric),
		"command": "compress resnet8_digits.onnx --data=digits.npz --method=magnitude --no-compensate --no-train --round-to=1 --seed=3 --target-macs=50%",
	}
	got := metadata(t, out)
	for name, value := range want {
		if got["compress."+name] != value {
			t.Errorf("%s is %q, want %q", name, got["compress."+name], value)
		}
	}
	if said := metadata(t, masked); len(said) != len(metadata(t, resnet)) {
		t.Errorf("the masked model, which differs in zeros only, says %q", said)
	}
}

// TestReportPage: the page has what the run found, also where nothing ran.
func TestReportPage(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	code, _, stderr := command(cutHalf(filepath.Join(dir, "out.onnx"), "--no-validate", "--report", page, "-q")...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<h2>What is kept", "<code>/l/l.0/c1/Conv</code>", "<h2>What cannot be cut", "--target-macs 50%", "seed 3", moduleVersion(), "not done"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

// TestProvenanceKept: what a model said before it still says, and its data files
// count for its digest.
func TestProvenanceKept(t *testing.T) {
	dir := t.TempDir()
	m := conv()
	m.MetadataProps = []*onnx.StringStringEntryProto{{Key: proto.String("author"), Value: proto.String("me")}}
	refer(m.Graph.Initializer[0], "location", "b.bin")
	refer(m.Graph.Initializer[1], "location", "a.bin")
	model := encoded(t, m)
	data := [2][]byte{make([]byte, 4*4*16*9), make([]byte, 4*16*3*9)}
	data[0][3], data[1][3] = 0x40, 0x3F
	path := write(t, filepath.Join(dir, "in", "m.onnx"), model)
	write(t, filepath.Join(dir, "in", "a.bin"), data[0])
	write(t, filepath.Join(dir, "in", "b.bin"), data[1])
	sum := sha256.Sum256(slices.Concat(model, data[0], data[1]))

	first, second := filepath.Join(dir, "first.onnx"), filepath.Join(dir, "second.onnx")
	for _, run := range [][]string{
		{path, "-o", first, "--target-macs", "50%", "--method", "random", "--no-validate", "-q"},
		{"simplify", first, "-o", second, "--no-validate", "-q"},
	} {
		if code, _, stderr := command(run...); code != 0 {
			t.Fatalf("exit %d: %s", code, stderr)
		}
	}
	got := metadata(t, second)
	for key, value := range map[string]string{
		"author": "me", "compress.1.source_sha256": hex.EncodeToString(sum[:]), "compress.1.method": "random", "compress.method": "simplify",
		"compress.command": "compress simplify first.onnx",
	} {
		if got[key] != value {
			t.Errorf("%s is %q, want %q", key, got[key], value)
		}
	}
	if _, ok := got["compress.target"]; ok {
		t.Errorf("a target of none: %q", got)
	}
}

// TestAside: what is left out of a command is a flag.
func TestAside(t *testing.T) {
	verbose := false
	flags := newRoot(&verbose).Flags()
	for name := range aside {
		if flags.Lookup(name) == nil {
			t.Errorf("there is no flag --%s", name)
		}
	}
}

// TestQuoted: a shell takes the words as they were.
func TestQuoted(t *testing.T) {
	for word, want := range map[string]string{
		"": "''", "a.onnx": "a.onnx", "50%": "50%", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'", "x:1,2": "x:1,2", `a\b`: `'a\b'`, "~": "'~'", "é": "'é'",
	} {
		if got := quoted(word); got != want {
			t.Errorf("%q: got %s, want %s", word, got, want)
		}
	}
	if got := joined([]string{"m.onnx", "--keep", "(a|b)"}); got != "compress m.onnx --keep '(a|b)'" || strings.Contains(got, "\n") {
		t.Errorf("got %s", got)
	}
}

// TestUnmeasured: targets that are for no output of the model are told of, and a
// result says nothing of what could not be measured.
func TestUnmeasured(t *testing.T) {
	needRuntime(t)
	out, data := filepath.Join(t.TempDir(), "out.onnx"), filepath.Join(t.TempDir(), "data.npz")
	arrays := map[string]*tensor.Tensor{"x": tensor.New(tensor.Float32, 4, 1, 8, 8), "y": tensor.New(tensor.Float32, 4, 5)}
	if err := npy.WriteArchive(data, []string{"x", "y"}, arrays); err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(t.TempDir(), "r.json")
	code, _, stderr := command(cutHalf(out, "--data", data, "--json", report, "--progress", "plain")...)
	if code != 0 || !strings.Contains(stderr, "R² is not measured") {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	said := metadata(t, out)
	for _, key := range []string{"compress.metric", "compress.metric_before", "compress.metric_after"} {
		if v, ok := said[key]; ok {
			t.Errorf("%s is %q", key, v)
		}
	}
	var r struct{ After struct{ Bytes int64 } }
	read(t, report, &r)
	if info, err := os.Stat(out); err != nil || info.Size() != r.After.Bytes {
		t.Errorf("the report has %d bytes for %v (%v)", r.After.Bytes, info, err)
	}
}
