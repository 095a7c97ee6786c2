package image

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/seaworthy-dev/seaworthy"
)

// Hash names what an inventory holds: images with equal distribution and
// packages have equal hashes, wherever the packages lie in them and whatever
// could not be seen.
//
// It is the sha256 of the line "seaworthy inventory 1", the four fields of the
// distribution (ID, VersionID, Name, Ecosystem), and for each package, in the
// order of Package.Compare, its seven fields (Ecosystem, Name, Version, Arch,
// Source, SourceVersion, Module) and OwnedBy. A field is its length in bytes as
// a uvarint and its bytes.
func Hash(inv seaworthy.Inventory) seaworthy.Digest {
	order := func(a, b seaworthy.Placed) int { return a.Package.Compare(b.Package) }
	packages := inv.Packages
	if !slices.IsSortedFunc(packages, order) {
		packages = slices.Clone(packages)
		slices.SortStableFunc(packages, order)
	}
	h := sha256.New()
	h.Write([]byte("seaworthy inventory 1\n"))
	d := inv.Distribution
	var b []byte
	b = fields(b, d.ID, d.VersionID, d.Name, string(d.Ecosystem))
	for _, p := range packages {
		h.Write(b)
		b = fields(b[:0], string(p.Ecosystem), p.Name, p.Version, p.Arch, p.Source, p.SourceVersion, p.Module, p.OwnedBy)
	}
	h.Write(b)
	return seaworthy.Digest("sha256:" + hex.EncodeToString(h.Sum(nil)))
}

func fields(b []byte, values ...string) []byte {
	for _, v := range values {
		b = binary.AppendUvarint(b, uint64(len(v)))
		b = append(b, v...)
	}
	return b
}
