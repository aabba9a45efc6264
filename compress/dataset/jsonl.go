package dataset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"onnxcompress/graph/tensor"
)

// objects is JSONL: which keys of each line's object are what.
type objects struct {
	inputs []string // one key for each input
	label  string   // empty where there is none
}

// jsonl reads an object per line: nested lists of numbers, or the path of an
// image, by the input's name or, for an only input, a customary one, and the
// label as a number, a name or a list.
func (o *opener) jsonl(p place) (source, bool, error) {
	return o.textFiles(p, ending(".jsonl", ".jsonl.gz", ".ndjson"), o.objects)
}

// objects finds out from the first line what keys there are.
func (o *opener) objects(c content) (notation, error) {
	var first []byte
	err := eachLine(c, func(_ int64, _ int, line []byte) error {
		first = bytes.Clone(line)
		return io.EOF
	})
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(first, &fields); err != nil {
		return nil, fmt.Errorf("first line: %w", err)
	}
	names := slices.Sorted(maps.Keys(fields))
	var n objects
	for _, p := range o.Inputs {
		key := find(names, []string{p.Name}, nil)
		if key == nil && len(o.Inputs) == 1 {
			key = find(names, slices.Concat(dataKeys, []string{"image", "img", "features", "pixels", "file_name", "path"}), nil)
		}
		if key == nil {
			return nil, fmt.Errorf("has no key for input %s; its keys are %s", p.Name, list(names))
		}
		n.inputs = append(n.inputs, key[0])
	}
	if key := find(names, slices.Concat(textLabelKeys, o.Outputs), n.inputs); key != nil {
		n.label = key[0]
	}
	return n, nil
}

// eachLine visits the lines that are not empty, without their ends; number
// counts from 1.
func eachLine(c content, visit func(at int64, number int, line []byte) error) error {
	r := bufio.NewReaderSize(c.reader(), 1<<16)
	at := int64(0)
	for number := 1; ; number++ {
		var line []byte
		var err error
		for {
			var part []byte
			part, err = r.ReadSlice('\n')
			line = append(line, part...)
			if !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
			if len(line) > maxRecord {
				return fmt.Errorf("line %d has more than %d bytes", number, maxRecord)
			}
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			if err := visit(at, number, bytes.TrimRight(line, "\r\n")); err != nil {
				return err
			}
		}
		at += int64(len(line))
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (n objects) scan(c content, visit func(at, size int64, name string, r record, err error) error) error {
	return eachLine(c, func(at int64, number int, line []byte) error {
		r, err := n.parse(line)
		return visit(at, int64(len(line)), fmt.Sprintf("line %d", number), r, err)
	})
}

func (n objects) parse(text []byte) (record, error) {
	var r record
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return r, err
	}
	for _, key := range n.inputs {
		v, name, err := field(fields, key)
		if err != nil {
			return r, err
		}
		if r.inputs = append(r.inputs, v); name != "" {
			if len(n.inputs) > 1 {
				return r, fmt.Errorf("key %s: images feed one input, the model has %d", key, len(n.inputs))
			}
			r.image, r.inputs = name, nil
		}
	}
	if n.label == "" {
		return r, nil
	}
	var err error
	r.label, r.class, err = field(fields, n.label)
	return r, err
}

// field reads what is at a key: numbers, or a string.
func field(fields map[string]json.RawMessage, key string) (v values, text string, err error) {
	raw, ok := fields[key]
	if !ok {
		return v, "", fmt.Errorf("has no key %s", key)
	}
	if len(raw) > 0 && raw[0] == '"' {
		if err = json.Unmarshal(raw, &text); err == nil && text == "" {
			err = errors.New("is empty")
		}
	} else {
		list := nested{raw: raw, leaves: -1}
		if err = list.read(0); err == nil {
			v = list.values
		}
	}
	if err != nil {
		return v, "", fmt.Errorf("key %s: %w", key, err)
	}
	return v, text, nil
}

// nested reads lists of lists of numbers, which must be as long as each other.
// The text is known to be JSON.
type nested struct {
	values
	raw    []byte
	leaves int // how deep numbers lie; -1 before the first
}

func (n *nested) read(depth int) error {
	if n.next() != '[' {
		return n.leaf(depth)
	}
	n.raw = n.raw[1:]
	if depth == 16 {
		return errors.New("lists nested more than 16 deep")
	}
	if n.leaves < 0 {
		n.shape = append(n.shape, -1)
	} else if depth >= n.leaves {
		return errors.New("a list where others have numbers")
	}
	count := int64(0)
	for n.next() != ']' {
		if err := n.read(depth + 1); err != nil {
			return err
		}
		count++
		if n.next() == ',' {
			n.raw = n.raw[1:]
		}
	}
	n.raw = n.raw[1:]
	switch {
	case count == 0:
		return errors.New("an empty list")
	case n.shape[depth] < 0:
		n.shape[depth] = count
	case n.shape[depth] != count:
		return fmt.Errorf("lists of %d and of %d side by side", n.shape[depth], count)
	}
	return nil
}

// next is the next character that is not blank.
func (n *nested) next() byte {
	n.raw = bytes.TrimLeft(n.raw, " \t\r\n")
	if len(n.raw) == 0 {
		return ']'
	}
	return n.raw[0]
}

func (n *nested) leaf(depth int) error {
	end := bytes.IndexAny(n.raw, ",] \t\r\n")
	if end < 0 {
		end = len(n.raw)
	}
	text := string(n.raw[:end])
	n.raw = n.raw[end:]
	v, err := 0.0, error(nil)
	switch text {
	case "true":
		v = 1
	case "false":
	default:
		if v, err = number(text); err != nil {
			return err
		}
	}
	if n.leaves < 0 {
		n.leaves = depth
	}
	if depth != n.leaves {
		return errors.New("a number where others have lists")
	}
	if len(n.v) >= tensor.MaxElements {
		return errors.New("too many numbers")
	}
	n.v = append(n.v, v)
	return nil
}
