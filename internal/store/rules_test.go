package store_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store"
	"github.com/seaworthy-dev/seaworthy/internal/store/storetest"
)

// New matching rules make all packages due, by the names that they look up, and
// just once.
func TestRules(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, c store.Config) {
		upper := func(p seaworthy.Package) string { return strings.ToUpper(p.Name) }
		c.Rules = 1
		s := storetest.Open(t, c)
		ids := putPackages(t, s, "alpha", "beta")
		matchAll(t, s, ids)

		again := storetest.Open(t, c)
		if due := dueOf(t, again, ids); len(due) != 0 {
			t.Errorf("the same rules make %v due", due)
		}
		c.Rules, c.AdvisoryName = 2, upper
		newer := storetest.Open(t, c)
		if due := dueOf(t, newer, ids); !slices.Equal(due, []string{"alpha", "beta"}) {
			t.Errorf("new rules make %v due, want both packages", due)
		}
		matchAll(t, newer, ids)
		if due := dueOf(t, storetest.Open(t, c), ids); len(due) != 0 {
			t.Errorf("after they were matched, %v are due", due)
		}

		// An advisory finds the packages by their new names.
		replaceOne(t, newer, "Debian:12", "ALPHA")
		if due := dueOf(t, newer, ids); !slices.Equal(due, []string{"alpha"}) {
			t.Errorf("an advisory for ALPHA makes %v due", due)
		}
	})
}

// An advisory can concern packages of another ecosystem than its own, as those
// of Ubuntu Pro do.
func TestConcerns(t *testing.T) {
	t.Parallel()
	storetest.EachConfig(t, func(t *testing.T, c store.Config) {
		c.Concerns = func(e seaworthy.Ecosystem) []seaworthy.Ecosystem {
			return []seaworthy.Ecosystem{e, "Debian:12"}
		}
		s := storetest.Open(t, c)
		ids := putPackages(t, s, "alpha", "beta")
		matchAll(t, s, ids)
		replaceOne(t, s, "Debian:Pro:12", "beta")
		if due := dueOf(t, s, ids); !slices.Equal(due, []string{"beta"}) {
			t.Errorf("%v are due, want beta", due)
		}
	})
}

// putPackages stores an image of Debian packages and gives their rows.
func putPackages(t *testing.T, s *store.Store, names ...string) []int64 {
	t.Helper()
	var inv seaworthy.Inventory
	for _, name := range names {
		inv.Packages = append(inv.Packages, seaworthy.Placed{
			Package:   seaworthy.Package{Ecosystem: "Debian:12", Name: name, Version: "1.0", Source: name, SourceVersion: "1.0"},
			Locations: []seaworthy.Location{{Path: "var/lib/dpkg/status"}},
		})
	}
	img := seaworthy.Image{Digest: seaworthy.DigestOf([]byte(strings.Join(names, " ")))}
	stored, err := s.PutImage(t.Context(), img, inv, seaworthy.DigestOf([]byte("set")), 1, noon)
	if err != nil {
		t.Fatal(err)
	}
	return stored.PackageIDs
}

func dueOf(t *testing.T, s *store.Store, ids []int64) []string {
	t.Helper()
	rows, err := s.Unmatched(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, r := range rows {
		names = append(names, r.Package.Name)
	}
	slices.Sort(names)
	return names
}

func matchAll(t *testing.T, s *store.Store, ids []int64) {
	t.Helper()
	rows, err := s.Unmatched(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	var matched []store.MatchedPackage
	for _, r := range rows {
		matched = append(matched, store.MatchedPackage{PackageID: r.ID, Wanted: r.Wanted})
	}
	if err := s.PutFindings(t.Context(), matched); err != nil {
		t.Fatal(err)
	}
}

// replaceOne brings one advisory on a package name.
func replaceOne(t *testing.T, s *store.Store, e seaworthy.Ecosystem, name string) {
	t.Helper()
	a := seaworthy.Advisory{ID: "TEST-1", Modified: noon, Affected: []seaworthy.Affected{{
		Ecosystem: e, Name: name,
		Ranges: []seaworthy.Range{{Type: seaworthy.RangeEcosystem, Events: []seaworthy.Event{{Introduced: "0"}}}},
	}}}
	f := seaworthy.Feed{Source: "osv", Ecosystem: "Debian", URL: "file:///bucket", Newest: noon, Updated: noon}
	_, err := s.Replace(t.Context(), f, false, func(yield func(seaworthy.Advisory, error) bool) { yield(a, nil) })
	if err != nil {
		t.Fatal(err)
	}
}
