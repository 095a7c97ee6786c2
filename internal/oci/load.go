package oci

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// Load reads the manifest d and its config, both verified, and tells what image
// they describe. What is no image is CodeInvalid and named; what is no manifest
// or no config is CodeCorrupt.
func Load(ctx context.Context, s Source, d Descriptor, l seaworthy.Limits) (seaworthy.Image, error) {
	w := walk{source: s, limits: l}
	m, err := w.manifest(ctx, d)
	if err != nil {
		return seaworthy.Image{}, err
	}
	if m.kind == kindIndex {
		return seaworthy.Image{}, notAnImage(s.Reference(), "an index of images")
	}
	if what := artifact(m); what != "" {
		return seaworthy.Image{}, notAnImage(s.Reference(), what)
	}
	c, err := readConfig(ctx, s, *m.Config, l)
	if err != nil {
		return seaworthy.Image{}, err
	}
	image := seaworthy.Image{
		Digest:    d.Digest,
		MediaType: m.typeOf(),
		Platform:  c.platform(),
		Created:   parseTime(c.Created),
		Labels:    c.Config.Labels,
		Layers:    make([]seaworthy.Layer, len(m.Layers)),
	}
	if image.Platform.Architecture == "" && d.Platform != nil {
		image.Platform = *d.Platform
	}
	for i, layer := range m.Layers {
		image.Layers[i] = seaworthy.Layer{
			Digest:    layer.Digest,
			MediaType: layer.MediaType,
			Size:      layer.Size,
			Foreign:   isForeign(layer),
		}
	}
	c.describe(image.Layers)
	return image, nil
}

// config is what we read of an image config (OCI image spec, config.md).
type config struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	OSVersion    string `json:"os.version"`
	Variant      string `json:"variant"`
	Created      string `json:"created"`
	Config       struct {
		Labels map[string]string `json:"Labels"`
	} `json:"config"`
	RootFS struct {
		DiffIDs []seaworthy.Digest `json:"diff_ids"`
	} `json:"rootfs"`
	History []struct {
		Created    string `json:"created"`
		CreatedBy  string `json:"created_by"`
		EmptyLayer bool   `json:"empty_layer"`
	} `json:"history"`
}

func readConfig(ctx context.Context, s Source, d Descriptor, l seaworthy.Limits) (config, error) {
	tooLarge := l.Exceeded(seaworthy.LimitConfigBytes, "the image config of "+s.Reference())
	if d.Size > l.ConfigBytes {
		return config{}, tooLarge
	}
	r, err := s.Blob(ctx, d)
	if err != nil {
		return config{}, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, l.ConfigBytes+1))
	if err != nil {
		return config{}, err
	}
	if int64(len(b)) > l.ConfigBytes {
		return config{}, tooLarge
	}
	c, err := parseConfig(b, l)
	if err != nil {
		return config{}, malformed(s.Reference(), "the image config "+string(d.Digest), err)
	}
	return c, nil
}

func parseConfig(b []byte, l seaworthy.Limits) (config, error) {
	var c config
	if err := decodeStrict(b, &c); err != nil {
		return config{}, err
	}
	if int64(len(c.RootFS.DiffIDs)) > l.Layers {
		return config{}, l.Exceeded(seaworthy.LimitLayers, fmt.Sprintf("an image config of %d layers", len(c.RootFS.DiffIDs)))
	}
	for i, d := range c.RootFS.DiffIDs {
		if _, err := seaworthy.ParseDigest(string(d)); err != nil {
			return config{}, fmt.Errorf("diff_ids %d: %w", i, err)
		}
	}
	return c, nil
}

func (c *config) platform() seaworthy.Platform {
	return seaworthy.Platform{OS: c.OS, Architecture: c.Architecture, Variant: c.Variant, OSVersion: c.OSVersion}
}

// describe gives the layers their diff ids and the history entries that made
// them: the entries that are not empty, in their order. Tools that flatten or
// rebase images leave too few or too many; what has no partner stays without.
func (c *config) describe(layers []seaworthy.Layer) {
	for i := range min(len(layers), len(c.RootFS.DiffIDs)) {
		layers[i].DiffID = c.RootFS.DiffIDs[i]
	}
	i := 0
	for _, h := range c.History {
		if h.EmptyLayer {
			continue
		}
		if i == len(layers) {
			return
		}
		layers[i].Instruction = instruction(h.CreatedBy)
		layers[i].Created = parseTime(h.Created)
		i++
	}
}

// instruction writes what Docker's builders leave in the history in the way of
// a Dockerfile.
func instruction(createdBy string) string {
	s := strings.TrimSpace(createdBy)
	s = strings.TrimSpace(strings.TrimSuffix(s, "# buildkit"))
	shell, ok := strings.CutPrefix(s, "/bin/sh -c ")
	if !ok {
		return s
	}
	if nop, ok := strings.CutPrefix(shell, "#(nop)"); ok {
		return strings.TrimSpace(nop)
	}
	return "RUN " + strings.TrimSpace(shell)
}

// parseTime is zero for what is no time: builders that want reproducible images
// write all sorts of things.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
