package seaworthy

import (
	"fmt"
	"runtime"
	"strings"
)

// Platform is what an image runs on (OCI image spec, image-index.md).
type Platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant,omitempty"`
	OSVersion    string `json:"os.version,omitempty"`
}

// HostPlatform is the platform of this process, with linux in the place of
// systems that run Linux containers in a virtual machine.
func HostPlatform() Platform {
	p := Platform{OS: "linux", Architecture: runtime.GOARCH}
	if runtime.GOOS == "windows" {
		p.OS = "windows"
	}
	return p
}

// ParsePlatform reads os/architecture[/variant], as in linux/arm64/v8.
func ParsePlatform(s string) (Platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return Platform{}, fmt.Errorf("platform %.80q is not os/architecture or os/architecture/variant, as in linux/amd64", s)
	}
	for _, part := range parts {
		if part == "" || strings.ContainsAny(part, " \t\n:@") {
			return Platform{}, fmt.Errorf("platform %.80q has an empty or unusable part", s)
		}
	}
	p := Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// String is the form that ParsePlatform reads; "unknown" when nothing is known.
func (p Platform) String() string {
	if p.OS == "" && p.Architecture == "" {
		return "unknown"
	}
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// Runs reports whether an image of platform q serves a wish for p. A variant
// that the wish leaves out fits all; arm64 and arm64/v8 are the same machine.
func (p Platform) Runs(q Platform) bool {
	if p.OS != q.OS || p.Architecture != q.Architecture {
		return false
	}
	if p.Variant == "" || p.Variant == q.Variant {
		return true
	}
	return p.Architecture == "arm64" && p.Variant == "v8" && q.Variant == ""
}
