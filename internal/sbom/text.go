package sbom

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seaworthy-dev/seaworthy"
)

// maxText bounds values that are repeated for each package, such as the
// instruction that made a layer: its length times the packages of a layer
// would otherwise make documents of any size.
const maxText = 1024

// clean makes s safe to show: no bytes that are no UTF-8, no control
// characters but newline and tab, no marks that reorder or hide text.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == utf8.RuneError {
			return r
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Noncharacter_Code_Point, r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// short is clean, of at most maxText bytes.
func short(s string) string { return cut(clean(s), maxText) }

// cut shortens s to at most limit bytes, ending in an ellipsis if it had to.
func cut(s string, limit int) string {
	const ellipsis = "…"
	if len(s) <= limit {
		return s
	}
	end := limit - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}

// markdown shows s as it is in a Markdown text (CommonMark 0.31, section 2.4).
func markdown(s string) string {
	return strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;",
		`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "#", `\#`, "|", `\|`, "~", `\~`,
		"!", `\!`, "://", `:\//`, "www.", `www\.`, "@", `\@`,
		"\n", " ", "\t", " ",
	).Replace(short(s))
}

// code is a Markdown code span of s, in which nothing else is markup.
func code(s string) string {
	if s == "" {
		return "unknown"
	}
	return "`" + strings.NewReplacer("`", "'", "\n", " ", "\t", " ").Replace(short(s)) + "`"
}

// message escapes s for the text of a SARIF message, where braces are
// placeholders and brackets links (SARIF 2.1.0, sections 3.11.5 and 3.11.6).
func message(s string) string {
	return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "{", "{{", "}", "}}").Replace(short(s))
}

// advisoryURL is a page about a vulnerability. It is a valid URI for any id.
func advisoryURL(id string) string {
	if strings.HasPrefix(id, "CVE-") {
		return "https://nvd.nist.gov/vuln/detail/" + url.PathEscape(short(id))
	}
	return "https://osv.dev/vulnerability/" + url.PathEscape(short(id))
}

// band is the severity of a CVSS score (CVSS 3.1 section 5, CVSS 4.0 section 6;
// for 2.0 the bands of the NVD).
func band(version string, base float64) seaworthy.Severity {
	switch {
	case base >= 9 && version != "2.0":
		return seaworthy.SeverityCritical
	case base >= 7:
		return seaworthy.SeverityHigh
	case base >= 4:
		return seaworthy.SeverityMedium
	case base > 0 || version == "2.0":
		return seaworthy.SeverityLow
	}
	return seaworthy.SeverityNone
}

// finite reports whether f can be written as JSON.
func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// decimal writes a probability without an exponent.
func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// installed is a package's version for a person.
func installed(p seaworthy.Package) string {
	if p.Version == "" {
		return "of unknown version"
	}
	return short(p.Version)
}

// advice says what to do about v, in one sentence without markup; empty if
// nothing can be done.
func advice(v *seaworthy.Vulnerability) string {
	switch {
	case v.FixState == seaworthy.FixSubscription && v.Fixed != "":
		return "Upgrade " + short(v.Package.Name) + " to " + short(v.Fixed) + ", which is for subscribers alone."
	case v.FixState == seaworthy.FixSubscription:
		return "A fix of " + short(v.Package.Name) + " exists for subscribers alone."
	case v.Fixed != "":
		return "Upgrade " + short(v.Package.Name) + " to " + short(v.Fixed) + "."
	}
	return ""
}

// gapText says in one line what was not seen and where.
func gapText(g seaworthy.Gap) string {
	var b strings.Builder
	b.WriteString(string(g.Kind))
	if g.Layer >= 0 {
		b.WriteString(", layer " + strconv.Itoa(g.Layer))
	}
	if g.Path != "" {
		b.WriteString(", " + short(g.Path))
	}
	b.WriteString(": " + short(g.Reason))
	return clean(b.String())
}

// feedTexts says which advisories took part, each feed once.
func feedTexts(as []seaworthy.Assessment) []string {
	var texts []string
	for _, a := range as {
		for _, f := range a.Advisories {
			if text := feedText(f); !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

func feedText(f seaworthy.Feed) string {
	text := f.Source
	if f.Ecosystem != "" {
		text += " " + f.Ecosystem
	}
	text += fmt.Sprintf(": %d records", f.Records)
	if !f.Newest.IsZero() {
		text += ", newest of " + stamp(f.Newest)
	}
	if !f.Updated.IsZero() {
		text += ", updated " + stamp(f.Updated)
	}
	return short(text)
}
