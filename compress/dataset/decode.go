package dataset

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/gif"  // registers the format
	_ "image/jpeg" // registers the format
	_ "image/png"  // registers the format
	"io"
	"io/fs"

	_ "golang.org/x/image/bmp" // registers the format
	"golang.org/x/image/draw"
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

// values are the pixels of an image resized to the frame, in its layout and
// colours, from 0 to 255.
func (f frame) values(img image.Image) []float64 {
	w, h := int(f.width), int(f.height)
	rgba := resized(opaque(img), w, h)
	out := make([]float64, w*h*int(f.channels))
	for i := range w * h {
		x, y := i%w, i/w
		p := rgba.Pix[y*rgba.Stride+4*x:]
		if f.channels == 1 {
			out[i] = luma(p)
			continue
		}
		for c := range 3 {
			out[f.at(i, c)] = float64(p[c])
		}
	}
	return out
}

// luma is the grey of a pixel by the weights of JPEG, rounded to a byte.
func luma(p []uint8) float64 {
	return float64((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
}

// opaque drops the transparency of an image and keeps its colours as they are
// stored, which is how models are trained on images that have any.
func opaque(img image.Image) *image.RGBA {
	b := img.Bounds()
	out := image.NewRGBA(image.Rect(0, 0, b.Dx(), b.Dy()))
	if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() {
		draw.Draw(out, out.Rect, img, b.Min, draw.Src)
		return out
	}
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			out.SetRGBA(x, y, color.RGBA{c.R, c.G, c.B, 255})
		}
	}
	return out
}

// resized scales by a triangle filter that widens with the reduction, as image
// libraries' bilinear does.
func resized(img *image.RGBA, w, h int) *image.RGBA {
	if img.Rect.Dx() == w && img.Rect.Dy() == h {
		return img
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.BiLinear.Scale(out, out.Rect, img, img.Rect, draw.Src, nil)
	return out
}

// image is a sample of bytes in the frame's layout.
func (f frame) image(pix []byte) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, int(f.width), int(f.height)))
	for i := range int(f.width * f.height) {
		p := out.Pix[4*i : 4*i+4]
		p[3] = 255
		for c := range 3 {
			p[c] = pix[f.at(i, c%int(f.channels))]
		}
	}
	return out
}
