package extractor

import (
	"bufio"
	"bytes"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// goBinary reads what the Go linker writes into each program: its main module,
// the modules in it, and the version of Go, which is that of the standard
// library.
func goBinary(l seaworthy.Limits) layer.Extractor {
	return &executable{format: seaworthy.RecordGo, limits: l, parse: readGoBinary}
}

func readGoBinary(ctx context.Context, f *layer.File, c *collector) error {
	info, err := buildinfo.Read(f.Content)
	if err != nil {
		return damagedGo(ctx, f)
	}
	if info.GoVersion != "" {
		c.add(seaworthy.Package{Ecosystem: seaworthy.Go, Name: "stdlib", Version: goVersion(info.GoVersion)})
	}
	if info.Main.Path != "" {
		c.add(goModule(&info.Main))
	}
	for _, m := range info.Deps {
		if c.add(goModule(m)); c.full() {
			break
		}
	}
	return nil
}

// goVersion takes the version of Go out of "go1.22.3 X:boringcrypto". That of a
// build from Go's own repository, "devel go1.23-…", is unknown.
func goVersion(s string) string {
	v, ok := strings.CutPrefix(firstWord(s), "go")
	if !ok || v == "" || v[0] < '0' || v[0] > '9' {
		return ""
	}
	return v
}

// goModule is a module as it was linked. One that a directory replaces keeps
// its name, and its version is unknown.
func goModule(m *debug.Module) seaworthy.Package {
	p := seaworthy.Package{Ecosystem: seaworthy.Go, Name: m.Path}
	version := m.Version
	if m.Replace != nil {
		if version = m.Replace.Version; version != "" {
			p.Name = m.Replace.Path
		}
	}
	if version != "(devel)" {
		p.Version = strings.TrimPrefix(version, "v")
	}
	return p
}

// damagedGo tells a program of another language, which is no error, from one of
// Go whose build information cannot be read.
func damagedGo(ctx context.Context, f *layer.File) error {
	damaged := errors.New("is a Go program whose build information cannot be read")
	switch program, err := openProgram(f.Content); {
	case err != nil:
		// Headers that cannot be read say nothing; the marker does.
		found, err := contains(ctx, f.Reader(), []byte("\xff Go buildinf:"))
		if err != nil {
			return fmt.Errorf("cannot be read to its end: %w", err)
		}
		if found {
			return damaged
		}
	case program.section(".go.buildinfo") != nil, program.section("__go_buildinfo") != nil:
		return damaged
	}
	return nil
}

// contains searches a stream.
func contains(ctx context.Context, r io.Reader, marker []byte) (bool, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		b, err := in.Peek(64 << 10)
		if bytes.Contains(b, marker) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
		if _, err := in.Discard(len(b) - len(marker) + 1); err != nil {
			return false, err
		}
	}
}
