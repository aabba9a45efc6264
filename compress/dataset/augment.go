package dataset

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Augment says how pictures are changed at random each time they are seen in a
// training. The zero value leaves them as they are. Every change is determined by
// a seed, the epoch and the sample, whatever else is done at the same time.
type Augment struct {
	// Auto chooses for each input: both changes for colour pictures of bytes,
	// none for grey ones, which are seldom photographs, and none for numbers of
	// which nobody knows what is black.
	Auto bool
	// Pad moves a picture by up to so many pixels in both directions, what
	// comes in from outside being black; negative for an eighth of the shorter
	// side.
	Pad int
	// Flip mirrors every other picture, left to right.
	Flip bool
}

// ParseAugment reads auto, none, or a list of pad-crop, pad-crop:4 (pixels) and
// flip.
func ParseAugment(text string) (Augment, error) {
	switch text {
	case "", "auto":
		return Augment{Auto: true}, nil
	case "none":
		return Augment{}, nil
	}
	var a Augment
	for word := range strings.SplitSeq(text, ",") {
		switch pad, ok := strings.CutPrefix(word, "pad-crop:"); {
		case word == "flip":
			a.Flip = true
		case word == "pad-crop":
			a.Pad = -1
		case ok:
			n, err := strconv.Atoi(pad)
			if err != nil || n < 1 || n > maxSide {
				return a, fmt.Errorf("augment %q: want 1 to %d pixels", word, maxSide)
			}
			a.Pad = n
		default:
			return a, fmt.Errorf("augment %q is not known; there are auto, none, pad-crop, flip", word)
		}
	}
	return a, nil
}

// String is the text that ParseAugment reads.
func (a Augment) String() string {
	var words []string
	switch {
	case a.Auto:
		return "auto"
	case a.Pad < 0:
		words = append(words, "pad-crop")
	case a.Pad > 0:
		words = append(words, fmt.Sprintf("pad-crop:%d", a.Pad))
	}
	if a.Flip {
		words = append(words, "flip")
	}
	if words == nil {
		return "none"
	}
	return strings.Join(words, ",")
}

// changer changes the pictures of one input. Its zero value changes nothing.
type changer struct {
	Augment
	seed int64
	// black is one black pixel as the input holds it.
	black []byte
}

// changers settle what is done to the samples of each feeder.
func (a Augment) changers(feeders []feeder, seed int64) ([]changer, error) {
	all := make([]changer, len(feeders))
	any := false
	for k, f := range feeders {
		p, ok := picturesOf(f)
		if !ok {
			continue
		}
		any = true
		c := changer{Augment: a, seed: seed}
		if a.Auto {
			natural := p.channels == 3 && f.rawType().Size() == 1
			c.Augment = Augment{Flip: natural}
			if natural {
				c.Pad = -1
			}
		}
		var err error
		if c.black, err = f.encode(nil, make([]byte, int(p.channels)*f.rawType().Size())); err != nil {
			return nil, fmt.Errorf("input %v: %w", f.input(), err)
		}
		all[k] = c
	}
	if !any && !a.Auto && a != (Augment{}) {
		return nil, errors.New("augment " + a.String() + ": no input takes pictures")
	}
	return all, nil
}

// picturesOf is the frame of an input that takes pictures, its sizes maybe free.
func picturesOf(f feeder) (frame, bool) {
	switch f := f.(type) {
	case *images:
		return f.view.frame, true
	case *column:
		return f.frame, f.frame.channels > 0
	}
	return frame{}, false
}

// active reports whether anything is ever changed.
func (c *changer) active() bool { return c.Pad != 0 || c.Flip }

// change writes to dst what becomes of a sample in an epoch.
func (c *changer) change(dst, from []byte, f frame, epoch, sample int) {
	bits := mixed(uint64(c.seed), uint64(epoch), uint64(sample))
	pad := c.Pad
	if pad < 0 {
		pad = int(min(f.height, f.width)) / 8
	}
	m := motion{flip: c.Flip && bits&1 == 1}
	if pad > 0 {
		span := uint64(2*pad + 1)
		m.down = int(bits>>1&(1<<31-1)*span>>31) - pad
		m.right = int(bits>>32*span>>32) - pad
	}
	m.move(dst, from, f, c.black)
}

// mixed are bits that numbers determine and that look random.
func mixed(numbers ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, n := range numbers {
		h += n
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
		h += 0x9e3779b97f4a7c15
	}
	return h
}

// motion is where a picture's pixels are looked for: down and to the right of
// where they go, and from right to left.
type motion struct {
	down, right int
	flip        bool
}

// move writes a picture of elements in the layout of a frame, moved.
func (m motion) move(dst, from []byte, f frame, black []byte) {
	planes, height, width := 1, int(f.height), int(f.width)
	if f.layout == planar {
		planes = int(f.channels)
	}
	unit := len(black) / planes
	for p := range planes {
		fill := black[p*unit : (p+1)*unit]
		for y := range height {
			row := dst[(p*height+y)*width*unit:][:width*unit]
			at := y + m.down
			left, right := max(0, -m.right), min(width, width-m.right)
			if at < 0 || at >= height || left >= right {
				left, right = width, width
			} else {
				copy(row[left*unit:right*unit], from[((p*height+at)*width+left+m.right)*unit:])
			}
			paint(row[:left*unit], fill)
			paint(row[right*unit:], fill)
			if m.flip {
				mirror(row, unit)
			}
		}
	}
}

// paint fills a row with one pixel.
func paint(row, pixel []byte) {
	for n := copy(row, pixel); n > 0 && n < len(row); n *= 2 {
		copy(row[n:], row[:n])
	}
}

// mirror reverses the pixels of a row.
func mirror(row []byte, unit int) {
	for i, j := 0, len(row)-unit; i < j; i, j = i+unit, j-unit {
		a, b := row[i:i+unit], row[j:j+unit]
		for k := range a {
			a[k], b[k] = b[k], a[k]
		}
	}
}
