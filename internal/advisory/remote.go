package advisory

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

const (
	tries        = 3
	maxRedirects = 5
	idleTimeout  = time.Minute // without a byte
	maxWait      = time.Minute // before another try
)

// remote is a place on a server.
type remote struct {
	base      *url.URL
	client    *http.Client
	userAgent string
	idle      time.Duration
	pause     func(context.Context, time.Duration) error
	bytes     atomic.Int64
}

func (u *Updater) remote(base *url.URL) *remote {
	r := &remote{base: base, userAgent: cmp.Or(u.UserAgent, "seaworthy"), idle: cmp.Or(u.idle, idleTimeout), pause: u.pause}
	if r.pause == nil {
		r.pause = pause
	}
	client := http.Client{Transport: guardedTransport()}
	if u.Client != nil {
		client = *u.Client
	}
	client.Timeout = 0 // a zip may take long; what bounds it is silence
	client.CheckRedirect = r.checkRedirect
	r.client = &client
	return r
}

// guardedTransport refuses to connect to addresses that are link-local, where
// clouds keep their credentials, also when a name or redirect leads there.
func guardedTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	dialer := &net.Dialer{Timeout: 30 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		ip, err := netip.ParseAddrPort(address)
		if err != nil || forbidden(ip.Addr()) {
			return &seaworthy.Error{
				Code: seaworthy.CodeInvalid, Public: "the address " + address + " is link-local, where no advisories are",
			}
		}
		return nil
	}}
	t.DialContext = dialer.DialContext
	return t
}

// forbidden are the addresses of cloud metadata services and all that are like
// them; 100.100.100.200 is Alibaba's, fd00:ec2::254 Amazon's.
func forbidden(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() ||
		ip == netip.AddrFrom4([4]byte{100, 100, 100, 200}) || ip == netip.MustParseAddr("fd00:ec2::254")
}

func (r *remote) checkRedirect(req *http.Request, via []*http.Request) error {
	refuse := func(why string) error {
		return &seaworthy.Error{
			Code:   seaworthy.CodeProtocol,
			Public: fmt.Sprintf("%s redirects to %s, which is refused: %s", display(via[0].URL), display(req.URL), why),
		}
	}
	host := req.URL.Hostname()
	local := loopback(r.base.Hostname())
	ip, err := netip.ParseAddr(host)
	switch {
	case len(via) > maxRedirects:
		return refuse(fmt.Sprintf("more than %d redirects", maxRedirects))
	case err == nil && forbidden(ip), strings.EqualFold(strings.TrimSuffix(host, "."), "metadata.google.internal"):
		return refuse("it is a link-local or metadata address")
	case loopback(host) && !local:
		return refuse("it is this machine")
	case req.URL.Scheme == "https":
		return nil
	case req.URL.Scheme == "http" && local && loopback(host):
		return nil
	}
	return refuse("it is not https")
}

// display is a URL without what may be secret in it.
func display(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

func (r *remote) locate(name string) *url.URL {
	if name == "" {
		return r.base
	}
	return r.base.JoinPath(name)
}

func (r *remote) url(name string) string { return display(r.locate(name)) }

func (r *remote) read() int64 { return r.bytes.Load() }

func (r *remote) close() { r.client.CloseIdleConnections() }

// pause waits, but not when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// open asks up to three times while the server is out of order or too busy.
func (r *remote) open(ctx context.Context, name string, since time.Time) (*content, error) {
	for try := 1; ; try++ {
		c, wait, err := r.request(ctx, r.locate(name), since)
		if err == nil || ctx.Err() != nil || !transient(err) || try == tries {
			return c, cmp.Or(ctx.Err(), err)
		}
		if err := r.pause(ctx, cmp.Or(wait, time.Second<<(try-1))); err != nil {
			return nil, err
		}
	}
}

// transient reports whether the same again may do.
func transient(err error) bool {
	return !errors.Is(err, errNotModified) && seaworthy.CodeOf(err) == seaworthy.CodeUnreachable
}

func (r *remote) request(ctx context.Context, l *url.URL, since time.Time) (*content, time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	watch := time.AfterFunc(r.idle, func() { cancel(errSilent) })
	fail := func(wait time.Duration, err error) (*content, time.Duration, error) {
		watch.Stop()
		cancel(nil)
		return nil, wait, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.String(), nil)
	if err != nil {
		return fail(0, fmt.Errorf("ask for advisories: %w", err))
	}
	req.Header.Set("User-Agent", r.userAgent)
	if !since.IsZero() {
		req.Header.Set("If-Modified-Since", since.UTC().Format(http.TimeFormat))
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return fail(0, connection(display(l), cmp.Or(silent(ctx), err)))
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return fail(retryAfter(resp), status(display(l), resp.StatusCode))
	}
	body := &stream{
		ctx: ctx, cancel: cancel, watch: watch, idle: r.idle, where: display(l),
		r: bufio.NewReaderSize(resp.Body, 32<<10), body: resp.Body, bytes: &r.bytes,
	}
	if body.html(resp.Header.Get("Content-Type")) {
		_ = body.Close()
		return nil, 0, webPage(display(l))
	}
	watch.Stop()
	return &content{ReadCloser: body, size: resp.ContentLength}, 0, nil
}

var errSilent = errors.New("the server fell silent")

func silent(ctx context.Context) error {
	if errors.Is(context.Cause(ctx), errSilent) {
		return errSilent
	}
	return nil
}

// connection is the error of a request that got no answer.
func connection(where string, err error) error {
	if e, ok := errors.AsType[*seaworthy.Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // it would repeat the URL, with its query
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return &seaworthy.Error{Code: seaworthy.CodeNotFound, Public: where + ": there is no host of this name", Err: err}
	}
	if untrusted(err) {
		return &seaworthy.Error{
			Code: seaworthy.CodeTLS, Public: fmt.Sprintf("%s: no trusted connection: %v", where, err),
			Hint: "check the system's certificate authorities and clock", Err: err,
		}
	}
	return &seaworthy.Error{Code: seaworthy.CodeUnreachable, Public: fmt.Sprintf("%s cannot be reached: %v", where, err), Err: err}
}

func untrusted(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}

// status is the error of an answer that is not 200.
func status(where string, code int) error {
	say := func(c seaworthy.Code, why string) *seaworthy.Error {
		return &seaworthy.Error{Code: c, Public: fmt.Sprintf("%s %s (HTTP %d)", where, why, code)}
	}
	switch {
	case code == http.StatusNotModified:
		return errNotModified
	case code == http.StatusNotFound, code == http.StatusGone:
		e := say(seaworthy.CodeNotFound, "is not there")
		e.Err = fs.ErrNotExist
		return e
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return say(seaworthy.CodeUnauthorized, "may not be read")
	case code == http.StatusTooManyRequests:
		return say(seaworthy.CodeUnreachable, "was asked too often")
	case code >= 500:
		return say(seaworthy.CodeUnreachable, "is out of order")
	}
	return say(seaworthy.CodeProtocol, "gave an answer that is not understood")
}

// retryAfter is how long the server asks to wait, in seconds or until a date
// (RFC 9110, section 10.2.3); 0 if it does not say.
func retryAfter(resp *http.Response) time.Duration {
	value := resp.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return min(time.Duration(min(seconds, 3600))*time.Second, maxWait)
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(at), 0), maxWait)
	}
	return 0
}

// stream is an answer's body: counted, and cut off when no byte comes for long.
type stream struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  *time.Timer
	idle   time.Duration
	where  string
	r      *bufio.Reader
	body   io.Closer
	bytes  *atomic.Int64
	got    int64
}

// html looks at the first bytes: none of our formats begins as a page does.
func (s *stream) html(contentType string) bool {
	if strings.HasPrefix(strings.ToLower(contentType), "text/html") {
		return true
	}
	start, _ := s.r.Peek(64)
	return bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(start, []byte("\xef\xbb\xbf"))), []byte("<"))
}

func (s *stream) Read(p []byte) (int, error) {
	s.watch.Reset(s.idle) // not while the reader of this one is busy
	n, err := s.r.Read(p)
	s.watch.Stop()
	s.bytes.Add(int64(n))
	s.got += int64(n)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	if e := silent(s.ctx); e != nil {
		err = e
	} else if e := s.ctx.Err(); e != nil {
		return n, e
	}
	return n, &seaworthy.Error{
		Code: seaworthy.CodeUnreachable, Err: err,
		Public: fmt.Sprintf("%s: the connection was cut after %d bytes: %v", s.where, s.got, err),
	}
}

func (s *stream) Close() error {
	s.watch.Stop()
	s.cancel(nil)
	return s.body.Close()
}
