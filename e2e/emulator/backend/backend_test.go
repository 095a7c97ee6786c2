package backend_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
)

func TestParsePath(t *testing.T) {
	t.Parallel()
	tests := map[string]backend.Path{
		"/v2":                          {Kind: "base"},
		"/v2/":                         {Kind: "base"},
		"/v2/_catalog":                 {Kind: "catalog"},
		"/v2/a/b/tags/list":            {Kind: "tags", Repository: "a/b"},
		"/v2/a/manifests/1.0":          {Kind: "manifests", Repository: "a", Reference: "1.0"},
		"/v2/a/blobs/blobs/sha256:0":   {Kind: "blobs", Repository: "a/blobs", Reference: "sha256:0"},
		"/v2/a/b/referrers/sha256:0":   {Kind: "referrers", Repository: "a/b", Reference: "sha256:0"},
		"/v2/manifests/manifests/x":    {Kind: "manifests", Repository: "manifests", Reference: "x"},
		"/v1/":                         {},
		"/v2/a":                        {},
		"/v2/manifests/x":              {},
		"/v2//tags/list":               {},
		"/v2/a/blobs/uploads/whatever": {},
	}
	for path, want := range tests {
		got, ok := backend.ParsePath(path)
		if ok != (want.Kind != "") {
			t.Errorf("%s: ok is %v", path, ok)
		}
		if diff := cmp.Diff(want, got); ok && diff != "" {
			t.Errorf("%s (-want +got)\n%s", path, diff)
		}
	}
}

func TestBackendThatIsNotThere(t *testing.T) {
	t.Parallel()
	if _, err := (backend.Registry{URL: "http://127.0.0.1:1"}).Tags(t.Context(), "a"); err == nil {
		t.Error("a registry that is not there had tags")
	}
}
