package layer

import (
	"bytes"
	"path"
	"strings"
)

// cleanPath gives a path of an entry in the one form that merging compares:
// without a leading slash, "", "." or ".."; the root is "". Names are bytes:
// what is not UTF-8 stays as it is. A path that would leave the layer's root is
// refused, with the reason.
func cleanPath(raw []byte) (clean string, refused string) {
	if bytes.IndexByte(raw, 0) >= 0 {
		return "", "its path holds a zero byte"
	}
	absolute := len(raw) > 0 && raw[0] == '/'
	b := bytes.TrimRight(raw, "/")
	b = bytes.TrimPrefix(b, []byte("./"))
	b = bytes.TrimLeft(b, "/")
	if isClean(b) {
		return string(b), ""
	}
	s := string(b)
	if absolute && hasParent(s) {
		return "", `its path is absolute and holds ".."`
	}
	s = path.Clean(s)
	switch {
	case s == ".":
		return "", ""
	case s == ".." || strings.HasPrefix(s, "../"):
		return "", `its path leaves the layer's root by ".."`
	}
	return s, ""
}

// isClean reports whether no component of b is "", "." or "..".
func isClean(b []byte) bool {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '/')
		name := b
		if i >= 0 {
			name, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		if len(name) == 0 || name[0] == '.' && (len(name) == 1 || len(name) == 2 && name[1] == '.') {
			return false
		}
	}
	return true
}

func hasParent(s string) bool {
	for name := range strings.SplitSeq(s, "/") {
		if name == ".." {
			return true
		}
	}
	return false
}
