// Package markdown writes the tables of the pages below docs.
package markdown

import "strings"

// Table is a table whose first columns are text, and the others numbers.
type Table struct {
	// Text is the number of columns that are text.
	Text int
	Head []string
	rows [][]string
}

// Add appends a row, with a cell for each column.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

func (t *Table) String() string {
	lines := []string{line(t.Head), "|" + strings.Repeat(":--|", t.Text) + strings.Repeat("--:|", len(t.Head)-t.Text)}
	for _, r := range t.rows {
		lines = append(lines, line(r))
	}
	return strings.Join(lines, "\n") + "\n"
}

func line(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }
