// Package oracle compares what seaworthy reads in images with what the package
// managers themselves say of the same root file systems: dpkg-query, rpm, gem
// and npm, over images pulled from real registries. The roots are flattened by
// go-containerregistry, so that no code of ours is its own witness.
package oracle
