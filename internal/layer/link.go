package layer

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/seaworthy-dev/seaworthy"
)

// link is a hard link. Whether its target is in the layer, and which entry
// wrote it, is looked up when the layer was read: links are few, and a set of
// all paths would be large.
type link struct {
	index  int // of its entry
	path   string
	target string
	info   info
	wants  []*reader // those that go by name
	stale  bool      // the path was written again
	lost   bool      // the target is no file, on which engines fail

	source  int    // index of the entry that holds the content; -1 if outside
	outside string // the path in a layer below, if outside
}

// link keeps a hard link. Records of by-content formats are those that its
// target has now, whatever becomes of the target later.
func (r *analysis) link(h *header, p placed) error {
	l := &link{
		index: r.entries.Len() - 1, path: p.Path, target: p.target,
		info: info{name: p.Path, mode: h.mode, modified: h.modified},
	}
	if err := r.found.link(p.target, p.Path); err != nil {
		return err
	}
	for _, x := range r.wanting(&l.info) {
		if !x.format.ByContent() {
			l.wants = append(l.wants, x)
		}
	}
	r.links = append(r.links, l)
	if r.linkAt == nil {
		r.linkAt = map[string]*link{}
	}
	r.linkAt[l.path] = l
	r.linkBytes += int64(len(l.path) + len(l.target) + linkCost)
	return nil
}

// linkCost is about what a link takes beside its paths.
const linkCost = 256

// origin is the last entry that wrote a link's target.
type origin struct {
	index int
	file  bool
}

// resolve finds the source of each link by going through the entries once
// more, in order.
func (r *analysis) resolve() {
	origins := make(map[string]origin, len(r.links))
	for _, l := range r.links {
		origins[l.target] = origin{index: -1}
	}
	index, next := -1, 0
	for e := range r.entries.All() {
		if next == len(r.links) {
			return
		}
		index++
		if l := r.links[next]; l.index == index {
			l.resolve(origins[l.target], r.links[:next])
			next++
		}
		if _, ok := origins[e.Path]; !ok {
			continue
		}
		switch e.Kind {
		case seaworthy.EntryFile:
			origins[e.Path] = origin{index, true}
		case seaworthy.EntryDir, seaworthy.EntrySymlink:
			origins[e.Path] = origin{index, false}
		case seaworthy.EntryWhiteout, seaworthy.EntryOpaque:
			// These speak of the layers below.
		}
	}
}

func (l *link) resolve(o origin, before []*link) {
	l.source = o.index
	if o.index < 0 {
		l.outside = l.target
		return
	}
	if !o.file {
		l.lost = true
		return
	}
	at, ok := slices.BinarySearchFunc(before, o.index, func(l *link, index int) int { return l.index - index })
	if ok {
		l.source, l.outside, l.lost = before[at].source, before[at].outside, before[at].lost
	}
}

// outsideLinks lists those links whose content is in a layer below.
func (r *analysis) outsideLinks() []seaworthy.Link {
	var list []seaworthy.Link
	for _, l := range r.links {
		if l.stale || l.lost || l.source >= 0 {
			continue
		}
		if !utf8.ValidString(l.path) || !utf8.ValidString(l.outside) {
			r.found.refuse(l.path, "it is a hard link to a file in another layer, by a name that is not UTF-8")
			continue
		}
		out := seaworthy.Link{Path: l.path, Target: l.outside}
		for _, x := range r.readers {
			if x.format.ByContent() || slices.Contains(l.wants, x) {
				out.Formats = append(out.Formats, x.format)
			}
		}
		if slices.Sort(out.Formats); len(out.Formats) > 0 {
			out.Formats = slices.Compact(out.Formats)
			list = append(list, out)
		}
	}
	return list
}

// again gives the links whose target must be read under the link's name, by the
// index of the entry that holds the content.
func (r *analysis) again() map[int][]*link {
	sources := map[int][]*link{}
	for _, l := range r.links {
		if !l.stale && !l.lost && l.source >= 0 && len(l.wants) > 0 {
			sources[l.source] = append(sources[l.source], l)
		}
	}
	return sources
}

// readLinks reads the layer a second time, for the links into it whose name
// matters: what an extractor makes of a file may depend on its path.
func (r *analysis) readLinks(ctx context.Context) error {
	sources := r.again()
	if len(sources) == 0 {
		return nil
	}
	index := -1
	return r.walk(ctx, func(int) {}, func(t *tarReader, h *header, p placed) error {
		if p.refused != "" || p.Kind == 0 {
			return nil
		}
		index++
		links := sources[index]
		if len(links) == 0 {
			return nil
		}
		delete(sources, index)
		if err := r.readAs(ctx, t, h, links); err != nil {
			return err
		}
		if len(sources) == 0 {
			return errEnough
		}
		return nil
	})
}

// readAs reads one file under the names of links to it.
func (r *analysis) readAs(ctx context.Context, t *tarReader, h *header, links []*link) error {
	if !h.isFile() {
		return nil
	}
	r.head = r.head[:0]
	k, refused, err := r.keep(t, h)
	if err != nil {
		return err
	}
	if k != nil {
		defer k.release()
	}
	for _, l := range links {
		if refused != "" {
			r.found.limited = true
			for _, x := range l.wants {
				r.found.fail(l.path, x.format, refused)
			}
			continue
		}
		wants := r.sniffKept(k, l.path, h.size, l.wants)
		l.info.size = h.size
		if err := r.extractAll(ctx, wants, &l.info, k); err != nil {
			return err
		}
	}
	return nil
}
