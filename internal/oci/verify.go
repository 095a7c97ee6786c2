package oci

import (
	"context"
	"fmt"
	"hash"
	"io"

	"github.com/seaworthy-dev/seaworthy"
)

// verifier holds a stream against its descriptor.
type verifier struct {
	what string // for people
	want Descriptor
	hash hash.Hash
	n    int64
}

func newVerifier(what string, d Descriptor) *verifier {
	return &verifier{what: what, want: d, hash: d.Digest.Hash()}
}

// take adds what was read; an error means that it is too long.
func (v *verifier) take(p []byte) error {
	v.n += int64(len(p))
	if v.want.Size > 0 && v.n > v.want.Size {
		return v.corrupt("has more than the %d bytes it should have", v.want.Size)
	}
	_, _ = v.hash.Write(p)
	return nil
}

// end is called once all was read.
func (v *verifier) end() error {
	if v.want.Size > 0 && v.n != v.want.Size {
		return v.corrupt("has %d bytes and should have %d", v.n, v.want.Size)
	}
	if !v.want.Digest.Is(v.hash) {
		return v.corrupt("has the digest %s:%x and should have %s", v.want.Digest.Algorithm(), v.hash.Sum(nil), v.want.Digest)
	}
	return nil
}

func (v *verifier) corrupt(format string, args ...any) error {
	return &seaworthy.Error{
		Code:   seaworthy.CodeCorrupt,
		Public: v.what + " " + fmt.Sprintf(format, args...),
		Hint:   "it was damaged where it is stored or on its way here",
	}
}

// verifiedReader verifies a stream that cannot be resumed.
type verifiedReader struct {
	source   io.ReadCloser
	ctx      context.Context
	verifier *verifier
	err      error // sticky
}

// Read verifies what it reads.
func (r *verifiedReader) Read(p []byte) (int, error) {
	if r.err == nil {
		r.err = r.ctx.Err()
	}
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.source.Read(p)
	if tooLong := r.verifier.take(p[:n]); tooLong != nil {
		n, err = 0, tooLong
	}
	switch {
	case err == io.EOF:
		if bad := r.verifier.end(); bad != nil {
			err = bad
		}
	case err != nil && seaworthy.CodeOf(err) == seaworthy.CodeInternal:
		err = &seaworthy.Error{Code: seaworthy.CodeCorrupt, Public: r.verifier.what + " cannot be read" + lastCause(err), Err: err}
	}
	r.err = err
	return n, err
}

// Close implements io.Closer.
func (r *verifiedReader) Close() error { return r.source.Close() }

func verifyBytes(b []byte, what string, d Descriptor) error {
	v := newVerifier(what, d)
	if err := v.take(b); err != nil {
		return err
	}
	return v.end()
}
