package oci

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/seaworthy-dev/seaworthy"
)

// maxHeld bounds the manifests that a registry source keeps, so that those read
// to select an image are not asked for again to load it.
const maxHeld = 1 << 20

// registry is a Source of one image in a registry.
type registry struct {
	typed   string
	ref     Reference
	base    string // URL of the repository, up to its last slash
	options Options
	client  *auth.Client
	keys    *keyring
	idle    func()

	mu   sync.Mutex
	held map[seaworthy.Digest][]byte
	size int
}

func openRegistry(arg string, o Options) (Source, error) {
	ref, err := ParseReference(arg)
	if err != nil {
		return nil, err
	}
	way := reach{host: hostOnly(ref.Host()), plainHTTP: o.PlainHTTP}
	scheme := "https"
	if o.PlainHTTP {
		scheme = "http"
		if !isLoopbackHost(way.host) {
			return nil, &seaworthy.Error{
				Code:   seaworthy.CodeInvalid,
				Public: "plain HTTP is not for " + ref.Registry + ": all that is sent could be read and changed on its way",
				Hint:   "plain HTTP is allowed for registries on localhost, 127.0.0.1 and ::1",
			}
		}
	}
	keys, err := newKeyring(ref, o)
	if err != nil {
		return nil, err
	}
	transport, base, err := newTransport(ref.Repository, way, o)
	if err != nil {
		return nil, err
	}
	agent := o.UserAgent
	if agent == "" {
		agent = "seaworthy"
	}
	return &registry{
		typed:   arg,
		ref:     ref,
		base:    scheme + "://" + ref.Host() + "/v2/" + ref.Repository + "/",
		options: o,
		keys:    keys,
		idle:    base.CloseIdleConnections,
		client: &auth.Client{
			Client:     &http.Client{Transport: transport, CheckRedirect: checkRedirect},
			Header:     http.Header{"User-Agent": {agent}, "Accept-Encoding": {"identity"}},
			Cache:      auth.NewSingleContextCache(),
			ClientID:   "seaworthy",
			Credential: keys.credential,
			// The guard in our transport decides, for redirects as for realms.
			BlockedRealmPrefixes: []netip.Prefix{},
		},
	}, nil
}

// Reference implements Source.
func (r *registry) Reference() string { return r.typed }

// Close implements Source.
func (r *registry) Close() error {
	r.idle()
	return nil
}

// send makes one request of the repository; what is not a success is an error.
func (r *registry) send(ctx context.Context, method, path string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, nil)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, newStatusError(resp, r.options.clock.Now())
}

// failed makes the error of an operation that a person reads.
func (r *registry) failed(ctx context.Context, what string, err error) error {
	return classify(failure{
		ctx: ctx, err: err, what: what, ref: r.ref, who: r.keys.who(),
		plainHTTP: r.options.PlainHTTP, timeout: r.options.Timeout, now: r.options.clock.Now(),
	})
}

// manifestTypes is what we read, and Docker's schema 1, so that it can be named.
func manifestTypes() http.Header {
	return http.Header{"Accept": {strings.Join([]string{
		typeIndex, typeManifest, typeDockerList, typeDockerManifest, typeDockerSchema1 + ";q=0.1",
	}, ", ")}}
}

// Root implements Source.
func (r *registry) Root(ctx context.Context) (Descriptor, error) {
	if r.ref.Digest != "" {
		return Descriptor{Digest: r.ref.Digest}, nil
	}
	what := "the image " + r.ref.String()
	resp, err := r.send(ctx, http.MethodHead, "manifests/"+r.ref.Tag, manifestTypes())
	if err == nil {
		resp.Body.Close()
		d := Descriptor{MediaType: mediaTypeOf(resp.Header), Size: resp.ContentLength}
		if isSchema1(d.MediaType) {
			return Descriptor{}, schema1Error(r.typed)
		}
		d.Digest, err = seaworthy.ParseDigest(resp.Header.Get("Docker-Content-Digest"))
		if err == nil && kindOfType(d.MediaType) != kindOther {
			return d, nil
		}
	} else if s, ok := errors.AsType[*statusError](err); !ok || s.status == 401 || s.status == 429 || s.status >= 500 && s.status != 501 {
		return Descriptor{}, r.failed(ctx, what, err)
	}
	// No digest, or a refusal without the words that only a body can hold.
	d, _, err := r.get(ctx, what, r.ref.Tag, Descriptor{})
	return d, err
}

// Manifest implements Source.
func (r *registry) Manifest(ctx context.Context, d Descriptor) ([]byte, error) {
	r.mu.Lock()
	b, ok := r.held[d.Digest]
	r.mu.Unlock()
	if ok {
		return bytes.Clone(b), nil
	}
	if d.Size > r.options.Limits.ManifestBytes {
		return nil, r.options.Limits.Exceeded(seaworthy.LimitManifestBytes, "the manifest of "+r.typed)
	}
	_, b, err := r.get(ctx, "the manifest "+r.ref.Name()+"@"+string(d.Digest), string(d.Digest), d)
	return b, err
}

// get fetches a manifest by tag or digest and verifies it against want, or if
// that has no digest, against what the answer says of itself.
func (r *registry) get(ctx context.Context, what, tagOrDigest string, want Descriptor) (Descriptor, []byte, error) {
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, err := r.send(attempt, http.MethodGet, "manifests/"+tagOrDigest, manifestTypes())
	if err != nil {
		return Descriptor{}, nil, r.failed(ctx, what, err)
	}
	defer resp.Body.Close()
	stall := time.AfterFunc(r.options.Timeout, func() { cancel(errStalled) })
	defer stall.Stop()
	b, err := r.readManifest(resp.Body)
	if context.Cause(attempt) == errStalled {
		err = errStalled
	}
	if err != nil {
		return Descriptor{}, nil, r.failed(ctx, what, err)
	}
	got := Descriptor{MediaType: mediaTypeOf(resp.Header), Digest: want.Digest, Size: want.Size}
	if isSchema1(got.MediaType) {
		return Descriptor{}, nil, schema1Error(r.typed)
	}
	if !looksLikeJSON(b) {
		err := &protocolError{"it answered with " + describeBody(b, got.MediaType) + " in the place of a manifest"}
		return Descriptor{}, nil, r.failed(ctx, what, err)
	}
	if got.Digest == "" {
		got.Size = int64(len(b))
		if got.Digest, err = seaworthy.ParseDigest(resp.Header.Get("Docker-Content-Digest")); err != nil {
			got.Digest = seaworthy.DigestOf(b)
		}
	}
	if err := verifyBytes(b, what, got); err != nil {
		return Descriptor{}, nil, err
	}
	r.hold(got.Digest, b)
	return got, b, nil
}

func (r *registry) readManifest(body io.Reader) ([]byte, error) {
	limit := r.options.Limits.ManifestBytes
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = r.options.Limits.Exceeded(seaworthy.LimitManifestBytes, "the manifest of "+r.typed)
	}
	return b, err
}

func (r *registry) hold(d seaworthy.Digest, b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.held[d]; ok || r.size+len(b) > maxHeld {
		return
	}
	if r.held == nil {
		r.held = map[seaworthy.Digest][]byte{}
	}
	r.held[d] = bytes.Clone(b)
	r.size += len(b)
}

// Blob implements Source.
func (r *registry) Blob(ctx context.Context, d Descriptor) (io.ReadCloser, error) {
	if _, err := seaworthy.ParseDigest(string(d.Digest)); err != nil {
		return nil, malformed(r.typed, "a descriptor", err)
	}
	what := "the blob " + r.ref.Name() + "@" + string(d.Digest)
	b := &blobReader{
		clock:    r.options.clock,
		timeout:  r.options.Timeout,
		verifier: newVerifier(what, d),
		classify: func(err error) error { return r.failed(ctx, what, err) },
		fetch: func(ctx context.Context, offset int64) (*http.Response, error) {
			header := http.Header{"Accept": {"*/*"}}
			if offset > 0 {
				header.Set("Range", "bytes="+strconv.FormatInt(offset, 10)+"-")
			}
			return r.send(ctx, http.MethodGet, "blobs/"+string(d.Digest), header)
		},
	}
	b.ctx, b.stop = context.WithCancel(ctx)
	if err := b.connect(); err != nil {
		b.fail(err)
		return nil, err
	}
	return b, nil
}

func mediaTypeOf(h http.Header) string {
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}
