package kernel

import (
	"testing"
	"unsafe"
)

// The generator has these numbers in its source.
func TestStripLayout(t *testing.T) {
	var s strip
	for i, at := range []uintptr{
		unsafe.Offsetof(s.x), unsafe.Offsetof(s.w), unsafe.Offsetof(s.y), unsafe.Offsetof(s.g), unsafe.Offsetof(s.bias),
		unsafe.Offsetof(s.xPixel), unsafe.Offsetof(s.xTap), unsafe.Offsetof(s.xNext), unsafe.Offsetof(s.xRow),
		unsafe.Offsetof(s.wTap), unsafe.Offsetof(s.wNext), unsafe.Offsetof(s.yPixel), unsafe.Offsetof(s.yRow),
		unsafe.Offsetof(s.k), unsafe.Offsetof(s.segs), unsafe.Offsetof(s.pixels), unsafe.Offsetof(s.bytes),
		unsafe.Offsetof(s.lanes), unsafe.Offsetof(s.mask),
	} {
		if at != uintptr(8*i) {
			t.Errorf("field %d is at %d, not %d", i, at, 8*i)
		}
	}
	if at := [2]uintptr{unsafe.Offsetof(s.scale), unsafe.Offsetof(s.add)}; at != [2]uintptr{148, 152} {
		t.Errorf("scale and add are at %d", at)
	}
}
