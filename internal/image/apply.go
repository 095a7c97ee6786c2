package image

import (
	"bytes"
	"slices"

	"github.com/seaworthy-dev/seaworthy"
)

// file is what is known of a regular file of the merged tree.
type file struct {
	layer   int    // that wrote it last
	name    string // its path as that layer wrote it, with links in it
	records []*seaworthy.Record
	gaps    []seaworthy.Gap
	owner   string
}

// mark is what a layer's contents say of one of its paths.
type mark struct {
	path    string
	records []*seaworthy.Record
	link    *seaworthy.Link
	gaps    []seaworthy.Gap
	placed  bool // an entry of that path was there
	left    int  // entries of that path yet to come, where that matters
}

// merger applies layers to a tree, the lowest first.
type merger struct {
	tree      *tree
	layer     int // that is being applied
	marks     map[string]*mark
	gaps      []seaworthy.Gap // that no later layer can take back
	databases []*node         // files that some layer read as a package database
	history   [len(databaseFormats)]history
}

func newMerger() *merger { return &merger{tree: newTree()} }

// apply puts one layer on top of those before. The order matters: directories
// that take the place of lower symbolic links, then the layer's deletions, which
// so can only touch what lies below, then its entries one by one.
func (m *merger) apply(layer int, c *seaworthy.Contents) {
	m.layer = layer
	m.mark(c)
	if len(m.tree.index) > 0 && m.replaceLinks(c) {
		c.Entries.Each(func(kind seaworthy.EntryKind, path, _ []byte) bool {
			switch kind {
			case seaworthy.EntryWhiteout:
				m.whiteout(path)
			case seaworthy.EntryOpaque:
				m.opaque(path)
			}
			return true
		})
	}
	if len(c.Links) > 0 {
		m.count(c)
	}
	c.Entries.Each(func(kind seaworthy.EntryKind, path, target []byte) bool {
		if kind != seaworthy.EntryWhiteout && kind != seaworthy.EntryOpaque {
			m.enter(kind, path, target)
		}
		return true
	})
	m.leftOver(c)
}

// mark indexes what the layer says of its paths.
func (m *merger) mark(c *seaworthy.Contents) {
	most := len(c.Records) + len(c.Links) + len(c.Gaps)
	m.marks = make(map[string]*mark, most)
	room := make([]mark, 0, most) // one allocation for all
	at := func(path string) *mark {
		k := m.marks[path]
		if k == nil {
			room = append(room, mark{path: path})
			k = &room[len(room)-1]
			m.marks[path] = k
		}
		return k
	}
	records := make([]*seaworthy.Record, len(c.Records))
	for i := range c.Records {
		records[i] = &c.Records[i]
		if k := at(c.Records[i].Path); k.records == nil {
			k.records = records[i : i+1 : i+1]
		} else {
			k.records = append(k.records, records[i])
		}
	}
	for i := range c.Links {
		at(c.Links[i].Path).link = &c.Links[i]
	}
	for _, g := range c.Gaps {
		g.Layer = m.layer
		if g.Path == "" {
			m.gaps = append(m.gaps, g)
			continue
		}
		k := at(g.Path)
		k.gaps = append(k.gaps, g)
	}
}

// count counts the file entries of marked paths. What the layer says of a path
// holds for the last of them; before it, a hard link would find the wrong thing.
func (m *merger) count(c *seaworthy.Contents) {
	c.Entries.Each(func(kind seaworthy.EntryKind, path, _ []byte) bool {
		if kind == seaworthy.EntryFile {
			if k := m.marks[string(path)]; k != nil {
				k.left++
			}
		}
		return true
	})
}

// replaceLinks takes away the symbolic links of lower layers where this layer
// has a directory. Whoever replaced such a link by a directory wrote an opaque
// marker into the new directory; resolved through the old link, it would delete
// what the link led to. It reports whether the layer deletes anything.
func (m *merger) replaceLinks(c *seaworthy.Contents) (deletes bool) {
	c.Entries.Each(func(kind seaworthy.EntryKind, path, _ []byte) bool {
		switch kind {
		case seaworthy.EntryWhiteout, seaworthy.EntryOpaque:
			deletes = true
		case seaworthy.EntryDir:
			if n := m.tree.literal(path); n != nil && n.link {
				m.tree.remove(n)
			}
		}
		return true
	})
	return deletes
}

func (m *merger) whiteout(path []byte) {
	if n := m.tree.lookup(path); n != nil {
		m.tree.remove(n)
	}
}

func (m *merger) opaque(path []byte) {
	if dir, err := m.tree.dir(path); err == nil && dir != nil {
		m.tree.empty(dir)
	}
}

// enter puts one entry into the tree.
func (m *merger) enter(kind seaworthy.EntryKind, path, target []byte) {
	var k *mark
	if kind == seaworthy.EntryFile {
		if k = m.marks[string(path)]; k != nil {
			k.placed = true
			if k.left--; k.left > 0 {
				k = nil
			}
		}
	}
	parent, name, ok := cut(path)
	if !ok {
		return
	}
	dir, err := m.tree.dir(parent)
	if err == nil && dir == nil {
		needed := k != nil || kind == seaworthy.EntrySymlink
		if !needed && !m.tree.near.blocked {
			return // the hot path: most files lie in directories where nothing matters
		}
		dir, err = m.missing(parent, needed)
	}
	switch {
	case err != nil:
		m.lost(k, err)
		return
	case dir == nil:
		return
	}
	switch {
	case kind == seaworthy.EntrySymlink:
		m.symlink(dir, name, target)
	case k != nil:
		m.file(dir, name, k)
	default:
		m.plain(dir, name, kind)
	}
}

// missing deals with a directory of which nothing is known: it is made when it
// is needed, and takes the place of a file in any case.
func (m *merger) missing(path []byte, needed bool) (*node, error) {
	if err := m.tree.walk(path); err != nil {
		return nil, err
	}
	if needed {
		return m.tree.mkdirs()
	}
	m.tree.clear()
	return nil, nil
}

// plain puts in an entry that says nothing itself but hides what was there.
func (m *merger) plain(dir *node, name []byte, kind seaworthy.EntryKind) {
	n := m.tree.index[child{dir, string(name)}]
	if n == nil || kind == seaworthy.EntryDir && !n.link && n.file == nil {
		return
	}
	m.tree.remove(n)
}

// fresh gives an empty node in the place of whatever was there.
func (m *merger) fresh(dir *node, name []byte) (*node, error) {
	if n := m.tree.index[child{dir, string(name)}]; n != nil {
		m.tree.remove(n)
	}
	return m.tree.add(dir, name)
}

// symlink puts in a symbolic link. One that finds no room in a full tree is
// among what the gap of a full tree stands for.
func (m *merger) symlink(dir *node, name, target []byte) {
	if n, err := m.fresh(dir, name); err == nil {
		n.link, n.target = true, bytes.Clone(target)
	}
}

// file puts in a file of which the layer says something.
func (m *merger) file(dir *node, name []byte, k *mark) {
	f := &file{layer: m.layer, name: k.path, records: k.records, gaps: k.gaps}
	if k.link != nil {
		target := m.tree.lookup([]byte(k.link.Target))
		if target != nil && target.link {
			m.symlink(dir, name, target.target)
			return
		}
		m.hardLink(f, k.link, target)
	}
	n, err := m.fresh(dir, name)
	if err != nil {
		m.lost(k, err)
		return
	}
	if len(f.records) == 0 && len(f.gaps) == 0 {
		m.tree.remove(n)
		return
	}
	n.file = f
	if slices.ContainsFunc(f.records, func(r *seaworthy.Record) bool { return database(r.Format) >= 0 }) {
		m.databases = append(m.databases, n)
	}
}

// hardLink gives f what is known of the target of the hard link that it is: the
// records of formats that would read the file under its new name too. A target
// of which nothing is known may still be a file that only the new name tells to
// read.
func (m *merger) hardLink(f *file, l *seaworthy.Link, target *node) {
	byName := slices.ContainsFunc(l.Formats, func(f seaworthy.Format) bool { return !f.ByContent() })
	if target == nil || target.file == nil {
		if byName {
			f.gaps = append(f.gaps[:len(f.gaps):len(f.gaps)], seaworthy.Gap{
				Kind:   seaworthy.GapLink,
				Layer:  m.layer,
				Reason: "it is a hard link to " + l.Target + " of a lower layer, which was not read",
			})
		}
		return
	}
	for _, r := range target.file.records {
		if slices.Contains(l.Formats, r.Format) {
			f.records = append(f.records[:len(f.records):len(f.records)], r)
		}
	}
	for _, g := range target.file.gaps {
		g.Layer = m.layer
		f.gaps = append(f.gaps[:len(f.gaps):len(f.gaps)], g)
	}
}

// leftOver deals with what the layer says of paths that it has no file entry
// for: a hard link is one all the same, a gap stands, and a record is of a file
// that the layer itself replaced.
func (m *merger) leftOver(c *seaworthy.Contents) {
	for _, l := range c.Links {
		if !m.marks[l.Path].placed {
			m.enter(seaworthy.EntryFile, []byte(l.Path), nil)
		}
	}
	for _, g := range c.Gaps {
		if g.Path != "" && !m.marks[g.Path].placed {
			g.Layer = m.layer
			m.gaps = append(m.gaps, g)
		}
	}
	m.marks = nil
}

// lost says that an entry had no place, if it would have mattered.
func (m *merger) lost(k *mark, err error) {
	if k == nil {
		return
	}
	m.gaps = append(m.gaps, seaworthy.Gap{
		Kind:   seaworthy.GapFile,
		Layer:  m.layer,
		Path:   k.path,
		Reason: "the file has no place in the image: " + err.Error(),
	})
}
