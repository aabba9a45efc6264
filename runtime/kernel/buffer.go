package kernel

import "unsafe"

// alignment is the bytes of a cache line and of the widest vector.
const alignment = 64

// buffer is memory that grows to the largest size asked for.
type buffer struct{ data []float32 }

// get returns n numbers of unknown content, aligned.
func (b *buffer) get(n int) []float32 {
	if cap(b.data) < n {
		b.data = aligned(n)
	}
	return b.data[:n]
}

// aligned allocates n numbers at a multiple of alignment.
func aligned(n int) []float32 {
	const floats = alignment / 4
	raw := make([]float32, n+floats-1)
	skip := 0
	if over := int(uintptr(unsafe.Pointer(unsafe.SliceData(raw))) % alignment); over != 0 {
		skip = (alignment - over) / 4
	}
	return raw[skip : skip+n : skip+n]
}
