// Package oci reads images from where they are stored: a registry that speaks
// the OCI distribution protocol, an OCI layout on disk, or an archive file. It
// verifies each byte: manifests against their digest, blobs against digest and
// size, at the latest when their stream ends.
//
// It never writes to a registry, never falls back to plain HTTP, sends a
// credential only to the host that it belongs to, and pulls by digest. Its
// errors are *seaworthy.Error with a code, or *seaworthy.LimitError.
package oci

import (
	"context"
	"io"

	"github.com/seaworthy-dev/seaworthy"
)

// Descriptor points to content (OCI image spec, descriptor.md).
type Descriptor struct {
	MediaType    string              `json:"mediaType"`
	Digest       seaworthy.Digest    `json:"digest"`
	Size         int64               `json:"size"`
	URLs         []string            `json:"urls,omitempty"`
	Annotations  map[string]string   `json:"annotations,omitempty"`
	Platform     *seaworthy.Platform `json:"platform,omitempty"`
	ArtifactType string              `json:"artifactType,omitempty"`
}

// Source is one place that holds one image or index, addressed by what the user
// typed. A Source is safe for concurrent use and is closed once.
type Source interface {
	// Reference is what the user typed, for people.
	Reference() string

	// Root finds what the reference names at this moment. On a registry it costs
	// one HEAD, for a digest reference nothing.
	Root(ctx context.Context) (Descriptor, error)

	// Manifest gives the whole manifest or index, verified.
	Manifest(ctx context.Context, d Descriptor) ([]byte, error)

	// Blob streams a blob. Its Read fails in the place of io.EOF when digest or
	// size are not those of d, so a reader that saw io.EOF has read just that
	// content. Closing early is allowed and verifies nothing.
	Blob(ctx context.Context, d Descriptor) (io.ReadCloser, error)

	Close() error
}
