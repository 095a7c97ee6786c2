package image

import (
	"slices"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// claim is what an operating system package says that it installed.
type claim struct {
	seaworthy.Owned
	layer int // of the record that says so
}

// own finds the files of language packages that operating system packages
// installed. A file that a later layer wrote than the record that names it was
// put there by somebody else.
func (m *merger) own(files []*node) {
	if !slices.ContainsFunc(files, (*node).language) {
		return
	}
	for _, c := range m.claims(files) {
		for _, path := range c.Paths {
			n := m.tree.lookup([]byte(path))
			if n == nil || n.file == nil || n.file.layer > c.layer || !n.language() {
				continue
			}
			if n.file.owner == "" || c.Package < n.file.owner { // the same one whatever the order
				n.file.owner = c.Package
			}
		}
	}
}

// language reports whether n names language packages.
func (n *node) language() bool {
	return slices.ContainsFunc(n.file.records, func(r *seaworthy.Record) bool { return !operatingSystem(r.Format) })
}

// claims gives what the packages say that are installed.
func (m *merger) claims(files []*node) []claim {
	var claims []claim
	for _, f := range []seaworthy.Format{seaworthy.RecordAPK, seaworthy.RecordRPM} {
		for _, s := range m.effective(f) {
			for _, o := range s.record.Owns {
				claims = append(claims, claim{o, s.node.file.layer})
			}
		}
	}
	installed := m.installed(files)
	for _, n := range files {
		for _, r := range n.file.records {
			if r.Format != seaworthy.RecordDpkgFiles || !m.inUse(n, r.Format) {
				continue
			}
			for _, o := range r.Owns {
				if o.Package = bare(o.Package); installed[o.Package] {
					claims = append(claims, claim{o, n.file.layer})
				}
			}
		}
	}
	return claims
}

// installed is the set of dpkg packages.
func (m *merger) installed(files []*node) map[string]bool {
	names := map[string]bool{}
	add := func(r *seaworthy.Record) {
		for _, p := range r.Packages {
			names[p.Name] = true
		}
	}
	for _, s := range m.effective(seaworthy.RecordDpkg) {
		add(s.record)
	}
	for _, n := range files {
		for _, r := range n.file.records {
			if r.Format == seaworthy.RecordDpkgPart && m.inUse(n, r.Format) {
				add(r)
			}
		}
	}
	return names
}

// bare is a dpkg package's name without the architecture that the names of its
// files carry when several can be installed.
func bare(name string) string {
	name, _, _ = strings.Cut(name, ":")
	return name
}
