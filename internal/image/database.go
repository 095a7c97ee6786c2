package image

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// databaseFormats are those whose records are a whole package database: a new
// version of it says again what the old one said.
var databaseFormats = [...]seaworthy.Format{seaworthy.RecordDpkg, seaworthy.RecordAPK, seaworthy.RecordRPM}

// database is the index of f in databaseFormats, -1 if it is not among them.
func database(f seaworthy.Format) int { return slices.Index(databaseFormats[:], f) }

// operatingSystem reports whether records of the format concern operating
// system packages or the system itself.
func operatingSystem(f seaworthy.Format) bool {
	switch f {
	case seaworthy.RecordDpkgPart, seaworthy.RecordDpkgFiles, seaworthy.RecordOSRelease:
		return true
	}
	return database(f) >= 0
}

// source is a record that counts, and where it is.
type source struct {
	node   *node
	record *seaworthy.Record
}

// history is what became of one sort of database through the layers.
type history struct {
	records []*seaworthy.Record       // of the databases as they are now
	since   map[seaworthy.Package]int // the layer since which a package is in them without a break
}

// remember brings the histories up to date with the layer just applied.
func (m *merger) remember() {
	m.databases = slices.DeleteFunc(m.databases, func(n *node) bool { return n.parent == nil })
	for i := range m.history {
		var now []*seaworthy.Record
		for _, s := range m.effective(databaseFormats[i]) {
			now = append(now, s.record)
		}
		m.history[i].update(m.layer, now)
	}
}

func (h *history) update(layer int, now []*seaworthy.Record) {
	if slices.Equal(h.records, now) {
		return
	}
	since := make(map[seaworthy.Package]int, len(h.since))
	for _, r := range now {
		for _, p := range r.Packages {
			first, ok := h.since[p]
			if !ok {
				first = layer
			}
			since[p] = first
		}
	}
	h.records, h.since = now, since
}

// effective lists the databases of a format that the system, as merged so far,
// would read: several only when they lie in different directories.
func (m *merger) effective(f seaworthy.Format) []source {
	var found []source
	for _, n := range m.databases {
		for _, r := range n.file.records {
			if r.Format == f && m.inUse(n, f) {
				found = append(found, source{n, r})
			}
		}
	}
	if f == seaworthy.RecordRPM {
		found = newestBackends(found)
	}
	slices.SortFunc(found, func(a, b source) int { return cmp.Compare(a.node.path(), b.node.path()) })
	return found
}

// inUse reports whether the file is still what a program gets under the name by
// which it was recognised, or lies at a name by which its format is found. The
// directory of a database may be a symbolic link that a later layer points
// elsewhere.
func (m *merger) inUse(n *node, f seaworthy.Format) bool {
	if m.tree.open(n.file.name) == n {
		return true
	}
	switch f {
	case seaworthy.RecordDpkg:
		return n.path() == "var/lib/dpkg/status"
	case seaworthy.RecordDpkgPart, seaworthy.RecordDpkgFiles:
		return strings.HasPrefix(n.path(), "var/lib/dpkg/")
	case seaworthy.RecordAPK:
		return n.path() == "lib/apk/db/installed" || n.path() == "usr/lib/apk/db/installed"
	case seaworthy.RecordRPM:
		return strings.HasPrefix(n.path(), "var/lib/rpm/") || strings.HasPrefix(n.path(), "usr/lib/sysimage/rpm/")
	}
	return false
}

// newestBackends leaves, of RPM databases in one directory, the one that rpm
// reads: the others are what an upgrade of the backend left behind.
func newestBackends(found []source) []source {
	best := map[*node]source{}
	for _, s := range found {
		dir := s.node.parent
		if b, ok := best[dir]; !ok || backend(s.node.name) > backend(b.node.name) {
			best[dir] = s
		}
	}
	return slices.DeleteFunc(found, func(s source) bool { return best[s.node.parent] != s })
}

func backend(name string) int {
	switch path.Base(name) {
	case "rpmdb.sqlite":
		return 3
	case "Packages.db": // ndb
		return 2
	case "Packages": // Berkeley DB
		return 1
	}
	return 0
}
