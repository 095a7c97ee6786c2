// Package assess is the pipeline that everything calls:
//
//	assess(image) = match(merge(map(memo(analyse), layers)))
//
// It resolves a reference to images, reads the layers that nobody has read
// before, merges, matches, and keeps what it learned in the store. What fails
// fails its own request: the others stand.
package assess

import (
	"context"
	"sync"
	"time"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
	"github.com/seaworthy-dev/seaworthy/internal/oci"
	"github.com/seaworthy-dev/seaworthy/internal/store"
)

// batch is how many requests are in hand at once: their layers are read
// together, each shared one once, and their contents are in memory together.
const batch = 32

// Assessor assesses images. Its fields must not change while it works.
type Assessor struct {
	Store    *store.Store
	Analyser *layer.Analyser
	Limits   seaworthy.Limits

	// Forget leaves the store's knowledge of images aside and adds none: each
	// layer is read anew. Advisories come from the store all the same.
	Forget bool

	Parallel int              // layers read at once; 2 if 0
	Progress Progress         // may be nil
	Now      func() time.Time // time.Now if nil
}

// Request asks for the images of one source.
type Request struct {
	Source oci.Source
	Wish   oci.Wish
}

// Outcome answers one request: the assessments of its images, and an error that
// ended it or that one of its images met.
type Outcome struct {
	Reference   string
	Assessments []seaworthy.Assessment
	Err         error
}

// Progress is told what is going on, from several goroutines.
type Progress interface {
	Image(reference string, layers int, bytes int64)                 // an image and what it holds
	Layer(d seaworthy.Digest, size int64, cached bool) LayerProgress // a layer's turn has come; cached ones are over at once
	Done()
}

// LayerProgress is told of one layer that is being read.
type LayerProgress interface {
	layer.Progress
	End(err error)
}

// Assess answers the requests in their order. It returns an error only when the
// store failed or ctx ended; all else is in the outcomes.
func (a *Assessor) Assess(ctx context.Context, requests []Request) ([]Outcome, error) {
	if a.Progress != nil {
		defer a.Progress.Done()
	}
	outcomes := make([]Outcome, 0, len(requests))
	for start := 0; start < len(requests); start += batch {
		group := requests[start:min(start+batch, len(requests))]
		done, err := a.assessGroup(ctx, group)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, done...)
	}
	return outcomes, nil
}

// target is one image on its way through the pipeline.
type target struct {
	request    int
	source     oci.Source
	descriptor oci.Descriptor
	image      seaworthy.Image
	known      *store.StoredImage // set when the store has it
	inventory  seaworthy.Inventory
	packages   []int64 // row ids, parallel to inventory.Packages; nil when forgetting
	err        error
}

func (a *Assessor) assessGroup(ctx context.Context, group []Request) ([]Outcome, error) {
	outcomes := make([]Outcome, len(group))
	targets, err := a.resolve(ctx, group, outcomes)
	if err != nil {
		return nil, err
	}
	contents, err := a.read(ctx, targets)
	if err != nil {
		return nil, err
	}
	if err := a.mergeAll(ctx, targets, contents); err != nil {
		return nil, err
	}
	if err := a.judge(ctx, targets, outcomes); err != nil {
		return nil, err
	}
	return outcomes, nil
}

func (a *Assessor) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

// each runs work for 0 … n-1, at most width at once, and waits for all.
func each(ctx context.Context, n, width int, work func(ctx context.Context, i int)) {
	var wg sync.WaitGroup
	turns := make(chan struct{}, width)
	for i := range n {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			work(ctx, i)
		})
	}
	wg.Wait()
}
