package oci

import (
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"
)

func isA[E error](f *failure) bool {
	_, ok := errors.AsType[E](f.err)
	return ok
}

func operation(err error, op string) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return ok && e.Op == op
}

func proxyStatus(err error) int {
	if e, ok := errors.AsType[*proxyError](err); ok {
		return e.status
	}
	return 0
}

// invalid is the reason of an x509.CertificateInvalidError, or -1.
func invalid(err error) int {
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return int(e.Reason)
	}
	return -1
}

// tlsAlert looks into the text: the alerts of crypto/tls have no exported type.
func tlsAlert(err error, words ...string) bool {
	s := err.Error()
	if !strings.Contains(s, "tls: ") {
		return false
	}
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

func certificateNames(c *x509.Certificate) string {
	if c == nil {
		return "others"
	}
	names := append([]string{}, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no name at all"
	}
	return printable(strings.Join(names, ", "))
}

// plainHint is a hint for who asked for HTTPS where there is none. Plain HTTP is
// an answer on this machine alone.
func plainHint(f *failure, hint string) string {
	if f.plainHTTP || !isLoopbackHost(hostOnly(f.host)) {
		return hint
	}
	return "try --plain-http, or " + hint
}

// lastCause is the innermost text of an error, behind a colon.
func lastCause(err error) string {
	for {
		var next error
		switch e := err.(type) { //nolint:errorlint // it walks the chain itself
		case interface{ Unwrap() error }:
			next = e.Unwrap()
		case interface{ Unwrap() []error }:
			if all := e.Unwrap(); len(all) > 0 {
				next = all[0]
			}
		}
		if next == nil {
			break
		}
		err = next
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return ": " + printable(scrub(err.Error()))
}
