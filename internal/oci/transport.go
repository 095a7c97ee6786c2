package oci

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// What a request may cost before its failure is reported.
const (
	maxTries     = 3
	maxWait      = 30 * time.Second // in all, between tries
	maxRedirects = 5
	maxErrorBody = 8 << 10
)

// newTransport makes the way to one registry and to those that it refers to:
//
//	challenges → retries → guard → http.Transport
func newTransport(repository string, r reach, o Options) (http.RoundTripper, *http.Transport, error) {
	roots, err := rootsWith(o.CA)
	if err != nil {
		return nil, nil, err
	}
	d := &dialler{reach: r, plain: net.Dialer{Timeout: o.Timeout, Resolver: o.resolver}}
	base := &http.Transport{
		Proxy:                  d.noteProxy(o.proxy),
		DialContext:            d.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    o.Timeout,
		ResponseHeaderTimeout:  o.Timeout,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    8,
		MaxResponseHeaderBytes: 256 << 10,
		DisableCompression:     true,  // what is hashed must be what is stored
		ForceAttemptHTTP2:      false, // for a few large streams, HTTP/1.1 is several times faster
		OnProxyConnectResponse: func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &proxyError{proxy: proxy.Host, status: resp.StatusCode}
			}
			return nil
		},
	}
	return challenges{repository, r, retries{o.clock, guard{r, base}}}, base, nil
}

// rootsWith adds the certificates of a PEM bundle to the system's; nil without.
func rootsWith(bundle []byte) (*x509.CertPool, error) {
	if len(bundle) == 0 {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(bundle) {
		return nil, &seaworthy.Error{
			Code:   seaworthy.CodeInvalid,
			Public: "the file of certificate authorities holds no certificate in PEM form",
			Hint:   "it must have a block that begins with -----BEGIN CERTIFICATE-----",
		}
	}
	return roots, nil
}

// proxyError is the answer of a proxy that would not connect.
type proxyError struct {
	proxy  string
	status int
}

func (e *proxyError) Error() string {
	return fmt.Sprintf("proxy %s answered %d %s", e.proxy, e.status, http.StatusText(e.status))
}

// dialler connects to what a registry's reach allows. It checks addresses after
// the name was resolved, so that a name cannot stand for a forbidden address.
type dialler struct {
	reach   reach
	plain   net.Dialer
	proxies sync.Map // host:port of proxies in use, which may be anywhere
}

func (d *dialler) noteProxy(proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	return func(req *http.Request) (*url.URL, error) {
		if req.URL.Scheme == "http" {
			return nil, nil // loopback, see reach
		}
		u, err := proxy(req)
		if u != nil {
			d.proxies.Store(proxyAddress(u), true)
		}
		return u, err
	}
}

func proxyAddress(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func (d *dialler) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if _, ok := d.proxies.Load(address); ok {
		return d.plain.DialContext(ctx, network, address)
	}
	host := strings.ToLower(hostOnly(address))
	guarded := d.plain
	guarded.Control = func(_, resolved string, _ syscall.RawConn) error {
		a, err := addressOf(resolved)
		if err != nil {
			return err
		}
		return d.reach.checkAddress(host, a)
	}
	return guarded.DialContext(ctx, network, address)
}

// guard refuses requests that are out of reach, and says in the errors of the
// others which host they came from.
type guard struct {
	reach reach
	next  http.RoundTripper
}

func (g guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := g.reach.checkURL(req.URL); err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	resp, err := g.next.RoundTrip(req)
	if err != nil {
		return nil, &contactError{host: req.URL.Host, err: err}
	}
	return resp, nil
}

// contactError is a request that got no answer.
type contactError struct {
	host string
	err  error
}

func (e *contactError) Error() string { return "contact " + e.host + ": " + e.err.Error() }
func (e *contactError) Unwrap() error { return e.err }

// Timeout lets url.Error, which looks no deeper, know.
func (e *contactError) Timeout() bool {
	timeout, ok := errors.AsType[net.Error](e.err)
	return ok && timeout.Timeout()
}

// checkRedirect is the policy of http.Client.CheckRedirect; the guard looks at
// the target. The Authorization header is dropped by the auth client as soon as
// a chain leaves the registry's origin.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return &refusedError{req.URL.Scheme + "://" + req.URL.Host, fmt.Sprintf("it is redirect number %d", len(via))}
	}
	req.Header.Del("Referer")
	return nil
}

// retries repeats GET and HEAD after failures that pass: a throttle, a server's
// own fault, a broken connection.
type retries struct {
	clock clock
	next  http.RoundTripper
}

func (r retries) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet && req.Method != http.MethodHead {
		return r.next.RoundTrip(req)
	}
	ctx := req.Context()
	left := maxWait
	var earlier error
	for try := 1; ; try++ {
		resp, err := r.next.RoundTrip(req)
		if err != nil && ctx.Err() != nil && earlier != nil {
			return nil, errors.Join(earlier, err)
		}
		wait, again := r.wait(try, resp, err)
		if !again || try == maxTries || wait > left || ctx.Err() != nil {
			return resp, err
		}
		earlier = err
		if resp != nil {
			earlier = &contactError{req.URL.Host, fmt.Errorf("answer %s", resp.Status)}
			_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBody) // lets the connection be used again
			resp.Body.Close()
		}
		left -= wait
		if err := r.clock.Sleep(ctx, wait); err != nil {
			return nil, errors.Join(earlier, err)
		}
	}
}

// wait says how long to wait before the next try, if there should be one.
func (r retries) wait(try int, resp *http.Response, err error) (time.Duration, bool) {
	wait := 200 * time.Millisecond << (2 * (try - 1))
	if err != nil {
		return wait, isBroken(err)
	}
	switch s := resp.StatusCode; {
	case s == http.StatusTooManyRequests, s == 500, s >= 502 && s <= 504, s >= 520 && s <= 530:
		if t := retryAfter(resp.Header, r.clock.Now()); !t.IsZero() {
			wait = max(0, t.Sub(r.clock.Now()))
		}
		return wait, true
	}
	return 0, false
}

// isBroken reports whether a connection was there and broke.
func isBroken(err error) bool {
	for _, target := range []error{syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, io.EOF, io.ErrUnexpectedEOF} {
		if errors.Is(err, target) {
			return true
		}
	}
	return strings.Contains(err.Error(), "server closed idle connection")
}

// retryAfter reads when a server wants to be asked again: seconds or a date
// (RFC 9110 section 10.2.3), or as Docker Hub writes it, Unix time. Zero if it
// does not say.
func retryAfter(h http.Header, now time.Time) time.Time {
	for _, name := range []string{"Retry-After", "X-Retry-After"} {
		value := strings.TrimSpace(h.Get(name))
		const firstUnixTime = 1_000_000_000 // no server means 31 years by it
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 && n < 1<<40 {
			if n >= firstUnixTime {
				return time.Unix(n, 0)
			}
			return now.Add(time.Duration(n) * time.Second)
		}
		if t, err := http.ParseTime(value); err == nil {
			return t
		}
	}
	return time.Time{}
}
