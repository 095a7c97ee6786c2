package demo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"path"
	"slices"
	"sort"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// tree is what a layer adds: files by path, without a leading slash.
type tree struct {
	files map[string]file
}

type file struct {
	content []byte
	mode    int64
	link    string // target of a symbolic link
}

func newTree() *tree { return &tree{files: map[string]file{}} }

// add writes a plain file.
func (t *tree) add(name, content string) *tree {
	t.files[name] = file{content: []byte(content), mode: 0o644}
	return t
}

// addf writes a plain file from a format.
func (t *tree) addf(name, format string, args ...any) *tree {
	return t.add(name, fmt.Sprintf(format, args...))
}

// addBytes writes a file with its mode.
func (t *tree) addBytes(name string, content []byte, mode int64) *tree {
	t.files[name] = file{content: content, mode: mode}
	return t
}

// symlink makes a symbolic link.
func (t *tree) symlink(name, target string) *tree {
	t.files[name] = file{link: target, mode: 0o777}
	return t
}

// remove hides a path of the layers below.
func (t *tree) remove(name string) *tree {
	dir, base := path.Split(name)
	return t.add(dir+".wh."+base, "")
}

// layer packs the tree: directories before what is in them, all times alike.
func (t *tree) layer() (v1.Layer, error) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	for _, dir := range t.directories() {
		h := &tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: built, Format: tar.FormatPAX}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
	}
	names := make([]string, 0, len(t.files))
	for name := range t.files {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if err := t.files[name].write(w, name); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(packed.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
}

func (f file) write(w *tar.Writer, name string) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: f.mode, Size: int64(len(f.content)), ModTime: built, Format: tar.FormatPAX}
	if f.link != "" {
		h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, f.link, 0
	}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := w.Write(f.content)
	return err
}

func (t *tree) directories() []string {
	seen := map[string]bool{}
	for name := range t.files {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			seen[dir] = true
		}
	}
	dirs := make([]string, 0, len(seen))
	for dir := range seen {
		dirs = append(dirs, dir)
	}
	slices.SortFunc(dirs, strings.Compare)
	return dirs
}
