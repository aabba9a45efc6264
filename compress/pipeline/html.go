package pipeline

import (
	_ "embed"
	"errors"
	"html/template"
	"io"

	"onnxcompress/compress/chart"
	"onnxcompress/compress/train"
)

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Parse(page))

// WriteHTML writes the report as a page that needs nothing but itself.
func (r *Report) WriteHTML(w io.Writer) error { return pageTemplate.Execute(w, r) }

// Charts draws how a training went, as far as there is something to draw.
func (r *Report) Charts() ([]template.HTML, error) {
	quantities := []struct {
		title, unit string
		zero        bool
		of          func(train.Point) *float64
	}{
		{"loss", "", true, func(p train.Point) *float64 { return &p.Loss }},
		{"on what was held back", "%", false, func(p train.Point) *float64 { return percent(p.Held) }},
		{"MACs left", "%", true, func(p train.Point) *float64 { return percent(&p.MACs) }},
		{"learning rate", "", true, func(p train.Point) *float64 { return &p.LR }},
	}
	var drawn []template.HTML
	for _, q := range quantities {
		c := chart.Curve{Title: q.title, X: "epoch", Y: q.unit, FromZero: q.zero}
		for _, p := range r.Curve {
			if y := q.of(p); y != nil {
				c.Points = append(c.Points, [2]float64{p.Epoch, *y})
			}
		}
		svg, err := c.SVG()
		switch {
		case errors.Is(err, chart.ErrShort):
		case err != nil:
			return nil, err
		default:
			drawn = append(drawn, svg)
		}
	}
	return drawn, nil
}

func percent(share *float64) *float64 {
	if share == nil {
		return nil
	}
	p := 100 * *share
	return &p
}
