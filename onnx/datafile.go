package onnx

import (
	"bufio"
	"io"
	"strconv"
)

const (
	// Tensors begin where vector instructions read them best, and large ones
	// where every system can map them.
	wordSize = 64
	pageSize = 1 << 16
	minPaged = 1 << 20
)

// A dataFile is an external data file to be written.
type dataFile struct {
	location string
	chunks   []chunk
	placed   map[extentKey]int
	size     int
}

type chunk struct {
	offset int
	data   []byte
}

// An extentKey tells whether two tensors share their bytes.
type extentKey struct {
	first *byte
	size  int
}

// place makes t refer to data in the file. Tensors that share their bytes in
// memory do so in the file; empty ones stay in the model.
func (f *dataFile) place(t *TensorProto, data []byte) {
	if len(data) == 0 {
		SetData(t, data)
		return
	}
	key := extentKey{&data[0], len(data)}
	offset, ok := f.placed[key]
	if !ok {
		offset = f.append(data)
		f.placed[key] = offset
	}
	clearData(t)
	t.DataLocation = TensorProto_EXTERNAL.Enum()
	for _, e := range [][2]string{
		{"location", f.location},
		{"offset", strconv.Itoa(offset)},
		{"length", strconv.Itoa(len(data))},
	} {
		t.ExternalData = append(t.ExternalData, &StringStringEntryProto{Key: &e[0], Value: &e[1]})
	}
}

func (f *dataFile) append(data []byte) int {
	step := wordSize
	if len(data) >= minPaged {
		step = pageSize
	}
	at := (f.size + step - 1) / step * step
	f.chunks = append(f.chunks, chunk{at, data})
	f.size = at + len(data)
	return at
}

func (f *dataFile) writeTo(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<16)
	gap, at := make([]byte, pageSize), 0
	for _, c := range f.chunks {
		_, _ = b.Write(gap[:c.offset-at])
		_, _ = b.Write(c.data)
		at = c.offset + len(c.data)
	}
	return b.Flush()
}
