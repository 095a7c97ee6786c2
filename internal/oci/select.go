package oci

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// Wish says which images of an index are wanted: all, or the one for a platform.
type Wish struct {
	All      bool
	Platform seaworthy.Platform
}

// Select gives the manifests of the images that root holds for a wish: one, or
// all of them in the order of the index. Attestations and other artifacts are
// passed over. A root that is no index is taken whatever its platform is, for
// there is no other. A wish that nobody serves is CodeNotFound and names the
// platforms that there are.
func Select(ctx context.Context, s Source, root Descriptor, want Wish, l seaworthy.Limits) ([]Descriptor, error) {
	if !want.All && want.Platform.Architecture == "" {
		return nil, &seaworthy.Error{Code: seaworthy.CodeInvalid, Public: "no platform was asked for", Hint: "name one, as in linux/amd64"}
	}
	if kindOfType(root.MediaType) == kindImage {
		return []Descriptor{root}, nil
	}
	w := walk{source: s, limits: l, seen: map[seaworthy.Digest]bool{}}
	m, err := w.manifest(ctx, root)
	if err != nil {
		return nil, err
	}
	if m.kind != kindIndex {
		if what := artifact(m); what != "" {
			return nil, notAnImage(s.Reference(), what)
		}
		root.MediaType = m.typeOf()
		return []Descriptor{root}, nil
	}
	if err := w.index(ctx, m, 1, want); err != nil {
		return nil, err
	}
	if len(w.images) == 0 {
		return nil, w.nothing()
	}
	if want.All {
		return w.images, nil
	}
	best, ok := choose(w.images, want.Platform)
	if !ok {
		return nil, w.unserved(want.Platform)
	}
	return []Descriptor{best}, nil
}

// walk collects the images of an index and of those in it.
type walk struct {
	source  Source
	limits  seaworthy.Limits
	seen    map[seaworthy.Digest]bool
	entries int64
	images  []Descriptor // each with its platform, as far as anything says it
	others  []string     // what was passed over
}

func (w *walk) manifest(ctx context.Context, d Descriptor) (manifest, error) {
	b, err := w.source.Manifest(ctx, d)
	if err != nil {
		return manifest{}, err
	}
	m, err := parseManifest(b, w.limits)
	if err != nil {
		return manifest{}, malformed(w.source.Reference(), "the manifest "+string(d.Digest), err)
	}
	if said := kindOfType(d.MediaType); (said == kindImage || said == kindIndex) && m.kind != said && m.kind != kindOther {
		err := fmt.Errorf("it is said to be of type %s and is not", d.MediaType)
		return manifest{}, malformed(w.source.Reference(), "the manifest "+string(d.Digest), err)
	}
	return m, nil
}

func (w *walk) index(ctx context.Context, m manifest, depth int64, want Wish) error {
	reference := w.source.Reference()
	if depth > w.limits.IndexDepth {
		return w.limits.Exceeded(seaworthy.LimitIndexDepth, "the nesting of indexes in "+reference)
	}
	for _, d := range m.Manifests {
		if w.entries++; w.entries > w.limits.IndexEntries {
			return w.limits.Exceeded(seaworthy.LimitIndexEntries, "the number of manifests in "+reference)
		}
		if w.seen[d.Digest] {
			continue
		}
		w.seen[d.Digest] = true
		if err := w.entry(ctx, d, depth, want); err != nil {
			return err
		}
	}
	return nil
}

// entry takes one entry of an index.
func (w *walk) entry(ctx context.Context, d Descriptor, depth int64, want Wish) error {
	said := kindOfType(d.MediaType)
	switch {
	case isAttestation(d):
		w.others = append(w.others, "an attestation")
		return nil
	case said == kindOther, said == kindImage && d.ArtifactType != "" && !isConfig(d.ArtifactType):
		w.others = append(w.others, nameArtifact(d.ArtifactType, d.MediaType))
		return nil
	case said == kindImage && hasPlatform(d):
		w.images = append(w.images, d)
		return nil
	case hasPlatform(d) && !want.All && !want.Platform.Runs(*d.Platform):
		w.images = append(w.images, d) // not to be read, but to be named
		return nil
	}
	m, err := w.manifest(ctx, d)
	if err != nil {
		return err
	}
	if m.kind == kindIndex {
		return w.index(ctx, m, depth+1, want)
	}
	if what := artifact(m); what != "" {
		w.others = append(w.others, what)
		return nil
	}
	d.MediaType = m.typeOf()
	if !hasPlatform(d) {
		config, err := readConfig(ctx, w.source, *m.Config, w.limits)
		if err != nil {
			return err
		}
		p := config.platform()
		d.Platform = &p
	}
	w.images = append(w.images, d)
	return nil
}

// isAttestation reports the entries that BuildKit adds to an index for the
// provenance and the SBOM of an image.
func isAttestation(d Descriptor) bool {
	return d.Annotations["vnd.docker.reference.type"] != "" ||
		d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}

func hasPlatform(d Descriptor) bool {
	return d.Platform != nil && d.Platform.OS != "" && d.Platform.Architecture != ""
}

func (m manifest) typeOf() string {
	if m.MediaType != "" {
		return m.MediaType
	}
	return typeManifest
}

// choose finds the image that serves a platform best; the earlier of equals.
func choose(images []Descriptor, want seaworthy.Platform) (best Descriptor, ok bool) {
	bestRank := 0
	for _, d := range images {
		if d.Platform == nil {
			continue
		}
		rank := rankOf(*d.Platform, want)
		newer := rank > 0 && rank == bestRank && want.OSVersion == "" && compareVersions(d.Platform.OSVersion, best.Platform.OSVersion) > 0
		if rank > bestRank || newer {
			best, bestRank = d, rank
		}
	}
	return best, bestRank > 0
}

// rankOf is how well an image of platform p serves a wish; 0 is not at all.
func rankOf(p, want seaworthy.Platform) int {
	if !want.Runs(p) || want.OSVersion != "" && p.OSVersion != want.OSVersion && !sameBuild(p.OSVersion, want.OSVersion) {
		return 0
	}
	switch variant := p.Variant; {
	case variant == want.Variant && p.OSVersion == want.OSVersion && want.OSVersion != "":
		return 6
	case variant == want.Variant:
		return 5
	case p.Architecture == "arm64" && (variant == "v8" || variant == ""):
		return 4
	case p.Architecture == "arm" && want.Variant == "" && variant == "v7":
		return 3 // what "arm" means to Docker
	case variant == "":
		return 2
	}
	return 1
}

// sameBuild compares Windows versions but for their revision: 10.0.20348.169
// runs images of 10.0.20348.
func sameBuild(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	return len(x) >= 3 && len(y) >= 3 && slices.Equal(x[:3], y[:3])
}

// compareVersions orders dotted numbers.
func compareVersions(a, b string) int {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		if len(x[i]) != len(y[i]) {
			return len(x[i]) - len(y[i])
		}
		if c := strings.Compare(x[i], y[i]); c != 0 {
			return c
		}
	}
	return len(x) - len(y)
}

func (w *walk) nothing() error {
	if len(w.others) == 0 {
		return &seaworthy.Error{Code: seaworthy.CodeNotFound, Public: w.source.Reference() + " is an index of no images"}
	}
	return notAnImage(w.source.Reference(), "an index of others: "+listOf(w.others))
}

func (w *walk) unserved(want seaworthy.Platform) error {
	var there []string
	for _, d := range w.images {
		if d.Platform != nil {
			name := d.Platform.String()
			if d.Platform.OSVersion != "" {
				name += " (" + d.Platform.OSVersion + ")"
			}
			there = append(there, printable(name))
		}
	}
	return &seaworthy.Error{
		Code:   seaworthy.CodeNotFound,
		Public: fmt.Sprintf("%s has no image for %s; it has %s", w.source.Reference(), want, listOf(there)),
		Hint:   "choose one of them with --platform, or all",
		Err:    errors.New("platform not in index"),
	}
}

// listOf joins names, each once, and not too many.
func listOf(names []string) string {
	names = slices.Clone(names)
	slices.Sort(names)
	names = slices.Compact(names)
	const most = 20
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
