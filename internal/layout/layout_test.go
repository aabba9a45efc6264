// Package layout holds the repository to its own rules: which package may
// import which, that walks over a graph ask operators what they mean and never
// what they are called, and that files are short and documented. It has tests
// only.
package layout

import (
	_ "embed"
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onnxcompress/graph/op"
)

const (
	module   = "onnxcompress"
	maxLines = 500
)

// The operators of ONNX's own domains, one a line, as the onnx package's
// onnx.defs.get_all_schemas gives them: a walk must not name those either that
// this module has no row for.
//
//go:embed testdata/operators.txt
var operatorList string

// walks are the trees whose code goes over whole graphs. What operators mean
// lies in graph/op and patterns of several nodes in graph/pass: both may name
// them.
var walks = []string{"graph", "depgraph", "compress", "runtime"}

func isWalk(dir string) bool {
	own, ok := owner(dir)
	return ok && slices.Contains(walks, own.tree)
}

func operatorNames() map[string]bool {
	names := map[string]bool{}
	for _, name := range strings.Fields(operatorList) {
		names[name] = true
	}
	for _, name := range op.Names() {
		names[name[strings.LastIndexByte(name, '.')+1:]] = true
	}
	return names
}

// TestGround makes sure that the rules speak of this tree: a module or a folder
// that moved would leave them without anything to look at.
func TestGround(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "module "+module+"\n") {
		t.Errorf("go.mod does not name module %s", module)
	}
	for _, tree := range walks {
		if info, err := os.Stat(filepath.Join(root, tree)); err != nil || !info.IsDir() {
			t.Errorf("there is no folder %s", tree)
		}
	}
	if !slices.ContainsFunc(sources(t), func(s source) bool { return s.dir == "graph/tensor" }) {
		t.Error("the search for Go files misses graph/tensor")
	}
}

func TestRules(t *testing.T) {
	operators := operatorNames()
	rules := []struct {
		name  string
		check func(source) []string
		about func(source) bool
	}{
		{"imports", wrongImports, func(s source) bool { return !s.test }},
		{
			"operator names",
			func(s source) []string { return namedOperators(s, operators) },
			func(s source) bool { return !s.test && isWalk(s.dir) },
		},
		{"length", tooLong, handWritten},
		{"doc comments", undocumented, func(s source) bool { return !s.test && handWritten(s) }},
	}
	all := sources(t)
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, s := range all {
				if !rule.about(s) {
					continue
				}
				for _, finding := range rule.check(s) {
					t.Error(finding)
				}
			}
		})
	}
}

// TestPackageComments asks every package for the comment that says what it is.
func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if !s.test {
			documented[s.dir] = documented[s.dir] || s.file.Doc.Text() != ""
		}
	}
	if len(documented) == 0 {
		t.Fatal("no package was looked at")
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", dir)
		}
	}
}

func handWritten(s source) bool { return !ast.IsGenerated(s.file) }

func tooLong(s source) []string {
	if s.lines < maxLines {
		return nil
	}
	return []string{fmt.Sprintf("%s: %d lines, must be under %d", s.name(), s.lines, maxLines)}
}
