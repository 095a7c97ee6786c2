package match

import (
	"slices"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// Guards against records that would join what does not belong together; the
// numbers are osv.dev's.
const (
	maxAliases = 5  // a record with more of them joins nothing but its own CVE
	maxGroup   = 32 // ids of a group; larger ones fall apart into CVEs
)

// evidence is a finding with the ids that it joins into one problem, or for an
// advisory on several CVEs the problems that it is part of.
type evidence struct {
	finding seaworthy.Finding
	header  Header
	rank    rank
	joins   []string // its own id first
	cves    []string // instead of joins: merges none of them
}

// link reads from a header what belongs together. The other aliases of an
// advisory on several CVEs are left out: which of the CVEs each of them means is
// unknown, and an exception for one must not hide all.
func link(f seaworthy.Finding, h Header, distribution bool) evidence {
	e := evidence{finding: f, header: h, rank: rankOf(h.ID, distribution)}
	named := slices.Concat(h.Aliases, h.Upstream)
	cves := cvesOf(named)
	if own := ownCVE(h.ID); own != "" {
		e.joins = []string{h.ID, own}
		if len(h.Aliases) <= maxAliases && !slices.ContainsFunc(cves, func(id string) bool { return id != own }) {
			e.joins = append(e.joins, named...)
		}
		return e
	}
	if relatedCounts(h.ID, distribution && len(cves) == 0) {
		cves = cvesOf(slices.Concat(named, h.Related))
	}
	switch {
	case len(cves) > 1:
		e.cves = cves
	case len(h.Aliases) > maxAliases:
		e.joins = append([]string{h.ID}, cves...)
	default:
		e.joins = slices.Concat([]string{h.ID}, named, cves)
	}
	return e
}

// relatedCounts reports whether the CVEs of an advisory are among those it
// calls related: always for Ubuntu's notices, which moved them to upstream one
// by one, and for distributions' advisories that name none elsewhere.
func relatedCounts(id string, nameless bool) bool {
	return nameless || strings.HasPrefix(id, "USN-") || strings.HasPrefix(id, "LSN-")
}

func cvesOf(ids []string) []string {
	var cves []string
	for _, id := range ids {
		if isCVE(id) {
			cves = append(cves, id)
		}
	}
	slices.Sort(cves)
	return slices.Compact(cves)
}

// loosen leaves an evidence its own id and its CVE.
func (e *evidence) loosen() {
	kept := e.joins[:1:1]
	if own := ownCVE(e.joins[0]); own != "" {
		kept = append(kept, own)
	} else {
		kept = append(kept, cvesOf(e.joins)...)
	}
	e.joins = kept
}

// group is one problem.
type group struct {
	ids      []string
	evidence []*evidence
}

// groups joins evidence by its ids, whatever its order, with a true union-find.
func groups(all []evidence) []group {
	sets := union(all)
	sizes := map[string]int{}
	for id := range sets.parent {
		sizes[sets.find(id)]++
	}
	tooLarge := false
	for i := range all {
		if e := &all[i]; e.cves == nil && sizes[sets.find(e.joins[0])] > maxGroup {
			tooLarge = true
			e.loosen()
		}
	}
	if tooLarge {
		sets = union(all)
	}
	return collect(sets, all)
}

func union(all []evidence) *disjoint {
	sets := &disjoint{parent: map[string]string{}}
	for _, e := range all {
		for _, id := range e.joins {
			sets.join(e.joins[0], id)
		}
		for _, id := range e.cves {
			sets.join(id, id)
		}
	}
	return sets
}

func collect(sets *disjoint, all []evidence) []group {
	byRoot := map[string]*group{}
	at := func(id string) *group {
		root := sets.find(id)
		g := byRoot[root]
		if g == nil {
			g = &group{}
			byRoot[root] = g
		}
		return g
	}
	for i := range all {
		e := &all[i]
		if e.cves == nil {
			g := at(e.joins[0])
			g.evidence = append(g.evidence, e)
			continue
		}
		for _, cve := range e.cves {
			if g := at(cve); len(g.evidence) == 0 || g.evidence[len(g.evidence)-1] != e {
				g.evidence = append(g.evidence, e)
				g.ids = append(g.ids, e.header.ID)
			}
		}
	}
	for id := range sets.parent {
		g := at(id)
		g.ids = append(g.ids, id)
	}
	out := make([]group, 0, len(byRoot))
	for _, g := range byRoot {
		slices.Sort(g.ids)
		g.ids = slices.Compact(g.ids)
		out = append(out, *g)
	}
	return out
}

// disjoint is a union-find over ids. The smaller id is the root.
type disjoint struct{ parent map[string]string }

func (d *disjoint) find(id string) string {
	parent, ok := d.parent[id]
	if !ok {
		d.parent[id] = id
		return id
	}
	if parent == id {
		return id
	}
	root := d.find(parent)
	d.parent[id] = root
	return root
}

func (d *disjoint) join(a, b string) {
	a, b = d.find(a), d.find(b)
	if a > b {
		a, b = b, a
	}
	d.parent[b] = a
}
