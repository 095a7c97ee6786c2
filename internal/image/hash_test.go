package image

import (
	"slices"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
)

func sample() seaworthy.Inventory {
	return seaworthy.Inventory{
		Distribution: seaworthy.Distribution{ID: "debian", VersionID: "12", Name: "Debian", Ecosystem: "Debian:12"},
		Packages: []seaworthy.Placed{
			{
				Package:   seaworthy.Package{Ecosystem: "Debian:12", Name: "a", Version: "1", Arch: "amd64", Source: "s", SourceVersion: "1", Module: "m"},
				Locations: []seaworthy.Location{{Path: "var/lib/dpkg/status"}},
			},
			{Package: seaworthy.Package{Ecosystem: "npm", Name: "b", Version: "2"}, OwnedBy: "a"},
		},
		Gaps: []seaworthy.Gap{{Kind: seaworthy.GapFile}},
	}
}

// The encoding is stored: a change of it makes all stored inventories strangers.
func TestHashIsStable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		inv  seaworthy.Inventory
		want seaworthy.Digest
	}{
		{seaworthy.Inventory{}, emptyHash},
		{sample(), sampleHash},
	} {
		if got := Hash(c.inv); got != c.want {
			t.Errorf("hash %s, want %s", got, c.want)
		}
	}
}

func TestHashIgnores(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*seaworthy.Inventory){
		"locations": func(inv *seaworthy.Inventory) {
			inv.Packages[0].Locations = []seaworthy.Location{{Layer: 3, Path: "x"}}
		},
		"gaps":  func(inv *seaworthy.Inventory) { inv.Gaps = nil },
		"order": func(inv *seaworthy.Inventory) { slices.Reverse(inv.Packages) },
	} {
		inv := sample()
		change(&inv)
		if Hash(inv) != sampleHash {
			t.Errorf("%s change the hash", name)
		}
	}
}

func TestHashSeesEachField(t *testing.T) {
	t.Parallel()
	seen := map[seaworthy.Digest]string{sampleHash: "nothing"}
	for name, change := range map[string]func(*seaworthy.Inventory){
		"id":             func(inv *seaworthy.Inventory) { inv.Distribution.ID += "x" },
		"version id":     func(inv *seaworthy.Inventory) { inv.Distribution.VersionID += "x" },
		"name":           func(inv *seaworthy.Inventory) { inv.Distribution.Name += "x" },
		"ecosystem":      func(inv *seaworthy.Inventory) { inv.Distribution.Ecosystem += "x" },
		"of a package":   func(inv *seaworthy.Inventory) { inv.Packages[0].Ecosystem += "x" },
		"package name":   func(inv *seaworthy.Inventory) { inv.Packages[0].Name += "x" },
		"version":        func(inv *seaworthy.Inventory) { inv.Packages[0].Version += "x" },
		"arch":           func(inv *seaworthy.Inventory) { inv.Packages[0].Arch += "x" },
		"source":         func(inv *seaworthy.Inventory) { inv.Packages[0].Source += "x" },
		"source version": func(inv *seaworthy.Inventory) { inv.Packages[0].SourceVersion += "x" },
		"module":         func(inv *seaworthy.Inventory) { inv.Packages[0].Module += "x" },
		"owner":          func(inv *seaworthy.Inventory) { inv.Packages[1].OwnedBy = "" },
		"one less":       func(inv *seaworthy.Inventory) { inv.Packages = inv.Packages[:1] },
		"moved border": func(inv *seaworthy.Inventory) {
			p := &inv.Packages[0]
			p.Name, p.Version = p.Name+p.Version, ""
		},
	} {
		inv := sample()
		change(&inv)
		h := Hash(inv)
		if other, ok := seen[h]; ok {
			t.Errorf("%s and %s have the same hash", name, other)
		}
		seen[h] = name
	}
}

const (
	emptyHash  = "sha256:880ac89a99b7a571437b1100d106747ce0f36793b39c0281eeed12d438014ca3"
	sampleHash = "sha256:ee37001045acd38328ad3e5f67d13ee3a9c2202a98fd833e2b632c373c7cf7ba"
)
