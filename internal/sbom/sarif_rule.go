package sbom

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/seaworthy-dev/seaworthy"
)

// addRules adds a rule for each id of found, which is sorted by id.
func (r *run) addRules(found []*seaworthy.Vulnerability) {
	byName := make(map[string]bool)
	for start := 0; start < len(found); {
		end := start
		for end < len(found) && found[end].ID == found[start].ID {
			end++
		}
		d := rule(found[start:end])
		r.rules[found[start].ID] = len(r.Tool.Driver.Rules)
		// Two hostile ids may be the same once they are cleaned; rules may not.
		if byName[*d.ID] {
			*d.ID += "/" + hashed(found[start].ID)
		}
		byName[*d.ID] = true
		r.Tool.Driver.Rules = append(r.Tool.Driver.Rules, d)
		start = end
	}
}

// rule describes the vulnerability that all of found are.
func rule(found []*seaworthy.Vulnerability) *sarif.ReportingDescriptor {
	worst := found[0]
	for _, v := range found[1:] {
		if v.Severity > worst.Severity {
			worst = v
		}
	}
	id := short(worst.ID)
	d := sarif.NewReportingDescriptor()
	d.ID = &id
	d.HelpURI = pointer(advisoryURL(worst.ID))
	title := cut(clean(worst.Summary), 200)
	if title == "" {
		title = id
	}
	d.ShortDescription = &sarif.MultiformatMessageString{Text: &title}
	full := clean(worst.Summary)
	if full == "" {
		full = id
	}
	d.FullDescription = &sarif.MultiformatMessageString{Text: &full}
	d.Help = help(worst, found)
	c := sarif.NewReportingConfiguration()
	c.Level = level(worst.Severity)
	d.DefaultConfiguration = c

	values := map[string]any{
		"precision": "very-high",
		"severity":  worst.Severity.String(),
	}
	if score, ok := securitySeverity(worst); ok {
		values["security-severity"] = score
	}
	if worst.Fixed != "" {
		values["fixed"] = worst.Fixed
	}
	exploitation(values, worst)
	d.Properties = bag(values)
	d.Properties.Tags = []string{"security", "vulnerability", worst.Severity.String()}
	return d
}

// help says what the vulnerability is, how bad, and what to do, as text and as
// Markdown.
func help(v *seaworthy.Vulnerability, found []*seaworthy.Vulnerability) *sarif.MultiformatMessageString {
	var plain, styled strings.Builder
	fmt.Fprintf(&plain, "%s, severity %s.\n", short(v.ID), rated(v))
	fmt.Fprintf(&styled, "**%s**, severity %s\n\n", markdown(v.ID), markdown(rated(v)))
	if v.Summary != "" {
		plain.WriteString(clean(v.Summary) + "\n")
		styled.WriteString(markdown(v.Summary) + "\n\n")
	}
	if k := v.KEV; k != nil {
		line := "Known to be exploited: in CISA's catalogue since " + k.Added.UTC().Format("2006-01-02") + "."
		plain.WriteString(line + "\n")
		styled.WriteString(line + "\n\n")
	}
	if e := v.EPSS; e != nil && finite(e.Score) {
		line := fmt.Sprintf("Probability of exploitation in the next 30 days (EPSS): %.2f %%.", 100*e.Score)
		plain.WriteString(line + "\n")
		styled.WriteString(line + "\n\n")
	}
	styled.WriteString("| Package | Installed | Fixed |\n| --- | --- | --- |\n")
	for i, f := range found {
		if i == maxLocations {
			more := fmt.Sprintf("and %d more", len(found)-i)
			plain.WriteString(more + "\n")
			styled.WriteString("| " + more + " | | |\n")
			break
		}
		fixed := "no fix"
		if f.Fixed != "" {
			fixed = code(f.Fixed)
		}
		fmt.Fprintf(&plain, "%s %s: %s\n", short(f.Package.Name), installed(f.Package), orElse(advice(f), "No fix is known."))
		fmt.Fprintf(&styled, "| %s | %s | %s |\n", cell(code(f.Package.Name)), cell(code(f.Package.Version)), cell(fixed))
	}
	p, s := plain.String(), styled.String()
	return &sarif.MultiformatMessageString{Text: &p, Markdown: &s}
}

// cell keeps a column separator in a code span from ending the table's cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func level(s seaworthy.Severity) string {
	switch s {
	case seaworthy.SeverityCritical, seaworthy.SeverityHigh:
		return "error"
	case seaworthy.SeverityLow, seaworthy.SeverityNone:
		return "note"
	}
	return "warning"
}

// securitySeverity is a score in the band of v's severity, by which GitHub
// sorts: above 9.0 critical, from 7.0 high, from 4.0 medium. It is the score of a
// rating where one is in that band, else the band's middle, because the
// severity may be a distribution's word. An unknown severity has none.
func securitySeverity(v *seaworthy.Vulnerability) (string, bool) {
	if v.Severity == seaworthy.SeverityUnknown {
		return "", false
	}
	var score float64
	for _, s := range v.Scores {
		if finite(s.Base) && s.Base <= 10 && band(s.Version, s.Base) == v.Severity && (s.Source == v.RatedBy || s.Base > score) {
			score = s.Base
			if s.Source == v.RatedBy {
				break
			}
		}
	}
	if score == 0 {
		score = map[seaworthy.Severity]float64{
			seaworthy.SeverityLow: 2, seaworthy.SeverityMedium: 5.5,
			seaworthy.SeverityHigh: 8, seaworthy.SeverityCritical: 9.5,
		}[v.Severity]
	}
	return strconv.FormatFloat(score, 'f', 1, 64), true
}
