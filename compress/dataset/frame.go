package dataset

import (
	"fmt"
	"strings"
)

// layout says where the elements of a picture lie.
type layout int

const (
	grey layout = iota // height, width: no axis of channels
	planar
	interleaved
)

// frame is a picture's layout and sizes; -1 for a size that is free.
type frame struct {
	layout
	channels, height, width int64
}

// frameOf reads a port's shape as a batch of pictures: [N,C,H,W] or [N,H,W,C]
// with 1 or 3 channels, or [N,H,W]. Where that leaves the layout open it is the
// one that the options give, and else [N,C,H,W]; where it leaves the channels
// open there are three, or one for grey.
func (o *Options) frameOf(p Port) (frame, bool) {
	s := p.Shape
	if len(s) == 3 {
		return frame{grey, 1, s[1], s[2]}, o.Layout == "" || o.Layout == "auto"
	}
	if len(s) != 4 {
		return frame{}, false
	}
	free := int64(3)
	if o.Color == "gray" {
		free = 1
	}
	either := [...]frame{{planar, s[1], s[2], s[3]}, {interleaved, s[3], s[1], s[2]}}
	order := either[:]
	switch {
	case o.Layout == "nchw":
		order = either[:1]
	case o.Layout == "nhwc":
		order = either[1:]
	case o.layout == "nhwc":
		order = []frame{either[1], either[0]}
	}
	for _, f := range order {
		if f.channels == 1 || f.channels == 3 {
			return f, true
		}
	}
	for _, f := range order {
		if f.channels < 0 {
			f.channels = free
			return f, true
		}
	}
	return frame{}, false
}

// isImageInput reports whether a port's shape alone says that it takes images.
func (o *Options) isImageInput(p Port) bool {
	_, ok := o.frameOf(p)
	return ok && len(p.Shape) == 4
}

// pictureOf reads the shape of one sample as a picture; the channels must tell
// themselves apart from the sizes.
func pictureOf(s []int64) (frame, bool) {
	if len(s) == 2 {
		return frame{grey, 1, s[0], s[1]}, true
	}
	if len(s) != 3 {
		return frame{}, false
	}
	first, last := s[0] == 1 || s[0] == 3, s[2] == 1 || s[2] == 3
	switch {
	case last && !first:
		return frame{interleaved, s[2], s[0], s[1]}, true
	case first && !last:
		return frame{planar, s[0], s[1], s[2]}, true
	}
	return frame{}, false
}

// sized is the frame with its free sizes taken from a picture of h by w.
func (f frame) sized(h, w int64) frame {
	if f.height < 0 {
		f.height = h
	}
	if f.width < 0 {
		f.width = w
	}
	return f
}

// shape is the shape of one sample.
func (f frame) shape() []int64 {
	switch f.layout {
	case planar:
		return []int64{f.channels, f.height, f.width}
	case interleaved:
		return []int64{f.height, f.width, f.channels}
	}
	return []int64{f.height, f.width}
}

// bounded refuses a picture without pixels or with more than maxPixels.
func (f frame) bounded() error {
	if f.width <= 0 || f.height <= 0 || f.width > maxPixels/f.height {
		return fmt.Errorf("image of %dx%d pixels: want 1 to %d", f.width, f.height, maxPixels)
	}
	return nil
}

// at is the place of a channel of pixel i (counted along rows) in a sample.
func (f frame) at(i, c int) int {
	if f.layout == interleaved {
		return i*int(f.channels) + c
	}
	return c*int(f.height*f.width) + i
}

// describe names ports for messages.
func describe(ports []Port) string {
	names := make([]string, len(ports))
	for i, p := range ports {
		names[i] = p.String()
	}
	return list(names)
}

// String is the port as messages show it: name, type and shape.
func (p Port) String() string {
	dims := strings.ReplaceAll(fmt.Sprint(p.Shape), "-1", "?")
	return fmt.Sprintf("%s %v%s", p.Name, p.DType, dims)
}
