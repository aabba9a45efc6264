package kernel

import (
	"reflect"
	"syscall"
	"testing"
	"unsafe"
)

// walled is memory for n numbers that ends where a page begins that must not
// be touched.
func walled(t *testing.T, n int) []float32 {
	t.Helper()
	page := syscall.Getpagesize()
	size := (4*n+page-1)/page*page + page
	m, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(m) })
	if err := syscall.Mprotect(m[size-page:], syscall.PROT_NONE); err != nil {
		t.Fatal(err)
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&m[0])), (size-page)/4)
}

// TestNothingBeyondIsRead runs every loop on slices that end at a fence. What
// they compute does not matter here: to touch the fence is to crash.
func TestNothingBeyondIsRead(t *testing.T) {
	const most = 70
	var memory [][]float32
	for range 7 {
		memory = append(memory, walled(t, 3*most))
	}
	atLevels(t, func(t *testing.T) {
		loops(func(name string, of reflect.Type) {
			for n := range most {
				c := newCall(name, of, n, 3, 0, func() float32 { return 1 })
				for i, a := range c.args {
					if a.Kind() == reflect.Slice {
						m := memory[i]
						c.args[i] = reflect.ValueOf(m[len(m)-a.Len():])
					}
				}
				c.run(vec)
			}
		})
		for _, side := range []int{7, 8, 9, 16} {
			src, dst := memory[0], memory[1]
			n := side * side
			Transpose(dst[len(dst)-n:], src[len(src)-n:], side, side, side, side)
		}
	})
}
