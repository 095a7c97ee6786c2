// Package assess is the pipeline that everything calls:
//
//	assess(image) = match(merge(map(memo(analyse), layers)))
//
// It resolves a reference to images, reads the layers that nobody has read
// before, merges, matches, and keeps what it learned in the store.
package assess
