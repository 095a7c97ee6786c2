package oci

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"

	"github.com/seaworthy-dev/seaworthy"
)

// archive is a Source over a tar file as docker save, skopeo, podman, buildx or
// crane write it. What is in it is found out at the first use, because an
// archive that is compressed is unpacked for that.
type archive struct {
	typed   string
	path    string
	want    string // name, tag or digest; "" is the only image
	options Options

	mu    sync.Mutex
	inner Source
}

func openArchive(arg, s string, o Options) (Source, error) {
	name, want, err := cutArchivePath(s)
	if err != nil {
		return nil, fileError(arg, "the file", err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, fileError(arg, "the file", err)
	}
	if info.IsDir() {
		return nil, &seaworthy.Error{Code: seaworthy.CodeInvalid, Public: name + " is a directory", Hint: "for an OCI layout, write oci:" + name}
	}
	if !info.Mode().IsRegular() {
		return nil, &seaworthy.Error{Code: seaworthy.CodeInvalid, Public: name + " is not a regular file", Hint: "write what comes through a pipe to a file first"}
	}
	return &archive{typed: arg, path: name, want: want, options: o}, nil
}

// cutArchivePath parts FILE[@NAME] at the first at sign that leaves the name of
// a file.
func cutArchivePath(s string) (name, want string, err error) {
	if s == "" {
		return "", "", errors.New("no file is named")
	}
	_, err = os.Stat(s)
	if err == nil {
		return s, "", nil
	}
	for i := range len(s) {
		if s[i] != '@' || i == 0 || i == len(s)-1 {
			continue
		}
		if _, err := os.Stat(s[:i]); err == nil {
			return s[:i], s[i+1:], nil
		}
	}
	return "", "", err
}

// Reference implements Source.
func (a *archive) Reference() string { return a.typed }

// Root implements Source.
func (a *archive) Root(ctx context.Context) (Descriptor, error) {
	s, err := a.open(ctx)
	if err != nil {
		return Descriptor{}, err
	}
	return s.Root(ctx)
}

// Manifest implements Source.
func (a *archive) Manifest(ctx context.Context, d Descriptor) ([]byte, error) {
	s, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	return s.Manifest(ctx, d)
}

// Blob implements Source.
func (a *archive) Blob(ctx context.Context, d Descriptor) (io.ReadCloser, error) {
	s, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	return s.Blob(ctx, d)
}

// Close implements Source.
func (a *archive) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inner == nil {
		return nil
	}
	return a.inner.Close()
}

// open reads the table of contents, once.
func (a *archive) open(ctx context.Context) (Source, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inner != nil {
		return a.inner, nil
	}
	f, err := os.Open(a.path)
	if err != nil {
		return nil, fileError(a.typed, "the file", err)
	}
	f, err = unpacked(ctx, f, a.typed, a.options)
	if err != nil {
		return nil, err
	}
	members, err := readMembers(ctx, f, a.typed, a.options.Limits)
	if err == nil {
		a.inner, err = a.sourceOf(ctx, members)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return a.inner, nil
}

// sourceOf prefers an OCI layout: today's docker save writes both, and only the
// layout has the digests that a registry knows.
func (a *archive) sourceOf(ctx context.Context, m *members) (Source, error) {
	switch {
	case m.has("index.json"):
		l := &layout{typed: a.typed, files: m, limits: a.options.Limits}
		if d, err := seaworthy.ParseDigest(a.want); err == nil {
			l.want.digest = d
		} else {
			l.want.tag = a.want
		}
		return l, nil
	case m.has("manifest.json"):
		return newDockerArchive(ctx, a.typed, a.want, m, a.options.Limits)
	}
	public := a.typed + " is a tar archive and holds no image: neither index.json nor manifest.json is in it"
	hint := "archives are what docker save, podman save, skopeo copy and crane pull write"
	if m.has("repositories") {
		public, hint = a.typed+" was saved by an engine older than 2016, which is not supported", "load and save it again with a newer one"
	}
	return nil, &seaworthy.Error{Code: seaworthy.CodeInvalid, Public: public, Hint: hint}
}

// member is one entry of a tar archive.
type member struct {
	offset, size int64
	link         string // the member that holds the data; then offset and size are not set
}

// members is the table of contents of a tar archive.
type members struct {
	file  *os.File
	typed string
	table map[string]member
}

// readMembers makes one pass over the headers. As in unpacking, the last of
// several members of one name counts.
func readMembers(ctx context.Context, f *os.File, typed string, l seaworthy.Limits) (*members, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fileError(typed, "the file", err)
	}
	m := &members{file: f, typed: typed, table: map[string]member{}}
	stream := io.NewSectionReader(f, 0, info.Size())
	reader := tar.NewReader(stream)
	var entries, kept int64
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		h, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, notTar(typed, entries, err)
		}
		if entries++; entries > l.LayerEntries {
			return nil, l.Exceeded(seaworthy.LimitLayerEntries, "the number of entries in "+typed)
		}
		offset, err := stream.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, fileError(typed, "the file", err)
		}
		name := path.Clean("/" + h.Name)[1:]
		if kept += int64(len(name) + len(h.Linkname) + 64); kept > l.ManifestBytes {
			return nil, l.Exceeded(seaworthy.LimitManifestBytes, "the table of contents of "+typed)
		}
		if entry, ok := memberOf(h, name, offset); ok {
			m.table[name] = entry
		}
	}
	if entries == 0 {
		return nil, notTar(typed, 0, errors.New("it is empty"))
	}
	return m, nil
}

func memberOf(h *tar.Header, name string, offset int64) (member, bool) {
	switch h.Typeflag {
	case tar.TypeReg:
		for key := range h.PAXRecords {
			if strings.HasPrefix(key, "GNU.sparse.") {
				return member{}, false // nobody saves images so
			}
		}
		return member{offset: offset, size: h.Size}, true
	case tar.TypeLink:
		return member{link: path.Clean("/" + h.Linkname)[1:]}, true
	case tar.TypeSymlink:
		target := h.Linkname
		if !path.IsAbs(target) {
			target = path.Join("/", path.Dir(name), target)
		}
		return member{link: path.Clean(target)[1:]}, true
	}
	return member{}, false
}

func notTar(typed string, entries int64, err error) error {
	public := typed + " is not a tar archive"
	if entries > 0 {
		public = fmt.Sprintf("%s is damaged or cut short: after %d entries, %s", typed, entries, printable(err.Error()))
	}
	return &seaworthy.Error{Code: seaworthy.CodeCorrupt, Public: public, Err: err}
}

func (m *members) has(name string) bool {
	_, err := m.find(name)
	return err == nil
}

// find follows links. Old docker save writes a layer that two images share once,
// and links to it.
func (m *members) find(name string) (member, error) {
	const mostLinks = 8
	asked := name
	for range mostLinks {
		entry, ok := m.table[name]
		if !ok {
			return member{}, fmt.Errorf("%.200q: %w", asked, fs.ErrNotExist)
		}
		if entry.link == "" {
			return entry, nil
		}
		name = entry.link
	}
	return member{}, fmt.Errorf("%.200q links to itself, or through too many links", asked)
}

func (m *members) open(name string) (io.ReadCloser, int64, error) {
	entry, err := m.find(name)
	if err != nil {
		return nil, 0, err
	}
	return io.NopCloser(io.NewSectionReader(m.file, entry.offset, entry.size)), entry.size, nil
}

func (m *members) Close() error { return m.file.Close() }
