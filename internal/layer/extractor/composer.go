package extractor

import (
	"context"
	"errors"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// composerInstalled reads what Composer has installed, packages for development
// among it. Composer 2 writes an object with packages, Composer 1 just the list.
func composerInstalled(l seaworthy.Limits) layer.Extractor {
	return composer(FormatComposer, isComposerInstalled, l)
}

// composerLock reads what Composer is to install. The file says nothing of
// whether that was done, so it is a format of its own.
func composerLock(l seaworthy.Limits) layer.Extractor {
	return composer(FormatComposerLock, isComposerLock, l)
}

func isComposerInstalled(file string) bool {
	const installed = "composer/installed.json"
	return file == installed || strings.HasSuffix(file, "/"+installed)
}

// isComposerLock leaves out the lock files of libraries, which are for those
// who develop them.
func isComposerLock(file string) bool {
	const lock = "composer.lock"
	return (file == lock || strings.HasSuffix(file, "/"+lock)) && !hasParent(file, "vendor")
}

func composer(format seaworthy.Format, named func(string) bool, l seaworthy.Limits) layer.Extractor {
	return &parser{
		format: format,
		named:  named,
		parse: func(_ context.Context, f *layer.File) (seaworthy.Record, error) {
			b, err := document(f, l)
			if err != nil {
				return seaworthy.Record{}, err
			}
			return readComposer(b, l)
		},
	}
}

func readComposer(b []byte, l seaworthy.Limits) (seaworthy.Record, error) {
	c := collect(l)
	v, err := parseJSON(b)
	if err != nil {
		return c.record, err
	}
	lists := []value{v}
	if v.isObject() {
		lists = nil
		for member, v := range v.members() {
			if member == "packages" || member == "packages-dev" {
				lists = append(lists, v)
			}
		}
	}
	for _, list := range lists {
		if !list.isArray() {
			return c.record, errors.New("is JSON, but its packages are no list")
		}
		for entry := range list.elements() {
			p := seaworthy.Package{Ecosystem: seaworthy.Packagist}
			for member, v := range entry.members() {
				switch member {
				case "name":
					p.Name = v.text()
				case "version":
					p.Version = v.text()
				}
			}
			if c.add(p); c.full() {
				return c.done()
			}
		}
	}
	return c.done()
}
