package op

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"onnxcompress/graph/tensor"
)

// texts refuses a node whose first count inputs are not all text.
func texts(in []*tensor.Tensor, count int) error {
	if err := present(in, count); err != nil {
		return err
	}
	for _, t := range in[:count] {
		if t.DType != tensor.String {
			return fmt.Errorf("needs strings, not %v", t.DType)
		}
	}
	return nil
}

func forwardStringConcat(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := texts(in, 2); err != nil {
		return nil, err
	}
	facts, err := inferStringConcat(given(n, in[:2]))
	if err != nil {
		return nil, err
	}
	out, err := alloc(tensor.String, facts[0].Shape)
	if err != nil {
		return nil, err
	}
	walk := newWalk(in[:2], out.Shape)
	for i := range out.Strings {
		out.Strings[i] = slices.Concat(in[0].Strings[walk.at[0]], in[1].Strings[walk.at[1]])
		walk.next()
	}
	return []*tensor.Tensor{out}, nil
}

// words divides a string at a delimiter, or at runs of white space where there
// is none, at most limit times; a negative limit is none.
func words(s, delimiter string, limit int) []string {
	if delimiter != "" {
		if limit < 0 {
			return strings.Split(s, delimiter)
		}
		return strings.SplitN(s, delimiter, limit+1)
	}
	if limit < 0 {
		return strings.Fields(s)
	}
	var parts []string
	for rest := strings.TrimSpace(s); rest != ""; {
		end := strings.IndexFunc(rest, func(r rune) bool { return strings.TrimSpace(string(r)) == "" })
		if len(parts) == limit || end < 0 {
			return append(parts, rest)
		}
		parts, rest = append(parts, rest[:end]), strings.TrimSpace(rest[end:])
	}
	return parts
}

// forwardStringSplit divides each string; rows of fewer parts end in empty
// ones.
func forwardStringSplit(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := texts(in, 1); err != nil {
		return nil, err
	}
	limit := -1
	if a, ok := n.Attrs["maxsplit"]; ok {
		limit = int(a.Int)
	}
	parts, counts, most := make([][]string, in[0].Len()), make([]int64, in[0].Len()), int64(0)
	for i, s := range in[0].Strings {
		parts[i] = words(string(s), n.Attrs.Str("delimiter", ""), limit)
		counts[i] = int64(len(parts[i]))
		most = max(most, counts[i])
	}
	out, err := alloc(tensor.String, append(slices.Clone(in[0].Shape), most))
	if err != nil {
		return nil, err
	}
	for i, list := range parts {
		for k, part := range list {
			out.Strings[int64(i)*most+int64(k)] = []byte(part)
		}
	}
	return []*tensor.Tensor{out, tensor.FromInt64s(in[0].Shape, counts)}, nil
}

func forwardStringNormalizer(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := texts(in, 1); err != nil {
		return nil, err
	}
	if rank := in[0].Rank(); rank == 0 || rank == 2 && in[0].Shape[0] != 1 || rank > 2 {
		return nil, fmt.Errorf("normalizes a list of words, not shape %v", in[0].Shape)
	}
	same := bytes.EqualFold
	if n.Attrs.Int("is_case_sensitive", 0) != 0 {
		same = bytes.Equal
	}
	var change func([]byte) []byte
	switch action := n.Attrs.Str("case_change_action", "NONE"); action {
	case "LOWER":
		change = bytes.ToLower
	case "UPPER":
		change = bytes.ToUpper
	case "NONE":
		change = func(b []byte) []byte { return b }
	default:
		return nil, fmt.Errorf("case_change_action %q is not one of ONNX's", action)
	}
	left := [][]byte{}
	for _, word := range in[0].Strings {
		stops := slices.ContainsFunc(n.Attrs["stopwords"].Strs, func(stop string) bool { return same(word, []byte(stop)) })
		if !stops {
			left = append(left, change(word))
		}
	}
	if len(left) == 0 {
		left = append(left, nil) // the output is never empty
	}
	shape := slices.Clone(in[0].Shape)
	shape[len(shape)-1] = int64(len(left))
	return []*tensor.Tensor{{DType: tensor.String, Shape: shape, Strings: left}}, nil
}

func forwardRegexFullMatch(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := texts(in, 1); err != nil {
		return nil, err
	}
	pattern, err := regexp.Compile(`\A(?:` + n.Attrs.Str("pattern", "") + `)\z`)
	if err != nil {
		return nil, err
	}
	out, err := alloc(tensor.Bool, in[0].Shape)
	if err != nil {
		return nil, err
	}
	for i, s := range in[0].Strings {
		out.SetInt(i, int64(truth(pattern.Match(s))))
	}
	return []*tensor.Tensor{out}, nil
}
