package dataset

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"onnxcompress/graph/tensor"
)

const (
	npyMagic  = "\x93NUMPY"
	maxHeader = 1 << 16
	// maxBytes bounds an array held in memory, whatever it would compress to.
	maxBytes = 8 << 30
	// firstRead is what is allocated on a header's word alone; the rest follows
	// the bytes that really arrive.
	firstRead = 16 << 20
)

var (
	npyDescr   = regexp.MustCompile(`'descr'\s*:\s*'([^']*)'`)
	npyFortran = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`)
	npyShape   = regexp.MustCompile(`'shape'\s*:\s*\(([^)]*)\)`)
)

var npyDTypes = map[string]tensor.DType{
	"f2": tensor.Float16, "f4": tensor.Float32, "f8": tensor.Float64,
	"i1": tensor.Int8, "i2": tensor.Int16, "i4": tensor.Int32, "i8": tensor.Int64,
	"u1": tensor.Uint8, "u2": tensor.Uint16, "u4": tensor.Uint32, "u8": tensor.Uint64,
	"b1": tensor.Bool,
}

// readNPY reads an npy file of size bytes to its end.
func readNPY(r io.Reader, size int64) (*tensor.Tensor, error) {
	head, length, err := npyHeader(r)
	if err != nil {
		return nil, err
	}
	descr, fortran, shape := npyDescr.FindStringSubmatch(head), npyFortran.FindStringSubmatch(head), npyShape.FindStringSubmatch(head)
	if descr == nil || fortran == nil || shape == nil {
		return nil, fmt.Errorf("npy header %.80q: not that of a plain array", head)
	}
	order, kind := descr[1][:min(1, len(descr[1]))], descr[1][min(1, len(descr[1])):]
	dt, ok := npyDTypes[kind]
	if !ok || !strings.Contains("<>|=", order) {
		return nil, fmt.Errorf("npy array of type %q: only numbers and booleans can be read", descr[1])
	}
	t := &tensor.Tensor{DType: dt}
	if t.Shape, err = npyDims(shape[1]); err != nil {
		return nil, err
	}
	if t.Data, err = readArray(r, t, size-length, true); err != nil {
		return nil, err
	}
	if order == ">" {
		swapBytes(t.Data, dt.Size())
	}
	if fortran[1] == "True" {
		t.Data = rowMajor(t.Data, t.Shape, dt.Size())
	}
	return t, nil
}

// npyHeader returns the dictionary of an npy file and the length of all that
// comes before the elements.
func npyHeader(r io.Reader) (string, int64, error) {
	var pre [12]byte
	if _, err := io.ReadFull(r, pre[:10]); err != nil || string(pre[:6]) != npyMagic {
		return "", 0, errors.New("not an npy array")
	}
	n, lead := int64(binary.LittleEndian.Uint16(pre[8:])), int64(10)
	if pre[6] > 1 {
		if _, err := io.ReadFull(r, pre[10:]); err != nil {
			return "", 0, errors.New("npy header is cut short")
		}
		n, lead = int64(binary.LittleEndian.Uint32(pre[8:])), 12
	}
	if pre[6] < 1 || pre[6] > 3 || n > maxHeader {
		return "", 0, fmt.Errorf("npy version %d with a header of %d bytes", pre[6], n)
	}
	head := make([]byte, n)
	if _, err := io.ReadFull(r, head); err != nil {
		return "", 0, errors.New("npy header is cut short")
	}
	return string(head), lead + n, nil
}

func npyDims(s string) ([]int64, error) {
	shape := []int64{}
	for f := range strings.SplitSeq(s, ",") {
		if f = strings.TrimSpace(f); f == "" {
			continue
		}
		d, err := strconv.ParseInt(strings.TrimSuffix(f, "L"), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("npy shape (%s): %w", s, err)
		}
		shape = append(shape, d)
	}
	return shape, nil
}

// readArray reads the elements of an array and finds the end of the stream
// after them. The stream holds size bytes: exactly, or at most where it is
// compressed and its length unsaid.
func readArray(r io.Reader, t *tensor.Tensor, size int64, exact bool) ([]byte, error) {
	count, err := tensor.Count(t.Shape)
	if err != nil {
		return nil, err
	}
	n := count * int64(t.DType.Size())
	if n > maxBytes {
		return nil, fmt.Errorf("array %v of %v takes %d bytes, more than 8 GiB", t.Shape, t.DType, n)
	}
	if n > size || exact && n != size {
		return nil, fmt.Errorf("array %v of %v takes %d bytes, the file has %d", t.Shape, t.DType, n, size)
	}
	data := make([]byte, 0, min(n, firstRead))
	for int64(len(data)) < n {
		if len(data) == cap(data) {
			data = slices.Grow(data, int(min(n-int64(len(data)), int64(len(data)))))
		}
		next := data[len(data):min(int64(cap(data)), n)]
		if _, err := io.ReadFull(r, next); err != nil {
			return nil, fmt.Errorf("array %v of %v: %w", t.Shape, t.DType, err)
		}
		data = data[:len(data)+len(next)]
	}
	// The end of a compressed stream is where its checksum is compared.
	switch k, err := io.ReadFull(r, make([]byte, 1)); {
	case k > 0:
		return nil, fmt.Errorf("array %v of %v: the file goes on after it", t.Shape, t.DType)
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("array %v of %v: %w", t.Shape, t.DType, err)
	}
	return data, nil
}

// swapBytes turns big-endian elements into little-endian ones.
func swapBytes(data []byte, size int) {
	if size == 1 {
		return
	}
	for e := range slices.Chunk(data, size) {
		slices.Reverse(e)
	}
}

// rowMajor reorders elements stored with the first index running fastest.
func rowMajor(data []byte, shape []int64, size int) []byte {
	out := make([]byte, 0, len(data))
	step, at := make([]int, len(shape)), make([]int64, len(shape))
	for a, s := 0, size; a < len(shape); a++ {
		step[a], s = s, s*int(shape[a])
	}
	for from := 0; len(out) < len(data); {
		out = append(out, data[from:from+size]...)
		for a := len(shape) - 1; a >= 0; a-- {
			at[a]++
			from += step[a]
			if at[a] < shape[a] {
				break
			}
			from -= step[a] * int(shape[a])
			at[a] = 0
		}
	}
	return out
}
