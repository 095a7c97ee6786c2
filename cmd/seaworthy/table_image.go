package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// maxGaps bounds the gaps that a table lists; all are in the other formats.
const maxGaps = 20

// renderTables writes, for each assessment, what the image is, what was found,
// what to do about it, and what could not be seen.
func renderTables(w io.Writer, o renderOptions, as []seaworthy.Assessment) error {
	p := newPage(w, o)
	for i := range as {
		if i > 0 {
			p.WriteByte('\n')
		}
		block{page: p, options: o, a: &as[i]}.write()
	}
	if err := p.Flush(); err != nil {
		return fmt.Errorf("write the table: %w", err)
	}
	return nil
}

// block is the part of the page about one image.
type block struct {
	*page
	options renderOptions
	a       *seaworthy.Assessment
}

func (b block) write() {
	problems := problemsOf(b.a)
	s := summarise(b.a, problems)
	shown := problems
	if !b.options.ShowHidden {
		shown = slices.DeleteFunc(slices.Clone(problems), func(p problem) bool { return p.Class != "" })
	}
	places := placesOf(b.a)
	used := make(map[int]bool)

	b.header()
	b.WriteByte('\n')
	b.findings(s)
	if b.options.By == byPackage {
		b.actions(shown, places, used)
	} else {
		b.vulnerabilities(shown, places, used)
		b.first(shown)
	}
	if b.options.Packages {
		b.packages(used)
	}
	b.layers(used)
	b.gaps(s)
}

func (b block) header() {
	a := b.a
	fmt.Fprintln(b, b.text(fit(orUnknown(a.Reference), 2*maxLast), bold))
	field := func(name, value string) {
		limit := maxLast
		if b.width > 0 {
			limit = max(b.width-fieldIndent, minCell)
		}
		fmt.Fprintf(b, "  %s  %s\n", b.text(fmt.Sprintf("%-8s", name), dim), fit(orUnknown(value), limit))
	}
	field("digest", b.digest(a.Image.Digest))
	field("platform", a.Image.Platform.String())
	d := a.Inventory.Distribution
	if name := cmp.Or(d.Name, strings.TrimSpace(d.ID+" "+d.VersionID)); name != "" {
		field("system", name)
	} else {
		field("system", "none")
	}
	var size int64
	for _, l := range a.Image.Layers {
		size += l.Size
	}
	field("layers", strconv.Itoa(len(a.Image.Layers))+", "+bytesText(size))
	b.packageField()
}

// fieldIndent is the columns before a field's value.
const fieldIndent = 12

// digest is whole, or, where that does not fit, what people say of it.
func (b block) digest(d seaworthy.Digest) string {
	const most = 12
	text := clean(string(d))
	algorithm, hex, ok := strings.Cut(text, ":")
	if b.width == 0 || fieldIndent+textWidth(text) <= b.width || !ok || len(hex) <= most || !plain(hex) {
		return text
	}
	return algorithm + ":" + hex[:most] + "…"
}

// packageField counts the packages, on several lines if it must: what is owned
// is said last, and must not be lost.
func (b block) packageField() {
	lines := []string{packageCounts(b.a.Inventory.Packages) + ownedText(b.a.Inventory.Packages)}
	if b.width > 0 {
		lines = wrap(lines[0], max(b.width-fieldIndent, minCell))
	}
	fmt.Fprintf(b, "  %s  %s\n", b.text("packages", dim), strings.Join(lines, "\n"+strings.Repeat(" ", fieldIndent)))
}

// ownedText says how many packages are left to the distribution's advisories.
func ownedText(packages []seaworthy.Placed) string {
	owned := 0
	for _, p := range packages {
		if p.OwnedBy != "" {
			owned++
		}
	}
	switch owned {
	case 0:
		return ""
	case len(packages):
		return " (all owned by the distribution's packages, whose advisories count)"
	}
	return " (" + strconv.Itoa(owned) + " owned by the distribution's packages, whose advisories count)"
}

func orUnknown(s string) string { return cmp.Or(clean(s), "unknown") }

// packageCounts says how many packages there are of which ecosystem, the most
// first.
func packageCounts(packages []seaworthy.Placed) string {
	families := make(map[string]int)
	for _, p := range packages {
		families[p.Ecosystem.Family()]++
	}
	names := slices.SortedFunc(maps.Keys(families), func(x, y string) int {
		return cmp.Or(-cmp.Compare(families[x], families[y]), strings.Compare(x, y))
	})
	var parts []string
	for _, name := range names {
		parts = append(parts, strconv.Itoa(families[name])+" "+orUnknown(name))
	}
	if len(parts) == 0 {
		return "0"
	}
	return strconv.Itoa(len(packages)) + ": " + fit(strings.Join(parts, ", "), maxLast)
}

// findings is the line that counts. It says none only of what was matched.
func (b block) findings(s summary) {
	switch {
	case s.Problems > 0:
		text := b.text(count(s.Problems, "vulnerability"), bold) + ": " + s.Severities.text(b.painter)
		clauses := []string{text}
		if s.Fixable > 0 {
			clauses = append(clauses, b.text(strconv.Itoa(s.Fixable)+" fixable", boldGreen))
		}
		if s.KnownExploited > 0 {
			clauses = append(clauses, b.text(strconv.Itoa(s.KnownExploited)+" known to be exploited", boldRed))
		}
		if s.Undecided > 0 {
			clauses = append(clauses, strconv.Itoa(s.Undecided)+" undecided")
		}
		b.clauses(clauses...)
	case s.Packages == 0:
		b.line("Vulnerabilities unknown: no packages were found to match.")
	case len(s.Unmatched) == len(familiesOf(b.a)) && len(s.Unmatched) > 0:
		b.line("Vulnerabilities unknown: there are no advisories for any of the packages.")
	case s.Gaps > 0 || len(s.Unmatched) > 0:
		b.line("No vulnerabilities found in what could be matched.")
	default:
		b.line("No vulnerabilities found.")
	}
	if len(s.Hidden) > 0 {
		b.hidden(s.Hidden)
	}
}

func familiesOf(a *seaworthy.Assessment) map[string]bool {
	families := make(map[string]bool)
	for _, p := range a.Inventory.Packages {
		if p.OwnedBy == "" {
			families[p.Ecosystem.Family()] = true
		}
	}
	return families
}

// hidden counts the noise, by class.
func (b block) hidden(classes map[seaworthy.Class]int) {
	total := 0
	var parts []string
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		total += classes[class]
		parts = append(parts, strconv.Itoa(classes[class])+" "+strings.ReplaceAll(clean(string(class)), "-", " "))
	}
	if b.options.ShowHidden {
		b.line("%d shown that are hidden by default: %s.", total, strings.Join(parts, ", "))
		return
	}
	b.clauses(fmt.Sprintf("%d hidden: %s", total, strings.Join(parts, ", ")), "--show-hidden lists them.")
}

// layers explains the numbers of layers that the tables use. It lists the other
// layers too, unless there are many.
func (b block) layers(used map[int]bool) {
	const few = 12
	if len(used) == 0 {
		return
	}
	all := b.a.Image.Layers
	var rows [][]cell
	for i, l := range all {
		if len(all) > few && !used[i] {
			continue
		}
		rows = append(rows, []cell{
			{"#" + strconv.Itoa(i), ""}, {clean(l.Digest.Short()), ""}, {bytesText(l.Size), ""},
			{clean(cmp.Or(l.Instruction, "instruction unknown")), ""},
		})
	}
	if rows == nil {
		return
	}
	b.WriteByte('\n')
	b.table([]column{{title: "LAYER"}, {title: "DIGEST"}, {title: "SIZE"}, {title: "MADE BY", flexible: true}}, rows)
	if n := len(all) - len(rows); n > 0 {
		b.line("… and %s that brought none of the above.", count(n, "layer"))
	}
}

// gaps lists what was not seen: the assessment's gaps, and each ecosystem
// without advisories that none of them names.
func (b block) gaps(s summary) {
	var lines []string
	named := ""
	for _, g := range b.a.Inventory.Gaps {
		text := clean(g.Reason)
		var place []string
		if g.Layer >= 0 {
			place = append(place, "layer #"+strconv.Itoa(g.Layer))
		}
		if g.Path != "" {
			place = append(place, clean(g.Path))
		}
		if place != nil {
			text = strings.Join(place, ", ") + ": " + text
		}
		if g.Kind == seaworthy.GapAdvisories || g.Kind == seaworthy.GapDistribution {
			named += "\n" + g.Reason
		}
		lines = append(lines, fit(text, 2*maxLast))
	}
	for _, family := range s.Unmatched {
		format := seaworthy.Ecosystem(family)
		unknown := format == seaworthy.FormatAPK || format == seaworthy.FormatDpkg || format == seaworthy.FormatRPM
		switch {
		case family == "" || strings.Contains(named, family) || unknown && named != "":
		case unknown:
			lines = append(lines, family+" packages of an unknown distribution were not matched")
		default:
			lines = append(lines, "no advisories for "+clean(family)+" yet: run seaworthy advisories update")
		}
	}
	if lines == nil {
		return
	}
	fmt.Fprintf(b, "\n  %s\n", b.text("Not seen", bold))
	for i, line := range lines {
		if i == maxGaps {
			b.line("… and %d more: --format json lists them.", len(lines)-i)
			break
		}
		b.line("- %s", line)
	}
}
