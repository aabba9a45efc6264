package layout

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the repository's root, seen from this package.
const root = "../.."

// A source is one parsed Go file of the repository.
type source struct {
	dir   string // slash-separated, relative to the root
	test  bool
	lines int
	fset  *token.FileSet
	file  *ast.File
}

// parse reads one file; path is relative to the root.
func parse(path string, text []byte) (source, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, err
	}
	return source{
		dir:   filepath.ToSlash(filepath.Dir(path)),
		test:  strings.HasSuffix(path, "_test.go"),
		lines: bytes.Count(text, []byte("\n")),
		fset:  fset,
		file:  file,
	}, nil
}

// at names a place as file:line.
func (s source) at(p token.Pos) string {
	pos := s.fset.Position(p)
	return fmt.Sprintf("%s:%d", filepath.ToSlash(pos.Filename), pos.Line)
}

// name is the file's path relative to the root.
func (s source) name() string {
	return filepath.ToSlash(s.fset.Position(s.file.Package).Filename)
}

// sources parses every Go file of the repository.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != root && (strings.HasPrefix(name, ".") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		s, err := parse(rel, text)
		if err != nil {
			return err
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// under reports whether dir is tree or lies below it.
func under(dir, tree string) bool {
	return dir == tree || strings.HasPrefix(dir, tree+"/")
}
