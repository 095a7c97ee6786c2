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
	if p.width > 0 {
		text = strings.Join(wrap(text, max(p.width-4, 20)), "\n    ")
	}
	fmt.Fprintf(p, "  %s\n", text)
}

// clauses writes a line that is broken between clauses as long as these fit the
// page by themselves.
func (p *page) clauses(clauses ...string) {
	if p.width <= 0 {
		p.line("%s", strings.Join(clauses, "; "))
		return
	}
	width := max(p.width-4, 20)
	var lines []string
	line := ""
	for i, clause := range clauses {
		if i < len(clauses)-1 {
			clause += ";"
		}
		if line != "" && visibleWidth(line)+1+visibleWidth(clause) > width {
			lines = append(lines, wrap(line, width)...)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += clause
	}
	fmt.Fprintf(p, "  %s\n", strings.Join(append(lines, wrap(line, width)...), "\n    "))
}

// wrap breaks text at spaces into lines of at most width columns. Longer words
// are shortened. Our own colours take no columns.
func wrap(text string, width int) []string {
	var lines []string
	line, taken := "", 0
	for word := range strings.FieldsSeq(text) {
		if !strings.Contains(word, "\x1b") {
			word = fit(word, width)
		}
		w := visibleWidth(word)
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

// visibleWidth is the number of columns of clean text that is painted.
func visibleWidth(s string) int {
	width := 0
	for {
		before, rest, painted := strings.Cut(s, "\x1b")
		width += textWidth(before)
		if !painted {
			return width
		}
		_, s, _ = strings.Cut(rest, "m")
	}
}

// column is one column of a table. A table that is too wide loses its optional
// columns, then its flexible ones give way, then the spare ones are left out,
// and last the versions are cut.
type column struct {
	title    string
	flexible bool
	optional bool
	spare    bool
	version  bool // cut in the middle, for versions differ at their ends
}

// cell is one field of a table, of clean text.
type cell struct{ text, colour string }

const (
	maxCell   = 80  // columns of a cell, so that one hostile name does not make all rows wide
	maxLast   = 160 // columns of the last cell of a row, which is not padded
	minCell   = 8   // columns that a flexible cell keeps
	minText   = 12  // columns below which no flexible cell goes before the spare columns do
	goodCell  = 24  // columns that a version keeps as long as there are spare columns
	tableSpan = 2   // spaces between columns, and before the first
)

// table writes rows under the columns' titles.
func (p *page) table(columns []column, rows [][]cell) {
	var missing []string
	drop := func(i int) {
		missing = append(missing, columns[i].title)
		columns, rows = without(columns, rows, i)
	}
	for p.width > 0 && total(naturalWidths(columns, rows)) > p.width {
		i := slices.IndexFunc(columns, func(c column) bool { return c.optional })
		if i < 0 {
			break
		}
		drop(i)
	}
	for p.width > 0 && total(leastWidths(columns, rows)) > p.width {
		// From the right: what stands there is said elsewhere too.
		i := len(columns) - 1
		for i >= 0 && !columns[i].spare {
			i--
		}
		if i < 0 {
			break
		}
		drop(i)
	}
	widths := naturalWidths(columns, rows)
	p.squeeze(columns, widths)
	p.row(columns, titles(columns), widths)
	for _, row := range rows {
		p.row(columns, row, widths)
	}
	if missing != nil {
		p.line("%s", p.text("left out at this width: "+strings.Join(missing, ", "), dim))
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

func (p *page) row(columns []column, cells []cell, widths []int) {
	last := len(cells) - 1
	for last > 0 && cells[last].text == "" {
		last--
	}
	for i, c := range cells[:last+1] {
		text := c.text
		if columns[i].version && !strings.Contains(text, " ") { // else it is a list or a remark
			text = fitMiddle(text, widths[i])
		}
		text = fit(text, widths[i])
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

// leastWidths are the widths below which spare columns are left out.
func leastWidths(columns []column, rows [][]cell) []int {
	widths := naturalWidths(columns, rows)
	for i, c := range columns {
		least := widths[i]
		switch {
		case c.version:
			least = goodCell
		case c.flexible:
			least = max(minText, textWidth(c.title))
		}
		widths[i] = min(widths[i], least)
	}
	return widths
}

// squeeze takes from the widest columns until the table fits the page: from
// text as long as there is enough of it, then from versions too, then from
// whatever is left.
func (p *page) squeeze(columns []column, widths []int) {
	stages := []struct{ version, text int }{{goodCell, minText}, {minText, minText}, {minText, minCell}, {minCell, minCell}}
	for _, stage := range stages {
		least := func(c column) int {
			if c.version {
				return stage.version
			}
			return stage.text
		}
		for excess := total(widths) - p.width; p.width > 0 && excess > 0; excess-- {
			widest := -1
			for i, c := range columns {
				if (c.flexible || c.version) && widths[i] > max(least(c), textWidth(c.title)) && (widest < 0 || widths[i] > widths[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			widths[widest]--
		}
	}
}
