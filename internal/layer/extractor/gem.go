package extractor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// installedGem reads the specifications of installed gems, which RubyGems keeps
// in directories called specifications, those of gems that Ruby itself brings in
// specifications/default. A .gemspec elsewhere is source code.
func installedGem(l seaworthy.Limits) layer.Extractor {
	g := &gemReader{
		limits:  l,
		name:    regexp.MustCompile(`^\s*\w+\.name\s*=\s*["']([^"']+)["']`),
		version: regexp.MustCompile(`^\s*\w+\.version\s*=\s*(?:Gem::Version\.new\(?\s*)?["']([^"']+)["']`),
	}
	return &parser{
		format: FormatGem,
		named:  isInstalledGem,
		parse: func(_ context.Context, f *layer.File) (seaworthy.Record, error) {
			return g.read(f.Reader(), f.Size, path.Base(f.Path))
		},
	}
}

// gemReader finds the assignments to a specification's name and version.
type gemReader struct {
	limits        seaworthy.Limits
	name, version *regexp.Regexp
}

func isInstalledGem(file string) bool {
	return strings.HasSuffix(file, ".gemspec") && hasParent(file, "specifications")
}

// read takes the name and version from the stub line that RubyGems writes
// for itself, "# stub: nokogiri 1.15.4 x86_64-linux lib", the version there being
// apart from the platform; without one, from the assignments to s.name and
// s.version; and a version that is no literal from the file's name.
func (g *gemReader) read(r io.Reader, size int64, base string) (seaworthy.Record, error) {
	p := seaworthy.Package{Ecosystem: seaworthy.RubyGems}
	c, in := collect(g.limits), newLineReader(r, size)
	for p.Name == "" || p.Version == "" {
		line, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c.broken(err)
		}
		if stub, ok := bytes.CutPrefix(line, []byte("# stub: ")); ok {
			if words := strings.Fields(string(stub)); len(words) >= 3 {
				p.Name, p.Version = words[0], words[1]
				break
			}
		}
		if m := g.name.FindSubmatch(line); m != nil && p.Name == "" {
			p.Name = string(m[1])
		}
		if m := g.version.FindSubmatch(line); m != nil && p.Version == "" {
			p.Version = string(m[1])
		}
	}
	if p.Name == "" {
		return c.record, errors.New("names no gem: it has neither a stub line nor s.name")
	}
	if p.Version == "" {
		if p.Version = gemFileVersion(base, p.Name); p.Version == "" {
			return c.record, fmt.Errorf("gives no version of %.60q", p.Name)
		}
	}
	c.add(p)
	return c.done()
}

// gemFileVersion cuts the version out of "name-version.gemspec" or
// "name-version-platform.gemspec". A version has no dash.
func gemFileVersion(base, name string) string {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(base, ".gemspec"), name+"-")
	version, _, _ := strings.Cut(rest, "-")
	if !ok || version == "" || version[0] < '0' || version[0] > '9' {
		return ""
	}
	return version
}
