package oci

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/seaworthy-dev/seaworthy"
)

// files are the files of an OCI layout, by slash-separated path.
type files interface {
	// open fails with fs.ErrNotExist for what is not there.
	open(name string) (r io.ReadCloser, size int64, err error)
	Close() error
}

// selector is the image of a layout or archive that a user asked for.
type selector struct {
	tag    string // or name; "" is the only one
	digest seaworthy.Digest
}

// layout is a Source over an OCI image layout (OCI image spec,
// image-layout.md), in a directory or in an archive.
type layout struct {
	typed  string
	files  files
	want   selector
	limits seaworthy.Limits

	mu    sync.Mutex
	index []byte // when the index itself is the root
}

func openLayout(arg, path string, o Options) (Source, error) {
	dir, want, err := cutLayoutPath(path)
	if err != nil {
		return nil, &seaworthy.Error{Code: seaworthy.CodeInvalid, Public: fmt.Sprintf("%.200q: %v", arg, err), Hint: "write it as oci:DIR, oci:DIR:TAG or oci:DIR@sha256:…", Err: err}
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fileError(arg, "the directory "+dir, err)
	}
	if !info.IsDir() {
		return nil, &seaworthy.Error{Code: seaworthy.CodeInvalid, Public: dir + " is not a directory", Hint: "for an archive, write tar:" + dir}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fileError(arg, "the directory "+dir, err)
	}
	return &layout{typed: arg, files: directory{root}, want: want, limits: o.Limits}, nil
}

// cutLayoutPath parts DIR[:TAG|@DIGEST]. Of several readings, the one with the
// longest name of a directory that exists goes first.
func cutLayoutPath(s string) (dir string, want selector, err error) {
	colon := strings.LastIndexByte(s, ':')
	if colon <= strings.LastIndexByte(s, filepath.Separator) || colon == 1 && runtime.GOOS == "windows" {
		colon = -1
	}
	at := strings.LastIndexByte(s, '@')
	if at < strings.LastIndexByte(s, filepath.Separator) {
		at = -1
	}
	switch {
	case s == "":
		return "", want, errors.New("no directory is named")
	case isDirectory(s):
		return s, want, nil
	case colon == 0 || colon == len(s)-1:
		return "", want, errors.New("the directory or the tag is empty")
	case at > 0 && (colon < 0 || isDirectory(s[:at]) || !isDirectory(s[:colon])):
		want.digest, err = seaworthy.ParseDigest(s[at+1:])
		return s[:at], want, err
	case colon > 0:
		want.tag = s[colon+1:]
		return s[:colon], want, nil
	}
	return s, want, nil
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// directory is a layout on disk. os.Root keeps symbolic links from leading out
// of it.
type directory struct{ root *os.Root }

func (d directory) open(name string) (io.ReadCloser, int64, error) {
	name = filepath.FromSlash(name)
	info, err := d.root.Stat(name) // before opening, which would wait on a named pipe
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, errors.New(name + " is not a regular file")
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (d directory) Close() error { return d.root.Close() }

// Reference implements Source.
func (l *layout) Reference() string { return l.typed }

// Close implements Source.
func (l *layout) Close() error { return l.files.Close() }

// Root implements Source.
func (l *layout) Root(ctx context.Context) (Descriptor, error) {
	if err := ctx.Err(); err != nil {
		return Descriptor{}, err
	}
	b, err := l.readIndex()
	if err != nil {
		return Descriptor{}, err
	}
	m, err := parseManifest(b, l.limits)
	if err == nil && m.kind != kindIndex {
		err = errors.New("it is not an index")
	}
	if err != nil {
		return Descriptor{}, malformed(l.typed, "index.json", err)
	}
	if l.want.digest != "" {
		for _, d := range m.Manifests {
			if d.Digest == l.want.digest {
				return d, nil
			}
		}
		return Descriptor{Digest: l.want.digest}, nil
	}
	if isWholeIndex(m, l.want) {
		l.mu.Lock()
		l.index = b
		l.mu.Unlock()
		return Descriptor{MediaType: typeIndex, Digest: seaworthy.DigestOf(b), Size: int64(len(b))}, nil
	}
	return l.choose(m)
}

func (l *layout) readIndex() ([]byte, error) {
	if b, err := l.read("oci-layout", Descriptor{}); err == nil && !strings.Contains(string(b), `"1.`) {
		return nil, malformed(l.typed, "the file oci-layout", errors.New("it is not of version 1"))
	}
	b, err := l.read("index.json", Descriptor{})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &seaworthy.Error{
			Code:   seaworthy.CodeNotFound,
			Public: l.typed + " is not an OCI layout: it has no index.json",
			Hint:   "check the path; a layout holds index.json and a directory blobs", Err: err,
		}
	}
	return b, err
}

// isWholeIndex reports a layout whose index.json is itself one image for
// several platforms: its entries have platforms and no names.
func isWholeIndex(m manifest, want selector) bool {
	for _, d := range m.Manifests {
		if len(namesOf(d)) > 0 || !hasPlatform(d) {
			return false
		}
	}
	return want.tag == "" && len(m.Manifests) > 1
}

// namesOf are the names of a layout's entry: the one of the specification first,
// then the whole reference that containerd and Docker note beside it.
func namesOf(d Descriptor) []string {
	var names []string
	for _, key := range []string{"org.opencontainers.image.ref.name", "io.containerd.image.name"} {
		if name := d.Annotations[key]; name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (l *layout) choose(m manifest) (Descriptor, error) {
	var found []Descriptor
	var there []string
	for _, d := range m.Manifests {
		names := namesOf(d)
		if len(names) > 0 {
			there = append(there, printable(names[len(names)-1]))
		} else {
			there = append(there, string(d.Digest))
		}
		if l.want.tag != "" && !anyNameIs(names, l.want.tag) {
			continue
		}
		same := false
		for _, other := range found {
			same = same || other.Digest == d.Digest
		}
		if !same {
			found = append(found, d)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(m.Manifests) == 0:
		return Descriptor{}, &seaworthy.Error{Code: seaworthy.CodeNotFound, Public: l.typed + " holds no image"}
	case len(found) == 0:
		return Descriptor{}, &seaworthy.Error{
			Code:   seaworthy.CodeNotFound,
			Public: fmt.Sprintf("%s holds no image %q; it holds %s", l.typed, l.want.tag, listOf(there)),
		}
	}
	return Descriptor{}, severalImages(l.typed, there)
}

// anyNameIs compares names as they are, and as references, so that debian:12
// finds docker.io/library/debian:12.
func anyNameIs(names []string, want string) bool {
	asReference, err := ParseReference(want)
	for _, name := range names {
		if name == want {
			return true
		}
		if r, nameErr := ParseReference(name); err == nil && nameErr == nil && strings.ContainsAny(name, ":/") && r == asReference {
			return true
		}
	}
	return false
}

func severalImages(typed string, names []string) error {
	hint := "name one: " + typed + ":TAG"
	if strings.HasPrefix(typed, "tar:") {
		hint = "name one: " + typed + "@NAME"
	}
	return &seaworthy.Error{
		Code:   seaworthy.CodeInvalid,
		Public: fmt.Sprintf("%s holds several images: %s", typed, listOf(names)),
		Hint:   hint,
	}
}

// Manifest implements Source.
func (l *layout) Manifest(ctx context.Context, d Descriptor) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	index := l.index
	l.mu.Unlock()
	if index != nil && d.Digest == seaworthy.DigestOf(index) {
		return index, nil
	}
	name, err := blobName(l.typed, d)
	if err != nil {
		return nil, err
	}
	return l.read(name, d)
}

// read reads a small file whole; it is verified if d has a digest.
func (l *layout) read(name string, d Descriptor) ([]byte, error) {
	r, size, err := l.files.open(name)
	if err != nil {
		return nil, fileError(l.typed, name, err)
	}
	defer r.Close()
	tooLarge := l.limits.Exceeded(seaworthy.LimitManifestBytes, name+" in "+l.typed)
	if size > l.limits.ManifestBytes || d.Size > l.limits.ManifestBytes {
		return nil, tooLarge
	}
	b, err := io.ReadAll(io.LimitReader(r, l.limits.ManifestBytes+1))
	if err != nil {
		return nil, fileError(l.typed, name, err)
	}
	if int64(len(b)) > l.limits.ManifestBytes {
		return nil, tooLarge
	}
	if d.Digest == "" {
		return b, nil
	}
	return b, verifyBytes(b, name+" in "+l.typed, d)
}

// Blob implements Source.
func (l *layout) Blob(ctx context.Context, d Descriptor) (io.ReadCloser, error) {
	name, err := blobName(l.typed, d)
	if err != nil {
		return nil, err
	}
	return openVerified(ctx, l.typed, l.files, name, d)
}

// blobName is the path of a blob; its parts are checked, so that it stays one.
func blobName(typed string, d Descriptor) (string, error) {
	digest, err := seaworthy.ParseDigest(string(d.Digest))
	if err != nil {
		return "", malformed(typed, "a descriptor", err)
	}
	return "blobs/" + digest.Algorithm() + "/" + digest.Hex(), nil
}

// openVerified opens a blob that lies in a file.
func openVerified(ctx context.Context, typed string, from files, name string, d Descriptor) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r, size, err := from.open(name)
	if err != nil {
		return nil, fileError(typed, name, err)
	}
	v := newVerifier(name+" in "+typed, d)
	if d.Size > 0 && size != d.Size {
		r.Close()
		return nil, v.corrupt("has %d bytes and should have %d", size, d.Size)
	}
	return &verifiedReader{source: r, ctx: ctx, verifier: v}, nil
}

// fileError says why a file cannot be read.
func fileError(typed, name string, err error) error {
	code, why := seaworthy.CodeInvalid, lastCause(err)
	if errors.Is(err, fs.ErrNotExist) {
		code, why = seaworthy.CodeNotFound, ": it is not there"
	}
	public := fmt.Sprintf("%s of %s cannot be read%s", name, typed, why)
	return &seaworthy.Error{Code: code, Public: public, Err: err}
}
