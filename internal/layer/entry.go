package layer

import (
	"bytes"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// Names of the files by which a layer removes what lies below it (OCI image
// spec, layer.md, "Whiteouts"). Other names with the metadata prefix are
// leftovers of aufs, which engines ignore.
const (
	whiteoutPrefix = ".wh."
	whiteoutMeta   = ".wh..wh."
	whiteoutOpaque = ".wh..wh..opq"
)

// placed is what a header means for a layer: an entry, or the reason why it is
// none. With neither it is to be ignored.
type placed struct {
	seaworthy.Entry
	target  string // of a hard link
	refused string
	marker  bool // a whiteout by name, which writes nothing in this layer
}

// place reads the paths of a header. It depends on nothing but the header, so
// that a second reading of a layer counts entries as the first did.
func place(h *header) placed {
	name, refused := cleanPath(h.name)
	if refused != "" {
		return placed{refused: refused}
	}
	p := placed{Entry: seaworthy.Entry{Path: name}}
	if bytes.Contains(h.name, []byte(whiteoutPrefix)) {
		if done := p.whiteout(h); done {
			return p
		}
	}
	switch h.kind {
	case tarRegular, tarContiguous, tarBlockDev, tarFifo:
		p.Kind = seaworthy.EntryFile
	case tarChar:
		p.Kind = seaworthy.EntryFile
		if h.major == 0 && h.minor == 0 {
			p.Kind = seaworthy.EntryWhiteout // as overlayfs keeps them
		}
	case tarDir:
		p.Kind = seaworthy.EntryDir
		return p
	case tarSymlink:
		p.Kind, p.Target = seaworthy.EntrySymlink, string(h.link)
		if strings.IndexByte(p.Target, 0) >= 0 {
			p.refused = "its target holds a zero byte"
		}
	case tarLink:
		p.Kind = seaworthy.EntryFile
		if p.target, refused = cleanPath(h.link); refused != "" {
			p.refused = "as a hard link's target, " + refused
		} else if p.target == p.Path {
			p.refused = "it is a hard link to itself"
		}
	default:
		p.refused = "its type is unknown"
	}
	if p.Path == "" && p.refused == "" {
		p.refused = "it would replace the layer's root"
	}
	return p
}

// whiteout reports whether the header is a whiteout or ignored, having made p
// so.
func (p *placed) whiteout(h *header) bool {
	for name := range strings.SplitSeq(path.Dir(p.Path), "/") {
		if strings.HasPrefix(name, whiteoutMeta) {
			return true
		}
	}
	dir, base := path.Split(p.Path)
	if !strings.HasPrefix(base, whiteoutPrefix) {
		return false
	}
	if strings.HasPrefix(base, whiteoutMeta) && base != whiteoutOpaque {
		return true
	}
	// Layers made on aufs hold whiteouts that are hard links to each other.
	if h.kind != tarRegular && h.kind != tarContiguous && h.kind != tarLink {
		p.refused = "it has the name of a whiteout and is not a regular file"
		return true
	}
	dir = strings.TrimSuffix(dir, "/")
	p.marker = true
	if base == whiteoutOpaque {
		p.Kind, p.Path = seaworthy.EntryOpaque, dir
		return true
	}
	base = base[len(whiteoutPrefix):]
	if base == "" || base == "." || base == ".." {
		p.refused = "it is a whiteout of no file"
		return true
	}
	p.Kind, p.Path = seaworthy.EntryWhiteout, path.Join(dir, base)
	return true
}

// info is a header as extractors see it.
type info struct {
	name     string
	size     int64
	mode     int64
	modified int64
}

func (i *info) Name() string       { return path.Base(i.name) }
func (i *info) Size() int64        { return i.size }
func (i *info) ModTime() time.Time { return time.Unix(i.modified, 0) }
func (i *info) IsDir() bool        { return false }
func (i *info) Sys() any           { return nil }

// Mode has the permission bits, and those for setuid, setgid and sticky.
func (i *info) Mode() fs.FileMode {
	m := fs.FileMode(i.mode) & fs.ModePerm
	if i.mode&0o4000 != 0 {
		m |= fs.ModeSetuid
	}
	if i.mode&0o2000 != 0 {
		m |= fs.ModeSetgid
	}
	if i.mode&0o1000 != 0 {
		m |= fs.ModeSticky
	}
	return m
}
