package layout

import (
	"strings"
	"testing"
)

// TestCheckers gives every checker sources that break its rule and sources
// that keep it.
func TestCheckers(t *testing.T) {
	names := func(s source) []string { return namedOperators(s, operatorNames()) }
	for _, c := range []struct {
		name, path, text string
		check            func(source) []string
		want             []string // what each finding must contain
	}{
		{"a leaf imports", "onnx/a.go", `import _ "onnxcompress/graph"`, wrongImports, []string{"onnx may not import graph"}},
		{"op imports graph", "graph/op/a.go", `import _ "onnxcompress/graph"`, wrongImports, []string{"graph/op may not import graph"}},
		{"siblings", "depgraph/a.go", `import (_ "onnxcompress/runtime"; _ "onnxcompress/graph/pass")`, wrongImports, []string{"runtime", "graph/pass"}},
		{"compress and ort", "compress/report/a.go", `import _ "onnxcompress/runtime/ort"`, wrongImports, []string{"runtime/ort"}},
		{"upwards", "runtime/ort/a.go", `import _ "onnxcompress/compress/score"`, wrongImports, []string{"compress/score"}},
		{"an unknown target", "graph/a.go", `import _ "onnxcompress/misc"`, wrongImports, []string{"misc"}},
		{"an unknown package", "misc/a.go", `import "fmt"`, wrongImports, []string{"no row"}},
		{"downwards", "compress/score/a.go", `import (_ "onnxcompress/depgraph"; _ "onnxcompress/compress"; _ "fmt")`, wrongImports, nil},
		{"a test looks anywhere", "graph/op/a_test.go", `import _ "onnxcompress/runtime/ort"`, wrongImports, nil},

		{"equality", "graph/a.go", `var a = b.Op == "Relu"`, names, []string{"Relu"}},
		{"inequality, turned", "graph/a.go", `var a = ("Conv") != b.Op`, names, []string{"Conv"}},
		{"a case", "graph/a.go", `func f() { switch x { case "Add", "axis", "Mul": } }`, names, []string{"Add", "Mul"}},
		{"a map", "graph/a.go", `var m = map[string]bool{"Gemm": true}; var a = m["MatMul"]`, names, []string{"Gemm", "MatMul"}},
		{"an attribute", "graph/a.go", `var a = b.Attr == "axis" || c["pads"]`, names, nil},
		{"a node is made", "graph/a.go", `var n = node("Identity", x)`, names, nil},

		{"bare function", "graph/a.go", `func Load() {}`, undocumented, []string{"Load"}},
		{"bare type and value", "graph/a.go", `type Node int; const Zero = 0; var One, two = 1, 2`, undocumented, []string{"Node", "Zero", "One"}},
		{"bare methods", "graph/a.go", `func (n *Node) Axis() {}; func (l List[T]) Len() int { return 0 }`, undocumented, []string{"Axis"}},
		{"a directive is no comment", "graph/a.go", "//go:noinline\nfunc Load() {}", undocumented, []string{"Load"}},
		{"documented", "graph/a.go", "// Kinds.\nconst (\n\tA = 1\n\tB = 2\n)\n// F is f.\nfunc F() {}\nfunc (n node) Axis() {}\nfunc g() {}", undocumented, nil},

		{"500 lines", "graph/a.go", strings.Repeat("\n", 499), tooLong, []string{"500 lines"}},
		{"499 lines", "graph/a.go", strings.Repeat("\n", 498), tooLong, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := parse(c.path, []byte("package a\n"+c.text))
			if err != nil {
				t.Fatal(err)
			}
			got := c.check(s)
			if len(got) != len(c.want) {
				t.Fatalf("found %q, want %d findings", got, len(c.want))
			}
			for i, want := range c.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("finding %q does not mention %q", got[i], want)
				}
			}
		})
	}
}

func TestIsWalk(t *testing.T) {
	for dir, want := range map[string]bool{
		"graph": true, "depgraph": true, "compress/score": true, "runtime": true,
		"graph/op": false, "graph/pass": false, "graph/tensor": false, "runtime/kernel": false, "runtime/ort": false, "onnx": false,
	} {
		if got := isWalk(dir); got != want {
			t.Errorf("isWalk(%s) = %v, want %v", dir, got, want)
		}
	}
}
