package runtime

import (
	"cmp"
	"fmt"
	"slices"
	"unsafe"
)

// line is the number of floats of a cache line, to which buffers are aligned.
const line = 16

// arena lays buffers out in one stretch of memory, those together in use apart
// from each other, the largest first. It returns how many floats that takes.
func arena(buffers []*buffer) (int64, error) { return stacked(largestFirst(buffers)) }

func largestFirst(buffers []*buffer) []*buffer {
	order := slices.Clone(buffers)
	slices.SortStableFunc(order, func(a, b *buffer) int { return cmp.Compare(b.floats, a.floats) })
	return order
}

// stacked lays buffers out one by one, each in the lowest place that those
// before it leave.
func stacked(order []*buffer) (int64, error) {
	var total int64
	var placed []*buffer // by offset
	for _, b := range order {
		b.offset = gap(placed, b)
		end := b.offset + rounded(b.floats)
		if end < 0 || end > maxFloats {
			return 0, fmt.Errorf("needs more than %d GiB of memory", maxFloats>>28)
		}
		total = max(total, end)
		at, _ := slices.BinarySearchFunc(placed, b, func(p, b *buffer) int { return cmp.Compare(p.offset, b.offset) })
		placed = slices.Insert(placed, at, b)
	}
	return total, nil
}

// maxFloats bounds an arena: a shape may ask for more than any machine holds.
const maxFloats = 1 << 38

// gap is the lowest offset at which b meets no buffer that is in use with it.
func gap(placed []*buffer, b *buffer) int64 {
	at, size := int64(0), rounded(b.floats)
	for _, p := range placed {
		if p.last < b.first || b.last < p.first {
			continue
		}
		if p.offset >= at+size {
			return at
		}
		at = max(at, p.offset+rounded(p.floats))
	}
	return at
}

func rounded(floats int64) int64 { return (floats + line - 1) &^ (line - 1) }

// aligned allocates floats that begin a cache line.
func aligned(n int64) []float32 {
	raw := make([]float32, n+line)
	skip := int64(0)
	if over := int64(uintptr(unsafe.Pointer(unsafe.SliceData(raw))) % (4 * line)); over != 0 {
		skip = line - over/4
	}
	return raw[skip : skip+n : skip+n]
}

// store is one stretch of memory for several programs.
type store struct{ floats []float32 }

// get gives n floats: those given before where they suffice. Of a nil store they
// are new.
func (s *store) get(n int64) []float32 {
	if s == nil {
		return aligned(n)
	}
	if int64(len(s.floats)) < n {
		s.floats = aligned(n)
	}
	return s.floats[:n:n]
}
