package main

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// Colours, as parameters of the terminal's "select graphic rendition".
const (
	bold      = "1"
	dim       = "2"
	red       = "31"
	yellow    = "33"
	blue      = "34"
	magenta   = "35"
	boldRed   = "1;31"
	boldGreen = "1;32"
)

func severityColour(s seaworthy.Severity) string {
	switch s {
	case seaworthy.SeverityCritical:
		return boldRed
	case seaworthy.SeverityHigh:
		return red
	case seaworthy.SeverityMedium:
		return yellow
	case seaworthy.SeverityLow:
		return blue
	case seaworthy.SeverityNone:
		return dim
	}
	return magenta
}

// painter colours clean text, or leaves it as it is.
type painter struct{ on bool }

func (p painter) text(s, colour string) string {
	if !p.on || colour == "" || s == "" {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

// page collects lines for a person. Its writer keeps the first error, which
// Flush returns.
type page struct {
	*bufio.Writer
	painter
	width int // columns to fit into; 0 is no limit
}

func newPage(w io.Writer, o renderOptions) *page {
	return &page{Writer: bufio.NewWriter(w), painter: painter{o.Colour}, width: o.Width}
}

// line writes a line of clean text behind two spaces, wrapped if it is wider
// than the page.
func (p *page) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if p.width > 0 && !strings.Contains(text, "\x1b") {
		text = strings.Join(wrap(text, max(p.width-4, 20)), "\n    ")
	}
	fmt.Fprintf(p, "  %s\n", text)
}

// wrap breaks text at spaces into lines of at most width columns. Longer words
// are shortened.
func wrap(text string, width int) []string {
	var lines []string
	line, taken := "", 0
	for word := range strings.FieldsSeq(text) {
		word = fit(word, width)
		w := textWidth(word)
		if line != "" && taken+1+w > width {
			lines = append(lines, line)
			line, taken = "", 0
		}
		if line != "" {
			line += " "
			taken++
		}
		line += word
		taken += w
	}
	return append(lines, line)
}

// column is one column of a table. When the table is too wide, optional ones
// are left out, then flexible ones give way.
type column struct {
	title    string
	flexible bool
	optional bool
}

// cell is one field of a table, of clean text.
type cell struct{ text, colour string }

const (
	maxCell   = 80  // columns of a cell, so that one hostile name does not make all rows wide
	maxLast   = 160 // columns of the last cell of a row, which is not padded
	minCell   = 8   // columns that a flexible cell keeps
	tableSpan = 2   // spaces between columns, and before the first
)

// table writes rows under the columns' titles.
func (p *page) table(columns []column, rows [][]cell) {
	widths := naturalWidths(columns, rows)
	for i := 0; i < len(columns); i++ {
		if p.width > 0 && columns[i].optional && total(widths) > p.width {
			columns, rows = without(columns, rows, i)
			widths = slices.Delete(widths, i, i+1)
			i--
		}
	}
	p.squeeze(columns, widths)
	p.row(titles(columns), widths)
	for _, row := range rows {
		p.row(row, widths)
	}
}

// without leaves a column out.
func without(columns []column, rows [][]cell, column int) ([]column, [][]cell) {
	fewer := make([][]cell, len(rows))
	for i, row := range rows {
		fewer[i] = slices.Delete(slices.Clone(row), column, column+1)
	}
	return slices.Delete(slices.Clone(columns), column, column+1), fewer
}

func titles(columns []column) []cell {
	head := make([]cell, len(columns))
	for i, c := range columns {
		head[i] = cell{c.title, dim}
	}
	return head
}

func (p *page) row(cells []cell, widths []int) {
	last := len(cells) - 1
	for last > 0 && cells[last].text == "" {
		last--
	}
	for i, c := range cells[:last+1] {
		text := fit(c.text, widths[i])
		p.WriteString("  ")
		p.WriteString(p.text(text, c.colour))
		if i < last {
			p.WriteString(strings.Repeat(" ", max(0, widths[i]-textWidth(text))))
		}
	}
	p.WriteByte('\n')
}

// naturalWidths gives each column its widest cell, within bounds.
func naturalWidths(columns []column, rows [][]cell) []int {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = textWidth(c.title)
		limit := maxCell
		if i == len(columns)-1 {
			limit = maxLast
		}
		for _, row := range rows {
			widths[i] = max(widths[i], min(limit, textWidth(row[i].text)))
		}
	}
	return widths
}

func total(widths []int) int {
	sum := 0
	for _, w := range widths {
		sum += tableSpan + w
	}
	return sum
}

// squeeze takes from the widest flexible columns until the table fits the page.
func (p *page) squeeze(columns []column, widths []int) {
	for excess := total(widths) - p.width; p.width > 0 && excess > 0; excess-- {
		widest := -1
		for i, c := range columns {
			if c.flexible && widths[i] > max(minCell, textWidth(c.title)) && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}
