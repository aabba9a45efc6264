package dataset

import (
	"hash/crc32"
	"slices"
	"testing"
)

// pattern is a picture that a formula gives.
func pattern(height, width int) raster {
	r := newRaster(height, width, 3)
	for i := range r.pix {
		y, x, c := i/3/width, i/3%width, i%3
		r.pix[i] = uint8(x*7 + y*13 + c*29 + x*y%11*5)
	}
	return r
}

// TestResampled compares with what Pillow 13 makes of the same picture: a
// checksum of all bytes, and the first of them.
func TestResampled(t *testing.T) {
	cubic, linear := bicubic, bilinear
	for _, c := range []struct {
		h, w, toH, toW int
		filter         filter
		grey           bool
		sum            uint32
		first          []uint8
	}{
		{37, 53, 19, 24, linear, false, 0x1cbae68f, []uint8{18, 47, 76, 37, 66, 95}},
		{37, 53, 19, 24, cubic, false, 0xd97ed229, []uint8{13, 42, 71, 34, 63, 92}},
		{37, 53, 19, 24, linear, true, 0x977e2573, []uint8{42, 61, 83, 102, 120, 120}},
		{37, 53, 80, 61, linear, false, 0xb122bd59, []uint8{0, 29, 58, 6, 35, 64}},
		{37, 53, 80, 61, cubic, false, 0x9b0a1a9, []uint8{0, 28, 57, 3, 32, 61}},
		{64, 48, 64, 20, linear, false, 0x4e797ee4, []uint8{6, 35, 64, 22, 51, 80}},
		{64, 48, 64, 20, linear, true, 0x56cf1f9c, []uint8{30, 46, 63, 79, 96, 113}},
		{64, 48, 13, 48, linear, false, 0x6259fbd4, []uint8{31, 60, 89, 51, 80, 109}},
		{64, 48, 13, 48, cubic, false, 0x40942bee, []uint8{27, 56, 85, 44, 73, 102}},
		{200, 300, 7, 5, linear, false, 0x2fcb767c, []uint8{128, 128, 128, 127, 128, 127}},
		{200, 300, 7, 5, cubic, false, 0xe41a6081, []uint8{128, 128, 128, 127, 128, 127}},
		{5, 4, 1, 1, linear, false, 0xeb4b9655, []uint8{50, 79, 108}},
		{3, 3, 11, 2, cubic, false, 0xd043b0e5, []uint8{0, 29, 58, 10, 39, 68}},
		{3, 3, 11, 2, linear, true, 0x91aebe0d, []uint8{27, 35, 27, 35, 30, 39}},
	} {
		r := pattern(c.h, c.w)
		if c.grey {
			r = r.grey()
		}
		out := r.resampled(window{c.toH, c.toW, 0, 0, c.toH, c.toW}, c.filter)
		if got := out.pix[:len(c.first)]; crc32.ChecksumIEEE(out.pix) != c.sum || !slices.Equal(got, c.first) {
			t.Errorf("%dx%d to %dx%d: begins with %v, want %v; sum %#x", c.h, c.w, c.toH, c.toW, got, c.first, crc32.ChecksumIEEE(out.pix))
		}
		part := window{c.toH, c.toW, c.toH / 3, c.toW / 4, (c.toH + 1) / 2, (c.toW + 1) / 2}
		if got := r.resampled(part, c.filter); !slices.Equal(got.pix, out.cropped(part).pix) {
			t.Errorf("%dx%d to %dx%d: a part differs from that of the whole", c.h, c.w, c.toH, c.toW)
		}
	}
}

// TestView compares with Pillow 13's resize and crop by the rules of
// torchvision, after which the shorter side is resized and the centre rounded
// to even.
func TestView(t *testing.T) {
	for _, c := range []struct {
		h, w   int
		resize string
		crop   string
		preset string
		sum    uint32
	}{
		{300, 451, "", "", "imagenet", 0x30130089},
		{451, 300, "256", "224", "", 0x35596d0c},
		{40, 61, "32", "28", "", 0x21ecf044},
		{60, 61, "", "31x28", "", 0x9350bafe},
		{333, 500, "72", "64x60", "", 0xbf1fddc1},
		{37, 53, "19x24", "", "", 0x1cbae68f},
		{37, 53, "80x61", "80x61", "", 0xb122bd59},
	} {
		o := Options{
			Inputs:        port("x", 1, -1, -1, -1, 3),
			Preprocessing: Preprocessing{Preset: c.preset, Resize: c.resize, Crop: c.crop},
		}
		if err := o.check(); err != nil {
			t.Fatal(err)
		}
		v, ok, err := o.view(o.Inputs[0])
		if err != nil || !ok {
			t.Fatal(err)
		}
		pix, f, err := v.append(nil, pattern(c.h, c.w))
		if err != nil || crc32.ChecksumIEEE(pix) != c.sum || v.frame != f && v.height > 0 {
			t.Errorf("%dx%d, resize %q, crop %q, preset %q: sum %#x of %v: %v", c.h, c.w, c.resize, c.crop, c.preset, crc32.ChecksumIEEE(pix), f, err)
		}
	}
}
