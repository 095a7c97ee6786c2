package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// places finds where the packages of an image lie.
type places map[seaworthy.Package][]seaworthy.Location

func placesOf(a *seaworthy.Assessment) places {
	p := make(places, len(a.Inventory.Packages))
	for _, placed := range a.Inventory.Packages {
		p[placed.Package] = placed.Locations
	}
	return p
}

// layersOf names the layers that members of a problem came with, and marks them
// as used.
func (p places) layersOf(members []*seaworthy.Vulnerability, used map[int]bool) string {
	var layers []int
	for _, m := range members {
		for _, l := range p[m.Package] {
			if l.Layer >= 0 && !slices.Contains(layers, l.Layer) {
				layers = append(layers, l.Layer)
			}
		}
	}
	return layerNames(layers, used)
}

func layerNames(layers []int, used map[int]bool) string {
	const most = 3
	slices.Sort(layers)
	var names []string
	for i, l := range layers {
		if i == most {
			names = append(names, "…")
			break
		}
		used[l] = true
		names = append(names, "#"+strconv.Itoa(l))
	}
	return strings.Join(names, " ")
}

// vulnerabilities is the table with one row for each problem.
func (b block) vulnerabilities(problems []problem, places places, used map[int]bool) {
	if len(problems) == 0 {
		return
	}
	known := slices.ContainsFunc(problems, func(p problem) bool { return p.KEV != nil || p.EPSS != nil })
	columns := []column{
		{title: "SEVERITY"}, {title: "BY", optional: true}, {title: "VULNERABILITY"}, {title: "PACKAGE", flexible: true},
		{title: "INSTALLED", version: true}, {title: "FIXED", version: true},
	}
	if known {
		columns = append(columns, column{title: "KEV/EPSS"})
	}
	columns = append(columns, column{title: "LAYER", spare: true})
	rows := make([][]cell, 0, len(problems))
	for _, p := range b.limited(problems) {
		row := []cell{
			{p.Severity.String(), severityColour(p.Severity)}, {fit(clean(p.RatedBy), 12), ""}, {fit(orUnknown(p.ID), 30), ""},
			{packageText(p), bold},
			{orUnknown(p.installed()), ""}, fixedCell(p),
		}
		if known {
			row = append(row, exploitCell(p))
		}
		rows = append(rows, append(row, cell{places.layersOf(p.members, used), ""}))
	}
	b.WriteByte('\n')
	b.table(columns, rows)
	b.rest(len(problems) - len(rows))
}

// limited is the first of problems, as many as the options allow.
func (b block) limited(problems []problem) []problem {
	if limit := b.options.Limit; limit > 0 && len(problems) > limit {
		return problems[:limit]
	}
	return problems
}

func (b block) rest(n int) {
	if n > 0 {
		b.line("… and %s.", count(n, "more row"))
	}
}

func packageText(p problem) string {
	text := orUnknown(p.name())
	if n := len(p.members); n > 1 {
		text += " (" + count(n, "package") + ")"
	}
	return text
}

func fixedCell(p problem) cell {
	text, colour := clean(strings.Join(p.fixes(), ", ")), boldGreen
	switch {
	case p.FixState == seaworthy.FixSubscription:
		text, colour = strings.TrimSpace(text+" for subscribers"), ""
	case text == "":
		text, colour = "no fix yet", dim
	}
	if p.Undecided {
		text += ", undecided"
	}
	return cell{text, colour}
}

func exploitCell(p problem) cell {
	var parts []string
	colour := ""
	if p.KEV != nil {
		parts, colour = append(parts, "KEV"), boldRed
	}
	if p.EPSS != nil {
		parts = append(parts, percent(p.EPSS.Score))
	}
	return cell{strings.Join(parts, " "), colour}
}

func percent(p float64) string {
	if p > 0 && p < 0.001 {
		return "<0.1%"
	}
	return fmt.Sprintf("%.1f%%", 100*p)
}

// action is what to do about one package: the version to go to, or none.
type action struct {
	first    problem // the worst
	problems []problem
	members  []*seaworthy.Vulnerability
	to       []string
	counts   severityCounts
	kev      int
}

// actionsOf groups problems by package and by whether they are fixable. Those
// that can be carried out come first, and of them those that end the worst.
func actionsOf(problems []problem, compare func(seaworthy.Ecosystem, string, string) int) []action {
	type key struct {
		ecosystem       seaworthy.Ecosystem
		source, version string
		fixable         bool
	}
	at := make(map[key]int)
	var list []action
	for _, p := range problems {
		k := key{p.Package.Ecosystem, cmp.Or(p.Package.Source, p.Package.Name),
			cmp.Or(p.Package.SourceVersion, p.Package.Version), p.fixable()}
		n, ok := at[k]
		if !ok {
			n = len(list)
			at[k] = n
			list = append(list, action{first: p})
		}
		list[n].add(p)
	}
	for i := range list {
		list[i].to = furthest(list[i].to, list[i].first.Package.Ecosystem, compare)
	}
	slices.SortStableFunc(list, func(x, y action) int {
		if x.first.fixable() && !y.first.fixable() {
			return -1
		}
		if y.first.fixable() && !x.first.fixable() {
			return 1
		}
		return cmp.Or(
			-cmp.Compare(rank(x.first.Severity), rank(y.first.Severity)),
			-cmp.Compare(x.kev, y.kev),
			-cmp.Compare(len(x.problems), len(y.problems)),
			worstFirst(x.first, y.first),
		)
	})
	return list
}

func (a *action) add(p problem) {
	a.problems = append(a.problems, p)
	*a.counts.of(p.Severity)++
	if p.KEV != nil {
		a.kev++
	}
	if p.fixable() {
		for _, version := range p.fixes() {
			if !slices.Contains(a.to, version) {
				a.to = append(a.to, version)
			}
		}
	}
	for _, m := range p.members {
		if !slices.ContainsFunc(a.members, func(v *seaworthy.Vulnerability) bool { return v.Package == m.Package }) {
			a.members = append(a.members, m)
		}
	}
}

// furthest keeps the version that fixes all, if versions can be compared.
func furthest(versions []string, e seaworthy.Ecosystem, compare func(seaworthy.Ecosystem, string, string) int) []string {
	if compare == nil || len(versions) < 2 {
		return versions
	}
	return []string{slices.MaxFunc(versions, func(x, y string) int { return compare(e, x, y) })}
}

func (a action) name() string {
	if len(a.members) == 1 {
		return orUnknown(a.members[0].Package.Name)
	}
	return orUnknown(cmp.Or(a.first.Package.Source, a.first.Package.Name))
}

func (a action) target() string { return clean(strings.Join(a.to, ", ")) }

// ends says what carrying out the action ends.
func (a action) ends() string {
	text := strconv.Itoa(len(a.problems)) + " (" + a.counts.text(painter{}) + ")"
	if a.kev > 0 {
		text += ", " + strconv.Itoa(a.kev) + " known to be exploited"
	}
	return text
}

// actions is the table with one row for each package: what to do first.
func (b block) actions(problems []problem, places places, used map[int]bool) {
	all := actionsOf(problems, b.options.Compare)
	if len(all) == 0 {
		return
	}
	var rows [][]cell
	for i, a := range all {
		if b.options.Limit > 0 && i == b.options.Limit {
			break
		}
		verb, to := cell{"upgrade", boldGreen}, cell{a.target(), boldGreen}
		if !a.first.fixable() {
			verb, to = cell{"no fix yet", dim}, cell{"-", dim}
			if a.first.FixState == seaworthy.FixSubscription {
				verb = cell{"subscribe", dim}
			}
		}
		rows = append(rows, []cell{
			verb, {a.name(), bold}, {orUnknown(a.first.installed()), ""}, to,
			{a.ends(), severityColour(a.first.Severity)}, {places.layersOf(a.members, used), ""},
		})
	}
	b.WriteByte('\n')
	b.table([]column{
		{title: "ACTION"}, {title: "PACKAGE", flexible: true}, {title: "INSTALLED", version: true},
		{title: "TO", version: true}, {title: "ENDS", flexible: true}, {title: "LAYER", spare: true},
	}, rows)
	b.rest(len(all) - len(rows))
}

// first names the few upgrades that end the most, below a table of
// vulnerabilities that is long enough to hide them.
func (b block) first(problems []problem) {
	const enough, most = 4, 3
	if len(problems) < enough {
		return
	}
	all := actionsOf(problems, b.options.Compare)
	for i, a := range all {
		if i == most || !a.first.fixable() {
			break
		}
		if i == 0 {
			fmt.Fprintf(b, "\n  %s\n", b.text("Do first", bold))
		}
		b.line("upgrade %s %s → %s: ends %s", a.name(), orUnknown(a.first.installed()), a.target(), a.ends())
	}
}

// packages lists what is in the image, and where it came from.
func (b block) packages(used map[int]bool) {
	var rows [][]cell
	for _, p := range b.a.Inventory.Packages {
		var layers []int
		path := ""
		for _, l := range p.Locations {
			if l.Layer >= 0 && !slices.Contains(layers, l.Layer) {
				layers = append(layers, l.Layer)
			}
			if path == "" && !p.Ecosystem.Distribution() {
				path = clean(l.Path)
			}
		}
		instruction := ""
		if len(layers) > 0 && layers[0] < len(b.a.Image.Layers) {
			instruction = clean(b.a.Image.Layers[layers[0]].Instruction)
		}
		if p.OwnedBy != "" {
			path = "owned by " + clean(p.OwnedBy)
		}
		rows = append(rows, []cell{
			{orUnknown(p.Name), bold}, {orUnknown(p.Version), ""}, {orUnknown(string(p.Ecosystem)), ""},
			{layerNames(layers, used), ""}, {cmp.Or(path, "-"), ""}, {instruction, dim},
		})
	}
	if rows == nil {
		return
	}
	b.WriteByte('\n')
	b.table([]column{
		{title: "PACKAGE", flexible: true}, {title: "VERSION", version: true}, {title: "ECOSYSTEM", flexible: true},
		{title: "LAYER"}, {title: "PATH", flexible: true}, {title: "MADE BY", flexible: true, optional: true},
	}, rows)
}
