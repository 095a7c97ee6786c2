package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

// The oracle applies layers to a real directory, as the layer specification of
// OCI images says, and knows nothing of how Merge does it.

// change is one tar entry of a layer of the property test.
type change struct {
	Kind   string // file, dir, symlink, hardlink, whiteout, opaque
	Path   string
	Target string `json:",omitempty"` // of links
	Blob   *blob  `json:",omitempty"` // of files
}

// blob is what a file holds. Its sort decides what it is read as, together with
// the name of the file where the format goes by names.
type blob struct {
	Sort     string // plain, pkg, corrupt, exe, db, list, os-release
	ID       int
	Layer    int                  // that wrote it
	Packages []string             `json:",omitempty"` // names, or owners of a list
	Owns     []string             `json:",omitempty"`
	Fields   map[string]string    `json:",omitempty"`
	_        struct{ never bool } // blobs are compared as JSON
}

const (
	databasePath = "a/db"
	listPath     = "a/f.list"
)

func osReleasePaths() []string { return []string{"etc/os-release", "usr/lib/os-release"} }

// formatsOf says by which formats a file of that name is read.
func formatsOf(name string) []seaworthy.Format {
	formats := []seaworthy.Format{seaworthy.RecordGo}
	switch {
	case strings.HasSuffix(name, ".pkg"):
		formats = append(formats, "pkg")
	case name == databasePath:
		formats = append(formats, seaworthy.RecordDpkg)
	case name == listPath:
		formats = append(formats, seaworthy.RecordDpkgFiles)
	case slices.Contains(osReleasePaths(), name):
		formats = append(formats, seaworthy.RecordOSRelease)
	}
	return formats
}

// read is what extractors make of one file.
func (b blob) read(name string) (records []seaworthy.Record, gaps []seaworthy.Gap) {
	var format seaworthy.Format
	ecosystem := seaworthy.Ecosystem(seaworthy.NPM)
	switch b.Sort {
	case "exe":
		format, ecosystem = seaworthy.RecordGo, seaworthy.Go
	case "pkg", "corrupt":
		format = "pkg"
	case "db":
		format, ecosystem = seaworthy.RecordDpkg, seaworthy.FormatDpkg
	case "list":
		format = seaworthy.RecordDpkgFiles
	case "os-release":
		format = seaworthy.RecordOSRelease
	}
	if !slices.Contains(formatsOf(name), format) {
		return nil, nil
	}
	if b.Sort == "corrupt" {
		return nil, []seaworthy.Gap{{Kind: seaworthy.GapFile, Path: name, Reason: "corrupt"}}
	}
	r := seaworthy.Record{Path: name, Format: format, OSRelease: b.Fields}
	for _, p := range b.Packages {
		if b.Sort == "list" {
			r.Owns = append(r.Owns, seaworthy.Owned{Package: p, Paths: b.Owns})
		} else {
			r.Packages = append(r.Packages, seaworthy.Package{Ecosystem: ecosystem, Name: p, Version: "1"})
		}
	}
	return []seaworthy.Record{r}, nil
}

// disk is a root file system in a directory.
type disk struct {
	t    *testing.T
	root string
}

func (d disk) real(parts ...string) string {
	return filepath.Join(append([]string{d.root}, parts...)...)
}

func (d disk) must(err error) {
	if err != nil {
		d.t.Helper()
		d.t.Fatal(err)
	}
}

var errTooManyLinks = errors.New("too many links")

// resolve follows all links in name, which need not exist, inside the root. It
// gives the path from the root.
func (d disk) resolve(name string) (string, error) {
	todo, done := strings.Split(name, "/"), []string{}
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		if part == "" || part == "." {
			continue
		}
		if part == ".." {
			done = done[:max(0, len(done)-1)]
			continue
		}
		target, err := os.Readlink(d.real(append(slices.Clone(done), part)...))
		if err != nil {
			done = append(done, part)
			continue
		}
		if links++; links > 40 {
			return "", errTooManyLinks
		}
		if strings.HasPrefix(target, "/") {
			done = nil
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return strings.Join(done, "/"), nil
}

// locate follows the links in the directory of name only.
func (d disk) locate(name string) (string, error) {
	dir, err := d.resolve(path.Dir(name))
	return path.Join(dir, path.Base(name)), err
}

func (d disk) isDir(name string) bool {
	info, err := os.Lstat(d.real(name))
	return err == nil && info.IsDir()
}

func (d disk) isLink(name string) bool {
	info, err := os.Lstat(d.real(name))
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// mkdirAll makes directories, also in the place of files.
func (d disk) mkdirAll(name string) {
	if name == "." || name == "" {
		return
	}
	d.mkdirAll(path.Dir(name))
	if !d.isDir(name) {
		d.must(os.RemoveAll(d.real(name)))
		d.must(os.Mkdir(d.real(name), 0o755))
	}
}

// blob reads a regular file; nil if there is none.
func (d disk) blob(name string) *blob {
	info, err := os.Lstat(d.real(name))
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	text, err := os.ReadFile(d.real(name))
	d.must(err)
	var b blob
	d.must(json.Unmarshal(text, &b))
	return &b
}

func (d disk) write(name string, b blob) {
	text, err := json.Marshal(b)
	d.must(err)
	d.must(os.WriteFile(d.real(name), text, 0o644))
}

// apply puts a layer on top. It gives the changes without those that no layer
// of a real image can have, or whose layer alone does not tell what they mean,
// and the paths of files that links lead nowhere.
func (d disk) apply(layer int, changes []change) (kept []change, lost []string) {
	// Not in the specification's words, but what it comes to: a directory that
	// replaces a link is the one that the markers in it speak of.
	for _, c := range changes {
		if c.Kind == "dir" && d.literalLink(c.Path) {
			d.must(os.Remove(d.real(c.Path)))
		}
	}
	for _, c := range changes {
		switch c.Kind {
		case "whiteout":
			if at, err := d.locate(c.Path); err == nil && d.isDir(path.Dir(at)) {
				d.must(os.RemoveAll(d.real(at)))
			}
		case "opaque":
			if at, err := d.resolve(c.Path); err == nil && d.isDir(at) {
				children, err := os.ReadDir(d.real(at))
				d.must(err)
				for _, child := range children {
					d.must(os.RemoveAll(d.real(at, child.Name())))
				}
			}
		}
	}
	w := writer{disk: d, layer: layer, where: map[string]string{}, what: map[string]string{}}
	for _, c := range changes {
		if c.Kind == "whiteout" || c.Kind == "opaque" || w.enter(c) {
			kept = append(kept, c)
		}
	}
	return kept, w.lost
}

// literalLink reports whether a link lies at name with no link on the way.
func (d disk) literalLink(name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if !d.isDir(dir) {
			return false
		}
	}
	return d.isLink(name)
}

// writer applies the entries of one layer in order.
type writer struct {
	disk
	layer int
	where map[string]string // a path of the layer, and where it led when it was written
	what  map[string]string // and what was there then
	lost  []string
}

func (w *writer) enter(c change) (sensible bool) {
	at, err := w.locate(c.Path)
	before, again := w.where[c.Path]
	switch {
	case again && (err != nil || before != at):
		return false // an analysis of the layer keeps one record for a path
	case err != nil && c.Kind == "file":
		w.lost = append(w.lost, c.Path)
	}
	if err != nil {
		return c.Kind != "hardlink"
	}
	var source string
	if c.Kind == "hardlink" {
		if source, err = w.locate(c.Target); err != nil || !w.linkable(source, at, c) {
			return false
		}
	}
	w.where[c.Path] = at
	w.put(c, at, source)
	w.what[c.Path] = w.signature(at)
	return true
}

func (w *writer) put(c change, at, source string) {
	b, isLink := c.Blob, false
	target := c.Target
	if c.Kind == "hardlink" {
		b = w.blob(source)
		if isLink = w.isLink(source); isLink {
			var err error
			target, err = os.Readlink(w.real(source))
			w.must(err)
		}
	}
	w.mkdirAll(path.Dir(at))
	if c.Kind != "dir" || !w.isDir(at) {
		w.must(os.RemoveAll(w.real(at)))
	}
	switch {
	case c.Kind == "dir":
		w.mkdirAll(at)
	case c.Kind == "symlink" || isLink:
		w.must(os.Symlink(target, w.real(at)))
	default:
		written := *b
		written.Layer = w.layer // a link into a lower layer is this layer's doing
		w.write(at, written)
	}
}

// linkable reports whether source can be linked as at, and is what the layer
// by itself takes it for.
func (w *writer) linkable(source, at string, c change) bool {
	if source == at || strings.HasPrefix(source, at+"/") || w.isDir(source) {
		return false
	}
	for dir := path.Dir(at); dir != "."; dir = path.Dir(dir) {
		if dir == source {
			return false
		}
	}
	is := w.signature(source)
	written, ok := w.what[c.Target]
	return is != "" && (!ok || is == written)
}

// signature tells apart what can lie at a place; empty if nothing does.
func (d disk) signature(at string) string {
	if b := d.blob(at); b != nil {
		return fmt.Sprint("file ", b.ID)
	}
	if target, err := os.Readlink(d.real(at)); err == nil {
		return "link " + target
	}
	if d.isDir(at) {
		return "dir"
	}
	return ""
}
