package main

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"onnxcompress/compress/pipeline"
)

// newTable is a table in the one style that all commands use; the first left
// columns are of text, the rest of numbers.
func newTable(w io.Writer, left int, head ...string) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	row := table.Row{}
	var columns []table.ColumnConfig
	for i, h := range head {
		row = append(row, h)
		if i >= left {
			columns = append(columns, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	t.AppendHeader(row)
	t.SetColumnConfigs(columns)
	return t
}

// printReport writes the result of a run for people.
func printReport(w io.Writer, r *pipeline.Report) error {
	t := newTable(w, 1, "", "before", "after", "remains")
	for _, row := range r.Rows() {
		t.AppendRow(table.Row{row.Name, row.Before, row.After, row.Remains})
	}
	t.Render()
	fmt.Fprintln(w)
	for _, f := range r.Facts() {
		fmt.Fprintf(w, "%-11s %s\n", f.Name, f.Text)
	}
	if len(r.Summary) > 0 && !r.Whole {
		fmt.Fprintln(w)
		printPinned(w, r.Summary)
	}
	_, err := fmt.Fprintf(w, "\n%s\n", r.Output)
	return err
}

// mostPinned bounds the rows of a table that is not the command's result.
const mostPinned = 8

// printPinned says what cannot be cut.
func printPinned(w io.Writer, pinned []pipeline.PinnedShare) {
	t := newTable(w, 2, "pinned by", "because it", "axes", "of MACs")
	for i, p := range pinned {
		if i == mostPinned {
			t.AppendRow(table.Row{fmt.Sprintf("%d more", len(pinned)-i)})
			break
		}
		t.AppendRow(table.Row{p.Operator, p.Reason, p.Axes, p.Percent()})
	}
	t.Render()
}
