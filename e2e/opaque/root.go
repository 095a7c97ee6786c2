package opaque

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// unpack applies the layers of an image to a directory, one after another: first
// what a layer hides of those below, then what it brings.
func unpack(image v1.Image, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		for _, apply := range []func(*os.Root, *tar.Header, io.Reader) error{hide, bring} {
			if err := each(l, root, apply); err != nil {
				return err
			}
		}
	}
	return nil
}

func each(l v1.Layer, root *os.Root, apply func(*os.Root, *tar.Header, io.Reader) error) error {
	stream, err := l.Uncompressed()
	if err != nil {
		return err
	}
	defer stream.Close()
	for r := tar.NewReader(stream); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		h.Name = strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		if h.Name == "" {
			continue
		}
		if err := apply(root, h, r); err != nil {
			return err
		}
	}
}

// hide does what the whiteouts of a layer say.
func hide(root *os.Root, h *tar.Header, _ io.Reader) error {
	dir, base := path.Split(h.Name)
	if base != opaque {
		if hidden, ok := strings.CutPrefix(base, whiteout); ok {
			return root.RemoveAll(dir + hidden)
		}
		return nil
	}
	d, err := root.Open(path.Clean(dir))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	for _, name := range names {
		err = errors.Join(err, root.RemoveAll(dir+name))
	}
	return err
}

// bring makes what a layer's entry says.
func bring(root *os.Root, h *tar.Header, content io.Reader) error {
	if strings.HasPrefix(path.Base(h.Name), whiteout) {
		return nil
	}
	if h.Typeflag == tar.TypeDir {
		if info, err := root.Lstat(h.Name); err == nil && !info.IsDir() {
			if err := root.Remove(h.Name); err != nil {
				return err
			}
		}
		return root.MkdirAll(h.Name, 0o755)
	}
	if err := root.MkdirAll(path.Dir(h.Name), 0o755); err != nil {
		return err
	}
	if err := root.RemoveAll(h.Name); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, h.Name)
	case tar.TypeLink:
		return root.Link(strings.TrimPrefix(path.Clean("/"+h.Linkname), "/"), h.Name)
	}
	f, err := root.OpenFile(h.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, os.FileMode(h.Mode&0o777|0o600))
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}
