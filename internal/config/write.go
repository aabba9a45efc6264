package config

import (
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"
)

// Write writes the settings that differ from what they are by default, so that
// FromFile brings them back. header is put before them as a comment, line by
// line.
func Write(w io.Writer, flags *pflag.FlagSet, header ...string) error {
	for _, line := range header {
		if _, err := fmt.Fprintf(w, "# %s\n", line); err != nil {
			return err
		}
	}
	doc := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range Differing(flags) {
		value := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, text := range s.Values {
			if !utf8.ValidString(text) {
				return fmt.Errorf("--%s %q: not UTF-8, which YAML cannot hold", s.Flag, text)
			}
			value.Content = append(value.Content, literal(text))
		}
		if !s.List {
			value = value.Content[0]
		}
		doc.Content = append(doc.Content, literal(s.Flag), value)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	b, err := yaml.Dump(doc, yaml.WithLineWidth(-1))
	if err == nil {
		_, err = w.Write(b)
	}
	return err
}

// literal is a text that is quoted where YAML would make something else of it,
// but for numbers and booleans, which only look better without.
func literal(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text, Tag: "!!str"}
	_, number := strconv.ParseFloat(text, 64)
	if _, truth := strconv.ParseBool(text); number == nil || truth == nil && len(text) > 1 {
		n.Tag = ""
	}
	return n
}

// A Setting is a flag with the texts that set it: one, or for a list any number.
type Setting struct {
	Flag   string
	Values []string
	List   bool
}

// Differing lists the settings that differ from what they are by default,
// wherever they come from, in alphabetical order. Flags that name files of
// settings are none.
func Differing(flags *pflag.FlagSet) []Setting {
	var all []Setting
	flags.VisitAll(func(f *pflag.Flag) {
		if noKey[f.Name] || f.Value.String() == f.DefValue {
			return
		}
		s := Setting{Flag: f.Name, Values: []string{f.Value.String()}}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			s.Values, s.List = list.GetSlice(), true
		}
		all = append(all, s)
	})
	return all
}
