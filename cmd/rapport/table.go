package main

import (
	"math"
	"strings"
)

// column is one column of a table.
type column struct {
	title string
	right bool // numbers
	least int  // columns it keeps when the table is too wide; 0: it is never cut
}

// table is text in columns for people. Cells are made safe when added.
type table struct {
	columns []column
	rows    [][]string
	styles  []style // of rows; "" none
}

func newTable(columns ...column) *table { return &table{columns: columns} }

func (t *table) add(cells ...string) { t.styled("", cells...) }

func (t *table) styled(st style, cells ...string) {
	row := make([]string, len(t.columns))
	for i := range row {
		if i < len(cells) {
			row[i] = plain(cells[i])
		}
	}
	t.rows, t.styles = append(t.rows, row), append(t.styles, st)
}

// print lays the table out: as wide as its cells, and where that is too wide
// for a terminal the cuttable columns give way, the widest first. A file or
// pipe gets every cell whole.
func (t *table) print(s *session) {
	screen := s.screen.width
	if !s.screen.terminal {
		screen = math.MaxInt
	}
	widths := t.fit(screen)
	titles := make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i] = c.title
	}
	s.printf("%s\n", s.screen.paint(bold, t.line(titles, widths)))
	for i, row := range t.rows {
		line := t.line(row, widths)
		if t.styles[i] != "" {
			line = s.screen.paint(t.styles[i], line)
		}
		s.printf("%s\n", line)
	}
}

const gap = 2 // columns between columns

func (t *table) fit(screen int) []int {
	widths := make([]int, len(t.columns))
	total := gap * (len(widths) - 1)
	for i, c := range t.columns {
		widths[i] = width(c.title)
		for _, row := range t.rows {
			widths[i] = max(widths[i], width(row[i]))
		}
		total += widths[i]
	}
	for total > screen {
		widest := -1
		for i, c := range t.columns {
			if c.least > 0 && widths[i] > c.least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
		total--
	}
	return widths
}

func (t *table) line(cells []string, widths []int) string {
	var b strings.Builder
	for i, cell := range cells {
		cell = cut(cell, widths[i])
		if t.columns[i].right {
			cell = padLeft(cell, widths[i])
		} else {
			cell = pad(cell, widths[i])
		}
		if i > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		b.WriteString(cell)
	}
	return strings.TrimRight(b.String(), " ")
}
