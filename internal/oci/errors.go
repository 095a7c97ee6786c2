package oci

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"time"
	"unicode"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/seaworthy-dev/seaworthy"
)

// failure is an operation that failed, with all that its explanation needs.
type failure struct {
	ctx       context.Context
	err       error
	what      string // what was to be read
	ref       Reference
	who       string // whose credential was used, "" if none
	plainHTTP bool
	timeout   time.Duration
	now       time.Time

	host   string       // that failed or answered; set by classify
	status *statusError // its answer, if there was one
}

// fault is one row of the table: how a failure is recognised, and what is said
// of it.
type fault struct {
	name string
	is   func(*failure) bool
	code seaworthy.Code
	say  func(*failure) (public, hint string)
}

// classify finds the row of the table that a failure belongs to. Errors that say
// what they are already stay as they are.
func classify(f failure) error {
	if _, ok := errors.AsType[*seaworthy.LimitError](f.err); ok {
		return f.err
	}
	if e, ok := errors.AsType[*seaworthy.Error](f.err); ok {
		return e
	}
	f.host = f.ref.Host()
	if c, ok := errors.AsType[*contactError](f.err); ok {
		f.host = c.host
	}
	f.status, _ = errors.AsType[*statusError](f.err)
	if e, ok := errors.AsType[*errcode.ErrorResponse](f.err); ok && f.status == nil {
		f.status = tokenStatus(e)
	}
	if f.status != nil {
		f.host = f.status.host
	}
	for _, row := range faults() {
		if row.is(&f) {
			public, hint := row.say(&f)
			return &seaworthy.Error{Code: row.code, Public: public, Hint: hint, Err: cause{row.name, f.err}}
		}
	}
	return &seaworthy.Error{
		Code: seaworthy.CodeUnreachable, Err: cause{"", f.err},
		Public: fmt.Sprintf("%s could not be read from %s%s", f.what, f.host, lastCause(f.err)),
	}
}

// faults is the table, in the order in which it is asked.
func faults() []fault {
	var rows []fault
	rows = append(rows, localFaults()...)
	rows = append(rows, tlsFaults()...)
	rows = append(rows, networkFaults()...)
	rows = append(rows, accessFaults()...)
	return append(rows, answerFaults()...)
}

const (
	hintCA    = "give the certificate of its authority with --ca FILE"
	hintLogin = "log in with docker login, or pass --username with --password-stdin"
)

func say(hint, format string, args ...func(*failure) any) func(*failure) (string, string) {
	return func(f *failure) (string, string) {
		values := make([]any, len(args))
		for i, arg := range args {
			values[i] = arg(f)
		}
		return fmt.Sprintf(format, values...), hint
	}
}

func theHost(f *failure) any     { return f.host }
func theRegistry(f *failure) any { return f.ref.Registry }
func theWhat(f *failure) any     { return f.what }
func theWho(f *failure) any      { return f.who }
func theStatus(f *failure) any   { return f.status.text() }
func theTimeout(f *failure) any  { return f.timeout }
func theName(f *failure) any     { return f.ref.Name() }

// localFaults began with us, or with what lies between us and the registry.
func localFaults() []fault {
	return []fault{
		{"stopped", func(f *failure) bool { return errors.Is(f.ctx.Err(), context.Canceled) },
			seaworthy.CodeUnreachable, say("", "reading %s was stopped", theWhat)},
		{"out of time", func(f *failure) bool { return f.ctx.Err() != nil },
			seaworthy.CodeUnreachable, func(f *failure) (string, string) {
				return "the time ran out while reading " + f.what + lastCause(f.err), ""
			}},
		{"refused target", isA[*refusedError],
			seaworthy.CodeProtocol, func(f *failure) (string, string) {
				e, _ := errors.AsType[*refusedError](f.err)
				return fmt.Sprintf("%s could not be read: %s refers to %s, which was not contacted: %s", f.what, f.ref.Registry, e.target, e.reason), ""
			}},
		{"proxy credentials", func(f *failure) bool { return proxyStatus(f.err) == http.StatusProxyAuthRequired },
			seaworthy.CodeUnauthorized, say("put them into HTTPS_PROXY as http://USER:PASSWORD@HOST:PORT",
				"the proxy on the way to %s wants credentials, or other ones", theHost)},
		{"proxy refusal", isA[*proxyError],
			seaworthy.CodeUnreachable, func(f *failure) (string, string) {
				e, _ := errors.AsType[*proxyError](f.err)
				return fmt.Sprintf("the %s, so %s was not reached", e, f.host), "check HTTPS_PROXY and NO_PROXY"
			}},
		{"proxy dial", func(f *failure) bool { return operation(f.err, "proxyconnect") },
			seaworthy.CodeUnreachable, func(f *failure) (string, string) {
				return fmt.Sprintf("the proxy on the way to %s was not reached%s", f.host, lastCause(f.err)), "check HTTPS_PROXY and NO_PROXY"
			}},
	}
}

// tlsFaults are connections that cannot be trusted.
func tlsFaults() []fault {
	return []fault{
		{"unknown authority", isA[x509.UnknownAuthorityError],
			seaworthy.CodeTLS, func(f *failure) (string, string) {
				e, _ := errors.AsType[x509.UnknownAuthorityError](f.err)
				by := ""
				if e.Cert != nil {
					by = fmt.Sprintf(" (%.200s)", printable(e.Cert.Issuer.String()))
				}
				return fmt.Sprintf("the certificate of %s is signed by an authority%s that is not trusted here", f.host, by), hintCA
			}},
		{"no system authorities", isA[x509.SystemRootsError],
			seaworthy.CodeTLS, say("install the ca-certificates of the system, or give a file with --ca",
				"the certificate of %s cannot be checked: this system has no certificate authorities", theHost)},
		{"wrong host", isA[x509.HostnameError],
			seaworthy.CodeTLS, func(f *failure) (string, string) {
				e, _ := errors.AsType[x509.HostnameError](f.err)
				return fmt.Sprintf("the certificate of %s is not for that name but for %s", f.host, certificateNames(e.Certificate)),
					"call the registry by the name in its certificate"
			}},
		{"expired", func(f *failure) bool { return invalid(f.err) == int(x509.Expired) },
			seaworthy.CodeTLS, func(f *failure) (string, string) {
				e, _ := errors.AsType[x509.CertificateInvalidError](f.err)
				if e.Cert != nil && f.now.Before(e.Cert.NotBefore) {
					return fmt.Sprintf("the certificate of %s is not valid before %s", f.host, e.Cert.NotBefore.Format(time.RFC3339)), "check the clock of this machine"
				}
				on := ""
				if e.Cert != nil {
					on = " on " + e.Cert.NotAfter.Format(time.RFC3339)
				}
				return "the certificate of " + f.host + " expired" + on, "it must be renewed there; if it was, check the clock of this machine"
			}},
		{"certificate unfit", func(f *failure) bool { return invalid(f.err) >= 0 || isA[*tls.CertificateVerificationError](f) },
			seaworthy.CodeTLS, func(f *failure) (string, string) {
				return "the certificate of " + f.host + " is not valid for a server" + lastCause(f.err), "it must be replaced there"
			}},
		{"plain HTTP on the port", func(f *failure) bool {
			e, ok := errors.AsType[tls.RecordHeaderError](f.err)
			return ok && strings.HasPrefix(string(e.RecordHeader[:]), "HTTP/") || errors.Is(f.err, http.ErrSchemeMismatch)
		}, seaworthy.CodeTLS, func(f *failure) (string, string) {
			return f.host + " speaks plain HTTP on this port, not HTTPS", plainHint(f, "give the port on which it speaks HTTPS")
		}},
		{"not TLS", isA[tls.RecordHeaderError],
			seaworthy.CodeTLS, func(f *failure) (string, string) {
				return f.host + " does not speak TLS on this port", plainHint(f, "check the port")
			}},
		{"client certificate", func(f *failure) bool { return tlsAlert(f.err, "certificate required", "bad certificate") },
			seaworthy.CodeTLS, say("such registries are not supported", "%s wants a client certificate", theHost)},
		{"TLS version", func(f *failure) bool { return tlsAlert(f.err, "protocol version", "unsupported protocol") },
			seaworthy.CodeTLS, say("it must be updated", "%s speaks no version of TLS from 1.2 on", theHost)},
		{"TLS alert", func(f *failure) bool { return operation(f.err, "remote error") || isA[tls.AlertError](f) },
			seaworthy.CodeTLS, func(f *failure) (string, string) {
				return f.host + " ended the TLS handshake" + lastCause(f.err), "it may want a client certificate, or another name"
			}},
		{"TLS timeout", func(f *failure) bool { return strings.Contains(f.err.Error(), "TLS handshake timeout") },
			seaworthy.CodeTLS, say("check the port, and whether something between intercepts TLS", "%s did not finish the TLS handshake within %s", theHost, theTimeout)},
		{"TLS other", func(f *failure) bool { return strings.Contains(f.err.Error(), ": tls: ") },
			seaworthy.CodeTLS, func(f *failure) (string, string) {
				return "the TLS handshake with " + f.host + " failed" + lastCause(f.err), ""
			}},
	}
}

// networkFaults are connections that did not come about or broke.
func networkFaults() []fault {
	return []fault{
		{"no such host", func(f *failure) bool {
			e, ok := errors.AsType[*net.DNSError](f.err)
			return ok && e.IsNotFound
		}, seaworthy.CodeNotFound, say("check its spelling", "there is no host %s", theHost)},
		{"name service", isA[*net.DNSError],
			seaworthy.CodeUnreachable, say("check the name servers of this machine", "the name of %s could not be looked up", theHost)},
		{"connection refused", func(f *failure) bool { return errors.Is(f.err, syscall.ECONNREFUSED) },
			seaworthy.CodeUnreachable, func(f *failure) (string, string) {
				hint := "check the port: without one, HTTPS on 443 is meant"
				if f.plainHTTP {
					hint = "check that the registry runs, and its port: without one, 80 is meant"
				}
				return "nothing listens at " + f.host + ": the connection was refused", hint
			}},
		{"no route", func(f *failure) bool {
			return errors.Is(f.err, syscall.EHOSTUNREACH) || errors.Is(f.err, syscall.ENETUNREACH)
		}, seaworthy.CodeUnreachable, say("check the network, and HTTPS_PROXY if there is a proxy", "there is no route to %s", theHost)},
		{"stalled", func(f *failure) bool { return errors.Is(f.err, errStalled) },
			seaworthy.CodeUnreachable, say("", "%s sent no more of %s for %s", theHost, theWhat, theTimeout)},
		{"timeout", func(f *failure) bool {
			e, ok := errors.AsType[net.Error](f.err)
			return f.status == nil && ok && e.Timeout()
		}, seaworthy.CodeUnreachable, say("check the port, and HTTPS_PROXY if there is a proxy", "%s did not answer within %s", theHost, theTimeout)},
		{"broken connection", func(f *failure) bool { return f.status == nil && isBroken(f.err) },
			seaworthy.CodeUnreachable, say("", "%s closed the connection in the middle of %s", theHost, theWhat)},
	}
}

// accessFaults are refusals of who we are.
func accessFaults() []fault {
	return []fault{
		{"credentials expired", func(f *failure) bool {
			return f.status.is(400, 401, 403) && f.who != "" && strings.Contains(strings.ToLower(f.status.text()), "expired")
		}, seaworthy.CodeUnauthorized, say("log in again", "the credentials of %s for %s have expired", theWho, theRegistry)},
		{"no credential for Basic", func(f *failure) bool { return errors.Is(f.err, auth.ErrBasicCredentialNotFound) },
			seaworthy.CodeUnauthorized, say(hintLogin, "%s wants a user name and password, and there are none for it", theRegistry)},
		{"anonymous, token refused", func(f *failure) bool { return f.status.is(400, 401, 403) && f.status.token && f.who == "" },
			seaworthy.CodeUnauthorized, say(hintLogin, "%s gives no token for %s without credentials: it is not public, or does not exist (%s)", theHost, theName, theStatus)},
		{"token forbidden", func(f *failure) bool { return f.status.is(403) && f.status.token },
			seaworthy.CodeUnauthorized, say("", "%s gives %s no token for %s: not permitted, or it does not exist (%s)", theHost, theWho, theName, theStatus)},
		{"token refused", func(f *failure) bool { return f.status.is(400, 401) && f.status.token },
			seaworthy.CodeUnauthorized, say("log in again, or check user name and password", "%s does not accept the credentials of %s (%s)", theHost, theWho, theStatus)},
		{"anonymous, after a token", func(f *failure) bool { return f.status.is(401, 403) && f.who == "" && f.status.sent == "bearer" },
			seaworthy.CodeUnauthorized, say(hintLogin, "%s is not public, or does not exist (%s)", theName, theStatus)},
		{"after a token", func(f *failure) bool { return f.status.is(401) && f.status.sent == "bearer" },
			seaworthy.CodeUnauthorized, say("check the name, and the rights of that account", "%s may not pull from %s, or it does not exist (%s)", theWho, theName, theStatus)},
		{"Basic refused", func(f *failure) bool { return f.status.is(401) && f.status.sent == "basic" },
			seaworthy.CodeUnauthorized, say("log in again, or check user name and password", "%s does not accept the credentials of %s (%s)", theRegistry, theWho, theStatus)},
		{"unknown scheme", func(f *failure) bool { return f.status.is(401) && f.status.schemes != "" },
			seaworthy.CodeUnauthorized, func(f *failure) (string, string) {
				return fmt.Sprintf("%s wants authentication by %s, which is not supported", f.host, f.status.schemes), "Basic and Bearer are"
			}},
		{"anonymous", func(f *failure) bool { return f.status.is(401, 403) && f.who == "" },
			seaworthy.CodeUnauthorized, say(hintLogin, "%s does not let anybody read %s without credentials (%s)", theHost, theName, theStatus)},
		{"forbidden", func(f *failure) bool { return f.status.is(401, 403) },
			seaworthy.CodeUnauthorized, say("check the rights of that account", "%s may not read %s (%s)", theWho, theName, theStatus)},
		{"proxy credentials, HTTP", func(f *failure) bool { return f.status.is(407) },
			seaworthy.CodeUnauthorized, say("", "the proxy on the way to %s wants credentials", theHost)},
	}
}

// answerFaults are all other answers.
func answerFaults() []fault {
	return []fault{
		{"rate limit", func(f *failure) bool { return f.status.is(429) },
			seaworthy.CodeUnreachable, func(f *failure) (string, string) {
				hint := "try again later"
				if !f.status.again.IsZero() {
					hint = fmt.Sprintf("try again in %s, at %s", f.status.again.Sub(f.now).Round(time.Second), f.status.again.UTC().Format(time.RFC3339))
				}
				if f.who == "" {
					hint += "; with credentials the limit may be higher"
				}
				return fmt.Sprintf("the rate limit of %s is reached (%s)", f.host, f.status.text()), hint
			}},
		{"server's own failure", func(f *failure) bool { return f.status != nil && f.status.status >= 500 },
			seaworthy.CodeUnreachable, say("try again later", "%s failed by itself (%s)", theHost, theStatus)},
		{"HTML", func(f *failure) bool { return f.status != nil && f.status.html },
			seaworthy.CodeProtocol, say("check its name; a proxy or login page may be in between",
				"what answers at %s is not a registry: it sent a web page (%s)", theHost, theStatus)},
		{"no repository", func(f *failure) bool { return f.status.says(errcode.ErrorCodeNameUnknown) },
			seaworthy.CodeNotFound, say("check its spelling; a registry may also say so of what an account must not see", "there is no repository %s", theName)},
		{"no manifest", func(f *failure) bool { return f.status.says(errcode.ErrorCodeManifestUnknown) },
			seaworthy.CodeNotFound, func(f *failure) (string, string) {
				if f.ref.Digest == "" && strings.HasPrefix(f.what, "the image ") {
					return fmt.Sprintf("%s has no tag %q", f.ref.Name(), f.ref.Tag), "check its spelling, or whether it was deleted"
				}
				return "the registry does not have " + f.what, "it may have been deleted"
			}},
		{"not found", func(f *failure) bool { return f.status.is(404, 410) },
			seaworthy.CodeNotFound, say("check its spelling", "the registry does not have %s (%s)", theWhat, theStatus)},
		{"other status", func(f *failure) bool { return f.status != nil },
			seaworthy.CodeProtocol, say("", "%s gave an answer of no use to a request for %s (%s)", theHost, theWhat, theStatus)},
		{"token answer", func(f *failure) bool {
			return strings.Contains(f.err.Error(), "failed to decode response") || strings.Contains(f.err.Error(), "empty token returned")
		}, seaworthy.CodeProtocol, say("a proxy or login page may be in between", "the token server of %s did not answer with a token", theRegistry)},
		{"protocol", isA[*protocolError],
			seaworthy.CodeProtocol, func(f *failure) (string, string) {
				e, _ := errors.AsType[*protocolError](f.err)
				return fmt.Sprintf("what answers at %s is not a registry, or a broken one: %s", f.host, e.reason), "check its name; a proxy or login page may be in between"
			}},
	}
}

// cause is an error without what URLs carry behind their question mark, such as
// the signature that opens a private object to everybody. It cannot be unwrapped
// to texts that have it; errors.Is and errors.As work.
type cause struct {
	row string // of the table of faults
	err error
}

func (c cause) Error() string        { return scrub(c.err.Error()) }
func (c cause) Is(target error) bool { return errors.Is(c.err, target) }
func (c cause) As(target any) bool   { return errors.As(c.err, target) }

var query = regexp.MustCompile(`\?[^\s"']+`)

func scrub(s string) string { return query.ReplaceAllString(s, "?…") }

// printable makes a foreign text fit for a line on a terminal.
func printable(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) }), " ")
	const most = 200
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return s
}
