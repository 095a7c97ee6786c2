package advisory

import (
	"cmp"
	"context"
	"io"
	"time"
)

// single updates a feed that is one file. What was cut is asked for again: keep
// either takes all of it or nothing.
func (u *Updater) single(
	ctx context.Context, source, address string, keep func(context.Context, io.Reader, *Result) error,
) (Result, error) {
	start := time.Now()
	p, err := u.place(address)
	if err != nil {
		return Result{}, err
	}
	defer p.close()
	res := Result{Source: source, URL: p.url(""), Full: true}
	for try := 1; ; try++ {
		var c *content
		if c, err = p.open(ctx, "", time.Time{}); err != nil {
			break
		}
		err = keep(ctx, c, &res)
		c.Close()
		if err == nil || ctx.Err() != nil || !transient(err) || try == tries {
			break
		}
	}
	res.Bytes, res.Took = p.read(), time.Since(start)
	return res, cmp.Or(ctx.Err(), err)
}
