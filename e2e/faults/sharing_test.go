package faults

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy/e2e/program"
)

// sampleAdvisories finds the sample advisories of the repository.
func sampleAdvisories(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(filepath.Dir(filepath.Dir(program.Path(t))), "internal", "demo", "advisories")
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Several programs that start at once on a data directory that is not there yet
// all do their work, and agree.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	h := program.NewHome(t)
	layout := h.Samples(t)
	images := []string{"oci:" + layout + ":node-app", "oci:" + layout + ":rails-app", "oci:" + layout + ":java-app", "oci:" + layout + ":alma-tool"}
	assess := append([]string{"assess", "--quiet", "--platform", "linux/amd64", "--format", "json"}, images...)

	results := make([]program.Result, 6)
	var imported program.Result
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = h.Run(t, assess...) })
	}
	wg.Go(func() { imported = h.Run(t, "advisories", "import", sampleAdvisories(t)) })
	wg.Wait()

	if imported.Code != 0 {
		t.Errorf("the import exits with %d:\n%s", imported.Code, imported.Err)
	}
	var first []program.Assessment
	for i, r := range results {
		if r.Code != 0 {
			t.Errorf("assess %d exits with %d:\n%s", i, r.Code, r.Err)
			continue
		}
		got := program.Decode(t, r.Out)
		for j := range got { // these depend on how far the import was
			got[j].Vulnerabilities, got[j].Inventory.Gaps = nil, nil
		}
		if first == nil {
			first = got
		}
		if d := cmp.Diff(first, got); d != "" {
			t.Errorf("assess %d gives other inventories (-first +this):\n%s", i, d)
		}
	}
	if len(first) != len(images) {
		t.Errorf("%d assessments of %d images", len(first), len(images))
	}

	alone := program.NewHome(t)
	alone.Succeed(t, "advisories", "import", sampleAdvisories(t))
	want, got := program.Decode(t, alone.Succeed(t, assess...)), program.Decode(t, h.Succeed(t, assess...))
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("findings after the crowd (-of one alone +after):\n%s", d)
	}
	found := 0
	for _, a := range got {
		found += len(a.Vulnerabilities)
	}
	if found == 0 {
		t.Error("nothing was found")
	}
}
