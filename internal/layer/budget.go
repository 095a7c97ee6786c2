package layer

import (
	"math"
	"sync/atomic"

	"github.com/seaworthy-dev/seaworthy"
)

// ratioFrom is how much a layer may unpack to before its ratio is looked at:
// small layers of nothing but blanks are honest.
const ratioFrom = 64 << 20

// budget holds the limits of one layer's stream.
type budget struct {
	limits seaworthy.Limits
	what   string
	size   int64         // as the manifest says
	stored *atomic.Int64 // bytes read

	entries int64
	holes   int64 // bytes of sparse files that are not in the stream
}

// admit looks at a number of unpacked bytes. The ratio is that over the whole
// layer, for a layer may begin with its most compressible file; the manifest's
// size is verified at the end.
func (b *budget) admit(total int64) error {
	if total > b.limits.LayerBytes-b.holes {
		return b.limits.Exceeded(seaworthy.LimitLayerBytes, "the unpacked size of "+b.what)
	}
	if total > ratioFrom && total/b.limits.LayerRatio > max(b.size, b.stored.Load()) {
		return b.limits.Exceeded(seaworthy.LimitLayerRatio, "the unpacked size of "+b.what+" over its stored size")
	}
	return nil
}

// entry looks at one entry. A sparse file counts with its holes, as what would
// be on disk were it copied; no memory or time is spent on them.
func (b *budget) entry(h *header) error {
	b.entries++
	switch {
	case b.entries > b.limits.LayerEntries:
		return b.limits.Exceeded(seaworthy.LimitLayerEntries, "the number of entries in "+b.what)
	case int64(max(len(h.name), len(h.link))) > b.limits.PathBytes:
		return b.limits.Exceeded(seaworthy.LimitPathBytes, "a path in "+b.what)
	}
	if h.size > h.stored {
		if h.size-h.stored > math.MaxInt64-b.holes {
			return b.limits.Exceeded(seaworthy.LimitLayerBytes, "the unpacked size of "+b.what)
		}
		b.holes += h.size - h.stored
		return b.admit(0)
	}
	return nil
}
