package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// dockerArchive is a Source over an archive of docker save without an OCI
// layout. It has no manifest, so one is made: layers that lie there plain have
// their diff id as the digest, and it is verified like any other. The digest of
// the manifest is ours and no registry's.
type dockerArchive struct {
	typed    string
	members  *members
	root     Descriptor
	manifest []byte
	names    map[seaworthy.Digest]string
}

// savedImage is an entry of manifest.json (moby, image/tarexport).
type savedImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func newDockerArchive(ctx context.Context, typed, want string, m *members, l seaworthy.Limits) (Source, error) {
	images, err := readSaved(typed, m, l)
	if err != nil {
		return nil, err
	}
	image, err := chooseSaved(typed, want, images)
	if err != nil {
		return nil, err
	}
	a := &dockerArchive{typed: typed, members: m, names: map[seaworthy.Digest]string{}}
	if err := a.build(ctx, image, l); err != nil {
		return nil, err
	}
	return a, nil
}

func readSaved(typed string, m *members, l seaworthy.Limits) ([]savedImage, error) {
	b, err := readMember(typed, m, "manifest.json", l.ManifestBytes, l.Exceeded(seaworthy.LimitManifestBytes, "manifest.json of "+typed))
	if err != nil {
		return nil, err
	}
	var images []savedImage
	if err := json.Unmarshal(b, &images); err != nil {
		return nil, malformed(typed, "manifest.json", err)
	}
	if int64(len(images)) > l.IndexEntries {
		return nil, l.Exceeded(seaworthy.LimitIndexEntries, "the number of images in "+typed)
	}
	return images, nil
}

func readMember(typed string, m *members, name string, most int64, tooLarge error) ([]byte, error) {
	r, size, err := m.open(name)
	if err != nil {
		return nil, fileError(typed, printable(name), err)
	}
	defer r.Close()
	if size > most {
		return nil, tooLarge
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, fileError(typed, printable(name), err)
	}
	return b, nil
}

func chooseSaved(typed, want string, images []savedImage) (savedImage, error) {
	var there []string
	for _, image := range images {
		if want != "" && (anyNameIs(image.RepoTags, want) || image.hasID(want)) {
			return image, nil
		}
		there = append(there, image.names()...)
	}
	switch {
	case len(images) == 0:
		return savedImage{}, &seaworthy.Error{Code: seaworthy.CodeNotFound, Public: typed + " holds no image"}
	case want != "":
		return savedImage{}, &seaworthy.Error{
			Code:   seaworthy.CodeNotFound,
			Public: fmt.Sprintf("%s holds no image %q; it holds %s", typed, want, listOf(there)),
		}
	case len(images) > 1:
		return savedImage{}, severalImages(typed, there)
	}
	return images[0], nil
}

// names are the tags of an image, or its ID.
func (s savedImage) names() []string {
	if len(s.RepoTags) == 0 {
		return []string{"sha256:" + printable(strings.TrimSuffix(path.Base(s.Config), ".json"))}
	}
	names := make([]string, len(s.RepoTags))
	for i, tag := range s.RepoTags {
		names[i] = printable(tag)
	}
	return names
}

// hasID compares with the image ID, sha256:HEX, by which the config's file is
// named.
func (s savedImage) hasID(want string) bool {
	d, err := seaworthy.ParseDigest(want)
	return err == nil && strings.Contains(s.Config, d.Hex())
}

// build makes the manifest.
func (a *dockerArchive) build(ctx context.Context, image savedImage, l seaworthy.Limits) error {
	b, err := readMember(a.typed, a.members, memberName(image.Config), l.ConfigBytes, l.Exceeded(seaworthy.LimitConfigBytes, "the image config of "+a.typed))
	if err != nil {
		return err
	}
	c, err := parseConfig(b, l)
	if err == nil && len(c.RootFS.DiffIDs) != len(image.Layers) {
		err = fmt.Errorf("it has %d diff ids for %d layers", len(c.RootFS.DiffIDs), len(image.Layers))
	}
	if err != nil {
		return malformed(a.typed, "the image config", err)
	}
	d := Descriptor{MediaType: typeDockerConfig, Digest: seaworthy.DigestOf(b), Size: int64(len(b))}
	a.names[d.Digest] = memberName(image.Config)
	m := struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Config        Descriptor   `json:"config"`
		Layers        []Descriptor `json:"layers"`
	}{2, typeDockerManifest, d, make([]Descriptor, len(image.Layers))}
	for i, name := range image.Layers {
		if m.Layers[i], err = a.layer(ctx, memberName(name), c.RootFS.DiffIDs[i]); err != nil {
			return err
		}
	}
	if a.manifest, err = json.Marshal(m); err != nil {
		return fmt.Errorf("make a manifest: %w", err)
	}
	a.root = Descriptor{MediaType: typeDockerManifest, Digest: seaworthy.DigestOf(a.manifest), Size: int64(len(a.manifest))}
	return nil
}

func memberName(s string) string { return path.Clean("/" + s)[1:] }

// layer describes a layer's file. Crane compresses layers and names them by
// their digest; what others compress must be read once to have one.
func (a *dockerArchive) layer(ctx context.Context, name string, diffID seaworthy.Digest) (Descriptor, error) {
	r, size, err := a.members.open(name)
	if err != nil {
		return Descriptor{}, malformed(a.typed, "manifest.json", fmt.Errorf("a layer it names: %w", err))
	}
	defer r.Close()
	head := make([]byte, min(8, size))
	if _, err := io.ReadFull(r, head); err != nil {
		return Descriptor{}, fileError(a.typed, printable(name), err)
	}
	d := Descriptor{MediaType: typeDockerLayer, Digest: diffID, Size: size}
	if method := compression(head); method != "" {
		d.MediaType += "." + method
		base, _, _ := strings.Cut(path.Base(name), ".")
		if d.Digest, err = seaworthy.ParseDigest("sha256:" + strings.TrimPrefix(base, "sha256:")); err != nil {
			if d.Digest, err = hashOf(ctx, io.MultiReader(bytes.NewReader(head), r)); err != nil {
				return Descriptor{}, fileError(a.typed, printable(name), err)
			}
		}
	}
	a.names[d.Digest] = name
	return d, nil
}

func hashOf(ctx context.Context, r io.Reader) (seaworthy.Digest, error) {
	h := seaworthy.Digest("sha256:").Hash()
	buffer := make([]byte, 256<<10)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := r.Read(buffer)
		_, _ = h.Write(buffer[:n])
		if err == io.EOF {
			return seaworthy.Digest(fmt.Sprintf("sha256:%x", h.Sum(nil))), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// Reference implements Source.
func (a *dockerArchive) Reference() string { return a.typed }

// Root implements Source.
func (a *dockerArchive) Root(ctx context.Context) (Descriptor, error) { return a.root, ctx.Err() }

// Manifest implements Source.
func (a *dockerArchive) Manifest(ctx context.Context, d Descriptor) ([]byte, error) {
	if d.Digest != a.root.Digest {
		return nil, &seaworthy.Error{Code: seaworthy.CodeNotFound, Public: fmt.Sprintf("%s has no manifest %s", a.typed, d.Digest)}
	}
	return bytes.Clone(a.manifest), ctx.Err()
}

// Blob implements Source.
func (a *dockerArchive) Blob(ctx context.Context, d Descriptor) (io.ReadCloser, error) {
	name, ok := a.names[d.Digest]
	if !ok {
		return nil, malformed(a.typed, "a descriptor", errors.New("it names no file of the archive"))
	}
	return openVerified(ctx, a.typed, a.members, name, d)
}

// Close implements Source.
func (a *dockerArchive) Close() error { return a.members.Close() }
