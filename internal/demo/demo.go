// Package demo makes sample images from facts: the packages, versions and file
// layouts of real distributions and ecosystems, in files that their own tools
// (dpkg-query, rpm, gem, npm, go version) read as ours do. It serves them from a
// registry inside the process, so that the product can be seen at work with no
// network and no container engine.
//
// The same program version builds the same bytes. The files hold what package
// managers need and little else: no image can be started.
package demo

import (
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Sample is one tagged image or index.
type Sample struct {
	Repository string
	Tag        string
	Name       string // in a layout, where it must be unique
	Image      v1.Image
	Index      v1.ImageIndex // set in the place of Image for several platforms
}

// built is when all samples claim to have been built.
var built = time.Date(2024, time.March, 4, 9, 0, 0, 0, time.UTC)

// Samples builds all sample images, in the order in which they are pushed: a tag
// that stands twice has moved.
func Samples() ([]Sample, error) {
	old, err := debianBase(debian12u4())
	if err != nil {
		return nil, err
	}
	base, err := debianBase(debian12u5())
	if err != nil {
		return nil, err
	}
	s := []Sample{
		{Repository: "base/debian", Tag: "12.4", Name: "debian-12.4", Image: old},
		{Repository: "base/debian", Tag: "12", Name: "debian-old", Image: old},
		{Repository: "base/debian", Tag: "12", Name: "debian", Image: base},
	}
	for _, app := range []func(v1.Image) (Sample, error){railsApp, nodeApp, javaApp} {
		sample, err := app(old)
		if err != nil {
			return nil, err
		}
		s = append(s, sample)
	}
	for _, tool := range []func() (Sample, error){alpineTool, almaTool, goIndex} {
		sample, err := tool()
		if err != nil {
			return nil, err
		}
		s = append(s, sample)
	}
	return s, nil
}

// step is one layer and the instruction that made it.
type step struct {
	instruction string
	files       *tree // nil: an instruction that made no layer
}

// build adds layers to an image.
func build(base v1.Image, architecture string, steps ...step) (v1.Image, error) {
	image := base
	for _, s := range steps {
		add := mutate.Addendum{History: v1.History{CreatedBy: s.instruction, Created: v1.Time{Time: built}}}
		if s.files == nil {
			add.History.EmptyLayer = true
		} else {
			layer, err := s.files.layer()
			if err != nil {
				return nil, fmt.Errorf("layer of %q: %w", s.instruction, err)
			}
			add.Layer = layer
		}
		next, err := mutate.Append(image, add)
		if err != nil {
			return nil, err
		}
		image = next
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", architecture, v1.Time{Time: built}
	return mutate.ConfigFile(image, config)
}

// scratch is the image with no layers, in OCI's media types.
func scratch() v1.Image {
	return mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
}
