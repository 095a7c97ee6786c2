// Package image puts the contents of layers together: the packages that the
// merged file system holds, the distribution they belong to, the layer and
// instruction that brought each. It is pure: the same contents give the same
// inventory, and nothing is read or written.
//
// Merging contents that were analysed layer by layer gives the packages that an
// analysis of the flattened file system gives; a property test holds that.
package image

import "github.com/seaworthy-dev/seaworthy"

// Merge applies layers on top of each other, the lowest first, as a container
// engine does (https://github.com/opencontainers/image-spec/blob/main/layer.md)
// and lists the packages of the result. A nil layer is one that was not read; it
// becomes a gap. The contents are not changed.
//
// A package lies where the file that names it lies once symbolic links are
// followed, in the layer that wrote the file last; an operating system package,
// whose file is the whole database, in the layer since which the database has
// held it without a break.
//
// Whatever the contents are, Merge ends with an inventory: what cannot be
// followed, such as a loop of symbolic links, is a gap.
func Merge(layers []*seaworthy.Contents) seaworthy.Inventory {
	m := newMerger()
	for i, c := range layers {
		if c == nil {
			m.gaps = append(m.gaps, seaworthy.Gap{
				Kind:   seaworthy.GapForeignLayer,
				Layer:  i,
				Reason: "the layer was not read, because the registry does not hold it",
			})
			continue
		}
		m.apply(i, c)
		m.remember()
	}
	return m.inventory()
}
