package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"
)

// mostBytes bounds a file of settings, mostName what is said of a key.
const (
	mostBytes = 1 << 20
	mostName  = 64
)

// FromFile sets the flags that are not set yet from a YAML file. Its keys are
// the long names of flags. A flag that takes a list takes one here, too; of its
// items, a list within the list is written as the command line has it, with
// commas, and a key with a value as key:value. An unknown key, a key given twice
// and a value that its flag refuses are errors that name the line.
func FromFile(flags *pflag.FlagSet, path string) error {
	b, err := read(path)
	if err != nil {
		return err
	}
	settings, err := parse(b)
	if err == nil {
		err = apply(flags, settings)
	}
	var at *lineError
	switch {
	case errors.As(err, &at):
		return fmt.Errorf("%s:%d: %w", path, at.line, at.err)
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err == nil && len(b) > mostBytes {
		err = fmt.Errorf("%s: too large for a file of settings", path)
	}
	return b, err
}

// lineError is what is wrong with a line.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }

func (e *lineError) Unwrap() error { return e.err }

func wrong(line int, format string, args ...any) error {
	return &lineError{line, fmt.Errorf(format, args...)}
}

// A setting is one key of a file. values has one text but for a list.
type setting struct {
	key    string
	values []string
	list   bool
	line   int
}

// parse reads the settings of a file in their order.
func parse(b []byte) ([]setting, error) {
	var docs []yaml.Node
	if err := yaml.Load(b, &docs, yaml.WithAllDocuments()); err != nil {
		var at *yaml.LoadError
		if errors.As(err, &at) && at.Mark.Line > 0 {
			return nil, wrong(at.Mark.Line, "%s", strings.TrimPrefix(at.ContextMsg+": "+at.Message, ": "))
		}
		return nil, err
	}
	if len(docs) > 1 {
		return nil, wrong(docs[1].Line, "a second document")
	}
	if len(docs) == 0 || len(docs[0].Content) == 0 {
		return nil, nil
	}
	top := docs[0].Content[0]
	switch {
	case top.Kind == yaml.ScalarNode && top.Tag == "!!null":
		return nil, nil
	case top.Kind != yaml.MappingNode:
		return nil, wrong(top.Line, "want keys with values")
	}
	var settings []setting
	first := map[string]int{}
	for i := 0; i+1 < len(top.Content); i += 2 {
		s, err := entry(top.Content[i], top.Content[i+1])
		if err != nil {
			return nil, err
		}
		if line := first[s.key]; line > 0 {
			return nil, wrong(s.line, "%s is given in line %d already", s.key, line)
		}
		first[s.key] = s.line
		settings = append(settings, s)
	}
	return settings, nil
}

// entry reads one key with its value.
func entry(key, value *yaml.Node) (setting, error) {
	if key.Kind != yaml.ScalarNode {
		return setting{}, wrong(key.Line, "a key that is no name")
	}
	s := setting{key: key.Value, line: key.Line}
	var err error
	switch value.Kind {
	case yaml.SequenceNode:
		s.list = true
		for _, n := range value.Content {
			text, err := item(n)
			if err != nil {
				return s, err
			}
			s.values = append(s.values, text)
		}
	case yaml.MappingNode:
		s.list = true
		s.values, err = pairs(value)
	default:
		s.values = make([]string, 1)
		s.values[0], err = scalar(value)
	}
	return s, err
}

// item is the text of an item of a list.
func item(n *yaml.Node) (string, error) {
	switch n.Kind {
	case yaml.SequenceNode:
		var parts []string
		for _, c := range n.Content {
			text, err := scalar(c)
			if err != nil {
				return "", err
			}
			parts = append(parts, text)
		}
		return strings.Join(parts, ","), nil
	case yaml.MappingNode:
		list, err := pairs(n)
		if err != nil || len(list) != 1 {
			return "", wrong(n.Line, "want one key with its value")
		}
		return list[0], nil
	}
	return scalar(n)
}

// pairs writes the keys and values of a mapping as key:value.
func pairs(n *yaml.Node) ([]string, error) {
	var list []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, err := scalar(n.Content[i])
		if err != nil {
			return nil, err
		}
		if n.Content[i+1].Kind == yaml.MappingNode {
			return nil, wrong(n.Content[i+1].Line, "keys within keys within keys")
		}
		text, err := item(n.Content[i+1])
		if err != nil {
			return nil, err
		}
		list = append(list, name+":"+text)
	}
	return list, nil
}

func scalar(n *yaml.Node) (string, error) {
	switch {
	case n.Kind == yaml.AliasNode:
		return "", wrong(n.Line, "aliases have no meaning here")
	case n.Kind != yaml.ScalarNode:
		return "", wrong(n.Line, "want a single value")
	case n.Tag == "!!null":
		return "", wrong(n.Line, "there is no value")
	}
	return n.Value, nil
}

// apply sets flags. All keys are checked, also of flags that are set already.
func apply(flags *pflag.FlagSet, settings []setting) error {
	left := open(flags, noKey)
	for _, s := range settings {
		f := flags.Lookup(s.key)
		if f == nil || noKey[s.key] {
			key := s.key[:min(len(s.key), mostName)]
			return wrong(s.line, "unknown key %q; the nearest is %s", key, nearest(flags, key))
		}
		list, takes := f.Value.(pflag.SliceValue)
		if s.list && !takes {
			return wrong(s.line, "%s takes one value, not a list", s.key)
		}
		if left[s.key] == nil {
			continue
		}
		var err error
		if s.list {
			err = list.Replace(s.values)
			f.Changed = true
		} else {
			err = set(flags, s.key, s.values[0])
		}
		if err != nil {
			return wrong(s.line, "%s: %w", s.key, err)
		}
	}
	return nil
}

// nearest is the key that is spelled most like name.
func nearest(flags *pflag.FlagSet, name string) string {
	best, least := "", 0
	flags.VisitAll(func(f *pflag.Flag) {
		if d := edits(name, f.Name); !noKey[f.Name] && (best == "" || d < least) {
			best, least = f.Name, d
		}
	})
	return best
}

// edits is the number of letters to insert, drop or change between two words.
func edits(a, b string) int {
	above := make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := above[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, above[j+1]+1, row[j]+1)
		}
		above = row
	}
	return above[len(b)]
}
