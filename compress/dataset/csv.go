package dataset

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"onnxcompress/graph/tensor"
)

// table is CSV: which columns of a file are what.
type table struct {
	comma  rune
	header bool
	fields int
	names  []string // of the columns, for messages
	inputs [][]int
	image  int // -1 where there is none, as for the label
	label  int
	named  bool // the label is a name
}

// textLabelKeys are what a column or key of labels is called.
var textLabelKeys = append([]string{"class", "fine_label"}, labelKeys...)

// csv reads tables of a sample per line. The columns of an input are those named
// as it is, alone or with a number behind; of an only input else all that are
// not the label, or the one with paths of images. The label is the column of a
// customary name, else the last if the others are as many as the input takes.
func (o *opener) csv(p place) (source, bool, error) {
	return o.textFiles(p, ending(".csv", ".csv.gz", ".tsv", ".tsv.gz"), o.table)
}

// table finds out from the first two lines what columns there are.
func (o *opener) table(c content) (notation, error) {
	line := make([]byte, 1<<16)
	n, _ := c.ReadAt(line, 0)
	t := &table{comma: separator(string(line[:n])), image: -1, label: -1}
	r := t.reader(&limited{c.reader(), maxRecord})
	r.FieldsPerRecord = -1
	first, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("first line: %w", err)
	}
	row := first
	t.fields, t.names = len(first), make([]string, len(first))
	if t.header = isHeader(first); t.header {
		for i, cell := range first {
			t.names[i] = strings.TrimSpace(strings.TrimPrefix(cell, "\ufeff"))
		}
		if row, err = r.Read(); err != nil {
			return nil, fmt.Errorf("first line after the names: %w", err)
		}
	}
	if len(row) != t.fields {
		return nil, fmt.Errorf("%d columns under %d names", len(row), t.fields)
	}
	if err := t.assign(row, &o.Options); err != nil {
		return nil, err
	}
	if t.label >= 0 {
		_, err := number(row[t.label])
		t.named = err != nil
	}
	return t, nil
}

// separator is the likeliest one of the first line.
func separator(text string) rune {
	line, _, _ := strings.Cut(text, "\n")
	best := ','
	for _, c := range ";\t" {
		if strings.Count(line, string(c)) > strings.Count(line, string(best)) {
			best = c
		}
	}
	return best
}

// isHeader reports whether a line names columns: one has the name of a label, or
// none is a number.
func isHeader(row []string) bool {
	numbers := 0
	for _, cell := range row {
		if slices.Contains(textLabelKeys, strings.ToLower(strings.TrimSpace(cell))) {
			return true
		}
		if _, err := number(cell); err == nil {
			numbers++
		}
	}
	return numbers == 0 && !slices.ContainsFunc(row, isImage)
}

// assign says what each column is, row being the first of data.
func (t *table) assign(row []string, o *Options) error {
	if at := find(t.names, slices.Concat(textLabelKeys, o.Outputs), nil); at != nil {
		t.label = slices.Index(t.names, at[0])
	}
	missing := ""
	for _, p := range o.Inputs {
		match := regexp.MustCompile(`^` + regexp.QuoteMeta(p.Name) + `([-_.\[ ]?\d+\]?)?$`)
		var columns []int
		for i, n := range t.names {
			if match.MatchString(n) && i != t.label {
				columns = append(columns, i)
			}
		}
		if columns == nil {
			missing = p.Name
		}
		t.inputs = append(t.inputs, columns)
	}
	switch {
	case missing == "":
		return nil
	case len(o.Inputs) > 1:
		return fmt.Errorf("has no column for input %s", missing)
	}
	t.inputs = nil
	return t.only(row, o.Inputs[0])
}

// only gives the columns to an only input.
func (t *table) only(row []string, p Port) error {
	var rest []int
	for i := range row {
		if i == t.label || t.header && t.names[i] == "" {
			continue // an unnamed column numbers the lines
		}
		rest = append(rest, i)
	}
	if at := slices.IndexFunc(rest, func(i int) bool { return isImage(path.Base(row[i])) }); at >= 0 {
		t.image = rest[at]
		if t.label < 0 && len(rest) > 1 && at != len(rest)-1 {
			t.label = rest[len(rest)-1]
		}
		return nil
	}
	wanted := int64(-1)
	if len(p.Shape) > 0 {
		if n, err := tensor.Count(p.Shape[1:]); err == nil {
			wanted = n
		}
	}
	if t.label < 0 && len(rest) > 1 && int64(len(rest)) != wanted {
		t.label = rest[len(rest)-1]
		rest = rest[:len(rest)-1]
	}
	if len(rest) == 0 {
		return errors.New("has no columns but the label")
	}
	t.inputs = [][]int{rest}
	return nil
}

// limited ends a record that never ends: a quote that is not closed reaches to
// the end of the file.
type limited struct {
	io.Reader
	left int64
}

func (l *limited) Read(b []byte) (int, error) {
	if l.left < 0 {
		return 0, fmt.Errorf("a line of more than %d bytes", maxRecord)
	}
	n, err := l.Reader.Read(b)
	l.left -= int64(n)
	return n, err
}

func (t *table) reader(from io.Reader) *csv.Reader {
	r := csv.NewReader(from)
	r.Comma, r.ReuseRecord, r.FieldsPerRecord = t.comma, false, t.fields
	return r
}

func (t *table) scan(c content, visit func(at, size int64, name string, r record, err error) error) error {
	from := &limited{c.reader(), maxRecord}
	r := t.reader(from)
	r.ReuseRecord = true
	if t.header {
		if _, err := r.Read(); err != nil {
			return err
		}
	}
	for {
		from.left = maxRecord
		begin := r.InputOffset()
		row, err := r.Read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.As(err, &syntax):
			return err
		}
		line := 0
		var rec record
		if err == nil {
			line, _ = r.FieldPos(0)
			rec, err = t.record(row)
		} else {
			line, err = syntax.Line, syntax.Err
		}
		if err := visit(begin, r.InputOffset()-begin, fmt.Sprintf("line %d", line), rec, err); err != nil {
			return err
		}
	}
}

func (t *table) parse(text []byte) (record, error) {
	// What was scanned without a quote is divided as it stands, which is fast.
	if line := strings.Trim(string(text), "\r\n"); !strings.Contains(line, `"`) {
		if row := strings.Split(line, string(t.comma)); len(row) == t.fields {
			return t.record(row)
		}
	}
	row, err := t.reader(bytes.NewReader(text)).Read()
	if err != nil {
		return record{}, err
	}
	return t.record(row)
}

func (t *table) record(row []string) (record, error) {
	var r record
	if t.image >= 0 {
		r.image = strings.Clone(row[t.image])
		if r.image == "" {
			return r, t.about(t.image, errors.New("is empty"))
		}
	}
	for _, columns := range t.inputs {
		v := make([]float64, len(columns))
		for k, i := range columns {
			var err error
			if v[k], err = number(row[i]); err != nil {
				return r, t.about(i, err)
			}
		}
		r.inputs = append(r.inputs, values{[]int64{int64(len(v))}, v})
	}
	if t.label < 0 {
		return r, nil
	}
	cell := strings.TrimSpace(row[t.label])
	if t.named {
		if r.class = cell; cell == "" {
			return r, t.about(t.label, errors.New("the label is empty"))
		}
		return r, nil
	}
	v, err := number(cell)
	if err != nil {
		return r, t.about(t.label, err)
	}
	r.label.v = []float64{v}
	return r, nil
}

// about names the column of an error.
func (t *table) about(i int, err error) error {
	if t.header {
		return fmt.Errorf("column %s: %w", t.names[i], err)
	}
	return fmt.Errorf("column %d: %w", i+1, err)
}
