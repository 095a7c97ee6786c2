package seaworthy

import (
	"encoding/binary"
	"errors"
	"iter"
)

// Contents is what one analyser version found in one layer, with no knowledge
// of the layers around it. Together with those of the other layers it is
// enough to know what the merged file system holds.
type Contents struct {
	Entries Entries  `json:"-"`
	Records []Record `json:"records,omitempty"` // sorted by path, then format; at most one for a path and format
	Links   []Link   `json:"links,omitempty"`   // hard links to files that this layer does not hold
	Gaps    []Gap    `json:"gaps,omitempty"`    // Layer is 0

	Size     int64 `json:"size"`     // bytes as stored in the registry
	Unpacked int64 `json:"unpacked"` // bytes of the tar stream

	// Limited says that a limit kept a file from being read: with other limits the
	// contents may be others, so they are not to be remembered.
	Limited bool `json:"limited,omitempty"`
}

// Format names what a record was read from, such as "dpkg-status" or "npm".
// The formats that a merge treats by name are the constants below.
type Format string

// Formats with a meaning for merging. All others are language packages, whose
// records hold packages only.
const (
	RecordDpkg      Format = "dpkg"       // var/lib/dpkg/status: the whole database
	RecordDpkgPart  Format = "dpkg-part"  // one file of var/lib/dpkg/status.d
	RecordDpkgFiles Format = "dpkg-files" // info/*.list, status.d/*.md5sums: what one package owns
	RecordAPK       Format = "apk"        // lib/apk/db/installed: packages and what they own
	RecordRPM       Format = "rpm"        // an RPM database: packages and what they own
	RecordOSRelease Format = "os-release"
	RecordGo        Format = "go-binary"   // recognised by content, at any path
	RecordRust      Format = "rust-binary" // recognised by content, at any path
)

// ByContent reports whether files of the format are recognised by what they
// hold, whatever their name: a hard link of any name to one is one too.
func (f Format) ByContent() bool { return f == RecordGo || f == RecordRust }

// Record is what one file of a layer says.
type Record struct {
	Path     string    `json:"path"` // clean, without a leading slash
	Format   Format    `json:"format"`
	Packages []Package `json:"packages,omitempty"`
	Owns     []Owned   `json:"owns,omitempty"`

	OSRelease map[string]string `json:"osRelease,omitempty"` // fields of a RecordOSRelease
}

// Owned lists files that an operating system package installed; only those that
// could be, or hold, a language package are kept.
type Owned struct {
	Package string   `json:"package"`
	Paths   []string `json:"paths"` // clean, without a leading slash
}

// Link is a hard link whose target is not in the same layer. It is kept only
// when an extractor would read a file of its name or kind.
type Link struct {
	Path    string   `json:"path"`
	Target  string   `json:"target"`
	Formats []Format `json:"formats"` // those that would read Path; by-content formats always among them
}

// EntryKind is what a tar entry does to the path it names.
type EntryKind byte

// The kinds of entries.
const (
	EntryFile     EntryKind = 'f' // a regular file, a hard link inside the layer, or a device: it replaces what is there
	EntryDir      EntryKind = 'd' // a directory: it replaces anything but a directory
	EntrySymlink  EntryKind = 'l' // a symbolic link to Target
	EntryWhiteout EntryKind = 'w' // Path of the layers below is removed
	EntryOpaque   EntryKind = 'o' // what the layers below hold under Path is removed
)

// Entry is one tar entry of a layer.
type Entry struct {
	Kind   EntryKind
	Path   string // clean, without a leading slash; "" is the root. Of a whiteout: the path it removes
	Target string // of a symbolic link, as written
}

// Entries is the list of a layer's tar entries in their order, packed: each
// entry is its kind, the length of the prefix it shares with the path before,
// the rest, and for symbolic links the target, lengths as uvarints. A list of
// 100,000 paths takes some 2 MB, and a tenth of it compressed.
//
// The zero value is the empty list.
type Entries struct {
	packed []byte
	count  int
	last   string
}

// Add appends e.
func (l *Entries) Add(e Entry) {
	shared := 0
	for shared < len(e.Path) && shared < len(l.last) && e.Path[shared] == l.last[shared] {
		shared++
	}
	l.packed = append(l.packed, byte(e.Kind))
	l.packed = binary.AppendUvarint(l.packed, uint64(shared))
	l.packed = binary.AppendUvarint(l.packed, uint64(len(e.Path)-shared))
	l.packed = append(l.packed, e.Path[shared:]...)
	if e.Kind == EntrySymlink {
		l.packed = binary.AppendUvarint(l.packed, uint64(len(e.Target)))
		l.packed = append(l.packed, e.Target...)
	}
	l.last = e.Path
	l.count++
}

// Len is the number of entries.
func (l *Entries) Len() int { return l.count }

// Packed is the packed form, for storage. It must not be changed.
func (l *Entries) Packed() []byte { return l.packed }

// UnpackEntries takes the packed form, checking all of it.
func UnpackEntries(packed []byte) (Entries, error) {
	l := Entries{packed: packed}
	var last []byte
	err := unpack(packed, func(_ EntryKind, path, _ []byte) bool {
		l.count++
		last = path
		return true
	})
	if err != nil {
		return Entries{}, err
	}
	l.last = string(last)
	return l, nil
}

// All yields the entries in order.
func (l *Entries) All() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		l.Each(func(kind EntryKind, path, target []byte) bool {
			return yield(Entry{Kind: kind, Path: string(path), Target: string(target)})
		})
	}
}

// Each calls visit for the entries in order until it says false. Path and
// target are valid during the call only: this is All without its garbage.
func (l *Entries) Each(visit func(kind EntryKind, path, target []byte) bool) {
	_ = unpack(l.packed, visit) // checked when it was made
}

var errPacked = errors.New("packed entries are corrupt")

func unpack(b []byte, visit func(kind EntryKind, path, target []byte) bool) error {
	var path, target []byte
	for len(b) > 0 {
		kind := EntryKind(b[0])
		shared, width := binary.Uvarint(b[1:])
		if width <= 0 || shared > uint64(len(path)) {
			return errPacked
		}
		rest, b2, ok := packedText(b[1+width:])
		if !ok {
			return errPacked
		}
		b = b2
		path = append(path[:shared], rest...)
		target = nil
		switch kind {
		case EntrySymlink:
			if target, b, ok = packedText(b); !ok {
				return errPacked
			}
		case EntryFile, EntryDir, EntryWhiteout, EntryOpaque:
		default:
			return errPacked
		}
		if !visit(kind, path, target) {
			return nil
		}
	}
	return nil
}

// packedText takes a length and as many bytes from the front of b.
func packedText(b []byte) (text, rest []byte, ok bool) {
	n, width := binary.Uvarint(b)
	if width <= 0 || n > uint64(len(b)-width) {
		return nil, nil, false
	}
	b = b[width:]
	return b[:n], b[n:], true
}
