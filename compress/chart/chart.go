// Package chart draws curves as SVG that stands inside of a page: it takes on
// the page's colour of text, and its size is what the page makes of it.
package chart

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Curve is one quantity over another.
type Curve struct {
	Title, X, Y string
	// Points are pairs of x and y in the order of x. Those that are not finite,
	// or absurdly large, are left out.
	Points [][2]float64
	// FromZero says that the axis of y begins at 0.
	FromZero bool
}

// The size of a chart, which a page scales. Labels reach a little way out of the
// place that the library gives them.
const (
	width  = 9 * vg.Centimeter
	height = 5.5 * vg.Centimeter
	margin = vg.Length(4)
)

// accent is seen on white and on black.
var accent = color.RGBA{R: 0x2f, G: 0x80, B: 0xd0, A: 0xff}

// ErrShort says that a curve has fewer than two points that can be drawn.
var ErrShort = errors.New("nothing to draw")

// SVG draws the curve. The error is ErrShort where there is none.
func (c *Curve) SVG() (template.HTML, error) {
	p, err := c.plot()
	if err != nil {
		return "", err
	}
	canvas := vgsvg.New(width, height)
	p.Draw(draw.Crop(draw.New(canvas), margin, -margin, margin, -margin))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return "", err
	}
	return embedded(b.String(), c.Title)
}

// plot lays the chart out.
func (c *Curve) plot() (*plot.Plot, error) {
	line, err := plotter.NewLine(c.finite())
	if err != nil || len(line.XYs) < 2 {
		return nil, ErrShort
	}
	line.Color, line.Width = accent, vg.Points(1.5)
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = c.Title, c.X, c.Y
	for _, f := range []*font.Font{
		&p.Title.TextStyle.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font, &p.X.Tick.Label.Font, &p.Y.Tick.Label.Font,
	} {
		f.Variant = "Sans"
	}
	grid := plotter.NewGrid()
	for _, style := range []*draw.LineStyle{&grid.Horizontal, &grid.Vertical} {
		style.Color, style.Width = color.Gray{Y: 0x80}, vg.Points(0.2)
	}
	p.Add(grid, line)
	if c.FromZero {
		p.Y.Min = math.Min(p.Y.Min, 0)
	}
	widen(&p.X)
	widen(&p.Y)
	return p, nil
}

// Axes end within absurd, and are so much longer than the rounding of their
// ends: between others there are no labels, for which the library would search
// for ever.
const (
	absurd = 1e100
	thin   = 1e-6
)

// widen makes an axis long enough for labels.
func widen(a *plot.Axis) {
	if least := thin * math.Max(math.Abs(a.Min), math.Abs(a.Max)); a.Max-a.Min < least {
		a.Min, a.Max = a.Min-least, a.Max+least
	}
}

// finite are the points that can be drawn.
func (c *Curve) finite() plotter.XYs {
	var xys plotter.XYs
	for _, p := range c.Points {
		if math.Abs(p[0]) < absurd && math.Abs(p[1]) < absurd {
			xys = append(xys, plotter.XY{X: p[0], Y: p[1]})
		}
	}
	return xys
}

// embedded makes part of a page of an SVG file: without what only a file needs,
// and black where the page's text is black.
func embedded(file, title string) (template.HTML, error) {
	_, body, ok := strings.Cut(file, ">\n<g ")
	if !ok {
		return "", fmt.Errorf("chart %q: not the SVG that was expected", title)
	}
	head := fmt.Sprintf(`<svg viewBox="0 0 %.5g %.5g" role="img" aria-label="%s">`, width.Points(), height.Points(), template.HTMLEscapeString(title))
	return template.HTML(head + "\n<g " + strings.ReplaceAll(body, "#000000", "currentColor")), nil
}
