package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// clean makes any data safe to print on a terminal: control characters, and
// with them escape sequences, marks that reorder or hide text, and bytes that
// are no UTF-8 become visible escapes, as in \x1b; white space becomes one
// space. Marks that combine with the letter before are kept as far as real
// text needs them.
func clean(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	marks := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == ' ' || r == '\n' || r == '\t' || r == '\r':
			if !strings.HasSuffix(b.String(), " ") {
				b.WriteByte(' ')
			}
		case unicode.IsMark(r):
			if marks++; marks <= 3 {
				b.WriteRune(r)
			}
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		if !unicode.IsMark(r) {
			marks = 0
		}
		i += size
	}
	return strings.TrimSpace(b.String())
}

// plain reports whether s is ASCII that clean leaves as it is.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}

// textWidth is the number of columns that clean text takes.
func textWidth(s string) int {
	condition := runewidth.Condition{}
	return condition.StringWidth(s)
}

// fit shortens clean text to at most width columns, ending in an ellipsis.
func fit(s string, width int) string {
	if len(s) <= width || textWidth(s) <= width {
		return s
	}
	condition := runewidth.Condition{}
	return condition.Truncate(s, width, "…")
}

// fitMiddle shortens clean text to at most width columns by taking from its
// middle: of a version, the upstream part counts most, and then how it ends.
func fitMiddle(s string, width int) string {
	if len(s) <= width || textWidth(s) <= width {
		return s
	}
	if width < 3 {
		return fit(s, width)
	}
	tail, rest := len(s), (width+1)/3
	for tail > 0 {
		r, size := utf8.DecodeLastRuneInString(s[:tail])
		if rest -= runeWidth(r); rest < 0 {
			break
		}
		tail -= size
	}
	end := strings.TrimLeftFunc(s[tail:], unicode.IsMark)
	condition := runewidth.Condition{}
	return condition.Truncate(s, width-1-textWidth(end), "") + "…" + end
}

func runeWidth(r rune) int {
	condition := runewidth.Condition{}
	return condition.RuneWidth(r)
}

// bytesText is a number of bytes for a person, in units of 1000.
func bytesText(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return strconv.FormatInt(max(n, 0), 10) + " B"
	}
	value, unit := float64(n)/1000, 0
	for value >= 999.95 && unit < len(units)-1 {
		value /= 1000
		unit++
	}
	return fmt.Sprintf("%.1f %cB", value, units[unit])
}

// count is a number with its noun; nouns get an s, or -ies for a y.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return strconv.Itoa(n) + " " + stem + "ies"
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
