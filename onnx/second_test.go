package onnx_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"onnxcompress/internal/modelgen"
	"onnxcompress/onnx"
)

// reading is what internal/cmd/secondreader writes.
type reading struct {
	Error      string
	Operations []operation
	Weights    map[string][]byte
}

type operation struct {
	Name    string
	In, Out []string
}

func (o operation) equal(p operation) bool {
	return o.Name == p.Name && slices.Equal(o.In, p.In) && slices.Equal(o.Out, p.Out)
}

// TestSecondReader reads models with onnx-go too, which shares no code with this
// package: on those within its reach its operators, edges and weights are those
// that this package reads.
func TestSecondReader(t *testing.T) {
	paths, err := filepath.Glob("../testdata/*.onnx")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no shipped models (%v)", err)
	}
	dir := t.TempDir()
	for seed := range uint64(150) {
		b, err := proto.Marshal(modelgen.Blocks(seed))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprintf("seed=%d.onnx", seed))
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	out, err := exec.Command("go", append([]string{"run", "onnxcompress/internal/cmd/secondreader"}, paths...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := json.NewDecoder(bytes.NewReader(out))
	within := 0
	for _, path := range paths {
		var theirs reading
		if err := lines.Decode(&theirs); err != nil {
			t.Fatal(err)
		}
		if theirs.Error == "" {
			within++
			t.Run(filepath.Base(path), func(t *testing.T) { sameReading(t, path, theirs) })
		}
	}
	if within < len(paths)/2 {
		t.Errorf("only %d of %d models are within its reach", within, len(paths))
	}
}

func sameReading(t *testing.T, path string, theirs reading) {
	m, err := onnx.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var nodes []operation
	for _, n := range m.Proto.GetGraph().GetNode() {
		o := operation{n.GetOpType(), n.GetInput(), n.GetOutput()}
		if len(o.In) == 0 {
			o.In = []string{n.GetName() + "/input"} // the second reader gives every node an input
		}
		nodes = append(nodes, o)
	}
	if !slices.EqualFunc(nodes, theirs.Operations, operation.equal) {
		t.Errorf("nodes are %v, and by the second reader %v", nodes, theirs.Operations)
	}
	for _, w := range m.Proto.GetGraph().GetInitializer() {
		data, err := m.Data(w)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(theirs.Weights[w.GetName()], data) {
			t.Errorf("weight %q of %d bytes is one of %d by the second reader", w.GetName(), len(data), len(theirs.Weights[w.GetName()]))
		}
	}
}
