package oci

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/seaworthy-dev/seaworthy"
)

// testRegistry is a registry on loopback over TLS, whose requests can be
// watched and interfered with.
type testRegistry struct {
	*httptest.Server
	host string

	mu       sync.Mutex
	requests []string // "METHOD path"
	before   func(w http.ResponseWriter, r *http.Request) (handled bool)
}

func newTestRegistry(t testing.TB) *testRegistry {
	t.Helper()
	inner := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	r := &testRegistry{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.requests = append(r.requests, req.Method+" "+req.URL.Path)
		before := r.before
		r.mu.Unlock()
		if before == nil || !before(w, req) {
			inner.ServeHTTP(w, req)
		}
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.EnableHTTP2 = true
	r.StartTLS()
	t.Cleanup(r.Close)
	r.host = r.Listener.Addr().String()
	return r
}

// interfere sets what is asked before the registry, and forgets all requests.
func (r *testRegistry) interfere(before func(w http.ResponseWriter, r *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.before, r.requests = before, nil
}

func (r *testRegistry) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.requests...)
}

// push stores a random image under the name.
func (r *testRegistry) push(t *testing.T, repository string) v1.Image {
	t.Helper()
	image, err := random.Image(64<<10, 3)
	if err != nil {
		t.Fatal(err)
	}
	r.pushImage(t, repository, image)
	return image
}

func (r *testRegistry) pushImage(t *testing.T, repository string, image v1.Image) {
	t.Helper()
	ref, err := name.ParseReference(r.host + "/" + repository)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image, remote.WithTransport(r.Client().Transport), remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	r.interfere(nil)
}

func (r *testRegistry) pushIndex(t *testing.T, repository string, index v1.ImageIndex) {
	t.Helper()
	ref, err := name.ParseReference(r.host + "/" + repository)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index, remote.WithTransport(r.Client().Transport), remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	r.interfere(nil)
}

func (r *testRegistry) options(t testing.TB) Options {
	t.Helper()
	return Options{CA: pemOf(r.Certificate()), Timeout: 10 * time.Second, DockerConfig: t.TempDir(), clock: hasty(nil)}
}

// open opens a source that is closed with the test.
func open(t testing.TB, arg string, o Options) Source {
	t.Helper()
	s, err := Open(arg, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// hasty is a clock that does not wait but notes how long it should have.
func hasty(slept *[]time.Duration) clock {
	var mu sync.Mutex
	return clock{sleep: func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		if slept != nil {
			*slept = append(*slept, d)
		}
		return ctx.Err()
	}}
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func limits() seaworthy.Limits { return seaworthy.DefaultLimits() }

func linuxAMD64() Wish {
	return Wish{Platform: seaworthy.Platform{OS: "linux", Architecture: "amd64"}}
}

// wantError checks code and words of an error.
func wantError(t *testing.T, err error, code seaworthy.Code, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s with %q", code, words)
	}
	if got := seaworthy.CodeOf(err); got != code {
		t.Errorf("code %s, want %s: %v", got, code, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// readBlob reads a blob to its end.
func readBlob(t *testing.T, s Source, d Descriptor) ([]byte, error) {
	t.Helper()
	r, err := s.Blob(t.Context(), d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// authority signs certificates for tests.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Harbour CA"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a := authority{c, key}
	a.certificate = a.sign(t, c, &key.PublicKey)
	return a
}

func (a authority) sign(t *testing.T, c *x509.Certificate, key any) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, a.certificate, key, a.key)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// issue makes a server certificate for 127.0.0.1 and localhost, as changed.
func (a authority) issue(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "registry"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost", "registry.example", "storage.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if change != nil {
		change(c)
	}
	return tls.Certificate{Certificate: [][]byte{a.sign(t, c, &key.PublicKey).Raw}, PrivateKey: key}
}

// serveTLS is a server with a certificate of its own; it gives its address.
func serveTLS(t *testing.T, config *tls.Config, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = config
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// serveHTTP is a server without TLS; it gives its address.
func serveHTTP(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// listen answers each connection with handle; it gives its address.
func listen(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

// proxyTo is an HTTP proxy that connects each host to the address that the map
// has for it.
func proxyTo(t *testing.T, hosts map[string]string) func(*http.Request) (*url.URL, error) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to, ok := hosts[r.Host]
		if r.Method != http.MethodConnect || !ok {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		away, err := net.Dial("tcp", to)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer away.Close()
		w.WriteHeader(http.StatusOK)
		home, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer home.Close()
		done := make(chan struct{})
		go func() {
			_, _ = io.Copy(away, home)
			away.Close()
			close(done)
		}()
		_, _ = io.Copy(home, away)
		home.Close()
		<-done
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return http.ProxyURL(u)
}

// onlyFor limits a proxy to one host:port.
func onlyFor(host string, proxy func(*http.Request) (*url.URL, error)) func(*http.Request) (*url.URL, error) {
	return func(req *http.Request) (*url.URL, error) {
		if req.URL.Host+":443" != host && req.URL.Host != host {
			return nil, nil
		}
		return proxy(req)
	}
}

// closedPort is an address where nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// resolve is a name service that knows the names of the map; "" as an address
// is a failure of the service, and names it does not know do not exist.
func resolve(t *testing.T, names map[string]string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer, err := answerDNS(buffer[:n], names); err == nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answerDNS answers a query of one question (RFC 1035 section 4).
func answerDNS(query []byte, names map[string]string) ([]byte, error) {
	const header, noError, serverFailure, noSuchName = 12, 0, 2, 3
	var labels []string
	i := header
	for {
		if i >= len(query) {
			return nil, errors.New("short query")
		}
		n := int(query[i])
		i++
		if n == 0 {
			break
		}
		if i+n > len(query) {
			return nil, errors.New("short query")
		}
		labels = append(labels, string(query[i:i+n]))
		i += n
	}
	if i+4 > len(query) {
		return nil, errors.New("short query")
	}
	kind := binary.BigEndian.Uint16(query[i:])
	question := query[header : i+4]
	address, known := names[strings.Join(labels, ".")]
	a, err := netip.ParseAddr(address)
	code, answers := byte(noError), byte(0)
	switch {
	case !known:
		code = noSuchName
	case err != nil:
		code = serverFailure
	case a.Is4() && kind == 1, a.Is6() && kind == 28:
		answers = 1
	}
	out := append([]byte{query[0], query[1], 0x81, 0x80 | code, 0, 1, 0, answers, 0, 0, 0, 0}, question...)
	if answers == 1 {
		out = append(out, 0xc0, header, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 60, 0, byte(a.BitLen()/8))
		out = append(out, a.AsSlice()...)
	}
	return out, nil
}
