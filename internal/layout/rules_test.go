package layout

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// A row says what the non-test files of a tree may import of this module.
type row struct {
	tree    string
	imports []string // trees; nil: none
	free    bool     // may import everything
}

// rows is the direction of imports. The longest tree that holds a package
// speaks for it, and a package without a row is an error.
var rows = []row{
	{tree: "onnx"},
	{tree: "graph/tensor"},
	{tree: "graph/tensor/npy", imports: []string{"graph/tensor"}},
	{tree: "runtime/kernel"},
	{tree: "graph/op", imports: []string{"graph/tensor", "runtime/kernel"}},
	{tree: "graph/op/optest", imports: []string{"graph/op", "graph/tensor", "onnx", "runtime/kernel", "runtime/ort"}},
	{tree: "graph", imports: []string{"graph/op", "graph/tensor", "onnx"}},
	{tree: "graph/pass", imports: []string{"graph", "graph/op", "graph/tensor", "onnx"}},
	{tree: "depgraph", imports: []string{"graph", "graph/op", "graph/tensor"}},
	{tree: "runtime", imports: []string{"onnx", "graph", "graph/op", "graph/tensor", "runtime", "runtime/kernel", "runtime/loss"}},
	{tree: "runtime/loss", imports: []string{"graph/tensor", "runtime/kernel"}},
	{tree: "runtime/onnxgo", imports: []string{"graph/op", "graph/tensor", "onnx", "runtime"}},
	{tree: "runtime/ort", imports: []string{"graph/tensor", "onnx"}},
	{tree: "compress", imports: []string{
		"compress", "compress/optim", "depgraph", "graph", "graph/op", "graph/pass", "graph/tensor", "graph/tensor/npy", "onnx",
		"runtime", "runtime/kernel", "runtime/loss",
	}},
	{tree: "compress/optim", imports: []string{"runtime/kernel"}},
	{tree: "cmd", free: true},
	{tree: "internal", free: true},
}

// owner is the row that speaks for a package.
func owner(dir string) (row, bool) {
	var best row
	for _, r := range rows {
		if under(dir, r.tree) && len(r.tree) > len(best.tree) {
			best = r
		}
	}
	return best, best.tree != ""
}

// wrongImports lists the imports that go against rows. What an import
// path means is the tree that owns it: runtime/ort is not runtime.
func wrongImports(s source) []string {
	if s.test {
		return nil
	}
	own, ok := owner(s.dir)
	if !ok {
		return []string{fmt.Sprintf("%s: package %s has no row in the layout", s.name(), s.dir)}
	}
	if own.free {
		return nil
	}
	var wrong []string
	for _, spec := range s.file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		dir, ours := strings.CutPrefix(path, module+"/")
		if !ours {
			continue
		}
		if target, ok := owner(dir); !ok || !slices.Contains(own.imports, target.tree) {
			wrong = append(wrong, fmt.Sprintf("%s: %s may not import %s", s.at(spec.Pos()), own.tree, dir))
		}
	}
	return wrong
}

// namedOperators lists where operators decides something by its spelling:
// comparisons, switch cases and map keys. To make a node by its name is no
// decision.
func namedOperators(s source, operators map[string]bool) []string {
	var found []string
	check := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			lit, ok := ast.Unparen(e).(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				continue
			}
			if text, err := strconv.Unquote(lit.Value); err == nil && operators[text] {
				found = append(found, fmt.Sprintf("%s: asks for operator %s by name", s.at(lit.Pos()), text))
			}
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				check(n.X, n.Y)
			}
		case *ast.CaseClause:
			check(n.List...)
		case *ast.KeyValueExpr:
			check(n.Key)
		case *ast.IndexExpr:
			check(n.Index)
		}
		return true
	})
	return found
}

// Methods whose contract is the standard library's.
var conventional = map[string]bool{
	"Error": true, "Unwrap": true, "String": true, "Len": true, "Less": true, "Swap": true, "Push": true, "Pop": true,
}

// undocumented lists the exported identifiers without a doc comment. One
// comment over a group of constants or variables speaks for all of them.
func undocumented(s source) []string {
	var bare []string
	report := func(id *ast.Ident, docs ...*ast.CommentGroup) {
		documented := slices.ContainsFunc(docs, func(d *ast.CommentGroup) bool { return d.Text() != "" })
		if id.IsExported() && !documented {
			bare = append(bare, fmt.Sprintf("%s: %s has no doc comment", s.at(id.Pos()), id.Name))
		}
	}
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || ast.IsExported(receiver(d)) && !conventional[d.Name.Name] {
				report(d.Name, d.Doc)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					report(spec.Name, d.Doc, spec.Doc)
				case *ast.ValueSpec:
					for _, id := range spec.Names {
						report(id, d.Doc, spec.Doc, spec.Comment)
					}
				}
			}
		}
	}
	return bare
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	for {
		switch t := e.(type) {
		case *ast.StarExpr:
			e = t.X
		case *ast.IndexExpr:
			e = t.X
		case *ast.IndexListExpr:
			e = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}
