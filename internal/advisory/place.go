package advisory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// place is where a feed is read from: a server or a directory.
type place interface {
	// open reads the file of that name below the place; "" is the place itself.
	// Only a server looks at since: it may answer errNotModified if the file is
	// no newer. For a file that is not there absent is true.
	open(ctx context.Context, name string, since time.Time) (*content, error)

	// url is how messages and feeds name the file, without credentials.
	url(name string) string

	// read is how many bytes were read so far.
	read() int64

	close()
}

// content is an open file of a place.
type content struct {
	io.ReadCloser
	size int64    // -1 if not known
	file *os.File // the file itself where it is local
}

var errNotModified = errors.New("not modified")

// absent reports whether a place answered that it has no such file.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// place takes https URLs, http ones of loopback hosts, and file URLs.
func (u *Updater) place(raw string) (place, error) {
	invalid := func(why string) error {
		return &seaworthy.Error{
			Code: seaworthy.CodeInvalid, Public: "the address of the advisories " + why,
			Hint: "it is a URL such as " + DefaultOSV + " or file:///srv/osv",
		}
	}
	l, err := url.Parse(raw)
	if err != nil {
		return nil, invalid("is not a URL") // the cause would repeat a password
	}
	switch {
	case l.Scheme == "file" && (l.Host == "" || l.Host == "localhost") && filepath.IsAbs(filepath.FromSlash(l.Path)):
		return &directory{root: filepath.FromSlash(l.Path)}, nil
	case l.Scheme == "file":
		return nil, invalid("has no absolute path")
	case l.Scheme != "https" && l.Scheme != "http":
		return nil, invalid("is not an https or file URL")
	case l.Host == "":
		return nil, invalid("names no host")
	case l.Scheme == "http" && !loopback(l.Hostname()):
		return nil, invalid("is plain http, which is for loopback hosts alone")
	}
	return u.remote(l), nil
}

// loopback reports whether host can only be this machine.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// directory is a place on disk.
type directory struct {
	root  string
	bytes atomic.Int64
}

func (d *directory) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

func (d *directory) url(name string) string { return "file://" + filepath.ToSlash(d.path(name)) }

func (d *directory) read() int64 { return d.bytes.Load() }

func (d *directory) close() {}

func (d *directory) open(_ context.Context, name string, _ time.Time) (*content, error) {
	f, size, err := openRegular(d.path(name))
	if err != nil {
		return nil, err
	}
	return &content{ReadCloser: &counted{f, &d.bytes}, size: size, file: f}, nil
}

// openRegular opens a file that is one: a pipe would wait for ever.
func openRegular(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, 0, &seaworthy.Error{Code: seaworthy.CodeInvalid, Public: path + " is not a file"}
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, &seaworthy.Error{Code: seaworthy.CodeNotFound, Public: "there is no file " + path, Err: err}
	case err != nil:
		return nil, 0, fmt.Errorf("read advisories: %w", err)
	}
	return f, info.Size(), nil
}

// counted counts what is read.
type counted struct {
	io.ReadCloser
	bytes *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.bytes.Add(int64(n))
	return n, err
}
