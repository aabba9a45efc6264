package dataset

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif"  // registers the format
	_ "image/jpeg" // registers the format
	_ "image/png"  // registers the format
	"io"
	"io/fs"

	_ "golang.org/x/image/bmp"  // registers the format
	_ "golang.org/x/image/webp" // registers the format
)

const (
	// maxPixels bounds a decoded image, whatever its header claims.
	maxPixels = 1 << 26
	// maxImageFile bounds an image as it lies in a file, and what else is read
	// at once.
	maxImageFile = 1 << 28
)

// readFile reads a file of bounded size.
func readFile(tree fs.FS, name string) ([]byte, error) {
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxImageFile+1))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	if len(data) > maxImageFile {
		return nil, fmt.Errorf("a file of more than %d bytes", maxImageFile)
	}
	return data, nil
}

// decodeImage decodes an image of bounded size.
func decodeImage(data []byte) (image.Image, error) {
	c, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if err := (frame{height: int64(c.Height), width: int64(c.Width)}).bounded(); err != nil {
		return nil, err
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	return img, err
}
