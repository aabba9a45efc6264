package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxListed is how many problems a one-line message lists.
const maxListed = 10

// OneLine is the message of an error on one line. Its lines, as errors.Join has
// one for each error, are separated by semicolons; past the tenth they are only
// counted.
func OneLine(err error) string {
	var texts []string
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		if i == maxListed {
			texts = append(texts, fmt.Sprintf("and %d more", len(lines)-i))
			break
		}
		texts = append(texts, strings.TrimSpace(line))
	}
	return strings.Join(texts, "; ")
}

var magics = []struct{ prefix, what string }{
	{"PK\x03\x04", "a zip archive"},
	{"\x1f\x8b", "a gzip archive"},
	{"\x89HDF\r\n", "an HDF5 file"},
	{"\x80\x02", "a Python pickle"},
	{"\x93NUMPY", "a NumPy array"},
	{"version https://git-lfs", "a Git LFS pointer"},
}

// foreign names what a file that is no model is, as far as its beginning tells.
func foreign(b []byte) string {
	if len(b) == 0 {
		return "an empty file"
	}
	for _, m := range magics {
		if bytes.HasPrefix(b, []byte(m.prefix)) {
			return m.what
		}
	}
	if isText(b[:min(len(b), 512)]) {
		return "a text file"
	}
	return ""
}

func isText(b []byte) bool {
	for len(b) >= utf8.UTFMax {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError || r < ' ' && !strings.ContainsRune("\t\r\n\f", r) {
			return false
		}
		b = b[size:]
	}
	return true
}

// problems are several errors as one, on one line.
type problems []error

func (p problems) Error() string   { return OneLine(errors.Join(p...)) }
func (p problems) Unwrap() []error { return p }

func oneLine(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	return problems(errs)
}
