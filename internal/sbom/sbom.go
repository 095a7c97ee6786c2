// Package sbom writes assessments in the formats that other programs read:
// CycloneDX 1.6, SPDX 2.3 and SARIF 2.1.0.
//
// The same assessments give the same bytes: times are those of the
// assessments, identifiers are hashes of what they name. Names, versions, paths
// and descriptions come from images and feeds and are hostile; they are written
// as text, with control characters and what is no UTF-8 replaced by U+FFFD, and
// no value of theirs makes a document invalid.
//
// Several images go into one document each time, as each format allows it:
//
//   - CycloneDX: one BOM. A single image is the BOM's subject
//     (metadata.component); several are components of type container, and the
//     dependency graph says which packages each one holds.
//   - SPDX: one document that describes each image, which contains its packages.
//   - SARIF: one run for each assessment.
//
// In CycloneDX and SPDX, assessments of one manifest under several references
// are one image with several references.
//
// An error comes from the writer alone.
package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// Tool is the program that documents name as their author.
type Tool struct {
	Name, Version string
}

const home = "https://github.com/seaworthy-dev/seaworthy"

// subject is one image of a document, with its packages by what documents call
// them.
type subject struct {
	*seaworthy.Assessment
	references []string // as asked for, in order, each once
	id         string
	packages   []element
	byPackage  map[seaworthy.Package]*element
}

// element is one package of a subject.
type element struct {
	seaworthy.Placed
	id   string
	purl string
}

// subjects groups assessments by image and numbers what is in them. Two
// subjects never share an id, nor do two of their elements.
func subjects(as []seaworthy.Assessment) []subject {
	var all []subject
	at := make(map[string]int)
	for i := range as {
		a := &as[i]
		id := hashed("image", string(a.Image.Digest), a.Image.Platform.String())
		if a.Image.Digest == "" {
			id = hashed("image", a.Reference, a.Image.Platform.String())
		}
		if n, ok := at[id]; ok {
			if !slices.Contains(all[n].references, a.Reference) {
				all[n].references = append(all[n].references, a.Reference)
			}
			continue
		}
		at[id] = len(all)
		all = append(all, newSubject(a, id))
	}
	return all
}

func newSubject(a *seaworthy.Assessment, id string) subject {
	s := subject{
		Assessment: a,
		references: []string{a.Reference},
		id:         id,
		packages:   make([]element, 0, len(a.Inventory.Packages)),
		byPackage:  make(map[seaworthy.Package]*element, len(a.Inventory.Packages)),
	}
	for _, p := range a.Inventory.Packages {
		if s.byPackage[p.Package] != nil {
			continue
		}
		s.packages = append(s.packages, element{
			Placed: p,
			id: hashed(id, string(p.Ecosystem), p.Name, p.Version, p.Arch, p.Source, p.SourceVersion,
				p.Module),
			purl: PURL(p.Package, a.Inventory.Distribution),
		})
		s.byPackage[p.Package] = &s.packages[len(s.packages)-1]
	}
	return s
}

// layer is the layer of a location; the zero Layer when there is none of that
// index.
func (s *subject) layer(index int) seaworthy.Layer {
	if index < 0 || index >= len(s.Image.Layers) {
		return seaworthy.Layer{}
	}
	return s.Image.Layers[index]
}

// hashed is 128 bits of the hash of parts, in hex.
func hashed(parts ...string) string {
	h := sha256.New()
	writeParts(h, parts)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// writeParts writes parts with their lengths, so that no two lists are the same
// bytes.
func writeParts(h hash.Hash, parts []string) {
	for _, part := range parts {
		fmt.Fprintf(h, "%d:", len(part))
		io.WriteString(h, part)
	}
}

// documentUUID names a document by what is in it: tool, images, references and
// times. It is a version 8 UUID (RFC 9562, section 5.8).
func documentUUID(as []seaworthy.Assessment, tool Tool, format string) string {
	h := sha256.New()
	writeParts(h, []string{format, tool.Name, tool.Version})
	for _, a := range as {
		writeParts(h, []string{string(a.Image.Digest), a.Image.Platform.String(), a.Reference, stamp(a.Assessed)})
	}
	b := h.Sum(nil)[:16]
	b[6] = b[6]&0x0f | 0x80
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// latest is the time of the last assessment.
func latest(as []seaworthy.Assessment) time.Time {
	var t time.Time
	for _, a := range as {
		if a.Assessed.After(t) {
			t = a.Assessed
		}
	}
	return t
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
