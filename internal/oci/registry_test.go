package oci

import (
	"bytes"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

// TestRegistry reads a whole image, with the fewest requests.
func TestRegistry(t *testing.T) {
	t.Parallel()
	r := newTestRegistry(t)
	pushed := r.push(t, "lab/app:1")
	s := open(t, r.host+"/lab/app:1", r.options(t))
	root, err := s.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	digest, err := pushed.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if string(root.Digest) != digest.String() {
		t.Errorf("root %s, want %s", root.Digest, digest)
	}
	if diff := cmp.Diff([]string{"HEAD /v2/lab/app/manifests/1"}, r.seen()); diff != "" {
		t.Errorf("requests of Root (-want +got)\n%s", diff)
	}
	chosen, err := Select(t.Context(), s, root, linuxAMD64(), limits())
	if err != nil {
		t.Fatal(err)
	}
	image, err := Load(t.Context(), s, chosen[0], limits())
	if err != nil {
		t.Fatal(err)
	}
	layers, err := pushed.Layers()
	if err != nil {
		t.Fatal(err)
	}
	if len(image.Layers) != len(layers) {
		t.Fatalf("%d layers, want %d", len(image.Layers), len(layers))
	}
	if got := len(r.seen()); got != 3 {
		t.Errorf("%d requests to know the image, want 3: %v", got, r.seen())
	}
	for i, layer := range layers {
		want, err := layer.Compressed()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readBlob(t, s, descriptorOf(image.Layers[i]))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("layer %d: %d bytes, want %d, error %v", i, len(got), len(content), err)
		}
		diffID, err := layer.DiffID()
		if err != nil || string(image.Layers[i].DiffID) != diffID.String() {
			t.Errorf("layer %d: diff id %s, want %s, error %v", i, image.Layers[i].DiffID, diffID, err)
		}
	}
}

func descriptorOf(l seaworthy.Layer) Descriptor {
	return Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size}
}

func TestRootOfDigestAsksNobody(t *testing.T) {
	t.Parallel()
	s := open(t, "127.0.0.1:1/lab/app:1@"+string(digestA), Options{})
	root, err := s.Root(t.Context())
	if err != nil || root.Digest != digestA {
		t.Errorf("root %+v, error %v", root, err)
	}
}

// TestRootWithoutDigestHeader gets the manifest and hashes it, and does not get
// it again.
func TestRootWithoutDigestHeader(t *testing.T) {
	t.Parallel()
	r := newTestRegistry(t)
	pushed := r.push(t, "lab/app:1")
	body, err := pushed.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	for name, interfere := range map[string]func(w http.ResponseWriter, req *http.Request) bool{
		"no header": func(w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Content-Type", typeDockerManifest)
			_, _ = w.Write(body)
			return true
		},
		"bad header": func(w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Docker-Content-Digest", "sha256:../../etc/passwd")
			_, _ = w.Write(body)
			return true
		},
		"no HEAD": func(w http.ResponseWriter, req *http.Request) bool {
			if req.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return true
			}
			_, _ = w.Write(body)
			return true
		},
	} {
		r.interfere(interfere)
		s := open(t, r.host+"/lab/app:1", r.options(t))
		root, err := s.Root(t.Context())
		if err != nil || root.Digest != seaworthy.DigestOf(body) || root.Size != int64(len(body)) {
			t.Errorf("%s: root %+v, error %v", name, root, err)
		}
		if got, err := s.Manifest(t.Context(), root); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%s: manifest of %d bytes, error %v", name, len(got), err)
		}
		if diff := cmp.Diff([]string{"HEAD /v2/lab/app/manifests/1", "GET /v2/lab/app/manifests/1"}, r.seen()); diff != "" {
			t.Errorf("%s: requests (-want +got)\n%s", name, diff)
		}
	}
}

// TestManifestIsVerified changes what a registry says under a digest.
func TestManifestIsVerified(t *testing.T) {
	t.Parallel()
	body := []byte(`{"schemaVersion":2,"config":{"mediaType":"` + typeConfig + `","digest":"` + string(digestA) + `","size":2},"layers":[]}`)
	sum := sha512.Sum512(body)
	good512 := seaworthy.Digest("sha512:" + hex.EncodeToString(sum[:]))
	tests := []struct {
		name  string
		body  string
		d     Descriptor
		code  seaworthy.Code // "" is none
		words []string
	}{
		{name: "sha256", body: string(body), d: Descriptor{Digest: seaworthy.DigestOf(body), Size: int64(len(body))}},
		{name: "sha512, size unknown", body: string(body), d: Descriptor{Digest: good512}},
		{"wrong digest", string(body) + " ", Descriptor{Digest: seaworthy.DigestOf(body)}, seaworthy.CodeCorrupt,
			[]string{string(seaworthy.DigestOf(body)), string(seaworthy.DigestOf([]byte(string(body) + " ")))}},
		{"wrong sha512", string(body) + " ", Descriptor{Digest: good512}, seaworthy.CodeCorrupt, []string{string(good512)}},
		{"too short", string(body), Descriptor{Digest: seaworthy.DigestOf(body), Size: 1000}, seaworthy.CodeCorrupt, []string{"should have 1000"}},
		{"too long", string(body), Descriptor{Digest: seaworthy.DigestOf(body), Size: 10}, seaworthy.CodeCorrupt, []string{"more than the 10 bytes"}},
		{"too large", "{" + strings.Repeat(" ", 5000), Descriptor{Digest: digestA}, seaworthy.CodeLimit, []string{"manifest-bytes of 4KiB"}},
		{"said to be too large", string(body), Descriptor{Digest: digestA, Size: 5000}, seaworthy.CodeLimit, []string{"manifest-bytes of 4KiB"}},
		{"HTML", "<html>sign in</html>", Descriptor{Digest: digestA}, seaworthy.CodeProtocol, []string{"a web page", "not a registry"}},
		{"nothing", "", Descriptor{Digest: digestA}, seaworthy.CodeProtocol, []string{"nothing"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newTestRegistry(t)
			r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
				w.Header().Set("Docker-Content-Digest", string(test.d.Digest)) // a lie, at times
				_, _ = io.WriteString(w, test.body)
				return true
			})
			o := r.options(t)
			o.Limits = limits()
			o.Limits.ManifestBytes = 4096
			got, err := open(t, r.host+"/lab/app:1", o).Manifest(t.Context(), test.d)
			if test.code == "" {
				if err != nil || string(got) != test.body {
					t.Errorf("got %q, error %v", got, err)
				}
				return
			}
			wantError(t, err, test.code, test.words...)
		})
	}
}

func TestSchema1IsNamed(t *testing.T) {
	t.Parallel()
	for _, mediaType := range []string{typeDockerSchema1, "application/vnd.docker.distribution.manifest.v1+json"} {
		r := newTestRegistry(t)
		r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Content-Type", mediaType)
			w.Header().Set("Docker-Content-Digest", string(digestA))
			fmt.Fprint(w, `{"schemaVersion":1,"fsLayers":[]}`)
			return true
		})
		s := open(t, r.host+"/lab/app:1", r.options(t))
		_, err := s.Root(t.Context())
		wantError(t, err, seaworthy.CodeInvalid, "manifest schema 1")
		_, err = s.Manifest(t.Context(), Descriptor{Digest: digestA})
		wantError(t, err, seaworthy.CodeInvalid, "manifest schema 1")
	}
}

func TestPlainHTTPIsForLoopback(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"registry.example/app", "10.0.0.1:5000/app", "localhost.example/app", "debian"} {
		_, err := Open(arg, Options{PlainHTTP: true})
		wantError(t, err, seaworthy.CodeInvalid, "plain HTTP is not for")
	}
	for _, arg := range []string{"localhost:5000/app", "127.0.0.1:5000/app", "127.8.0.1/app", "[::1]:5000/app", "r.localhost/app"} {
		open(t, arg, Options{PlainHTTP: true})
	}
}

func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	r := newTestRegistry(t)
	pushed := r.push(t, "lab/app:1")
	plain := serveHTTP(t, r.Config.Handler)
	s := open(t, plain+"/lab/app:1", Options{PlainHTTP: true, DockerConfig: t.TempDir()})
	root, err := s.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if digest, err := pushed.Digest(); err != nil || string(root.Digest) != digest.String() {
		t.Errorf("root %s, want %s, error %v", root.Digest, digest, err)
	}
}

func TestUserAgent(t *testing.T) {
	t.Parallel()
	r := newTestRegistry(t)
	var got []string
	r.interfere(func(w http.ResponseWriter, req *http.Request) bool {
		got = req.Header.Values("User-Agent")
		return false
	})
	o := r.options(t)
	o.UserAgent = "seaworthy/1.2"
	_, err := open(t, r.host+"/lab/app:1", o).Root(t.Context())
	wantError(t, err, seaworthy.CodeNotFound)
	if diff := cmp.Diff([]string{"seaworthy/1.2"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
