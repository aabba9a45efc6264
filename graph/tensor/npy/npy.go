// Package npy reads and writes arrays in numpy's file format.
package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"onnxcompress/graph/tensor"
)

// maxHeader bounds the header of an array: numpy itself refuses longer ones.
const maxHeader = 1 << 16

// Magic is how every file of the format begins.
const Magic = "\x93NUMPY"

// dtypes are numpy's names of element types without the byte order.
var dtypes = map[string]tensor.DType{
	"f4": tensor.Float32, "f8": tensor.Float64, "f2": tensor.Float16, "b1": tensor.Bool,
	"i1": tensor.Int8, "i2": tensor.Int16, "i4": tensor.Int32, "i8": tensor.Int64,
	"u1": tensor.Uint8, "u2": tensor.Uint16, "u4": tensor.Uint32, "u8": tensor.Uint64,
	"c8": tensor.Complex64, "c16": tensor.Complex128,
}

var (
	descrField = regexp.MustCompile(`'descr':\s*'([<>=|]?)([a-zA-Z])(\d{1,6})'`)
	orderField = regexp.MustCompile(`'fortran_order':\s*(True|False)`)
	shapeField = regexp.MustCompile(`'shape':\s*\(([0-9, ]*)\)`)
)

// header describes the array that follows it.
type header struct {
	dtype   tensor.DType
	width   int // bytes per element
	unicode bool
	big     bool
	fortran bool
	shape   []int64
	length  int64 // of the header in the file
}

func readHeader(r io.Reader) (header, error) {
	var fixed [12]byte
	if _, err := io.ReadFull(r, fixed[:10]); err != nil {
		return header{}, err
	}
	if !bytes.HasPrefix(fixed[:], []byte(Magic)) {
		return header{}, errors.New("not a numpy array")
	}
	size, before := int64(binary.LittleEndian.Uint16(fixed[8:])), int64(10)
	if version := fixed[6]; version == 2 || version == 3 {
		if _, err := io.ReadFull(r, fixed[10:]); err != nil {
			return header{}, err
		}
		size, before = int64(binary.LittleEndian.Uint32(fixed[8:])), 12
	} else if version != 1 {
		return header{}, fmt.Errorf("version %d of the numpy format is unknown", version)
	}
	if size > maxHeader {
		return header{}, fmt.Errorf("a header of %d bytes is too long", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return header{}, err
	}
	h, err := parseHeader(string(text))
	h.length = before + size
	return h, err
}

func parseHeader(text string) (header, error) {
	var h header
	descr, order, shape := descrField.FindStringSubmatch(text), orderField.FindStringSubmatch(text), shapeField.FindStringSubmatch(text)
	if descr == nil || order == nil || shape == nil {
		return h, fmt.Errorf("the header %.80q describes no plain array", text)
	}
	h.big, h.fortran = descr[1] == ">", order[1] == "True"
	h.width, _ = strconv.Atoi(descr[3])
	switch kind := descr[2]; kind {
	case "U":
		h.dtype, h.unicode, h.width = tensor.String, true, 4*h.width
	case "S":
		h.dtype = tensor.String
	default:
		dtype, ok := dtypes[kind+descr[3]]
		if !ok {
			return h, fmt.Errorf("elements of numpy type %s%s are unknown", kind, descr[3])
		}
		h.dtype = dtype
	}
	for d := range strings.SplitSeq(shape[1], ",") {
		if d = strings.TrimSpace(d); d == "" {
			continue
		}
		n, err := strconv.ParseInt(d, 10, 64)
		if err != nil {
			return h, fmt.Errorf("dimension %s: %w", d, err)
		}
		h.shape = append(h.shape, n)
	}
	return h, nil
}

// Info is what a header says of the elements that follow it.
type Info struct {
	DType tensor.DType
	Shape []int64
	// Offset is where the elements begin in the file.
	Offset int64
	// Direct reports that they lie there as a tensor holds them, but for the
	// order of their bytes: in rows, and no strings. BigEndian is that order.
	Direct, BigEndian bool
}

// Stat reads the header of an array in a file of size bytes. It is an error if
// the file is not as long as the header says.
func Stat(r io.Reader, size uint64) (Info, error) {
	h, _, err := readSized(r, size)
	direct := h.dtype != tensor.String && (!h.fortran || len(h.shape) < 2)
	return Info{h.dtype, h.shape, h.length, direct, h.big}, err
}

// readSized reads a header that must tell of size bytes; n counts the elements.
func readSized(r io.Reader, size uint64) (h header, n int64, err error) {
	if h, err = readHeader(r); err != nil {
		return h, 0, err
	}
	if n, err = tensor.Count(h.shape); err != nil {
		return h, 0, err
	}
	if want := n*int64(h.width) + h.length; uint64(want) != size {
		return h, 0, fmt.Errorf("the header tells of %d bytes and there are %d", want, size)
	}
	return h, n, nil
}

// Read reads one array of a file of size bytes to its end. Every numeric type,
// booleans and strings are read, in any byte and axis order. Memory grows with the bytes
// that are really there, not with those the header claims.
func Read(r io.Reader, size uint64) (*tensor.Tensor, error) {
	h, n, err := readSized(r, size)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, n*int64(h.width)); err != nil {
		return nil, err
	}
	// The end of a compressed stream is where its checksum is compared.
	if _, err := io.Copy(io.Discard, r); err != nil {
		return nil, err
	}
	data := b.Bytes()
	if h.fortran && len(h.shape) > 1 {
		data = rowMajor(data, h.shape, h.width)
	}
	if h.dtype == tensor.String {
		if n > 0 && h.width == 0 {
			return nil, errors.New("strings of no length")
		}
		return h.strings(data, int(n)), nil
	}
	if h.big {
		reverseEach(data, swapWidth(h.dtype))
	}
	return &tensor.Tensor{DType: h.dtype, Shape: h.shape, Data: data}, nil
}

// rowMajor reorders elements of width bytes from column-major order.
func rowMajor(data []byte, shape []int64, width int) []byte {
	out := make([]byte, 0, len(data))
	index := make([]int64, len(shape))
	for len(out) < len(data) {
		at, stride := int64(0), int64(1)
		for k, d := range shape {
			at += index[k] * stride
			stride *= d
		}
		out = append(out, data[at*int64(width):(at+1)*int64(width)]...)
		for k := len(index) - 1; k >= 0; k-- {
			if index[k]++; index[k] < shape[k] {
				break
			}
			index[k] = 0
		}
	}
	return out
}

// swapWidth is the size of what has a byte order: half a complex number.
func swapWidth(dtype tensor.DType) int {
	if dtype == tensor.Complex64 || dtype == tensor.Complex128 {
		return dtype.Size() / 2
	}
	return dtype.Size()
}

func reverseEach(data []byte, width int) {
	for i := 0; i+width <= len(data); i += width {
		slices.Reverse(data[i : i+width])
	}
}

// strings decodes elements padded with zeros to one width.
func (h header) strings(data []byte, n int) *tensor.Tensor {
	t := &tensor.Tensor{DType: tensor.String, Shape: h.shape, Strings: make([][]byte, n)}
	var order binary.ByteOrder = binary.LittleEndian
	if h.big {
		order = binary.BigEndian
	}
	for i := range t.Strings {
		element := data[i*h.width : (i+1)*h.width]
		if !h.unicode {
			t.Strings[i] = bytes.TrimRight(element, "\x00")
			continue
		}
		var s []byte
		for ; len(element) > 0; element = element[4:] {
			s = utf8.AppendRune(s, rune(order.Uint32(element)))
		}
		t.Strings[i] = bytes.TrimRight(s, "\x00")
	}
	return t
}

// Append appends t as a numpy array of version 1. What numpy does not have
// becomes the next type that holds it: bfloat16 and floats of 8 and 4 bits
// become float32, whole numbers of 4 and 2 bits int8 or uint8.
func Append(b []byte, t *tensor.Tensor) ([]byte, error) {
	if t.Kind != tensor.Dense {
		return nil, errors.New("it is not a tensor")
	}
	t = widened(t)
	descr, data := "", t.Data
	switch t.DType {
	case tensor.String:
		descr, data = encodeStrings(t.Strings)
	default:
		for name, dtype := range dtypes {
			if dtype == t.DType {
				descr = "<" + name
			}
		}
		if t.DType.Size() == 1 {
			descr = "|" + descr[min(1, len(descr)):]
		}
	}
	if len(descr) < 2 {
		return nil, fmt.Errorf("numpy has no type %v", t.DType)
	}
	dims := make([]string, len(t.Shape))
	for i, d := range t.Shape {
		dims[i] = strconv.FormatInt(d, 10)
	}
	shape := strings.Join(dims, ", ")
	if len(dims) == 1 {
		shape += ","
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape)
	// numpy aligns the data to 64 bytes and ends the header with a newline.
	total := (len(Magic) + 4 + len(text) + 1 + 63) / 64 * 64
	text += strings.Repeat(" ", total-len(Magic)-4-len(text)-1) + "\n"
	b = append(append(b, Magic...), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
	return append(append(b, text...), data...), nil
}

// widened is t in a type that numpy has.
func widened(t *tensor.Tensor) *tensor.Tensor {
	wide := tensor.Float32
	switch {
	case t.DType < tensor.BFloat16, t.DType.Bits() == 0:
		return t
	case t.DType == tensor.Uint4 || t.DType == tensor.Uint2:
		wide = tensor.Uint8
	case t.DType.IsWhole():
		wide = tensor.Int8
	}
	return t.As(wide)
}

func encodeStrings(v [][]byte) (descr string, data []byte) {
	longest := 1
	for _, s := range v {
		longest = max(longest, utf8.RuneCount(s))
	}
	for _, s := range v {
		for _, r := range string(s) {
			data = binary.LittleEndian.AppendUint32(data, uint32(r))
		}
		data = append(data, make([]byte, 4*(longest-utf8.RuneCount(s)))...)
	}
	return fmt.Sprintf("<U%d", longest), data
}
