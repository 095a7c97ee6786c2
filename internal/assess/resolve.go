package assess

import (
	"context"
	"fmt"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
	"github.com/seaworthy-dev/seaworthy/internal/oci"
	"github.com/seaworthy-dev/seaworthy/internal/store"
)

// resolvers is how many requests talk to their registries at once.
const resolvers = 8

// resolve finds the images of each request, and what the store knows of them.
// An image whose digest is known costs no more than its root.
func (a *Assessor) resolve(ctx context.Context, group []Request, outcomes []Outcome) ([]*target, error) {
	roots := make([]oci.Descriptor, len(group))
	each(ctx, len(group), resolvers, func(ctx context.Context, i int) {
		outcomes[i].Reference = group[i].Source.Reference()
		roots[i], outcomes[i].Err = group[i].Source.Root(ctx)
	})
	known, err := a.known(ctx, digestsOf(roots))
	if err != nil {
		return nil, err
	}

	selected := make([][]oci.Descriptor, len(group))
	each(ctx, len(group), resolvers, func(ctx context.Context, i int) {
		if outcomes[i].Err != nil {
			return
		}
		if _, ok := known[roots[i].Digest]; ok {
			selected[i] = []oci.Descriptor{roots[i]}
			return
		}
		selected[i], outcomes[i].Err = oci.Select(ctx, group[i].Source, roots[i], group[i].Wish, a.Limits)
	})

	var targets []*target
	var unknown []seaworthy.Digest
	for i, descriptors := range selected {
		for _, d := range descriptors {
			targets = append(targets, &target{request: i, source: group[i].Source, descriptor: d})
			if _, ok := known[d.Digest]; !ok {
				unknown = append(unknown, d.Digest)
			}
		}
	}
	more, err := a.known(ctx, unknown)
	if err != nil {
		return nil, err
	}
	for digest, image := range more {
		known[digest] = image
	}
	each(ctx, len(targets), resolvers, func(ctx context.Context, i int) { a.load(ctx, targets[i], known) })
	return targets, ctx.Err()
}

// known asks the store for images by digest.
func (a *Assessor) known(ctx context.Context, digests []seaworthy.Digest) (map[seaworthy.Digest]store.StoredImage, error) {
	if a.Forget || len(digests) == 0 {
		return map[seaworthy.Digest]store.StoredImage{}, nil
	}
	images, err := a.Store.Images(ctx, digests, layer.Version)
	if err != nil {
		return nil, fmt.Errorf("look up images: %w", err)
	}
	return images, nil
}

// load fills in what the manifest and the config say, or what the store knows.
func (a *Assessor) load(ctx context.Context, t *target, known map[seaworthy.Digest]store.StoredImage) {
	if image, ok := known[t.descriptor.Digest]; ok {
		t.known, t.image = &image, image.Image
		t.inventory, t.packages = image.Inventory, image.PackageIDs
	} else {
		t.image, t.err = oci.Load(ctx, t.source, t.descriptor, a.Limits)
	}
}

// digestsOf lists the digests of those descriptors that were found.
func digestsOf(descriptors []oci.Descriptor) []seaworthy.Digest {
	var digests []seaworthy.Digest
	for _, d := range descriptors {
		if d.Digest != "" {
			digests = append(digests, d.Digest)
		}
	}
	return digests
}
