package advisory

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Texts longer than these are cut: they are shown, not compared.
const (
	maxID         = 200
	maxName       = 1000
	maxSummary    = 1000
	maxDetails    = 256 << 10
	maxReference  = 2000
	maxReferences = 1000
)

// validID reports whether s can be an advisory's id: it is shown in tables and
// becomes a file name and part of a URL. The question mark is there for Alpine,
// whose secdb has CVEs that were never assigned ("CVE-2022-?????").
func validID(s string) bool {
	if s == "" || len(s) > maxID || !alphanumeric(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !alphanumeric(s[i]) && strings.IndexByte("-_.:+~@?", s[i]) < 0 {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// validCVE reports whether s is a CVE id (https://cve.mitre.org/cve/identifiers/syntaxchange.html).
func validCVE(s string) bool {
	rest, ok := strings.CutPrefix(s, "CVE-")
	if !ok || len(rest) < 9 || len(rest) > 24 || rest[4] != '-' {
		return false
	}
	for i := range len(rest) {
		if i != 4 && (rest[i] < '0' || rest[i] > '9') {
			return false
		}
	}
	return true
}

// hidden reports runes that could change how a terminal or page shows a text:
// control and format characters, among them escape and bidirectional overrides.
func hidden(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// plain reports whether s is printable ASCII alone, as nearly all texts are: it
// spares them the tables of Unicode. Also counts as printable here.
func plain(s, also string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' || c > '~') && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return true
}

// oneLine drops what cannot be shown on one line of a table.
func oneLine(s string) string {
	if !plain(s, "") && strings.IndexFunc(s, hidden) >= 0 {
		s = strings.Map(func(r rune) rune {
			switch {
			case r == '\n' || r == '\t' || r == '\r':
				return ' '
			case hidden(r):
				return -1
			}
			return r
		}, s)
	}
	return strings.TrimSpace(s)
}

// paragraphs drops the same, but keeps line breaks and tabs.
func paragraphs(s string) string {
	bad := func(r rune) bool { return hidden(r) && r != '\n' && r != '\t' }
	if plain(s, "\n\t") || strings.IndexFunc(s, bad) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if bad(r) {
			return -1
		}
		return r
	}, s)
}

// shorten cuts s to at most n bytes, at the boundary of a character.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const ellipsis = "…"
	n -= len(ellipsis)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.TrimRight(s[:n], " ") + ellipsis
}

// webAddress reports whether s can be offered as a link.
func webAddress(s string) bool {
	if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		return false
	}
	return len(s) <= maxReference && !strings.ContainsAny(s, "\"'<>` \\") && strings.IndexFunc(s, hidden) < 0
}

// parseTime reads the time formats that feeds use, and gives the zero time for
// what is none: a date that nobody can read is no reason to lose an advisory.
func parseTime(s string) time.Time {
	s = strings.TrimSpace(s)
	if s == "" {
		return time.Time{}
	}
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00",
		"2006-01-02 15:04:05", time.DateOnly,
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return sensible(t.UTC())
		}
	}
	return time.Time{}
}

// sensible makes times outside of the centuries that computers lived in zero,
// which no database's range then has to fear.
func sensible(t time.Time) time.Time {
	if t.Year() < 1970 || t.Year() > 2200 {
		return time.Time{}
	}
	return t
}
