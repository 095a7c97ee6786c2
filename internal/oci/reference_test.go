package oci

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/seaworthy-dev/seaworthy"
)

const (
	hexA    = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestA = seaworthy.Digest("sha256:" + hexA)
)

func TestParseReference(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   string
		want Reference
		host string
	}{
		{"debian", Reference{Registry: "docker.io", Repository: "library/debian", Tag: "latest"}, "registry-1.docker.io"},
		{"debian:12", Reference{Registry: "docker.io", Repository: "library/debian", Tag: "12"}, "registry-1.docker.io"},
		{"team/app", Reference{Registry: "docker.io", Repository: "team/app", Tag: "latest"}, "registry-1.docker.io"},
		{"docker.io/debian", Reference{Registry: "docker.io", Repository: "library/debian", Tag: "latest"}, "registry-1.docker.io"},
		{"index.docker.io/team/app:1", Reference{Registry: "docker.io", Repository: "team/app", Tag: "1"}, "registry-1.docker.io"},
		{"registry-1.docker.io/library/debian", Reference{Registry: "docker.io", Repository: "library/debian", Tag: "latest"}, "registry-1.docker.io"},
		{"localhost/app", Reference{Registry: "localhost", Repository: "app", Tag: "latest"}, "localhost"},
		{"localhost:5000/app:1", Reference{Registry: "localhost:5000", Repository: "app", Tag: "1"}, "localhost:5000"},
		{"127.0.0.1:5000/a/b/c:x", Reference{Registry: "127.0.0.1:5000", Repository: "a/b/c", Tag: "x"}, "127.0.0.1:5000"},
		{"[::1]:5000/app", Reference{Registry: "[::1]:5000", Repository: "app", Tag: "latest"}, "[::1]:5000"},
		{"[2001:db8::1]/app", Reference{Registry: "[2001:db8::1]", Repository: "app", Tag: "latest"}, "[2001:db8::1]"},
		{"Registry.Example.COM/app:V1", Reference{Registry: "registry.example.com", Repository: "app", Tag: "V1"}, "registry.example.com"},
		{"reg:5000/app", Reference{Registry: "reg:5000", Repository: "app", Tag: "latest"}, "reg:5000"},
		{"app@" + string(digestA), Reference{Registry: "docker.io", Repository: "library/app", Digest: digestA}, "registry-1.docker.io"},
		{"r.example/app:1@" + string(digestA), Reference{Registry: "r.example", Repository: "app", Tag: "1", Digest: digestA}, "r.example"},
		{"r.example/a__b/c--d.e_f", Reference{Registry: "r.example", Repository: "a__b/c--d.e_f", Tag: "latest"}, "r.example"},
	}
	for _, test := range tests {
		t.Run(test.in, func(t *testing.T) {
			t.Parallel()
			got, err := ParseReference(test.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got.Host() != test.host {
				t.Errorf("host %s, want %s", got.Host(), test.host)
			}
		})
	}
}

func TestParseReferenceErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"", "empty"},
		{"https://registry.example/app", `leave out "https://"`},
		{"docker://debian", `leave out "docker://"`},
		{"Debian", "upper-case"},
		{"Team/app", "upper-case"},
		{"r.example/App", "upper-case"},
		{"app:", "its tag is empty"},
		{"app:a b", "space"},
		{"app\n", "control"},
		{"café", "beyond ASCII"},
		{"app:-1", "character '-'"},
		{"app:" + strings.Repeat("a", 129), "129 characters"},
		{"app@", "no algorithm"},
		{"app@sha256:abc", "64 lower-case hex"},
		{"app@sha256:" + strings.ToUpper(hexA), "64 lower-case hex"},
		{"app@md5:abc", "not supported"},
		{"localhost:5000", "no repository follows"},
		{"127.0.0.1:5000", "no repository follows"},
		{"[::1]:5000", "no repository follows"},
		{"r.example/", "no repository"},
		{"r.example:0/app", "port"},
		{"r.example:65536/app", "port"},
		{"r.example:+80/app", "port"},
		{"r.example:/app", "port"},
		{"r..example/app", "not a host name"},
		{"-r.example/app", "not a host name"},
		{"r_x.example/app", "not a host name"},
		{"user@r.example/app", "no algorithm"},
		{"[::1/app", "IPv6"},
		{"127.1/app", "neither a name nor a full IPv4 address"},
		{"a//b", "empty"},
		{"a/.b", "does not begin"},
		{"a/b.", "ends in a separator"},
		{"a/b._c", "separators in a row"},
		{"a/b___c", "separators in a row"},
		{"a/b$c", "character other than"},
		{hexA, "image ID"},
		{strings.Repeat("a", 256), "256 characters"},
	}
	for _, test := range tests {
		t.Run(test.in, func(t *testing.T) {
			t.Parallel()
			_, err := ParseReference(test.in)
			wantError(t, err, seaworthy.CodeInvalid, "is not an image reference", test.want)
		})
	}
}

// FuzzReference holds the parser against itself and against another one: what
// it takes, it writes in a form that it reads again as the same, and that
// go-containerregistry takes for the same.
func FuzzReference(f *testing.F) {
	for _, s := range []string{
		"debian", "team/app:1", "localhost:5000/a/b@" + string(digestA), "[::1]:5000/app", "index.docker.io/x", "a:b:c/d",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseReference(s)
		if err != nil {
			if seaworthy.CodeOf(err) != seaworthy.CodeInvalid {
				t.Errorf("code of %v", err)
			}
			return
		}
		again, err := ParseReference(r.String())
		if err != nil || again != r {
			t.Errorf("%q is %+v, and its full form %q is %+v, %v", s, r, r.String(), again, err)
		}
		if strings.Contains(r.Registry, "[") || len(r.Repository) < 2 {
			return // not for the other parser
		}
		other, err := name.ParseReference(r.String())
		if err != nil {
			return // it has limits of its own
		}
		if got := strings.Replace(other.Context().Name(), "index.docker.io", "docker.io", 1); got != r.Name() {
			t.Errorf("%q is %s, another parser says %s", s, r.Name(), got)
		}
	})
}
