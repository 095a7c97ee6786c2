package extractor

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// artifact is what Maven calls a package.
type artifact struct{ group, name, version string }

// whole reports whether all three are there and can be what they should.
func (a artifact) whole() bool {
	for _, s := range []string{a.group, a.name, a.version} {
		if s == "" || strings.ContainsAny(s, " \t") {
			return false
		}
	}
	return true
}

func (a artifact) pkg() seaworthy.Package {
	return seaworthy.Package{Ecosystem: seaworthy.Maven, Name: a.group + ":" + a.name, Version: a.version}
}

// readPomProperties reads the file that Maven puts into each archive it makes.
func readPomProperties(r io.Reader, size int64) (artifact, error) {
	var a artifact
	in := newLineReader(r, min(size, 4<<10))
	for {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return a, fmt.Errorf("cannot be read to its end: %w", err)
		}
		name, value, _ := strings.Cut(string(line), "=")
		switch value = strings.TrimSpace(value); strings.TrimSpace(name) {
		case "groupId":
			a.group = value
		case "artifactId":
			a.name = value
		case "version":
			a.version = value
		}
	}
}

// manifest is an archive's MANIFEST.MF: the first value of each attribute, those
// of sections for single files behind the main ones. Names are in lower case.
type manifest map[string]string

// maxAttribute is how much of one attribute is kept.
const maxAttribute = 4 << 10

// readManifest follows the JAR specification (https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html#jar-manifest):
// a line that begins with a blank goes on with the line before.
func readManifest(r io.Reader, size int64) (manifest, error) {
	m, in := make(manifest), newLineReader(r, min(size, 8<<10))
	wanted := manifestAttributes()
	last := ""
	for {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot be read to its end: %w", err)
		}
		if len(line) == 0 {
			continue
		}
		if line[0] == ' ' {
			if last != "" && len(m[last])+len(line) <= maxAttribute {
				m[last] += string(line[1:])
			}
			continue
		}
		name, value, ok := strings.Cut(string(line), ":")
		last = ""
		if name = strings.ToLower(name); !ok || !wanted[name] || len(value) > maxAttribute {
			continue
		}
		if _, seen := m[name]; !seen {
			m[name], last = strings.TrimPrefix(value, " "), name
		}
	}
}

// manifestAttributes are those that guessing looks at.
func manifestAttributes() map[string]bool {
	names := map[string]bool{"created-by": true}
	for _, list := range [][]string{groupAttributes(), nameAttributes(), versionAttributes()} {
		for _, n := range list {
			names[n] = true
		}
	}
	return names
}

// groupAttributes are where groups are found, the best first.
func groupAttributes() []string {
	return []string{
		"bundle-symbolicname", "extension-name", "specification-vendor", "implementation-vendor",
		"implementation-vendor-id", "implementation-title", "bundle-activator", "automatic-module-name",
		"main-class", "package",
	}
}

func nameAttributes() []string {
	return []string{"name", "implementation-title", "specification-title", "bundle-name", "short-name", "extension-name"}
}

func versionAttributes() []string {
	return []string{"implementation-version", "specification-version", "plugin-version", "bundle-version"}
}

// artifact is what a manifest says, as far as it says it.
func (m manifest) artifact() artifact {
	var a artifact
	for _, n := range groupAttributes() {
		s := strings.TrimSpace(m[n])
		if n == "implementation-title" {
			// As in "org.elasticsearch#server;8.14.3".
			s = firstIdentifier(s)
		}
		if s != "" && !strings.Contains(s, " ") {
			a.group, _, _ = strings.Cut(strings.ToLower(s), ";")
			break
		}
	}
	a.name = m.name()
	if group := knownGroup(a.name); group != "" {
		a.group = group
	}
	for _, n := range versionAttributes() {
		if s := strings.TrimSpace(m[n]); s != "" {
			a.version = firstWord(s) // as in "1.4 1855 April 22 2006"
			break
		}
	}
	return a
}

// firstIdentifier is the first run of what domain-like names are made of.
func firstIdentifier(s string) string {
	part := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
	}
	if i := strings.IndexFunc(s, part); i > 0 {
		s = s[i:]
	}
	if i := strings.IndexFunc(s, func(c rune) bool { return !part(c) }); i >= 0 {
		s = s[:i]
	}
	return s
}

func (m manifest) name() string {
	valid := func(s string) bool {
		return s != "" && !strings.Contains(s, " ") && s[0] != '$' && s[0] != '%'
	}
	if strings.TrimSpace(m["created-by"]) == "Apache Maven Bundle Plugin" {
		symbolic := strings.TrimSpace(m["bundle-symbolicname"])
		if last := symbolic[strings.LastIndexByte(symbolic, '.')+1:]; valid(last) {
			return last
		}
	}
	if strings.TrimSpace(m["name"]) == "org/apache/axis" {
		return "axis"
	}
	for _, n := range nameAttributes() {
		if s := strings.TrimSpace(m[n]); valid(s) {
			return s
		}
	}
	return ""
}

// knownGroup is the group of artifacts whose manifests name another.
func knownGroup(name string) string {
	switch name {
	case "spring-web", "spring-webflux", "spring-webmvc", "spring-webmvc-portlet", "spring-webmvc-struts", "spring-websocket":
		return "org.springframework"
	case "org/apache/axis", "axis":
		return "org.apache.axis"
	case "org.apache.tomcat-catalina", "org.apache.tomcat-catalina-ha":
		return "org.apache.tomcat"
	}
	return ""
}

// guessArtifact is what an archive without a pom.properties seems to be. Name
// and version are those of the file name, as in "guava-31.1-jre.jar", the group
// that of the manifest; without one, the group is the part of the name before
// the last dot, and without a dot the name itself, as in junit:junit, which is
// so for artifacts from before groups were domains. A file name without a
// version leaves it to the manifest alone. The heuristics are those of
// osv-scalibr, whose choice of groups advisories agree with most.
func guessArtifact(file string, manifests []manifest) []artifact {
	var whole []artifact
	for _, m := range manifests {
		if a := m.artifact(); a.group != "" && a.name != "" && a.version != "" {
			whole = append(whole, a)
		}
	}
	name, version := splitJarName(file)
	if version == "" {
		return whole
	}
	a := artifact{group: name, name: name, version: version}
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		a.group = strings.ToLower(name[:i])
	}
	if len(whole) == 1 {
		a.group = whole[0].group
	}
	return []artifact{a}
}

// splitJarName cuts "some-name-1.2.3.jar"; the version is empty if there is none.
func splitJarName(file string) (name, version string) {
	base := path.Base(file)
	base = strings.TrimSuffix(base, path.Ext(base))
	for i, c := range base {
		if c == '-' && isJarVersion(base[i+1:]) {
			return base[:i], base[i+1:]
		}
	}
	for _, separator := range []string{"_", "."} {
		if name, version, ok := strings.Cut(base, separator); ok && isJarVersion(version) {
			return name, version
		}
	}
	return base, ""
}

// isJarVersion reports whether s begins as versions do: "1.2", "build3", "r09", "rc1".
func isJarVersion(s string) bool {
	s = strings.TrimPrefix(s, "build")
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		return true
	}
	digits, ok := strings.CutPrefix(s, "r")
	digits = strings.TrimPrefix(digits, "c")
	rest := strings.TrimLeft(digits, "0123456789")
	switch count := len(digits) - len(rest); {
	case !ok || count == 0:
		return false
	case count > 1 || rest == "":
		return true
	}
	return !(rest[0] >= 'a' && rest[0] <= 'z' || rest[0] >= 'A' && rest[0] <= 'Z') // unlike "r4j"
}
