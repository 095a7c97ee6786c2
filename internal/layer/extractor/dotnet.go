package extractor

import (
	"context"
	"fmt"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// dotnetDependencies reads the .deps.json of published .NET programs and shared
// frameworks (https://github.com/dotnet/sdk/blob/main/documentation/specs/runtime-configuration-file.md).
// Of its libraries, those of type package come from NuGet, and runtimepack is
// the runtime of a self-contained program, which has a package of that name.
// The others are the program's own.
func dotnetDependencies(l seaworthy.Limits) layer.Extractor {
	return &parser{
		format: FormatNuGet,
		named:  isDotnetDependencies,
		parse: func(_ context.Context, f *layer.File) (seaworthy.Record, error) {
			b, err := document(f, l)
			if err != nil {
				return seaworthy.Record{}, err
			}
			return readDotnet(b, l)
		},
	}
}

func isDotnetDependencies(file string) bool { return strings.HasSuffix(file, ".deps.json") }

func readDotnet(b []byte, l seaworthy.Limits) (seaworthy.Record, error) {
	c := collect(l)
	v, err := parseJSON(b)
	if err != nil {
		return c.record, err
	}
	var libraries value // without any, the file is not .NET's: others use the name too
	for member, v := range v.members() {
		if member == "libraries" {
			libraries = v
		}
	}
	for key, library := range libraries.members() {
		kind := ""
		for member, v := range library.members() {
			if member == "type" {
				kind = v.text()
			}
		}
		name, version, ok := strings.Cut(key, "/")
		switch {
		case !ok || !library.isObject():
			c.fault(fmt.Errorf("the library %.60q is not name/version and an object", key))
			continue
		case strings.EqualFold(kind, "package"):
		case strings.EqualFold(kind, "runtimepack"):
			name = strings.TrimPrefix(name, "runtimepack.")
		default:
			continue
		}
		if c.add(seaworthy.Package{Ecosystem: seaworthy.NuGet, Name: name, Version: version}); c.full() {
			break
		}
	}
	return c.done()
}
