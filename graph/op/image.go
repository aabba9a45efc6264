package op

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // formats that image.Decode is to know
	_ "image/jpeg"
	_ "image/png"
	"io"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"

	"onnxcompress/graph/tensor"
)

// maxPixels bounds the images that are decoded.
const maxPixels = 1 << 28

func init() {
	for _, magic := range []string{"P2", "P3", "P5", "P6"} {
		image.RegisterFormat("pnm", magic, decodePNM, configPNM)
	}
}

func forwardImageDecoder(n *Node, in []*tensor.Tensor) ([]*tensor.Tensor, error) {
	if err := present(in, 1); err != nil {
		return nil, err
	}
	if in[0].DType != tensor.Uint8 {
		return nil, fmt.Errorf("an image is stored in bytes, not in %v", in[0].DType)
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(in[0].Data))
	if err != nil {
		return nil, err
	}
	if config.Width < 1 || config.Height < 1 || config.Width > maxPixels/config.Height {
		return nil, fmt.Errorf("an image of %d by %d is too large", config.Width, config.Height)
	}
	img, kind, err := image.Decode(bytes.NewReader(in[0].Data))
	if err != nil {
		return nil, err
	}
	if colours, ok := img.(*image.YCbCr); ok {
		img = smooth{colours, kind == "webp"}
	}
	return pixels(n, img)
}

// pixels are the intensities of an image in the order that the node asks for.
func pixels(n *Node, img image.Image) ([]*tensor.Tensor, error) {
	format := n.Attrs.Str("pixel_format", "RGB")
	channels := int64(3)
	if format == "Grayscale" {
		channels = 1
	}
	bounds := img.Bounds()
	out := tensor.New(tensor.Uint8, int64(bounds.Dy()), int64(bounds.Dx()), channels)
	at := 0
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			switch format {
			case "RGB":
				copy(out.Data[at:], []byte{c.R, c.G, c.B})
			case "BGR":
				copy(out.Data[at:], []byte{c.B, c.G, c.R})
			case "Grayscale":
				out.Data[at] = color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y
			default:
				return nil, fmt.Errorf("pixel_format %q is not one of ONNX's", format)
			}
			at += int(channels)
		}
	}
	return []*tensor.Tensor{out}, nil
}

// pnm is the head of a portable any-map.
type pnm struct {
	*bufio.Reader
	kind                byte
	width, height, most int
}

// number reads digits behind white space and comments, and the byte that ends
// them.
func (p *pnm) number() (int, error) {
	n, digits := 0, 0
	for {
		b, err := p.ReadByte()
		switch {
		case err != nil && (digits == 0 || !errors.Is(err, io.EOF)):
			return 0, err
		case b == '#' && digits == 0:
			if _, err := p.ReadBytes('\n'); err != nil {
				return 0, err
			}
		case err == nil && b >= '0' && b <= '9' && digits < 9:
			n, digits = 10*n+int(b-'0'), digits+1
		case digits > 0:
			return n, nil
		case b != ' ' && b != '\t' && b != '\n' && b != '\r':
			return 0, errors.New("pnm: no number where one is due")
		}
	}
}

func readPNM(r io.Reader) (*pnm, error) {
	p := &pnm{Reader: bufio.NewReader(r)}
	magic := make([]byte, 2)
	if _, err := io.ReadFull(p, magic); err != nil {
		return nil, err
	}
	p.kind = magic[1]
	for _, to := range []*int{&p.width, &p.height, &p.most} {
		var err error
		if *to, err = p.number(); err != nil {
			return nil, err
		}
	}
	if p.width < 1 || p.height < 1 || p.width > maxPixels/p.height || p.most < 1 || p.most > 0xffff {
		return nil, errors.New("pnm: sizes are out of range")
	}
	return p, nil
}

func configPNM(r io.Reader) (image.Config, error) {
	p, err := readPNM(r)
	if err != nil {
		return image.Config{}, err
	}
	return image.Config{ColorModel: color.RGBA64Model, Width: p.width, Height: p.height}, nil
}

// sample reads one intensity, scaled to 16 bits.
func (p *pnm) sample() (uint16, error) {
	v := 0
	if p.kind == '2' || p.kind == '3' {
		var err error
		if v, err = p.number(); err != nil {
			return 0, err
		}
	} else {
		size := 1
		if p.most > 0xff {
			size = 2
		}
		for range size {
			b, err := p.ReadByte()
			if err != nil {
				return 0, err
			}
			v = v<<8 | int(b)
		}
	}
	return uint16(min(v, p.most) * 0xffff / p.most), nil
}

func decodePNM(r io.Reader) (image.Image, error) {
	p, err := readPNM(r)
	if err != nil {
		return nil, err
	}
	img := image.NewNRGBA64(image.Rect(0, 0, p.width, p.height))
	for i := range p.width * p.height {
		var c [3]uint16
		for k := range c {
			if k > 0 && (p.kind == '2' || p.kind == '5') {
				c[k] = c[0]
				continue
			}
			if c[k], err = p.sample(); err != nil {
				return nil, err
			}
		}
		img.SetNRGBA64(i%p.width, i/p.width, color.NRGBA64{R: c[0], G: c[1], B: c[2], A: 0xffff})
	}
	return img, nil
}
