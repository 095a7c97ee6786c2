package assess

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/image"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
	"github.com/seaworthy-dev/seaworthy/internal/oci"
)

// reading is what became of one layer: its contents, or why there are none.
type reading struct {
	contents *seaworthy.Contents
	err      error
}

// job is a layer to be read, from the first source that holds it.
type job struct {
	layer  seaworthy.Layer
	source oci.Source
}

// read gives the contents of all layers that the targets need: from the store,
// or read now, each once, the largest first.
func (a *Assessor) read(ctx context.Context, targets []*target) (map[seaworthy.Digest]reading, error) {
	jobs := map[seaworthy.Digest]job{}
	for _, t := range targets {
		if t.err != nil {
			continue
		}
		layers, bytes := 0, int64(0)
		for _, l := range t.image.Layers {
			if _, ok := jobs[l.Digest]; !ok && !l.Foreign && t.known == nil {
				jobs[l.Digest] = job{layer: l, source: t.source}
				layers, bytes = layers+1, bytes+l.Size
			}
		}
		if a.Progress != nil {
			a.Progress.Image(t.source.Reference(), layers, bytes)
		}
	}
	readings := make(map[seaworthy.Digest]reading, len(jobs))
	if err := a.recall(ctx, jobs, readings); err != nil {
		return nil, err
	}

	missing := make([]job, 0, len(jobs))
	for digest, j := range jobs {
		if _, ok := readings[digest]; !ok {
			missing = append(missing, j)
		}
	}
	slices.SortFunc(missing, func(x, y job) int {
		return cmp.Or(cmp.Compare(y.layer.Size, x.layer.Size), cmp.Compare(x.layer.Digest, y.layer.Digest))
	})
	results := make([]reading, len(missing))
	each(ctx, len(missing), cmp.Or(a.Parallel, 2), func(ctx context.Context, i int) {
		results[i].contents, results[i].err = a.analyse(ctx, missing[i])
	})
	for i, j := range missing {
		readings[j.layer.Digest] = results[i]
	}
	return readings, ctx.Err()
}

// recall takes from the store what it has.
func (a *Assessor) recall(ctx context.Context, jobs map[seaworthy.Digest]job, readings map[seaworthy.Digest]reading) error {
	if a.Forget || len(jobs) == 0 {
		return nil
	}
	digests := make([]seaworthy.Digest, 0, len(jobs))
	for digest := range jobs {
		digests = append(digests, digest)
	}
	known, err := a.Store.Contents(ctx, digests, layer.Version)
	if err != nil {
		return fmt.Errorf("look up layers: %w", err)
	}
	for digest, contents := range known {
		readings[digest] = reading{contents: contents}
		if a.Progress != nil {
			a.Progress.Layer(digest, jobs[digest].layer.Size, true)
		}
	}
	return nil
}

// analyse reads one layer and remembers it.
func (a *Assessor) analyse(ctx context.Context, j job) (*seaworthy.Contents, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var progress layer.Progress
	end := func(error) {}
	if a.Progress != nil {
		p := a.Progress.Layer(j.layer.Digest, j.layer.Size, false)
		progress, end = p, p.End
	}
	contents, err := a.Analyser.Analyse(ctx, layer.Blob{
		Digest:    j.layer.Digest,
		MediaType: j.layer.MediaType,
		Size:      j.layer.Size,
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			return j.source.Blob(ctx, oci.Descriptor{MediaType: j.layer.MediaType, Digest: j.layer.Digest, Size: j.layer.Size})
		},
	}, progress)
	end(err)
	if err != nil || a.Forget || contents.Limited {
		return contents, err
	}
	if err := a.Store.PutContents(ctx, j.layer.Digest, layer.Version, contents); err != nil {
		return nil, fmt.Errorf("remember layer %s: %w", j.layer.Digest.Short(), err)
	}
	return contents, nil
}

// unremembered is the analyser's version of images of which a limit hid
// something: no look-up asks for it, so they are read again.
const unremembered = 0

// mergeAll makes the inventories and remembers them. A layer that failed fails
// each image that has it.
func (a *Assessor) mergeAll(ctx context.Context, targets []*target, readings map[seaworthy.Digest]reading) error {
	for _, t := range targets {
		if t.known != nil || t.err != nil {
			continue
		}
		layers := make([]*seaworthy.Contents, len(t.image.Layers))
		analyser := layer.Version
		for i, l := range t.image.Layers {
			r := readings[l.Digest]
			if r.err != nil {
				t.err = fmt.Errorf("layer %d of %d (%s): %w", i+1, len(t.image.Layers), l.Digest.Short(), r.err)
				break
			}
			layers[i] = r.contents
			if r.contents != nil && r.contents.Limited {
				analyser = unremembered
			}
		}
		if t.err != nil {
			continue
		}
		t.inventory = image.Merge(layers)
		if a.Forget {
			continue
		}
		stored, err := a.Store.PutImage(ctx, t.image, t.inventory, image.Hash(t.inventory), analyser, a.now())
		if err != nil {
			return fmt.Errorf("remember image %s: %w", t.image.Digest.Short(), err)
		}
		t.packages = stored.PackageIDs
	}
	return ctx.Err()
}
