// Package image puts the contents of layers together: the packages that the
// merged file system holds, the distribution they belong to, the layer and
// instruction that brought each. It is pure: the same contents give the same
// inventory, and nothing is read or written.
//
// Merging contents that were analysed layer by layer gives the packages that an
// analysis of the flattened file system gives; a property test holds that.
package image
