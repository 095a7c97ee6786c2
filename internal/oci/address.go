package oci

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// reach says where requests on behalf of one registry may go. A registry names
// its token server and the places that it redirects to; were they taken on
// trust, a registry could make us ask the machine's own services or a cloud's
// metadata service for what only we can see.
type reach struct {
	host      string // of the registry, lower case, without port
	plainHTTP bool
}

// refusedError is a request that was not made.
type refusedError struct {
	target string // where to
	reason string
}

func (e *refusedError) Error() string { return "refused to contact " + e.target + ": " + e.reason }

// checkURL decides by what the URL says, before any name is looked up.
func (r reach) checkURL(u *url.URL) error {
	host := strings.ToLower(u.Hostname())
	target := u.Scheme + "://" + u.Host
	switch {
	case host == "":
		return &refusedError{target, "it has no host"}
	case u.Scheme == "http" && !r.plainHTTP:
		return &refusedError{target, "it is not HTTPS"}
	case u.Scheme == "http" && !isLoopbackHost(host):
		return &refusedError{target, "plain HTTP is for loopback addresses only"}
	case u.Scheme != "http" && u.Scheme != "https":
		return &refusedError{target, "it is not HTTPS"}
	case host == r.host:
		return nil
	case host == "metadata.google.internal":
		return &refusedError{target, "it is a cloud's metadata service"}
	case isUnclearAddress(host):
		return &refusedError{target, "it is neither a name nor a full address"}
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return r.checkAddress(host, a)
	}
	if isLoopbackHost(host) && !isLoopbackHost(r.host) {
		return &refusedError{target, "it is this machine, and the registry is not"}
	}
	return nil
}

// checkAddress decides by the address that a host of a URL turned out to have.
func (r reach) checkAddress(host string, a netip.Addr) error {
	target := host
	if host != a.String() {
		target += " (" + a.String() + ")"
	}
	plain := embedded(a)
	typed, err := netip.ParseAddr(r.host)
	asTyped := err == nil && typed == a && host == r.host
	for _, p := range forbiddenPrefixes() {
		if p.Contains(plain) && !asTyped {
			return &refusedError{target, "it is a link-local, metadata or unspecified address"}
		}
	}
	if plain.IsLoopback() && host != r.host && !isLoopbackHost(r.host) {
		return &refusedError{target, "it is this machine, and the registry is not"}
	}
	if r.plainHTTP && isLoopbackHost(host) && !plain.IsLoopback() {
		return &refusedError{target, "plain HTTP is for loopback addresses only"}
	}
	return nil
}

// forbiddenPrefixes are addresses that no registry's storage or token server
// has: link-local and with it the metadata services of clouds, those that lie
// elsewhere (Alibaba, Azure, AWS, Google over IPv6), unspecified and multicast.
func forbiddenPrefixes() []netip.Prefix { return forbidden }

var forbidden = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("100.100.100.200/32"),
	netip.MustParsePrefix("168.63.129.16/32"),
	netip.MustParsePrefix("224.0.0.0/4"),
	netip.MustParsePrefix("255.255.255.255/32"),
	netip.MustParsePrefix("::/128"),
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("ff00::/8"),
	netip.MustParsePrefix("fd00:ec2::254/128"),
	netip.MustParsePrefix("fd00:ec2::23/128"),
	netip.MustParsePrefix("fd20:ce::254/128"),
}

// embedded is the IPv4 address within an IPv4-mapped, NAT64 (RFC 6052) or 6to4
// (RFC 3056) address, which is where packets to it end; other addresses stay.
func embedded(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a
	}
	b := a.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case netip.MustParsePrefix("2002::/16").Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}

// isLoopbackHost reports whether a host as written is this machine.
func isLoopbackHost(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && embedded(a).IsLoopback()
}

// isUnclearAddress reports hosts such as 127.1 or 0x7f000001, which some
// resolvers and proxies take for addresses and others for names (WHATWG URL,
// "ends in a number").
func isUnclearAddress(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	last := strings.TrimSuffix(host, ".")
	last = last[strings.LastIndexByte(last, '.')+1:]
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// hostOnly drops the port and the brackets of an IPv6 address.
func hostOnly(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

// addressOf reads the address of a dial, which has an IP address as its host.
func addressOf(hostport string) (netip.Addr, error) {
	a, err := netip.ParseAddrPort(hostport)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("read dialled address: %w", err)
	}
	return a.Addr(), nil
}
