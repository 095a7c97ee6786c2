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
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// faultCase is a fault that really happens, the row of the table that it must
// hit, and what must be said.
type faultCase struct {
	row   string
	code  seaworthy.Code
	words []string
	run   func(t *testing.T) error
}

// TestFaults has at least one case for each row of the table.
func TestFaults(t *testing.T) {
	t.Parallel()
	cases := slices.Concat(tlsCases(), networkCases(), accessCases(), answerCases())
	tried := map[string]bool{}
	for i, c := range cases {
		tried[c.row] = true
		t.Run(fmt.Sprintf("%02d %s", i, c.row), func(t *testing.T) {
			t.Parallel()
			err := c.run(t)
			wantError(t, err, c.code, c.words...)
			wantNoSecret(t, err)
			if _, ok := errors.AsType[*seaworthy.Error](err); !ok {
				t.Errorf("%T is no *seaworthy.Error", err)
			}
			if got := rowOf(err); got != c.row {
				t.Errorf("the row %q was hit, want %q: %v", got, c.row, err)
			}
		})
	}
	// Rows that no server on loopback can bring about have a made-up error.
	for _, row := range []string{"no route", "no system authorities"} {
		tried[row] = true
	}
	for _, row := range faults() {
		if !tried[row.name] {
			t.Errorf("no case hits the row %q", row.name)
		}
	}
}

// rowOf classifies the cause of an error once more, and looks which row it was.
func rowOf(err error) string {
	e, ok := errors.AsType[*seaworthy.Error](err)
	if !ok {
		return ""
	}
	f, ok := errors.AsType[cause](e.Err)
	if !ok {
		return ""
	}
	return f.row
}

func TestMadeUpFaults(t *testing.T) {
	t.Parallel()
	ref, err := ParseReference("registry.example/lab/app:1")
	if err != nil {
		t.Fatal(err)
	}
	at := func(err error) error {
		return &url.Error{Op: "Get", URL: "https://registry.example", Err: &contactError{"registry.example", err}}
	}
	for _, test := range []struct {
		row   string
		err   error
		code  seaworthy.Code
		words string
	}{
		{"no route", at(&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}), seaworthy.CodeUnreachable, "no route to registry.example"},
		{"no route", at(&net.OpError{Op: "dial", Err: syscall.ENETUNREACH}), seaworthy.CodeUnreachable, "no route to registry.example"},
		{"no system authorities", at(x509.SystemRootsError{}), seaworthy.CodeTLS, "no certificate authorities"},
		{"", at(errors.New("a new kind of trouble")), seaworthy.CodeUnreachable, "the image could not be read from registry.example: a new kind of trouble"},
	} {
		got := classify(failure{ctx: t.Context(), err: test.err, what: "the image", ref: ref})
		wantError(t, got, test.code, test.words)
		if rowOf(got) != test.row {
			t.Errorf("row %q, want %q", rowOf(got), test.row)
		}
	}
	limit := limits().Exceeded(seaworthy.LimitLayers, "x")
	if got := classify(failure{ctx: t.Context(), err: fmt.Errorf("op: %w", limit), ref: ref}); seaworthy.CodeOf(got) != seaworthy.CodeLimit {
		t.Errorf("a limit became %v", got)
	}
}

// rootOf asks for the root of an image at a host.
func rootOf(t *testing.T, host string, change func(*Options)) error {
	t.Helper()
	o := Options{DockerConfig: t.TempDir(), Timeout: 5 * time.Second, clock: hasty(nil)}
	if change != nil {
		change(&o)
	}
	_, err := open(t, host+"/lab/app:1", o).Root(t.Context())
	return err
}

func trusting(ca authority) func(*Options) { return func(o *Options) { o.CA = pemOf(ca.certificate) } }

func tlsCases() []faultCase {
	with := func(change func(*x509.Certificate), config func(*tls.Config)) func(*testing.T) error {
		return func(t *testing.T) error {
			ca := newAuthority(t)
			c := &tls.Config{Certificates: []tls.Certificate{ca.issue(t, change)}}
			if config != nil {
				config(c)
			}
			return rootOf(t, serveTLS(t, c, http.NotFoundHandler()), trusting(ca))
		}
	}
	return []faultCase{
		{"unknown authority", seaworthy.CodeTLS, []string{"Harbour CA", "not trusted", "--ca FILE"}, func(t *testing.T) error {
			return rootOf(t, serveTLS(t, &tls.Config{Certificates: []tls.Certificate{newAuthority(t).issue(t, nil)}}, http.NotFoundHandler()), nil)
		}},
		{"wrong host", seaworthy.CodeTLS, []string{"not for that name but for other.example"}, with(func(c *x509.Certificate) {
			c.DNSNames, c.IPAddresses = []string{"other.example"}, nil
		}, nil)},
		{"expired", seaworthy.CodeTLS, []string{"expired on "}, with(func(c *x509.Certificate) {
			c.NotAfter = time.Now().Add(-time.Minute)
		}, nil)},
		{"expired", seaworthy.CodeTLS, []string{"not valid before", "clock"}, with(func(c *x509.Certificate) {
			c.NotBefore = time.Now().Add(30 * time.Minute)
		}, nil)},
		{"certificate unfit", seaworthy.CodeTLS, []string{"not valid for a server"}, with(func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}, nil)},
		{"plain HTTP on the port", seaworthy.CodeTLS, []string{"speaks plain HTTP", "try --plain-http"}, func(t *testing.T) error {
			return rootOf(t, serveHTTP(t, http.NotFoundHandler()), nil)
		}},
		{"not TLS", seaworthy.CodeTLS, []string{"does not speak TLS"}, func(t *testing.T) error {
			return rootOf(t, listen(t, func(c net.Conn) {
				_, _ = io.WriteString(c, "220 mail.example ESMTP ready\r\n")
				_, _ = io.Copy(io.Discard, c)
			}), nil)
		}},
		{"client certificate", seaworthy.CodeTLS, []string{"client certificate"}, with(nil, func(c *tls.Config) {
			c.ClientAuth = tls.RequireAnyClientCert
		})},
		{"TLS alert", seaworthy.CodeTLS, []string{"may want a client certificate"}, with(nil, func(c *tls.Config) {
			c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		})},
		{"TLS version", seaworthy.CodeTLS, []string{"no version of TLS from 1.2"}, with(nil, func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		})},
		{"TLS alert", seaworthy.CodeTLS, []string{"ended the TLS handshake"}, func(t *testing.T) error {
			return rootOf(t, listen(t, func(c net.Conn) { _ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{{}}}).Handshake() }), nil)
		}},
		{"TLS timeout", seaworthy.CodeTLS, []string{"did not finish the TLS handshake"}, func(t *testing.T) error {
			host := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
			return rootOf(t, host, func(o *Options) { o.Timeout = 100 * time.Millisecond })
		}},
		{"TLS other", seaworthy.CodeTLS, []string{"TLS handshake", "failed"}, func(t *testing.T) error {
			return rootOf(t, listen(t, func(c net.Conn) {
				_, _ = c.Read(make([]byte, 5))
				_, _ = c.Write([]byte{22, 3, 3, 0, 4, 99, 0, 0, 0}) // a handshake message of no known kind
				_, _ = io.Copy(io.Discard, c)
			}), nil)
		}},
	}
}

func networkCases() []faultCase {
	return []faultCase{
		{"stopped", seaworthy.CodeUnreachable, []string{"was stopped"}, func(t *testing.T) error {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err := open(t, closedPort(t)+"/app", Options{}).Root(ctx)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v is no context.Canceled", err)
			}
			return err
		}},
		{"out of time", seaworthy.CodeUnreachable, []string{"time ran out"}, func(t *testing.T) error {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			host := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
			_, err := open(t, host+"/app", Options{PlainHTTP: true, DockerConfig: t.TempDir()}).Root(ctx)
			return err
		}},
		{"refused target", seaworthy.CodeProtocol, []string{"169.254.169.254", "not contacted"}, func(t *testing.T) error {
			return answer(t, 307, map[string]string{"Location": "https://169.254.169.254/?" + canary}, "", nil)
		}},
		{"proxy credentials", seaworthy.CodeUnauthorized, []string{"proxy", "wants credentials"}, func(t *testing.T) error {
			return rootOf(t, "registry.example", func(o *Options) { o.proxy = refusing(t, http.StatusProxyAuthRequired) })
		}},
		{"proxy refusal", seaworthy.CodeUnreachable, []string{"proxy 127.0.0.1:", "502 Bad Gateway", "HTTPS_PROXY"}, func(t *testing.T) error {
			return rootOf(t, "registry.example", func(o *Options) { o.proxy = refusing(t, http.StatusBadGateway) })
		}},
		{"proxy dial", seaworthy.CodeUnreachable, []string{"proxy", "was not reached", "refused"}, func(t *testing.T) error {
			return rootOf(t, "registry.example", func(o *Options) {
				o.proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: closedPort(t)})
			})
		}},
		{"no such host", seaworthy.CodeNotFound, []string{"there is no host registry.example"}, func(t *testing.T) error {
			return rootOf(t, "registry.example", func(o *Options) { o.resolver = resolve(t, nil) })
		}},
		{"name service", seaworthy.CodeUnreachable, []string{"name of registry.example could not be looked up"}, func(t *testing.T) error {
			return rootOf(t, "registry.example", func(o *Options) { o.resolver = resolve(t, map[string]string{"registry.example": ""}) })
		}},
		{"connection refused", seaworthy.CodeUnreachable, []string{"nothing listens", "HTTPS on 443"}, func(t *testing.T) error {
			return rootOf(t, closedPort(t), nil)
		}},
		{"connection refused", seaworthy.CodeUnreachable, []string{"nothing listens", "80 is meant"}, func(t *testing.T) error {
			return rootOf(t, closedPort(t), func(o *Options) { o.PlainHTTP = true })
		}},
		{"stalled", seaworthy.CodeUnreachable, []string{"sent no more of the image"}, func(t *testing.T) error {
			host := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.Method == http.MethodHead {
					return
				}
				_, _ = io.WriteString(w, "{")
				_ = http.NewResponseController(w).Flush()
				<-req.Context().Done()
			}))
			return rootOf(t, host, func(o *Options) { o.PlainHTTP, o.Timeout = true, 500*time.Millisecond })
		}},
		{"timeout", seaworthy.CodeUnreachable, []string{"did not answer within 100ms"}, func(t *testing.T) error {
			host := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
			return rootOf(t, host, func(o *Options) { o.PlainHTTP, o.Timeout = true, 100*time.Millisecond })
		}},
		{"broken connection", seaworthy.CodeUnreachable, []string{"closed the connection"}, func(t *testing.T) error {
			return rootOf(t, listen(t, reset), nil)
		}},
		{"broken connection", seaworthy.CodeUnreachable, []string{"closed the connection"}, func(t *testing.T) error {
			return rootOf(t, listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 10)) }), func(o *Options) { o.PlainHTTP = true })
		}},
	}
}

// refusing is a proxy that answers CONNECT with a status.
func refusing(t *testing.T, status int) func(*http.Request) (*url.URL, error) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return http.ProxyURL(u)
}

// answer asks a registry that always answers the same.
func answer(t *testing.T, status int, header map[string]string, body string, change func(*Options)) error {
	t.Helper()
	host := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	return rootOf(t, host, func(o *Options) {
		o.PlainHTTP = true
		if change != nil {
			change(o)
		}
	})
}

func errorsBody(code, message string) string {
	return `{"errors":[{"code":"` + code + `","message":"` + message + `"}]}`
}

func asAda(o *Options) { o.Username, o.Password = "ada", canary }

func accessCases() []faultCase {
	basicChallenge := map[string]string{"WWW-Authenticate": `Basic realm="x"`}
	denied := errorsBody("DENIED", "requested access is denied")
	// behind is a registry that refuses even with the token that its token server gives, with that status.
	behind := func(tokenStatus, status int, tokenBody string, change func(*Options)) func(*testing.T) error {
		return func(t *testing.T) error {
			tokens := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tokenStatus)
				_, _ = io.WriteString(w, tokenBody)
			}))
			host := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				code := http.StatusUnauthorized
				if req.Header.Get("Authorization") != "" {
					code = status
				}
				w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+tokens+`/token",service="x",error="insufficient_scope"`)
				w.WriteHeader(code)
				_, _ = io.WriteString(w, denied)
			}))
			return rootOf(t, host, func(o *Options) {
				o.PlainHTTP = true
				if change != nil {
					change(o)
				}
			})
		}
	}
	const token = `{"token":"T"}`
	return []faultCase{
		{"credentials expired", seaworthy.CodeUnauthorized, []string{"user ada", "expired", "log in again"}, func(t *testing.T) error {
			return answer(t, 403, nil, errorsBody("DENIED", "Your authorization token has expired. Reauthenticate and try again."), func(o *Options) {
				asAda(o)
			})
		}},
		{"no credential for Basic", seaworthy.CodeUnauthorized, []string{"wants a user name and password", "docker login", "--username with --password-stdin"}, func(t *testing.T) error {
			return answer(t, 401, basicChallenge, "", nil)
		}},
		{"Basic refused", seaworthy.CodeUnauthorized, []string{"does not accept the credentials of user ada"}, func(t *testing.T) error {
			return answer(t, 401, basicChallenge, "", asAda)
		}},
		{"anonymous, token refused", seaworthy.CodeUnauthorized, []string{"without credentials", "docker login"}, behind(403, 0, denied, nil)},
		{"token forbidden", seaworthy.CodeUnauthorized, []string{"gives user ada no token", "not permitted, or it does not exist"}, behind(403, 0, denied, asAda)},
		{"token refused", seaworthy.CodeUnauthorized, []string{"does not accept the credentials of user ada"}, behind(401, 0, denied, asAda)},
		{"anonymous, after a token", seaworthy.CodeUnauthorized, []string{"is not public, or does not exist"}, behind(200, 401, token, nil)},
		{"after a token", seaworthy.CodeUnauthorized, []string{"user ada may not pull", "or it does not exist"}, behind(200, 401, token, asAda)},
		{"forbidden", seaworthy.CodeUnauthorized, []string{"user ada may not read", "requested access is denied"}, behind(200, 403, token, asAda)},
		{"anonymous, after a token", seaworthy.CodeUnauthorized, []string{"not public"}, behind(200, 403, token, nil)},
		{"unknown scheme", seaworthy.CodeUnauthorized, []string{"authentication by negotiate", "Basic and Bearer are"}, func(t *testing.T) error {
			return answer(t, 401, map[string]string{"WWW-Authenticate": "Negotiate"}, "", nil)
		}},
		{"anonymous", seaworthy.CodeUnauthorized, []string{"without credentials", "client with IP"}, func(t *testing.T) error {
			return answer(t, 403, nil, errorsBody("DENIED", "client with IP is not allowed"), nil)
		}},
		{"proxy credentials, HTTP", seaworthy.CodeUnauthorized, []string{"proxy"}, func(t *testing.T) error { return answer(t, 407, nil, "", nil) }},
		{"token answer", seaworthy.CodeProtocol, []string{"did not answer with a token"}, behind(200, 0, "<html>sign in</html>", nil)},
		{"token answer", seaworthy.CodeProtocol, []string{"did not answer with a token"}, behind(200, 0, "{}", nil)},
		{"rate limit", seaworthy.CodeUnreachable, []string{"rate limit"}, behind(429, 0, "", nil)},
	}
}

func answerCases() []faultCase {
	simple := func(status int, header map[string]string, body string) func(*testing.T) error {
		return func(t *testing.T) error { return answer(t, status, header, body, nil) }
	}
	html := map[string]string{"Content-Type": "text/html; charset=utf-8"}
	return []faultCase{
		{"rate limit", seaworthy.CodeUnreachable, []string{"rate limit", "try again in 1h0m0s", "with credentials"},
			simple(429, map[string]string{"Retry-After": "3600"}, errorsBody("TOOMANYREQUESTS", "You have reached your pull rate limit."))},
		{"rate limit", seaworthy.CodeUnreachable, []string{"try again later"}, simple(429, nil, "")},
		{"server's own failure", seaworthy.CodeUnreachable, []string{"failed by itself (503 Service Unavailable)"}, simple(503, nil, "")},
		{"HTML", seaworthy.CodeProtocol, []string{"not a registry", "web page"}, simple(404, html, "<h1>Not here</h1>")},
		{"no repository", seaworthy.CodeNotFound, []string{"there is no repository 127.0.0.1:", "/lab/app"}, simple(404, nil, errorsBody("NAME_UNKNOWN", "repository name not known to registry"))},
		{"no manifest", seaworthy.CodeNotFound, []string{`/lab/app has no tag "1"`}, simple(404, nil, errorsBody("MANIFEST_UNKNOWN", "manifest unknown"))},
		{"no manifest", seaworthy.CodeNotFound, []string{"does not have the manifest", string(digestA)}, func(t *testing.T) error {
			r := newTestRegistry(t)
			r.push(t, "lab/app:1")
			_, err := open(t, r.host+"/lab/app@"+string(digestA), r.options(t)).Manifest(t.Context(), Descriptor{Digest: digestA})
			return err
		}},
		{"not found", seaworthy.CodeNotFound, []string{"does not have the image", "404 Not Found"}, simple(404, nil, "Not found.")},
		{"not found", seaworthy.CodeNotFound, []string{"410"}, simple(410, nil, "")},
		{"other status", seaworthy.CodeProtocol, []string{"418", "a [31mb"}, simple(418, nil, errorsBody("X", `a\n\u001b[31mb`))},
		{"protocol", seaworthy.CodeProtocol, []string{"not a registry", "a web page"}, simple(200, html, "<html>Welcome to the hotel</html>")},
		{"protocol", seaworthy.CodeProtocol, []string{"not JSON"}, simple(200, nil, "hello")},
	}
}

func TestErrorsAreLines(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\r\nb":                 "a b",
		"\x1b]0;title\x07red":    "]0;title red",
		"right\u202eleft":        "right left",
		strings.Repeat("é", 300): strings.Repeat("é", 200) + "…",
		"bad \xff utf":           "bad \ufffd utf",
	} {
		if got := printable(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// Plain HTTP is only for this machine, so nobody else is sent there.
func TestPlainHint(t *testing.T) {
	t.Parallel()
	tests := []struct {
		host  string
		plain bool
		want  string
	}{
		{"127.0.0.1:5000", false, "try --plain-http, or check the port"},
		{"[::1]:5000", false, "try --plain-http, or check the port"},
		{"localhost", false, "try --plain-http, or check the port"},
		{"127.0.0.1:5000", true, "check the port"},
		{"registry.example:5000", false, "check the port"},
		{"10.0.0.1", false, "check the port"},
	}
	for _, test := range tests {
		if got := plainHint(&failure{host: test.host, plainHTTP: test.plain}, "check the port"); got != test.want {
			t.Errorf("for %s, plain %t: %q, want %q", test.host, test.plain, got, test.want)
		}
	}
}
