package pipeline

import (
	_ "embed"
	"html/template"
	"io"
)

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Parse(page))

// WriteHTML writes the report as a page that needs nothing but itself.
func (r *Report) WriteHTML(w io.Writer) error { return pageTemplate.Execute(w, r) }
