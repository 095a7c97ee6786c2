package extractor

import (
	"compress/zlib"
	"context"
	"fmt"
	"io"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/layer"
)

// rustBinary reads the list of crates that "cargo auditable" puts into a
// program (https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md).
// Crates that only took part in the build are left out.
func rustBinary(l seaworthy.Limits) layer.Extractor {
	return &executable{format: seaworthy.RecordRust, limits: l, parse: readRustBinary}
}

func readRustBinary(_ context.Context, f *layer.File, c *collector) error {
	program, err := openProgram(f.Content)
	if err != nil {
		return nil
	}
	section := program.section(".dep-v0")
	if section == nil {
		return nil
	}
	b, err := unpackRust(section, c.limits)
	if err != nil {
		return err
	}
	v, err := parseJSON(b)
	if err != nil {
		return fmt.Errorf("holds a list of Rust crates that %w", err)
	}
	for member, list := range v.members() {
		if member != "packages" {
			continue
		}
		for crate := range list.elements() {
			p, kind := seaworthy.Package{Ecosystem: seaworthy.Crates}, ""
			for member, v := range crate.members() {
				switch member {
				case "name":
					p.Name = v.text()
				case "version":
					p.Version = v.text()
				case "kind":
					kind = v.text()
				}
			}
			if kind == "build" {
				continue
			}
			if c.add(p); c.full() {
				break
			}
		}
	}
	return nil
}

func unpackRust(section io.Reader, l seaworthy.Limits) ([]byte, error) {
	z, err := zlib.NewReader(section)
	if err != nil {
		return nil, fmt.Errorf("holds a list of Rust crates that is not compressed with zlib: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, l.DocumentBytes+1))
	if int64(len(b)) > l.DocumentBytes {
		return nil, l.Exceeded(seaworthy.LimitDocumentBytes, "the list of Rust crates in it")
	}
	if err != nil {
		return nil, fmt.Errorf("holds a list of Rust crates that cannot be unpacked: %w", err)
	}
	return b, nil
}
