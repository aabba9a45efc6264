package dataset

import (
	"bytes"
	"sync/atomic"
)

// usualCache is how many bytes of decoded pictures are kept where nothing is
// said.
const usualCache = 1 << 30

// pictureCache keeps raw samples that were dear to get, all of a set
// or, where one says that there is no room for all, none from there on.
type pictureCache struct {
	kept []atomic.Pointer[decoded]
	most int64 // bytes of each, so that all have room
	room atomic.Int64
	full atomic.Bool
}

// decoded is a raw sample.
type decoded struct {
	raw   []byte
	frame frame
}

// newPictureCache is for a source of so many samples, of which a set uses count.
func newPictureCache(size, count int, bound int64) *pictureCache {
	if bound == 0 {
		bound = usualCache
	}
	c := &pictureCache{kept: make([]atomic.Pointer[decoded], size), most: bound / int64(count)}
	c.room.Store(bound)
	return c
}

// raw is a sample as its feeder gives it. A nil cache keeps nothing.
func (c *pictureCache) raw(f feeder, i int, s *scratch) ([]byte, frame, error) {
	if c == nil {
		return f.raw(i, s)
	}
	if p := c.kept[i].Load(); p != nil {
		return p.raw, p.frame, nil
	}
	raw, frame, err := f.raw(i, s)
	if err != nil || c.full.Load() {
		return raw, frame, err
	}
	n := int64(len(raw))
	if n > c.most || c.room.Add(-n) < 0 {
		c.full.Store(true)
		return raw, frame, nil
	}
	c.kept[i].CompareAndSwap(nil, &decoded{bytes.Clone(raw), frame})
	return raw, frame, nil
}
