package image

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

func reasons(inv seaworthy.Inventory) string {
	var all []string
	for _, g := range inv.Gaps {
		all = append(all, fmt.Sprintf("%d %s: %s", g.Layer, g.Path, g.Reason))
	}
	return strings.Join(all, "\n")
}

func TestChainsOfLinks(t *testing.T) {
	t.Parallel()
	chain := func(n int) *seaworthy.Contents {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "link l%d -> l%d\n", i, i+1)
		}
		return contents(t, b.String()+"pkg l0/x.pkg p")
	}
	inv := Merge([]*seaworthy.Contents{chain(maxLinks)})
	if diff := cmp.Diff([]string{fmt.Sprintf("npm p 0:l%d/x.pkg", maxLinks)}, show(inv)); diff != "" {
		t.Errorf("a chain of 40: %s\n%s", diff, reasons(inv))
	}
	inv = Merge([]*seaworthy.Contents{chain(maxLinks + 1)})
	if len(inv.Packages) > 0 || !strings.Contains(reasons(inv), "chain of more than 40") {
		t.Errorf("a chain of 41: %v %s", show(inv), reasons(inv))
	}
}

func TestLongPaths(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("/d", 2000)
	inv := Merge([]*seaworthy.Contents{contents(t, "link l -> "+long+"\npkg l/x.pkg p\npkg l"+long+"/y.pkg q")})
	if len(inv.Packages) != 1 || inv.Packages[0].Name != "p" || !strings.Contains(reasons(inv), "longer than 4096") {
		t.Errorf("%d packages; gaps\n%.300s", len(inv.Packages), reasons(inv))
	}
}

// Each entry makes another 1,500 directories.
func TestTooManyNodes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes 150 MB")
	}
	c := contents(t, "pkg before.pkg p")
	for i := range 1000 {
		c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntrySymlink, Path: fmt.Sprintf("l%d", i), Target: fmt.Sprintf("%d%s", i, strings.Repeat("/d", 1500))})
		c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntrySymlink, Path: fmt.Sprintf("l%d/x", i), Target: "y"})
	}
	upper := contents(t, "pkg after/x.pkg q\nwhiteout before.pkg")
	inv := Merge([]*seaworthy.Contents{c, upper})
	if len(inv.Packages) != 0 || !strings.Contains(reasons(inv), errFull.Error()) {
		t.Errorf("%v; gaps\n%.300s", show(inv), reasons(inv))
	}
	if !slices.Contains(showGaps(inv), "file 1 after/x.pkg") {
		t.Errorf("the lost file is not named: %v", showGaps(inv))
	}
}

// Each path goes through 40 long links; without a bound on the work it takes
// minutes.
func TestTooMuchWork(t *testing.T) {
	t.Parallel()
	var c seaworthy.Contents
	for i := range maxLinks - 1 {
		c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntrySymlink, Path: fmt.Sprintf("l%d", i), Target: strings.Repeat("./", 1900) + fmt.Sprintf("l%d", i+1)})
	}
	for i := range 20_000 {
		c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryFile, Path: fmt.Sprintf("l0/%d/x", i)})
	}
	start := time.Now()
	inv := Merge([]*seaworthy.Contents{&c})
	if !strings.Contains(reasons(inv), errFull.Error()) {
		t.Errorf("no gap, after %v: %s", time.Since(start), reasons(inv))
	}
}

// Merge is called for many images of the same contents.
func TestMergeChangesNothing(t *testing.T) {
	t.Parallel()
	build := func() []*seaworthy.Contents {
		return []*seaworthy.Contents{
			contents(t, debian12+"dpkg var/lib/dpkg/status a@1\ncorrupt c.pkg\npkg x.pkg p\nlist var/lib/dpkg/info/a.list a:amd64 x.pkg"),
			contents(t, "hard d.pkg -> c.pkg\nhard y.pkg -> x.pkg\nhard z.pkg -> nothing\ncorrupt d.pkg"),
		}
	}
	layers := build()
	first := Merge(layers)
	second := Merge(layers)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second merge differs (-first +second)\n%s", diff)
	}
	for i, want := range build() {
		got := layers[i]
		if diff := cmp.Diff([]any{want.Records, want.Links, want.Gaps}, []any{got.Records, got.Links, got.Gaps}); diff != "" {
			t.Errorf("layer %d was changed (-want +got)\n%s", i, diff)
		}
	}
}
