package oci

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// storage is where a registry redirects to. It notes who shows it a credential.
type storage struct {
	credentials, requests atomic.Int64
	serve                 http.HandlerFunc
}

func (s *storage) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.requests.Add(1)
	for name, values := range req.Header {
		if name == "Authorization" || strings.Contains(strings.Join(values, " "), canary) {
			s.credentials.Add(1)
		}
	}
	s.serve(w, req)
}

// TestRedirectDropsCredentials sends blobs to another port of the same host,
// where net/http alone would send the credential too, and from there back home.
func TestRedirectDropsCredentials(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("x"), 1000)
	r := newTestRegistry(t)
	away := &storage{serve: func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.URL.Path, "/home") {
			http.Redirect(w, req, r.URL+"/v2/back", http.StatusTemporaryRedirect)
			return
		}
		_, _ = w.Write(content)
	}}
	awayHost := serveTLS(t, nil, away)
	var back atomic.Value
	target := "https://" + awayHost + "/blob?signature=" + canary
	through := guardedBy(basic("ada", canary), "Basic realm=lab")
	for _, path := range []string{"/blob", "/home"} {
		r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
			if req.URL.Path == "/v2/back" {
				back.Store(req.Header.Get("Authorization"))
				_, _ = w.Write(content)
				return true
			}
			if !through(w, req) {
				http.Redirect(w, req, strings.Replace(target, "/blob", path, 1), http.StatusTemporaryRedirect)
			}
			return true
		})
		o := r.options(t)
		o.Username, o.Password = "ada", canary
		got, err := readBlob(t, open(t, r.host+"/lab/app:1", o), Descriptor{Digest: seaworthy.DigestOf(content), Size: 1000})
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes, error %v", path, len(got), err)
		}
	}
	if away.requests.Load() != 2 {
		t.Errorf("%d requests reached the storage, want 2", away.requests.Load())
	}
	if got := away.credentials.Load(); got != 0 {
		t.Errorf("%d credentials reached another origin", got)
	}
	if got := back.Load(); got != "" {
		t.Errorf("the credential came back on the way home: %q", got)
	}
}

// TestPresignedURLStaysSecret: whoever has such a URL has the object.
func TestPresignedURLStaysSecret(t *testing.T) {
	t.Parallel()
	r := newTestRegistry(t)
	closed := closedPort(t)
	for _, target := range []string{"https://" + closed + "/b?sig=" + canary, "https://169.254.1.1/b?sig=" + canary, "https://127.0.0.1/%zz?" + canary} {
		r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Location", target)
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		})
		_, err := readBlob(t, open(t, r.host+"/lab/app:1", r.options(t)), Descriptor{Digest: digestA, Size: 1})
		if err == nil {
			t.Fatal("no error")
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("secret in %v", err)
		}
		if e, ok := err.(*seaworthy.Error); !ok || e.Err == nil || strings.Contains(e.Err.Error(), canary) {
			t.Errorf("secret in the cause of %#v", err)
		}
	}
}

// TestRefusedTargets lets a registry that is elsewhere refer to what it must
// not: by redirect and by token realm, by address and by name.
func TestRefusedTargets(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	never := &storage{serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }}
	local := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}}, never)
	_, port, _ := strings.Cut(local, ":")
	names := map[string]string{
		"metadata.example": "169.254.169.254", "local.example": "127.0.0.1", "linklocal.example": "fe80::1", "mapped.example": "::ffff:127.0.0.1",
	}
	targets := []struct{ url, words string }{
		{"https://169.254.169.254/latest", "link-local"},
		{"https://[fe80::1]/", "link-local"},
		{"https://[fd00:ec2::254]/", "metadata"},
		{"https://[::ffff:169.254.169.254]/", "link-local"},
		{"https://[64:ff9b::a9fe:a9fe]/", "link-local"},
		{"https://[2002:a9fe:a9fe::]/", "link-local"},
		{"https://0.0.0.0:" + port + "/", "unspecified"},
		{"https://[::]:" + port + "/", "unspecified"},
		{"https://100.100.100.200/", "metadata"},
		{"https://metadata.google.internal/", "metadata"},
		{"https://metadata.example/", "169.254.169.254"},
		{"https://linklocal.example/", "link-local"},
		{"https://" + local + "/", "this machine"},
		{"https://localhost:" + port + "/", "this machine"},
		{"https://x.localhost:" + port + "/", "this machine"},
		{"https://[::1]:" + port + "/", "this machine"},
		{"https://local.example:" + port + "/", "this machine"},
		{"https://mapped.example:" + port + "/", "this machine"},
		{"https://127.1:" + port + "/", "neither a name"},
		{"https://2130706433:" + port + "/", "neither a name"},
		{"https://0x7f.0x1:" + port + "/", "neither a name"},
		{"http://storage.example/", "not HTTPS"},
		{"ftp://storage.example/", "not HTTPS"},
	}
	for _, target := range targets {
		for _, way := range []string{"redirect", "realm"} {
			t.Run(way+" "+target.url, func(t *testing.T) {
				t.Parallel()
				registry := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ca.issue(t, nil)}}, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					if way == "redirect" {
						http.Redirect(w, req, target.url, http.StatusTemporaryRedirect)
						return
					}
					w.Header().Set("WWW-Authenticate", `Bearer realm="`+target.url+`",service="x"`)
					w.WriteHeader(http.StatusUnauthorized)
				}))
				o := Options{CA: pemOf(ca.certificate), DockerConfig: t.TempDir(), Username: "ada", Password: canary,
					Timeout: 5 * time.Second, clock: hasty(nil), resolver: resolve(t, names)}
				o.proxy = onlyFor("registry.example:443", proxyTo(t, map[string]string{"registry.example:443": registry}))
				_, err := open(t, "registry.example/lab/app:1", o).Root(t.Context())
				if err == nil || !strings.Contains(err.Error(), target.words) {
					t.Errorf("error %v does not say %q", err, target.words)
				}
				if code := seaworthy.CodeOf(err); code != seaworthy.CodeProtocol {
					t.Errorf("code %s of %v", code, err)
				}
				wantNoSecret(t, err)
			})
		}
	}
	t.Cleanup(func() {
		if n := never.requests.Load(); n != 0 {
			t.Errorf("%d requests went to this machine", n)
		}
	})
}

// TestLoopbackRegistryMayUseLoopback: it has its token server and storage there.
func TestLoopbackRegistryMayUseLoopback(t *testing.T) {
	t.Parallel()
	w := reach{host: "127.0.0.1"}
	for _, host := range []string{"127.0.0.1", "localhost", "::1"} {
		if a, err := netip.ParseAddr(host); err == nil {
			if err := w.checkAddress(host, a); err != nil {
				t.Error(err)
			}
		}
	}
	w = reach{host: "registry.example"}
	for _, a := range []string{"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "fd00::1", "203.0.113.1"} {
		if err := w.checkAddress("storage.example", netip.MustParseAddr(a)); err != nil {
			t.Errorf("private networks are where registries live: %v", err)
		}
	}
}

func TestRedirectsAreBounded(t *testing.T) {
	t.Parallel()
	r := newTestRegistry(t)
	r.push(t, "lab/app:1")
	for hops, ok := range map[int]bool{5: true, 6: false} {
		r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
			n := 0
			_, _ = fmt.Sscanf(req.URL.RawQuery, "hop=%d", &n)
			if n == hops {
				return false
			}
			http.Redirect(w, req, fmt.Sprintf("%s?hop=%d", req.URL.Path, n+1), http.StatusTemporaryRedirect)
			return true
		})
		_, err := open(t, r.host+"/lab/app:1", r.options(t)).Root(t.Context())
		if ok && err != nil {
			t.Errorf("%d redirects: %v", hops, err)
		}
		if !ok {
			wantError(t, err, seaworthy.CodeProtocol, "redirect number 6")
		}
	}
}

// TestPlainHTTPStaysOnLoopback: a credential for a plain registry must not leave
// the machine in the open.
func TestPlainHTTPStaysOnLoopback(t *testing.T) {
	t.Parallel()
	host := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://tokens.example/",service="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	o := Options{PlainHTTP: true, DockerConfig: t.TempDir(), resolver: resolve(t, map[string]string{"tokens.example": "203.0.113.1"})}
	_, err := open(t, host+"/app", o).Root(t.Context())
	wantError(t, err, seaworthy.CodeProtocol, "plain HTTP is for loopback addresses only")
	o.resolver = resolve(t, map[string]string{"r.localhost": "203.0.113.1"})
	_, err = open(t, "r.localhost:5000/app", o).Root(t.Context())
	wantError(t, err, seaworthy.CodeProtocol, "plain HTTP is for loopback addresses only")
}
