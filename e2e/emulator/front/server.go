// Package front is what the cloud emulators share: one TLS server that answers
// for many host names with certificates of its own authority, a log of the
// requests without their secrets, faults to be switched on, and a clock that
// tests move.
//
// Clients reach it by [Server.DialContext], or, from another process, by the
// CONNECT proxy of [Server.StartProxy], and trust [Server.CA].
package front

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Server answers for the hosts of one cloud.
type Server struct {
	clock     *Clock
	authority *authority
	hosts     map[string]http.Handler
	server    *httptest.Server
	proxy     *http.Server

	mu       sync.Mutex
	requests []Request
	faults   []*Fault
}

// Start runs a server for the hosts, each with its handler. The clock may be
// nil for the time of the machine.
func Start(clock *Clock, hosts map[string]http.Handler) (*Server, error) {
	if clock == nil {
		clock = new(Clock)
	}
	authority, err := newAuthority()
	if err != nil {
		return nil, fmt.Errorf("make the test authority: %w", err)
	}
	s := &Server{clock: clock, authority: authority, hosts: hosts}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.server.TLS = &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1"}, // a reset needs the connection itself
		GetCertificate: s.certificate,
	}
	s.server.StartTLS()
	return s, nil
}

// Close ends the server and its proxy.
func (s *Server) Close() {
	if s.proxy != nil {
		s.proxy.Close()
	}
	s.server.CloseClientConnections()
	s.server.Close()
}

// Clock is the server's clock.
func (s *Server) Clock() *Clock { return s.clock }

// CA is the certificate of the server's authority, in PEM.
func (s *Server) CA() []byte { return s.authority.pem }

// Address is the host and port on which the server listens.
func (s *Server) Address() string { return s.server.Listener.Addr().String() }

// DialContext connects to the server when it stands in for the host of
// address on port 443, and fails as the network does otherwise: no such host.
func (s *Server) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	if _, ok := s.hosts[strings.ToLower(host)]; !ok {
		return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}
	target := s.Address()
	if port != "443" {
		// Nothing listens there; port 1 of loopback refuses as the host would.
		target = "127.0.0.1:1"
	}
	var d net.Dialer
	return d.DialContext(ctx, network, target)
}

// Transport is a new transport that reaches the server and trusts it.
func (s *Server) Transport() *http.Transport {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.CA())
	return &http.Transport{
		DialContext:     s.DialContext,
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		MaxIdleConns:    4,
		IdleConnTimeout: time.Minute,
	}
}

// Client is a new client over [Server.Transport].
func (s *Server) Client() *http.Client { return &http.Client{Transport: s.Transport()} }

// certificate is the one for the name that the client asks for.
func (s *Server) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(hello.ServerName)
	if _, ok := s.hosts[name]; !ok {
		return nil, fmt.Errorf("no certificate for %q", name)
	}
	return s.authority.certificate(name)
}

// serve logs a request, applies a fault that is switched on, and hands over
// to the host's handler.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	host := hostname(r.Host)
	entry := newRequest(r, host)
	recorder := &recorder{ResponseWriter: w, status: http.StatusOK}
	defer func() {
		entry.Status = recorder.status
		s.mu.Lock()
		s.requests = append(s.requests, entry)
		s.mu.Unlock()
	}()
	recorder.Header().Set("Date", s.clock.Now().UTC().Format(http.TimeFormat))
	handler, ok := s.hosts[host]
	if !ok || r.TLS.ServerName != host {
		http.Error(recorder, "misdirected request", http.StatusMisdirectedRequest)
		return
	}
	fault := s.fault(r)
	switch {
	case fault == nil:
		handler.ServeHTTP(recorder, r)
	case fault.Status != 0:
		fault.answer(recorder, s.clock.Now())
	default:
		handler.ServeHTTP(&resetter{ResponseWriter: recorder, left: fault.ResetAfter}, r)
	}
}

// hostname is a host without its port, in lower case.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(host)
}

// StartProxy runs an HTTP proxy on loopback that takes CONNECT to the
// server's hosts only, and gives its URL. Programs that cannot be given a
// DialContext reach the server by HTTPS_PROXY.
func (s *Server) StartProxy() (string, error) {
	if s.proxy != nil {
		return "", errors.New("the proxy runs already")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listen for the proxy: %w", err)
	}
	s.proxy = &http.Server{Handler: http.HandlerFunc(s.connect), ReadHeaderTimeout: 10 * time.Second}
	go s.proxy.Serve(listener)
	return "http://" + listener.Addr().String(), nil
}

// connect joins a client with the server.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
		return
	}
	upstream, err := s.DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, "no such host", http.StatusBadGateway)
		return
	}
	defer upstream.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "cannot take over the connection", http.StatusInternalServerError)
		return
	}
	defer client.Close()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	go func() {
		io.Copy(upstream, buffered)
		upstream.Close()
	}()
	io.Copy(client, upstream)
}
