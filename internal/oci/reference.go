package oci

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// dockerHub is the name of Docker's registry in references; its API is served
// under hubHost.
const (
	dockerHub = "docker.io"
	hubHost   = "registry-1.docker.io"
)

// Reference names an image in a registry, in the way of Docker: the registry
// defaults to Docker Hub, the tag to "latest", and a name of one part on Docker
// Hub lies under "library/".
type Reference struct {
	Registry   string // host in lower case, with its port if it has one; "docker.io" for Docker Hub
	Repository string
	Tag        string           // "" when there is a digest and no tag
	Digest     seaworthy.Digest // what counts when it is set
}

// ParseReference reads [HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST]. Its errors have
// CodeInvalid.
func ParseReference(s string) (Reference, error) {
	r, err := parseReference(s)
	if err != nil {
		return Reference{}, &seaworthy.Error{
			Code:   seaworthy.CodeInvalid,
			Public: fmt.Sprintf("%.200q is not an image reference: %v", s, err),
			Hint:   "write it as debian:12 or registry.example.com/team/app:1.2",
			Err:    err,
		}
	}
	return r, nil
}

func parseReference(s string) (Reference, error) {
	if s == "" {
		return Reference{}, errors.New("it is empty")
	}
	if scheme, _, ok := strings.Cut(s, "://"); ok {
		return Reference{}, fmt.Errorf("a reference has no scheme, so leave out %.20q", scheme+"://")
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return Reference{}, errors.New("it holds a space, a control character or a letter beyond ASCII")
		}
	}
	var r Reference
	name, digest, hasDigest := strings.Cut(s, "@")
	if hasDigest {
		d, err := seaworthy.ParseDigest(digest)
		if err != nil {
			return Reference{}, err
		}
		r.Digest = d
	}
	path, err := r.cutRegistry(name)
	if err != nil {
		return Reference{}, err
	}
	if colon := strings.LastIndexByte(path, ':'); colon > strings.LastIndexByte(path, '/') {
		path, r.Tag = path[:colon], path[colon+1:]
		if err := checkTag(r.Tag); err != nil {
			return Reference{}, err
		}
	} else if !hasDigest {
		r.Tag = "latest"
	}
	if err := checkRepository(path); err != nil {
		return Reference{}, err
	}
	if r.Registry == dockerHub && !strings.Contains(path, "/") {
		path = "library/" + path
	}
	r.Repository = path
	return r, nil
}

// cutRegistry sets r.Registry and gives what is behind it.
func (r *Reference) cutRegistry(name string) (path string, err error) {
	first, rest, ok := strings.Cut(name, "/")
	if !ok {
		host, _, _ := strings.Cut(name, ":")
		if _, err := netip.ParseAddr(host); err == nil || host == "localhost" || strings.HasPrefix(name, "[") {
			return "", fmt.Errorf("%.100q is a host, and no repository follows it", name)
		}
		r.Registry = dockerHub
		return name, nil
	}
	if !strings.ContainsAny(first, ".:[") && first != "localhost" {
		r.Registry = dockerHub
		return name, nil
	}
	host := strings.ToLower(first)
	if err := checkHost(host); err != nil {
		return "", err
	}
	switch host {
	case dockerHub, "index." + dockerHub, hubHost:
		host = dockerHub
	}
	r.Registry = host
	return rest, nil
}

// Host is the host to call, with its port if it has one.
func (r Reference) Host() string {
	if r.Registry == dockerHub {
		return hubHost
	}
	return r.Registry
}

// String is the full form: nothing is left to defaults.
func (r Reference) String() string {
	s := r.Name()
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + string(r.Digest)
	}
	return s
}

// Name is the registry and the repository.
func (r Reference) Name() string { return r.Registry + "/" + r.Repository }

// checkRepository holds s against the grammar of the OCI distribution spec,
// "Pulling manifests".
func checkRepository(s string) error {
	switch {
	case s == "":
		return errors.New("it names no repository")
	case len(s) > 255:
		return fmt.Errorf("its repository has %d characters, more than 255", len(s))
	case strings.ToLower(s) != s:
		return fmt.Errorf("its repository %.100q has upper-case letters", s)
	case len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "":
		return errors.New("it is an image ID, which only the engine that made it knows")
	}
	for part := range strings.SplitSeq(s, "/") {
		if err := checkPathPart(part); err != nil {
			return err
		}
	}
	return nil
}

// checkPathPart wants runs of letters and digits with one of ".", "_", "__" or
// any number of "-" between them.
func checkPathPart(s string) error {
	if s == "" {
		return errors.New("a part of its repository is empty")
	}
	for i := 0; i < len(s); {
		start := i
		for i < len(s) && isLowerAlphanumeric(s[i]) {
			i++
		}
		if i == start {
			return fmt.Errorf("%.100q in its repository does not begin with a letter or digit, or has two separators in a row", s)
		}
		start = i
		for i < len(s) && !isLowerAlphanumeric(s[i]) {
			i++
		}
		separator := s[start:i]
		switch {
		case separator == "" && i == len(s):
			return nil
		case separator == "." || separator == "_" || separator == "__" || strings.Trim(separator, "-") == "":
		case strings.Trim(separator, "._-") != "":
			return fmt.Errorf("%.100q in its repository has a character other than letters, digits, '.', '_' and '-'", s)
		default:
			return fmt.Errorf("%.100q in its repository has separators in a row", s)
		}
		if i == len(s) {
			return fmt.Errorf("%.100q in its repository ends in a separator", s)
		}
	}
	return nil
}

func checkTag(s string) error {
	if s == "" {
		return errors.New("its tag is empty")
	}
	if len(s) > 128 {
		return fmt.Errorf("its tag has %d characters, more than 128", len(s))
	}
	for i := range len(s) {
		c := s[i]
		word := isLowerAlphanumeric(c) || c >= 'A' && c <= 'Z' || c == '_'
		if !word && (i == 0 || c != '.' && c != '-') {
			return fmt.Errorf("its tag %.130q has the character %q there", s, c)
		}
	}
	return nil
}

// checkHost wants a DNS name, an IPv4 address or an IPv6 address in brackets,
// each with a port or without.
func checkHost(s string) error {
	name, port := s, ""
	if strings.HasPrefix(s, "[") {
		inside, behind, ok := strings.Cut(s[1:], "]")
		if a, err := netip.ParseAddr(inside); !ok || err != nil || !a.Is6() || a.Zone() != "" {
			return fmt.Errorf("its host %.100q is not an IPv6 address in brackets", s)
		}
		if behind == "" {
			return nil
		}
		name, port = "", behind
	} else if i := strings.IndexByte(s, ':'); i >= 0 {
		name, port = s[:i], s[i:]
	}
	if port != "" {
		if n, err := strconv.ParseUint(strings.TrimPrefix(port, ":"), 10, 16); err != nil || n == 0 || port[0] != ':' || port[1] == '+' {
			return fmt.Errorf("its port %.20q is not a number from 1 to 65535", strings.TrimPrefix(port, ":"))
		}
	}
	if strings.HasPrefix(s, "[") {
		return nil
	}
	if len(name) > 253 {
		return errors.New("its host has more than 253 characters")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || len(label) > 63 {
			return fmt.Errorf("its host %.100q is not a host name", name)
		}
		for i := range len(label) {
			if !isLowerAlphanumeric(label[i]) && label[i] != '-' {
				return fmt.Errorf("its host %.100q is not a host name", name)
			}
		}
	}
	if isUnclearAddress(name) {
		return fmt.Errorf("its host %.100q is neither a name nor a full IPv4 address", name)
	}
	return nil
}

func isLowerAlphanumeric(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
