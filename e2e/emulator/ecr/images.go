package ecr

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
)

// imageID names an image in requests and answers.
type imageID struct {
	Digest string `json:"imageDigest,omitempty"`
	Tag    string `json:"imageTag,omitempty"`
}

// image is an image of a repository.
type image struct {
	backend.Manifest
	tags     []string
	archived bool
}

// images are all of a repository, those with tags first.
func (c *call) images(r *Repository) ([]image, *fault) {
	ctx, registry := c.http.Context(), c.server.backend
	tags, err := registry.Tags(ctx, r.Name)
	if err != nil && !errors.Is(err, backend.ErrNotFound) {
		return nil, broken(err)
	}
	slices.Sort(tags)
	var list []image
	for _, reference := range slices.Concat(tags, r.Untagged) {
		m, err := registry.Manifest(ctx, r.Name, reference)
		if err != nil {
			return nil, broken(err)
		}
		i := slices.IndexFunc(list, func(other image) bool { return other.Digest == m.Digest })
		if i < 0 {
			i = len(list)
			list = append(list, image{Manifest: m, archived: slices.Contains(r.Archived, m.Digest)})
		}
		if !strings.Contains(reference, ":") {
			list[i].tags = append(list[i].tags, reference)
		}
	}
	return list, nil
}

// broken is the backend's failure.
func broken(err error) *fault {
	return &fault{status: 500, code: "ServerException", message: err.Error()}
}

// filtered keeps the images that the request's filter takes.
func (c *call) filtered(list []image) []image {
	status := c.input.Filter.ImageStatus
	return slices.DeleteFunc(list, func(i image) bool {
		switch c.input.Filter.TagStatus {
		case "TAGGED":
			if len(i.tags) == 0 {
				return true
			}
		case "UNTAGGED":
			if len(i.tags) > 0 {
				return true
			}
		}
		if status == "" && !c.server.config.Switches.ArchivedUnasked {
			status = "ACTIVE"
		}
		return status != "" && status != "ANY" && status != i.status()
	})
}

func (i image) status() string {
	if i.archived {
		return "ARCHIVED"
	}
	return "ACTIVE"
}

func (c *call) listImages(r *Repository) (any, *fault) {
	all, f := c.images(r)
	if f != nil {
		return nil, f
	}
	var ids []imageID
	for _, i := range c.filtered(all) {
		for _, tag := range i.tags {
			ids = append(ids, imageID{i.Digest, tag})
		}
		if len(i.tags) == 0 {
			ids = append(ids, imageID{Digest: i.Digest})
		}
	}
	ids, next, f := page(c, ids)
	if f != nil {
		return nil, f
	}
	list := []any{}
	for _, id := range ids {
		list = append(list, id)
	}
	return paged("imageIds", list, next), nil
}

func (c *call) describeImages(r *Repository) (any, *fault) {
	if len(c.input.ImageIDs) > 0 && c.input.MaxResults != nil {
		return nil, refuse("InvalidParameterException", "maxResults is not allowed with imageIds")
	}
	all, f := c.images(r)
	if f != nil {
		return nil, f
	}
	found := c.filtered(slices.Clone(all))
	if len(c.input.ImageIDs) > 0 {
		found = nil
		for _, id := range c.input.ImageIDs {
			i, code := find(all, id)
			if code != "" {
				return nil, refuse("ImageNotFoundException", "The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'", id.Digest, id.Tag, r.Name, c.server.config.Account)
			}
			found = append(found, i)
		}
	}
	found, next, f := page(c, found)
	if f != nil {
		return nil, f
	}
	list := []any{}
	for _, i := range found {
		list = append(list, c.detail(r, i))
	}
	return paged("imageDetails", list, next), nil
}

// detail describes an image.
func (c *call) detail(r *Repository, i image) object {
	var manifest struct {
		MediaType    string
		ArtifactType string
		Config       struct{ MediaType string }
		Layers       []struct{ Size int64 }
		Subject      *struct{ Digest string }
	}
	_ = json.Unmarshal(i.Body, &manifest) // what is no manifest has no size
	var size int64
	for _, l := range manifest.Layers {
		size += l.Size
	}
	o := object{
		"registryId":             c.server.config.Account,
		"repositoryName":         r.Name,
		"imageDigest":            i.Digest,
		"imageSizeInBytes":       size,
		"imagePushedAt":          seconds(created()),
		"imageManifestMediaType": i.MediaType,
		"imageStatus":            i.status(),
	}
	if len(i.tags) > 0 {
		o["imageTags"] = i.tags
	}
	if artifact := max(manifest.ArtifactType, manifest.Config.MediaType); artifact != "" {
		o["artifactMediaType"] = artifact
	}
	if manifest.Subject != nil {
		o["subjectManifestDigest"] = manifest.Subject.Digest
	}
	if at := c.server.pulled(c.region, r.Name, i.Digest); !at.IsZero() {
		o["lastRecordedPullTime"] = seconds(at)
	}
	return o
}

// pulled is when an image was last pulled.
func (s *Server) pulled(region, repository, digest string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pulls[region+" "+repository+" "+digest]
}

// recordPull remembers the time of a pull, as ECR does.
func (s *Server) recordPull(region, repository, digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pulls[region+" "+repository+" "+digest] = s.clock.Now()
}

// find is the image of an id, or the code of the failure.
func find(all []image, id imageID) (image, string) {
	if id.Digest == "" && id.Tag == "" {
		return image{}, "MissingDigestAndTag"
	}
	if id.Digest != "" && (!strings.HasPrefix(id.Digest, "sha256:") || len(id.Digest) != 71) {
		return image{}, "InvalidImageDigest"
	}
	for _, i := range all {
		byTag := slices.Contains(i.tags, id.Tag)
		switch {
		case id.Digest == "" && byTag, id.Digest == i.Digest && (id.Tag == "" || byTag):
			return i, ""
		case byTag:
			return image{}, "ImageTagDoesNotMatchDigest"
		}
	}
	return image{}, "ImageNotFound"
}

func (c *call) batchGetImage(r *Repository) (any, *fault) {
	if n := len(c.input.ImageIDs); n < 1 || n > 100 {
		return nil, refuse("InvalidParameterException", "Invalid parameter at 'imageIds' failed to satisfy constraint: 'must have between 1 and 100 items'")
	}
	all, f := c.images(r)
	if f != nil {
		return nil, f
	}
	images, failures := []any{}, []any{}
	for _, id := range c.input.ImageIDs {
		i, code := find(all, id)
		if code == "" && i.archived {
			code = "ImageNotFound"
		}
		if code != "" {
			failures = append(failures, object{"imageId": id, "failureCode": code, "failureReason": "Requested image not found"})
			continue
		}
		c.server.recordPull(c.region, r.Name, i.Digest)
		images = append(images, object{
			"registryId":             c.server.config.Account,
			"repositoryName":         r.Name,
			"imageId":                imageID{i.Digest, id.Tag},
			"imageManifest":          string(i.Body),
			"imageManifestMediaType": i.MediaType,
		})
	}
	return object{"images": images, "failures": failures}, nil
}

func (c *call) batchCheckLayerAvailability(r *Repository) (any, *fault) {
	if n := len(c.input.LayerDigests); n < 1 || n > 100 {
		return nil, refuse("InvalidParameterException", "Invalid parameter at 'layerDigests' failed to satisfy constraint: 'must have between 1 and 100 items'")
	}
	layers, failures := []any{}, []any{}
	for _, digest := range c.input.LayerDigests {
		if !strings.HasPrefix(digest, "sha256:") || len(digest) != 71 {
			failures = append(failures, object{"layerDigest": digest, "failureCode": "InvalidLayerDigest", "failureReason": "Invalid layer digest"})
			continue
		}
		size, err := c.server.backend.BlobSize(c.http.Context(), r.Name, digest)
		switch {
		case err == nil:
			layers = append(layers, object{"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": size})
		case errors.Is(err, backend.ErrNotFound):
			layers = append(layers, object{"layerDigest": digest, "layerAvailability": "UNAVAILABLE"})
		default:
			return nil, broken(err)
		}
	}
	return object{"layers": layers, "failures": failures}, nil
}

func (c *call) getDownloadURLForLayer(r *Repository) (any, *fault) {
	_, err := c.server.backend.BlobSize(c.http.Context(), r.Name, c.input.LayerDigest)
	if errors.Is(err, backend.ErrNotFound) {
		return nil, refuse("LayersNotFoundException", "The layer with digest '%s' does not exist in the repository with name '%s'", c.input.LayerDigest, r.Name)
	}
	if err != nil {
		return nil, broken(err)
	}
	return object{"downloadUrl": c.server.presign(c.region, r.Name, c.input.LayerDigest), "layerDigest": c.input.LayerDigest}, nil
}
