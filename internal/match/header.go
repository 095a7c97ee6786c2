package match

import (
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// Header is what a listing needs of an advisory. It is stored as JSON.
type Header struct {
	ID        string             `json:"id"`
	Source    string             `json:"source"`
	Aliases   []string           `json:"aliases,omitempty"`
	Upstream  []string           `json:"upstream,omitempty"`
	Related   []string           `json:"related,omitempty"`
	Summary   string             `json:"summary,omitempty"`
	Ratings   []seaworthy.Rating `json:"ratings,omitempty"`
	Published time.Time          `json:"published,omitzero"`
}

// HeaderOf is the header of a, which came from source. Related keeps CVE ids
// alone: nothing else in it is ever used, and feeds list hundreds.
func HeaderOf(a seaworthy.Advisory, source string) Header {
	h := Header{
		ID: a.ID, Source: source, Aliases: a.Aliases, Upstream: a.Upstream, Summary: a.Summary, Ratings: a.Ratings,
		Published: a.Published,
	}
	for _, id := range a.Related {
		if isCVE(id) {
			h.Related = append(h.Related, id)
		}
	}
	return h
}

// headerKey is what Vulnerabilities looks headers up by.
func headerKey(f seaworthy.Finding) string { return f.Source + "/" + f.Advisory }

func isCVE(id string) bool { return strings.HasPrefix(id, "CVE-") }

// ownCVE is the CVE that an advisory's id names: CVE-2024-1 in
// DEBIAN-CVE-2024-1, UBUNTU-CVE-2024-1, ALPINE-CVE-2024-1 or CVE-2024-1 itself.
func ownCVE(id string) string {
	if i := strings.Index(id, "CVE-"); i == 0 || i > 0 && id[i-1] == '-' {
		return id[i:]
	}
	return ""
}
