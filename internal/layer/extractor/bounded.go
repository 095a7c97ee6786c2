package extractor

import (
	"context"
	"io"

	"github.com/seaworthy-dev/seaworthy"
)

// boundedReader reads what was packed, which can be a thousand times what lies
// in the layer. It fails once more than is left was read, or when ctx ends.
type boundedReader struct {
	ctx  context.Context
	r    io.Reader
	left *int64
	over error
}

// bounded reads one document.
func bounded(ctx context.Context, r io.Reader, l seaworthy.Limits) io.Reader {
	left := l.DocumentBytes
	return &boundedReader{ctx: ctx, r: r, left: &left, over: l.Exceeded(seaworthy.LimitDocumentBytes, "the file")}
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	if *b.left -= int64(n); *b.left < 0 {
		return 0, b.over
	}
	return n, err
}
