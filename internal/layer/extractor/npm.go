package extractor

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// npmPackage reads the package.json at the root of each package that is
// installed in a node_modules directory, at any depth, those of npm itself and
// of pnpm's store among them. A program's own package.json is no installed
// package, nor is one deeper inside a package: that only says how to load the
// files beside it.
func npmPackage(l seaworthy.Limits) layer.Extractor {
	return &parser{
		format: FormatNPM,
		named:  isNPMPackage,
		parse: func(_ context.Context, f *layer.File) (seaworthy.Record, error) {
			b, err := document(f, l)
			if err != nil {
				return seaworthy.Record{}, err
			}
			return readNPM(b, npmFolder(f.Path), l)
		},
	}
}

func isNPMPackage(file string) bool {
	return strings.HasSuffix(file, "/package.json") && npmFolder(file) != ""
}

// npmFolder is the name by which a package lies in node_modules, "" if the
// file is not at a package's root.
func npmFolder(file string) string {
	dir := path.Dir(file)
	parent, name := path.Split(dir)
	parent = strings.TrimSuffix(parent, "/")
	if scope := path.Base(parent); strings.HasPrefix(scope, "@") {
		name, parent = scope+"/"+name, strings.TrimSuffix(path.Dir(parent), "/")
	}
	if path.Base(parent) != "node_modules" || strings.HasPrefix(name, ".") ||
		(strings.HasPrefix(name, "@") && !strings.Contains(name, "/")) {
		return ""
	}
	return name
}

func readNPM(b []byte, folder string, l seaworthy.Limits) (seaworthy.Record, error) {
	v, err := parseJSON(b)
	if err != nil {
		return seaworthy.Record{}, err
	}
	if !v.isObject() {
		return seaworthy.Record{}, errors.New("is JSON, but no object")
	}
	var name, version string
	for member, v := range v.members() {
		switch member {
		case "name":
			name = v.text()
		case "version":
			version = v.text()
		}
	}
	if name == "" && version == "" {
		return seaworthy.Record{}, nil // a stub
	}
	if name == "" {
		name = folder
	}
	c := collect(l)
	c.add(seaworthy.Package{Ecosystem: seaworthy.NPM, Name: name, Version: strings.TrimSpace(version)})
	return c.done()
}
