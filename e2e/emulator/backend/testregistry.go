package backend

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// InProcess runs a registry in memory until the test ends, and gives its URL.
func InProcess(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	return s.URL
}

// Fill pushes a small random image of two layers to the registry at a loopback
// url for each REPOSITORY:TAG, and gives them by that reference.
func Fill(t testing.TB, url string, references ...string) map[string]v1.Image {
	t.Helper()
	images := make(map[string]v1.Image, len(references))
	for _, reference := range references {
		image, err := random.Image(512, 2)
		if err != nil {
			t.Fatal(err)
		}
		if err := push(url, reference, image); err != nil {
			t.Fatal(err)
		}
		images[reference] = image
	}
	return images
}

func push(url, reference string, image v1.Image) error {
	to, err := name.ParseReference(trimScheme(url)+"/"+reference, name.Insecure)
	if err != nil {
		return fmt.Errorf("parse %s: %w", reference, err)
	}
	if err := remote.Write(to, image); err != nil {
		return fmt.Errorf("push %s: %w", reference, err)
	}
	return nil
}

// trimScheme takes http:// away.
func trimScheme(url string) string { return url[len("http://"):] }
