package oci

import (
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// isConfig reports whether a config of this media type can be an image's.
// Schema 2 manifests of Docker's first engines have octet-stream.
func isConfig(mediaType string) bool {
	switch mediaType {
	case typeConfig, typeDockerConfig, "application/octet-stream", "":
		return true
	}
	return false
}

// isLayer reports whether a layer of this media type can be part of a file
// system.
func isLayer(mediaType string) bool {
	return mediaType == "" || mediaType == "application/octet-stream" ||
		strings.HasPrefix(mediaType, "application/vnd.oci.image.layer.") ||
		strings.HasPrefix(mediaType, "application/vnd.docker.image.rootfs.") ||
		strings.HasPrefix(mediaType, "application/vnd.docker.container.image.rootfs.")
}

// isForeign reports layers that their manifest says to fetch from elsewhere, or
// that registries do not hold (Windows base layers).
func isForeign(d Descriptor) bool {
	return len(d.URLs) > 0 || strings.Contains(d.MediaType, ".nondistributable.") || strings.Contains(d.MediaType, ".foreign.")
}

// artifact names what a manifest is that is neither image nor index; "" for
// these.
func artifact(m manifest) string {
	if m.kind == kindOther {
		return nameArtifact(m.ArtifactType, m.MediaType)
	}
	if m.kind == kindIndex {
		return ""
	}
	if !isConfig(m.Config.MediaType) {
		types := []string{m.ArtifactType, m.Config.MediaType}
		for _, d := range m.Layers {
			types = append(types, d.MediaType)
		}
		return nameArtifact(types...)
	}
	// cosign and BuildKit give an image's config type to what is none.
	var types []string
	for _, d := range m.Layers {
		if isLayer(d.MediaType) {
			return ""
		}
		types = append(types, d.MediaType)
	}
	if len(types) == 0 && (m.ArtifactType == "" || isConfig(m.ArtifactType)) {
		return ""
	}
	return nameArtifact(append([]string{m.ArtifactType}, types...)...)
}

// nameArtifact names the first type that is known, else quotes the first.
func nameArtifact(types ...string) string {
	first := ""
	for _, t := range types {
		if first == "" && t != "application/vnd.oci.empty.v1+json" {
			first = t
		}
		for _, known := range artifactNames {
			if t != "" && strings.HasPrefix(t, known.prefix) {
				return known.name
			}
		}
	}
	if first == "" {
		return "an artifact of unknown type"
	}
	return "an artifact of type " + printable(first)
}

var artifactNames = []struct{ prefix, name string }{
	{"application/vnd.cncf.helm.", "a Helm chart"},
	{"application/vnd.dev.cosign.simplesigning.", "a cosign signature"},
	{"application/vnd.dev.cosign.artifact.sig.", "a cosign signature"},
	{"application/vnd.dev.cosign.artifact.sbom.", "an SBOM"},
	{"application/vnd.dev.sigstore.bundle", "a Sigstore bundle"},
	{"application/vnd.cncf.notary.signature", "a Notary signature"},
	{"application/vnd.in-toto", "an attestation"},
	{"application/vnd.dsse.envelope.", "an attestation"},
	{"application/spdx+json", "an SBOM"},
	{"text/spdx", "an SBOM"},
	{"spdx+json", "an SBOM"},
	{"application/vnd.cyclonedx", "an SBOM"},
	{"application/vnd.syft+json", "an SBOM"},
	{"application/vnd.wasm.", "a WebAssembly module"},
	{"application/wasm", "a WebAssembly module"},
	{"application/vnd.module.wasm.", "a WebAssembly module"},
	{"application/vnd.docker.plugin.", "a Docker plugin"},
	{"application/vnd.docker.compose.", "a Compose project"},
	{"application/vnd.docker.ai.", "an AI model"},
	{"application/vnd.ollama.", "an AI model"},
	{"application/vnd.cncf.model.", "an AI model"},
	{"application/vnd.buildkit.cacheconfig.", "a BuildKit cache"},
	{"application/vnd.cncf.openpolicyagent.", "a policy bundle"},
	{"application/vnd.cncf.flux.", "a Flux source"},
	{"application/vnd.cncf.falco.", "a Falco rule set"},
	{"application/vnd.sylabs.sif.", "a Singularity image"},
	{"application/vnd.aquasec.trivy.", "a Trivy database"},
	{"application/vnd.homebrew.", "a Homebrew bottle"},
	{"application/vnd.crossplane.", "a Crossplane package"},
	{"application/vnd.oci.artifact.manifest.", "an OCI artifact"},
}

func notAnImage(reference, what string) error {
	return &seaworthy.Error{
		Code:   seaworthy.CodeInvalid,
		Public: reference + " is not a container image but " + what,
	}
}
