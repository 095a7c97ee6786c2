package seaworthy

import "time"

// Layer is one layer of an image as its manifest and config describe it.
type Layer struct {
	Digest      Digest    `json:"digest"` // of the bytes as stored, which is what is verified
	DiffID      Digest    `json:"diffId,omitempty"`
	MediaType   string    `json:"mediaType"`
	Size        int64     `json:"size"`
	Foreign     bool      `json:"foreign,omitempty"`     // lives elsewhere than in the registry; never fetched
	Instruction string    `json:"instruction,omitempty"` // the history entry that made it
	Created     time.Time `json:"created,omitzero"`
}

// Image is one manifest for one platform.
type Image struct {
	Digest    Digest            `json:"digest"` // of the manifest
	MediaType string            `json:"mediaType"`
	Platform  Platform          `json:"platform"`
	Created   time.Time         `json:"created,omitzero"`
	Labels    map[string]string `json:"labels,omitempty"`
	Layers    []Layer           `json:"layers"` // the lowest first
}

// Inventory is the effective set of packages of an image.
type Inventory struct {
	Distribution Distribution `json:"distribution,omitzero"`
	Packages     []Placed     `json:"packages"` // sorted by Package.Compare, each once
	Gaps         []Gap        `json:"gaps,omitempty"`
}

// Assessment is all that is known of one image at one time.
type Assessment struct {
	Reference       string          `json:"reference"` // as asked for
	Image           Image           `json:"image"`
	Inventory       Inventory       `json:"inventory"`
	Vulnerabilities []Vulnerability `json:"vulnerabilities"`
	Advisories      []Feed          `json:"advisories"` // the feeds that took part
	Assessed        time.Time       `json:"assessed"`
}
