package oci

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// Options says how to reach a registry and how much of an answer to take. The
// zero value is HTTPS, the system's certificate authorities, the credentials of
// the Docker config file, and the default limits.
type Options struct {
	PlainHTTP bool   // HTTP in the place of HTTPS; an error on hosts other than loopback
	CA        []byte // PEM certificates to trust beside the system's

	// Username and Password are an explicit credential. Without, the Docker
	// config file and the credential helpers that it names are asked.
	Username, Password string
	DockerConfig       string // directory of config.json; "" is $DOCKER_CONFIG, else ~/.docker

	Limits    seaworthy.Limits // the zero value is DefaultLimits
	UserAgent string
	Timeout   time.Duration // for connecting, for the headers of an answer and between two parts of its body; 0 is 30 s
	TempDir   string        // for unpacking compressed archives; "" is the system's

	// For tests; the zero values are the real ones.
	clock    clock
	proxy    func(*http.Request) (*url.URL, error)
	resolver *net.Resolver
}

// Open makes the Source of what a user typed: an image reference,
// oci:DIR[:TAG|@DIGEST] for an OCI layout, or tar:FILE[@NAME] for an archive as
// docker save or skopeo write it. It contacts nobody; what is on disk must be
// there. A path with a colon or an at sign in it works as long as nothing of the
// shorter name is meant: the longest name that exists is taken.
func Open(arg string, o Options) (Source, error) {
	if o.Limits == (seaworthy.Limits{}) {
		o.Limits = seaworthy.DefaultLimits()
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if path, ok := strings.CutPrefix(arg, "oci:"); ok {
		return openLayout(arg, path, o)
	}
	if path, ok := strings.CutPrefix(arg, "tar:"); ok {
		return openArchive(arg, path, o)
	}
	return openRegistry(arg, o)
}

// clock is the time, which tests replace. Its zero value is the real one.
type clock struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error
}

func (c clock) Now() time.Time {
	if c.now != nil {
		return c.now()
	}
	return time.Now()
}

// Sleep waits, or gives ctx's error as soon as it has one.
func (c clock) Sleep(ctx context.Context, d time.Duration) error {
	if c.sleep != nil {
		return c.sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
