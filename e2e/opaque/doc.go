// Package opaque compares what seaworthy lists of images whose upper layers hide,
// replace and link what lies below with what find counts in the merged root. The
// root is made on disk, layer by layer, as the image specification tells it
// (https://github.com/opencontainers/image-spec/blob/main/layer.md).
package opaque
