package oci

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// challenges prepares the 401 of a registry for the client that answers it,
// which looks at one WWW-Authenticate line alone: of all that are there, Bearer
// goes before Basic, and the rest (Negotiate, Digest) is left out. A token is
// never asked for more than pull, whatever the registry suggests: on some
// registries, asking for push creates the repository.
type challenges struct {
	repository string
	reach      reach
	next       http.RoundTripper
}

func (c challenges) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	// Read here, so that the connection serves the next request; it will be
	// closed unread otherwise.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	resp.Body.Close()
	if err != nil {
		body = nil
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	line, err := c.choose(parseChallenges(resp.Header.Values("WWW-Authenticate")))
	if err != nil {
		return nil, err
	}
	if line != "" {
		resp.Header.Set("WWW-Authenticate", line)
	}
	return resp, nil
}

// choose gives the challenge to answer, "" if there is none of a known scheme.
func (c challenges) choose(offered []challenge) (line string, err error) {
	for _, o := range offered {
		if o.scheme != "bearer" || o.parameters["realm"] == "" {
			continue
		}
		realm, err := url.Parse(o.parameters["realm"])
		if err != nil {
			return "", &protocolError{"the address of its token server cannot be read"}
		}
		if err := c.reach.checkURL(realm); err != nil {
			return "", err
		}
		line := `Bearer realm=` + strconv.Quote(o.parameters["realm"])
		if service := o.parameters["service"]; service != "" {
			line += `,service=` + strconv.Quote(service)
		}
		return line + `,scope=` + strconv.Quote(c.scope(o.parameters["scope"])), nil
	}
	for _, o := range offered {
		if o.scheme == "basic" {
			return `Basic realm=` + strconv.Quote(o.parameters["realm"]), nil
		}
	}
	return "", nil
}

// scope reduces the scopes of a challenge to reading.
func (c challenges) scope(suggested string) string {
	var scopes []string
	for s := range strings.FieldsSeq(suggested) {
		kind, rest, _ := strings.Cut(s, ":")
		name := rest
		if i := strings.LastIndexByte(rest, ':'); i >= 0 {
			name = rest[:i]
		}
		switch {
		case kind == "repository" || strings.HasPrefix(kind, "repository("):
			scopes = append(scopes, kind+":"+name+":pull")
		case !strings.Contains(s, ":") && s != "*":
			scopes = append(scopes, s) // a vendor's own word, such as "aws"
		}
	}
	if len(scopes) == 0 {
		return "repository:" + c.repository + ":pull"
	}
	slices.Sort(scopes)
	return strings.Join(slices.Compact(scopes), " ")
}

// challenge is one of RFC 9110 section 11.6.1, its names in lower case.
type challenge struct {
	scheme     string
	parameters map[string]string
}

// parseChallenges reads all lines; each may hold several challenges. A word
// before "=" is a parameter of the challenge before it, any other is a scheme;
// the opaque data behind Negotiate may be taken for either and does no harm.
func parseChallenges(lines []string) []challenge {
	var found []challenge
	for _, s := range lines {
		first := len(found)
		for s != "" {
			word, rest := cutToken(s)
			if word == "" {
				s = s[1:]
				continue
			}
			value, isParameter := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "=")
			if !isParameter || len(found) == first {
				found = append(found, challenge{strings.ToLower(word), map[string]string{}})
				s = rest
				continue
			}
			value = strings.TrimLeft(value, " \t")
			name := strings.ToLower(word)
			if strings.HasPrefix(value, `"`) {
				found[len(found)-1].parameters[name], s = cutQuoted(value)
			} else {
				found[len(found)-1].parameters[name], s = cutToken(value)
			}
		}
	}
	return found
}

// cutToken takes the token that s begins with; "/" and ":" are let through for
// URLs that should have been quoted.
func cutToken(s string) (token, rest string) {
	i := 0
	for i < len(s) && s[i] > ' ' && s[i] < 0x7f && !strings.ContainsRune(`(),;<=>?@[\]{}"`, rune(s[i])) {
		i++
	}
	return s[:i], s[i:]
}

// cutQuoted takes the quoted string that s begins with.
func cutQuoted(s string) (value, rest string) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
