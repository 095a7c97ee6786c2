package image

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// found is one package at one place.
type found struct {
	seaworthy.Package
	at    seaworthy.Location
	owner string
}

// compare orders by package and place. Most differ in their names, and there are
// many.
func (f found) compare(g found) int {
	if f.Ecosystem == g.Ecosystem && f.Name != g.Name {
		return strings.Compare(f.Name, g.Name)
	}
	return cmp.Or(
		f.Package.Compare(g.Package),
		cmp.Compare(f.at.Layer, g.at.Layer),
		strings.Compare(f.at.Path, g.at.Path),
	)
}

// inventory takes stock of the merged tree.
func (m *merger) inventory() seaworthy.Inventory {
	files := m.files()
	m.own(files)
	distribution, fields := m.distribution()
	list, formats := m.collect(files, distribution.Ecosystem)
	inv := seaworthy.Inventory{Distribution: distribution, Packages: group(list)}
	for _, n := range files {
		for _, g := range n.file.gaps {
			g.Path = n.path()
			m.gaps = append(m.gaps, g)
		}
	}
	if len(formats) > 0 {
		m.gaps = append(m.gaps, distributionGap(distribution, fields, formats))
	}
	if m.tree.full {
		m.gaps = append(m.gaps, seaworthy.Gap{Kind: seaworthy.GapFile, Layer: -1, Reason: errFull.Error()})
	}
	inv.Gaps = unique(m.gaps)
	return inv
}

// files lists the files of the merged tree of which something is known.
func (m *merger) files() []*node {
	var files []*node
	for _, n := range m.tree.index {
		if n.file != nil {
			files = append(files, n)
		}
	}
	return files
}

// distribution reads the os-release that a program would read (os-release(5)).
func (m *merger) distribution() (seaworthy.Distribution, map[string]string) {
	for _, path := range []string{"etc/os-release", "usr/lib/os-release"} {
		n := m.tree.open(path)
		if n == nil {
			continue
		}
		for _, r := range n.file.records {
			if r.Format == seaworthy.RecordOSRelease {
				return Distribution(r.OSRelease), r.OSRelease
			}
		}
	}
	return seaworthy.Distribution{}, nil
}

// collect lists the packages at their places, those of the operating system
// with its ecosystem, and the package formats for which that does not do.
func (m *merger) collect(files []*node, system seaworthy.Ecosystem) (list []found, without []seaworthy.Ecosystem) {
	add := func(n *node, layer int, p seaworthy.Package) {
		switch p.Ecosystem {
		case seaworthy.FormatAPK, seaworthy.FormatDpkg, seaworthy.FormatRPM:
			if packageFormat(system) == p.Ecosystem {
				p.Ecosystem = system
			} else if !slices.Contains(without, p.Ecosystem) {
				without = append(without, p.Ecosystem)
			}
		}
		list = append(list, found{p, seaworthy.Location{Layer: layer, Path: n.path()}, n.file.owner})
	}
	list = make([]found, 0, len(files))
	for _, n := range files {
		for _, r := range n.file.records {
			if operatingSystem(r.Format) && (r.Format != seaworthy.RecordDpkgPart || !m.inUse(n, r.Format)) {
				continue
			}
			for _, p := range r.Packages {
				add(n, n.file.layer, p)
			}
		}
	}
	for i, f := range databaseFormats {
		for _, s := range m.effective(f) {
			for _, p := range s.record.Packages {
				add(s.node, m.history[i].since[p], p)
			}
		}
	}
	slices.Sort(without)
	return list, without
}

// group gives each package once, with its places. It is owned if it is at each
// of them.
func group(list []found) []seaworthy.Placed {
	slices.SortFunc(list, found.compare)
	packages := make([]seaworthy.Placed, 0, len(list))
	places := make([]seaworthy.Location, 0, len(list))
	for i := 0; i < len(list); {
		p, from := seaworthy.Placed{Package: list[i].Package, OwnedBy: list[i].owner}, len(places)
		for ; i < len(list) && list[i].Package == p.Package; i++ {
			if len(places) > from && places[len(places)-1] == list[i].at {
				continue
			}
			places = append(places, list[i].at)
			if list[i].owner == "" {
				p.OwnedBy = ""
			}
		}
		p.Locations = places[from:len(places):len(places)]
		packages = append(packages, p)
	}
	return packages
}

// distributionGap says why packages of the formats have no ecosystem.
func distributionGap(d seaworthy.Distribution, fields map[string]string, formats []seaworthy.Ecosystem) seaworthy.Gap {
	var names []string
	for _, f := range formats {
		names = append(names, string(f))
	}
	packages := strings.Join(names, " and ") + " packages"
	g := seaworthy.Gap{Kind: seaworthy.GapDistribution, Layer: -1}
	switch {
	case fields == nil:
		g.Reason = fmt.Sprintf("the image has %s but no os-release file, so it is not known whose advisories concern them", packages)
	case d.Ecosystem != "":
		g.Reason = fmt.Sprintf("the image is %s but has %s, of which it is not known whose advisories concern them", d.Ecosystem, packages)
	case fields["ID_LIKE"] != "":
		g.Reason = fmt.Sprintf("no advisories are known for the distribution %s; it is like %.60q, whose advisories may or may not hold for its %s",
			title(d), fields["ID_LIKE"], packages)
	default:
		g.Reason = fmt.Sprintf("no advisories are known for the distribution %s of the image's %s", title(d), packages)
	}
	return g
}

func title(d seaworthy.Distribution) string {
	if d.VersionID == "" {
		return fmt.Sprintf("%.60q without a version", d.ID)
	}
	return fmt.Sprintf("%.60q version %.60q", d.ID, d.VersionID)
}

// unique sorts gaps and drops what is said twice.
func unique(gaps []seaworthy.Gap) []seaworthy.Gap {
	slices.SortFunc(gaps, func(a, b seaworthy.Gap) int {
		return cmp.Or(
			cmp.Compare(a.Layer, b.Layer),
			strings.Compare(a.Path, b.Path),
			cmp.Compare(a.Kind, b.Kind),
			strings.Compare(a.Reason, b.Reason),
		)
	})
	return slices.Compact(gaps)
}
