package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	pq "github.com/parquet-go/parquet-go"

	"onnxcompress/graph/tensor"
)

const (
	// wholeGroup is the size up to which a column of a group of rows is decoded
	// at once, and partOfGroup the size of the parts of larger ones.
	wholeGroup  = 64 << 20
	partOfGroup = 16 << 20
)

// rowReader reads cells of the columns of Parquet files, one file after the
// other. What was decoded last is kept, within inMemory.
type rowReader struct {
	columns    columns
	classNames map[string]int
	groups     []rowGroup
	ends       []int // rows up to the end of each group

	mu     sync.Mutex
	kept   map[cellsKey]*cells
	recent []cellsKey
	held   int
}

// rowGroup is one group of rows of a file.
type rowGroup struct {
	shard  string
	number int // of its first row in the file
	rows   int
	chunk  map[string]pq.ColumnChunk
	window map[string]int // how many rows of a column are decoded at once
	types  map[string]tensor.DType
}

type cellsKey struct {
	group, window int
	path          string
}

// cells are those of one column in a run of rows, as bytes.
type cells struct {
	data []byte
	ends []int
	// levels of repetition of the first cell's values.
	levels []int
}

func newRowReader() *rowReader { return &rowReader{kept: map[cellsKey]*cells{}} }

func (t *rowReader) rows() int {
	if len(t.ends) == 0 {
		return 0
	}
	return t.ends[len(t.ends)-1]
}

// guard makes an error of a panic: the decoder trusts what a file says of
// itself, and no file may end this program.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("is damaged: %v", r)
	}
}

// add opens a file.
func (t *rowReader) add(name string, c content) (err error) {
	defer guard(&err)
	var foot [8]byte
	if c.size < 12 {
		return fmt.Errorf("%d bytes are no Parquet file", c.size)
	}
	if err := readFull(c, foot[:], c.size-8); err != nil {
		return err
	}
	if string(foot[4:]) != "PAR1" {
		return errors.New("is no Parquet file, or cut short")
	}
	if n := int64(binary.LittleEndian.Uint32(foot[:])); n > c.size-12 {
		return fmt.Errorf("the description takes %d bytes, the file has %d", n, c.size)
	}
	f, err := pq.OpenFile(c, c.size, pq.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("is no readable Parquet file: %w", err)
	}
	if own := columnsOf(f.Root()); len(t.groups) == 0 {
		t.columns = own
	} else if !maps.Equal(own.leaf, t.columns.leaf) {
		return fmt.Errorf("its columns are %s, those of the first file %s", list(own.names), list(t.columns.names))
	}
	if text, ok := f.Lookup("huggingface"); ok {
		t.classNames = hubClasses(text)
	}
	number := 0
	for g, group := range f.RowGroups() {
		rows := group.NumRows()
		// A row takes a bit at least: more are a mistake that would be paid for
		// in memory.
		if rows < 0 || rows > 8*c.size {
			return fmt.Errorf("claims %d rows in %d bytes", rows, c.size)
		}
		if rows == 0 {
			continue
		}
		r := rowGroup{name, number, int(rows), map[string]pq.ColumnChunk{}, map[string]int{}, map[string]tensor.DType{}}
		for k, leafAt := range f.Schema().Columns() {
			path := strings.Join(leafAt, ".")
			meta := f.Metadata().RowGroups[g].Columns[k].MetaData
			r.chunk[path] = group.ColumnChunks()[k]
			r.window[path] = int(rows)
			if size := meta.TotalUncompressedSize; size > wholeGroup {
				r.window[path] = int(max(1, float64(rows)*partOfGroup/float64(size)))
			}
		}
		for _, l := range t.columns.leaf {
			r.types[l.path] = l.dtype
		}
		t.groups = append(t.groups, r)
		t.ends = append(t.ends, t.rows()+int(rows))
		number += int(rows)
	}
	return nil
}

// at finds the group of a row and the row's number in it.
func (t *rowReader) at(i int) (group, row int) {
	group, _ = slices.BinarySearch(t.ends, i+1)
	if group > 0 {
		i -= t.ends[group-1]
	}
	return group, i
}

// name is what messages call a row.
func (t *rowReader) name(i int) string {
	g, row := t.at(i)
	return fmt.Sprintf("%s row %d", t.groups[g].shard, t.groups[g].number+row)
}

func (t *rowReader) shardOf(i int) string {
	g, _ := t.at(i)
	return t.groups[g].shard
}

// cell is the content of a column in a row: the elements of numbers as a tensor
// holds them, or bytes; none for null. It is not to be written to.
func (t *rowReader) cell(path string, i int) ([]byte, error) {
	g, row := t.at(i)
	c, first, err := t.run(path, g, row)
	if err != nil {
		return nil, err
	}
	k := row - first
	begin := 0
	if k > 0 {
		begin = c.ends[k-1]
	}
	return c.data[begin:c.ends[k]:c.ends[k]], nil
}

// shape is that of the first row's lists.
func (t *rowReader) shape(l leaf) ([]int64, error) {
	if t.rows() == 0 {
		return nil, nil
	}
	c, _, err := t.run(l.path, 0, 0)
	if err != nil {
		return nil, err
	}
	shape := make([]int64, l.nesting)
	lists := int64(1)
	for depth := range shape {
		inner := int64(0)
		for _, level := range c.levels {
			if level <= depth+1 {
				inner++
			}
		}
		if shape[depth] = inner / lists; inner == 0 || inner%lists != 0 {
			return nil, fmt.Errorf("column %s: the lists of the first row are empty or differ in length", l.path)
		}
		lists = inner
	}
	return shape, nil
}

// run is the cells among which a row is, and the row that they begin with.
func (t *rowReader) run(path string, g, row int) (c *cells, first int, err error) {
	group := &t.groups[g]
	size := group.window[path]
	if size == 0 {
		return nil, 0, fmt.Errorf("%s has no column %s", group.shard, path)
	}
	first = row / size * size
	key := cellsKey{g, row / size, path}
	t.mu.Lock()
	defer t.mu.Unlock()
	if c = t.kept[key]; c == nil {
		if c, err = group.read(path, first, min(size, group.rows-first)); err != nil {
			return nil, 0, fmt.Errorf("%s: column %s: %w", group.shard, path, err)
		}
		t.keep(key, c)
	}
	return c, first, nil
}

// keep holds on to cells, and lets go of those that were read first.
func (t *rowReader) keep(key cellsKey, c *cells) {
	t.kept[key] = c
	t.recent = append(t.recent, key)
	t.held += c.bytes()
	for t.held > inMemory && len(t.recent) > 1 {
		t.held -= t.kept[t.recent[0]].bytes()
		delete(t.kept, t.recent[0])
		t.recent = t.recent[1:]
	}
}

func (c *cells) bytes() int { return len(c.data) + 8*len(c.ends) }

// read decodes a column in a run of rows.
func (g *rowGroup) read(path string, first, count int) (c *cells, err error) {
	defer guard(&err)
	pages := g.chunk[path].Pages()
	defer func() {
		if closed := pages.Close(); err == nil {
			err = closed
		}
	}()
	if err := pages.SeekToRow(int64(first)); err != nil {
		return nil, err
	}
	c = &cells{}
	rows := 0
	for rows <= count {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		rows, err = c.take(page.Values(), g.types[path], rows, count)
		pq.Release(page)
		if err != nil {
			return nil, err
		}
	}
	if rows < count {
		return nil, fmt.Errorf("%d rows of %d: %w", rows, count, io.ErrUnexpectedEOF)
	}
	return c, nil
}

// take adds values until a row beyond count begins; rows were begun before.
func (c *cells) take(from pq.ValueReader, dt tensor.DType, rows, count int) (int, error) {
	var buf [256]pq.Value
	for {
		n, err := from.ReadValues(buf[:])
		for _, v := range buf[:n] {
			if v.RepetitionLevel() == 0 {
				if rows++; rows > count {
					return rows, nil
				}
				c.ends = append(c.ends, len(c.data))
			}
			if rows == 0 {
				return 0, errors.New("a row has no beginning")
			}
			if rows == 1 {
				c.levels = append(c.levels, v.RepetitionLevel())
			}
			if c.data = appendValue(c.data, v, dt); len(c.data) > maxBytes {
				return rows, fmt.Errorf("more than %d bytes", int64(maxBytes))
			}
			c.ends[rows-1] = len(c.data)
		}
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
	}
}

// maxBytes bounds what one part of a column may unpack to.
const maxBytes = 1 << 30

// appendValue adds the little-endian elements of a value, none for null.
func appendValue(b []byte, v pq.Value, dt tensor.DType) []byte {
	if v.IsNull() {
		return b
	}
	switch v.Kind() {
	case pq.Boolean:
		if v.Boolean() {
			return append(b, 1)
		}
		return append(b, 0)
	case pq.Int32:
		return binary.LittleEndian.AppendUint32(b, uint32(v.Int32()))[:len(b)+min(dt.Size(), 4)]
	case pq.Int64:
		return binary.LittleEndian.AppendUint64(b, uint64(v.Int64()))
	case pq.Float:
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(v.Float()))
	case pq.Double:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Double()))
	}
	return append(b, v.ByteArray()...)
}
