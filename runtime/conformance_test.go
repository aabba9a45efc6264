package runtime

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onnxcompress/graph/tensor"
	"onnxcompress/internal/nodecases"
	"onnxcompress/onnx"
)

var update = flag.Bool("update", false, "write testdata/conformance.txt")

const (
	manifest = "testdata/conformance.txt"
	preface  = `# The operator cases of ONNX 1.23 that the engine passes, one a line. The test
# fails for a case that is here and does not pass, and for one that passes and is
# not here. To bring the list up to date:
#
#	go test ./runtime -run Conformance -update
#
# ~ marks cases whose recorded content no implementation has to meet, so that it
# is not compared like the others: results drawn at random agree in type and
# shape only, pictures from lossy formats within a shade on average.
`
)

// TestConformance runs every case of ONNX's own operator tests, and holds the
// passing ones against the manifest.
func TestConformance(t *testing.T) {
	cases := nodecases.Open(t, filepath.Join("..", "..", "shared", "data", "onnx-node-1.23.zip"))
	want := readManifest(t)
	var passing []string
	unsupported := map[string]int{}
	for _, c := range cases {
		line, err := attempt(t, c)
		var u *Unsupported
		switch listed := slices.Contains(want, line) || *update; {
		case err == nil && !listed:
			t.Errorf("%s passes and is not in %s", line, manifest)
		case err != nil && slices.ContainsFunc(want, func(l string) bool { return strings.TrimSuffix(l, " ~") == c.Name }):
			t.Errorf("%s: %v", c.Name, err)
		case errors.As(err, &u):
			unsupported[strings.Join(u.Operators, ", ")]++
		case err != nil:
			t.Logf("%s: %v", c.Name, err)
		}
		if err == nil {
			passing = append(passing, line)
		}
	}
	t.Logf("%d of %d cases pass; unsupported: %v", len(passing), len(cases), unsupported)
	slices.Sort(passing)
	if *update {
		if err := os.WriteFile(manifest, []byte(preface+strings.Join(passing, "\n")+"\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, line := range want {
		if !slices.ContainsFunc(cases, func(c nodecases.Case) bool { return strings.TrimSuffix(line, " ~") == c.Name }) {
			t.Errorf("%s is in %s, and there is no such case", line, manifest)
		}
	}
}

func readManifest(t *testing.T) (lines []string) {
	t.Helper()
	b, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}

// attempt runs all recordings of a case. line is the case as the manifest has
// it.
func attempt(t *testing.T, c nodecases.Case) (line string, err error) {
	t.Helper()
	m := c.Model(t)
	model := &onnx.Model{Proto: m}
	line = c.Name
	for set := range max(c.Sets(), 1) {
		in, want := inputsOf(t, c, set, m), c.Values(t, set, "output", m.GetGraph().GetOutput())
		got, err := outputsOf(model, in, 1)
		if err != nil {
			return line, err
		}
		wrong := unlike(m, want, got, equalContent)
		if wrong == nil {
			continue
		}
		if again, err := outputsOf(model, in, 2); err == nil && unlike(m, listed(m, got), again, equalContent) != nil {
			wrong = unlike(m, want, got, func(a, b *tensor.Tensor) error { return nil })
		} else if picture(m) {
			wrong = unlike(m, want, got, alikePictures)
		}
		if wrong != nil {
			return line, wrong
		}
		line = c.Name + " ~"
	}
	return line, nil
}

func inputsOf(t *testing.T, c nodecases.Case, set int, m *onnx.ModelProto) map[string]*tensor.Tensor {
	t.Helper()
	in := map[string]*tensor.Tensor{}
	for i, v := range c.Values(t, set, "input", m.GetGraph().GetInput()) {
		if v != nil {
			in[m.GetGraph().GetInput()[i].GetName()] = v
		}
	}
	return in
}

func outputsOf(m *onnx.Model, in map[string]*tensor.Tensor, seed uint64) (map[string]*tensor.Tensor, error) {
	s, err := Open(m, Options{Threads: 1, Seed: seed})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.Run(in)
}

func listed(m *onnx.ModelProto, out map[string]*tensor.Tensor) []*tensor.Tensor {
	list := make([]*tensor.Tensor, len(m.GetGraph().GetOutput()))
	for i, o := range m.GetGraph().GetOutput() {
		list[i] = out[o.GetName()]
	}
	return list
}

// unlike says how outputs differ from recorded ones in type, in shape or as
// content sees it.
func unlike(m *onnx.ModelProto, want []*tensor.Tensor, out map[string]*tensor.Tensor, content func(a, b *tensor.Tensor) error) error {
	for i, got := range listed(m, out) {
		if want[i] == nil {
			continue
		}
		if err := differ(want[i], got, content); err != nil {
			return fmt.Errorf("output %d: %w", i, err)
		}
	}
	return nil
}

func differ(want, got *tensor.Tensor, content func(a, b *tensor.Tensor) error) error {
	switch {
	case got == nil:
		return errors.New("nothing is given")
	case want.Kind != got.Kind || len(want.Items) != len(got.Items):
		return fmt.Errorf("kind %v of %d items, want %v of %d", got.Kind, len(got.Items), want.Kind, len(want.Items))
	}
	for i := range want.Items {
		if err := differ(want.Items[i], got.Items[i], content); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	switch {
	case want.Kind != tensor.Dense:
		return nil
	case want.DType != got.DType || !slices.Equal(want.Shape, got.Shape):
		return fmt.Errorf("%v%v, want %v%v", got.DType, got.Shape, want.DType, want.Shape)
	}
	return content(want, got)
}

// equalContent compares as the runner of ONNX does: floats within a thousandth and
// 1e-7 of the largest (or of one), 16-bit ones within two units of their last
// place, all else exactly.
func equalContent(want, got *tensor.Tensor) error {
	v, w := want.AsFloat64s(), got.AsFloat64s()
	switch {
	case want.DType == tensor.String:
		if !slices.EqualFunc(want.Strings, got.Strings, bytes.Equal) {
			return fmt.Errorf("%q, want %q", got.Strings, want.Strings)
		}
		return nil
	case v == nil || !want.DType.IsFloat():
		if !bytes.Equal(want.Data, got.Data) {
			return fmt.Errorf("bytes % x, want % x", got.Data[:min(32, len(got.Data))], want.Data[:min(32, len(want.Data))])
		}
		return nil
	}
	absolute, relative := 1e-7, 1e-3
	switch want.DType {
	case tensor.Float16:
		absolute, relative = 1e-3, 2e-3
	case tensor.BFloat16:
		absolute, relative = 1e-2, 1.6e-2
	}
	largest := 1.0
	for _, x := range v {
		if !math.IsInf(x, 0) {
			largest = max(largest, math.Abs(x))
		}
	}
	absolute *= largest
	for i := range v {
		if v[i] == w[i] || math.IsNaN(v[i]) && math.IsNaN(w[i]) {
			continue
		}
		if !(math.Abs(v[i]-w[i]) <= absolute+relative*math.Abs(v[i])) {
			return fmt.Errorf("%v at %d, want %v", w[i], i, v[i])
		}
	}
	return nil
}

// picture reports whether a model reads an image file.
func picture(m *onnx.ModelProto) bool {
	return slices.ContainsFunc(m.GetGraph().GetNode(), func(n *onnx.NodeProto) bool { return n.GetOpType() == "ImageDecoder" })
}

// alikePictures allows for decoders that interpolate colours in ways of their
// own.
func alikePictures(want, got *tensor.Tensor) error {
	sum := 0.0
	for i := range want.Data {
		sum += math.Abs(float64(want.Data[i]) - float64(got.Data[i]))
	}
	if mean := sum / float64(len(want.Data)); mean > 1 {
		return fmt.Errorf("pixels are %.1f off on average", mean)
	}
	return nil
}
