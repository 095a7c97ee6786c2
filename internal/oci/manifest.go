package oci

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// Media types of manifests, indexes and image configs (OCI image spec,
// media-types.md; Docker image manifest v2 schema 2).
const (
	typeIndex          = "application/vnd.oci.image.index.v1+json"
	typeManifest       = "application/vnd.oci.image.manifest.v1+json"
	typeConfig         = "application/vnd.oci.image.config.v1+json"
	typeDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	typeDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	typeDockerConfig   = "application/vnd.docker.container.image.v1+json"
	typeDockerSchema1  = "application/vnd.docker.distribution.manifest.v1+prettyjws"
	typeDockerLayer    = "application/vnd.docker.image.rootfs.diff.tar"
)

// kind is what a manifest is.
type kind int

const (
	kindUnknown kind = iota // nothing says what it is
	kindImage
	kindIndex
	kindOther // neither
)

func kindOfType(mediaType string) kind {
	switch mediaType {
	case "":
		return kindUnknown
	case typeIndex, typeDockerList:
		return kindIndex
	case typeManifest, typeDockerManifest:
		return kindImage
	}
	return kindOther
}

func isSchema1(mediaType string) bool {
	return strings.HasPrefix(mediaType, "application/vnd.docker.distribution.manifest.v1+")
}

func schema1Error(reference string) error {
	return &seaworthy.Error{
		Code:   seaworthy.CodeInvalid,
		Public: reference + " is stored in Docker's manifest schema 1, which is not supported: it has no digests of what it holds",
		Hint:   "push it again with an engine of 2016 or later",
	}
}

// manifest is an image manifest or an index, whichever its fields make it.
type manifest struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     string          `json:"mediaType"`
	ArtifactType  string          `json:"artifactType"`
	Config        *Descriptor     `json:"config"`
	Layers        []Descriptor    `json:"layers"`
	Manifests     []Descriptor    `json:"manifests"`
	FSLayers      json.RawMessage `json:"fsLayers"` // of schema 1
	Blobs         json.RawMessage `json:"blobs"`    // of the OCI artifact manifest that was given up

	kind kind
}

// parseManifest reads a manifest or index of any source. What both kinds of
// readers could take differently, such as a document that is index and image in
// one, is an error (GHSA-mc8v-mgrf-8f4m).
func parseManifest(b []byte, l seaworthy.Limits) (manifest, error) {
	if int64(len(b)) > l.ManifestBytes {
		return manifest{}, l.Exceeded(seaworthy.LimitManifestBytes, "the manifest")
	}
	var m manifest
	if err := decodeStrict(b, &m); err != nil {
		return manifest{}, err
	}
	if isSchema1(m.MediaType) || m.SchemaVersion == 1 && m.FSLayers != nil {
		return manifest{}, errSchema1
	}
	m.kind = kindOfType(m.MediaType)
	isImage, isIndex := m.Config != nil || m.Layers != nil, m.Manifests != nil
	switch {
	case isImage && isIndex:
		return manifest{}, errors.New("it has the fields of an image and of an index")
	case m.kind == kindIndex && isImage, m.kind == kindImage && isIndex:
		return manifest{}, fmt.Errorf("its fields are not those of its media type %.100q", m.MediaType)
	case m.kind == kindOther || m.Blobs != nil:
		m.kind = kindOther
		return m, nil
	case isIndex:
		m.kind = kindIndex
	case m.Config != nil:
		m.kind = kindImage
	case m.kind == kindIndex: // an empty one
	default:
		return manifest{}, errors.New("it has neither a config nor manifests")
	}
	return m, m.check(l)
}

var errSchema1 = errors.New("it is of Docker's manifest schema 1")

func (m *manifest) check(l seaworthy.Limits) error {
	if int64(len(m.Manifests)) > l.IndexEntries {
		return l.Exceeded(seaworthy.LimitIndexEntries, fmt.Sprintf("an index of %d manifests", len(m.Manifests)))
	}
	if int64(len(m.Layers)) > l.Layers {
		return l.Exceeded(seaworthy.LimitLayers, fmt.Sprintf("an image of %d layers", len(m.Layers)))
	}
	for i, d := range m.Manifests {
		if err := checkDescriptor(d); err != nil {
			return fmt.Errorf("manifest %d of the index: %w", i, err)
		}
	}
	for i, d := range m.Layers {
		if err := checkDescriptor(d); err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
		if d.Size > l.LayerBytes {
			return l.Exceeded(seaworthy.LimitLayerBytes, fmt.Sprintf("layer %d, of %d bytes,", i, d.Size))
		}
	}
	if m.Config != nil {
		if err := checkDescriptor(*m.Config); err != nil {
			return fmt.Errorf("config: %w", err)
		}
	}
	return nil
}

func checkDescriptor(d Descriptor) error {
	if _, err := seaworthy.ParseDigest(string(d.Digest)); err != nil {
		return err
	}
	if d.Size < 0 {
		return fmt.Errorf("its size is %d", d.Size)
	}
	return nil
}

// malformed is the error of content that cannot be what it should be.
func malformed(reference, what string, err error) error {
	if e, ok := errors.AsType[*seaworthy.LimitError](err); ok {
		return e
	}
	if errors.Is(err, errSchema1) {
		return schema1Error(reference)
	}
	return &seaworthy.Error{
		Code:   seaworthy.CodeCorrupt,
		Public: fmt.Sprintf("%s of %s is malformed: %s", what, reference, printable(err.Error())),
		Err:    err,
	}
}

// maxJSONDepth is far beyond what manifests and configs have.
const maxJSONDepth = 32

// decodeStrict decodes one JSON object. Names that occur twice in an object, or
// differ in case from one of ours, are errors: which of them counts depends on
// the reader, and a signature or a scanner may have seen the other one.
func decodeStrict(b []byte, into any) error {
	if err := checkNames(b); err != nil {
		return err
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	return nil
}

// frame is an object or array that checkNames is in.
type frame struct {
	names  map[string]bool // nil in an array
	free   bool            // its names are data: labels, annotations
	isName bool            // the next token is a name
	last   string          // the last name
}

func checkNames(b []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber()
	var stack []frame
	for {
		token, err := decoder.Token()
		if err == io.EOF && len(stack) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("decode: %w", err)
		}
		top := len(stack) - 1
		if delimiter, ok := token.(json.Delim); ok && (delimiter == '}' || delimiter == ']') {
			stack = stack[:top]
			continue
		}
		if top >= 0 && stack[top].isName {
			name, _ := token.(string)
			if err := stack[top].add(name); err != nil {
				return err
			}
			continue
		}
		if top < 0 && token != json.Delim('{') {
			return errors.New("it is not a JSON object")
		}
		inside := frame{}
		if top >= 0 {
			stack[top].isName = stack[top].names != nil
			inside.free = stack[top].free || holdsData(stack[top].last)
		}
		switch token {
		case json.Delim('{'):
			inside.names, inside.isName = map[string]bool{}, true
			stack = append(stack, inside)
		case json.Delim('['):
			stack = append(stack, inside)
		}
		if len(stack) > maxJSONDepth {
			return fmt.Errorf("it nests deeper than %d levels", maxJSONDepth)
		}
	}
}

// add notes the name of a member.
func (f *frame) add(name string) error {
	f.isName, f.last = false, name
	key := name
	if !f.free {
		if key = strings.ToLower(name); ourNames[key] != "" {
			if ourNames[key] != name {
				return fmt.Errorf("it has a field %.40q, which some readers take for %q", name, ourNames[key])
			}
		} else {
			key = name
		}
	}
	if f.names[key] {
		return fmt.Errorf("it has the field %.40q twice", name)
	}
	f.names[key] = true
	return nil
}

func holdsData(name string) bool { return name == "annotations" || name == "Labels" }

// ourNames are those of manifests, by their lower case. Configs hold free data
// in many places, so only these are looked at; encoding/json ignores case.
var ourNames = map[string]string{
	"schemaversion": "schemaVersion", "mediatype": "mediaType", "artifacttype": "artifactType",
	"layers": "layers", "manifests": "manifests", "digest": "digest", "platform": "platform",
	"rootfs": "rootfs", "diff_ids": "diff_ids", "history": "history", "empty_layer": "empty_layer",
	"created_by": "created_by",
}
