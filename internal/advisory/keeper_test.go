package advisory

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

// memory keeps feeds as a store does: all of a replacement, or nothing.
type memory struct {
	feeds   map[string]seaworthy.Feed
	records map[string]map[string]seaworthy.Advisory // by family and id
	kev     map[string]seaworthy.KEV
	epss    []EPSSRow
	fail    error // of the next replacement with records, at its end
}

func newMemory() *memory {
	return &memory{feeds: map[string]seaworthy.Feed{}, records: map[string]map[string]seaworthy.Advisory{}}
}

func (m *memory) Feed(_ context.Context, source, family string) (seaworthy.Feed, error) {
	return m.feeds[source+"/"+family], nil
}

func (m *memory) Replace(
	ctx context.Context, f seaworthy.Feed, full bool, records iter.Seq2[seaworthy.Advisory, error],
) (changed int, err error) {
	next := map[string]seaworthy.Advisory{}
	if !full {
		next = maps.Clone(m.records[f.Ecosystem])
	}
	if next == nil {
		next = map[string]seaworthy.Advisory{}
	}
	seen := 0
	for a, err := range records {
		if err != nil {
			return 0, fmt.Errorf("replace: %w", err)
		}
		seen++
		if before, ok := m.records[f.Ecosystem][a.ID]; !ok || !reflect.DeepEqual(before, a) {
			changed++
		}
		next[a.ID] = a
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if m.fail != nil && seen > 0 {
		return 0, m.fail
	}
	f.Records, f.Withdrawn = 0, 0
	for _, a := range next {
		if a.Withdrawn.IsZero() {
			f.Records++
		} else {
			f.Withdrawn++
		}
	}
	for id := range m.records[f.Ecosystem] {
		if _, ok := next[id]; !ok {
			changed++
		}
	}
	m.records[f.Ecosystem] = next
	m.feeds[f.Source+"/"+f.Ecosystem] = f
	return changed, nil
}

func (m *memory) ReplaceKEV(_ context.Context, f seaworthy.Feed, entries map[string]seaworthy.KEV) error {
	m.kev = entries
	m.feeds[f.Source+"/"] = f
	return nil
}

func (m *memory) ReplaceEPSS(_ context.Context, f seaworthy.Feed, rows iter.Seq2[EPSSRow, error]) error {
	var next []EPSSRow
	for row, err := range rows {
		if err != nil {
			return fmt.Errorf("replace: %w", err)
		}
		next = append(next, row)
	}
	m.epss = next
	f.Records = len(next)
	m.feeds[f.Source+"/"] = f
	return nil
}

func (m *memory) ids(family string) string {
	var ids []string
	for id := range m.records[family] {
		ids = append(ids, id)
	}
	return sorted(ids)
}

// dated is a memory that can tell when its records were modified.
type dated struct{ *memory }

func (d dated) Modified(_ context.Context, _, family string, ids []string) (map[string]time.Time, error) {
	known := map[string]time.Time{}
	for _, id := range ids {
		if a, ok := d.records[family][id]; ok {
			known[id] = a.Modified
		}
	}
	return known, nil
}

// A Wednesday; each family's week begins at another time, so tests that cross
// none stay within minutes.
var today = time.Date(2026, 11, 18, 12, 0, 0, 0, time.UTC)

func stamp(before time.Duration) string { return today.Add(-before).Format(time.RFC3339) }

// record is an OSV record of a package in the ecosystem.
func record(id, ecosystem, modified string) string {
	return fmt.Sprintf(`{"id":%q,"modified":%q,"affected":[{"package":{"ecosystem":%q,"name":"thing"},`+
		`"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.2"}]}]}]}`, id, modified, ecosystem)
}

// zipOf makes a zip of name, content pairs.
func zipOf(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		f, err := w.Create(pairs[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(pairs[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// fakeBucket serves files by path, and remembers what was asked for.
type fakeBucket struct {
	*httptest.Server
	mu       sync.Mutex
	files    map[string][]byte
	modified map[string]time.Time
	asked    []string
	special  map[string]http.HandlerFunc
}

func newBucket(t testing.TB) *fakeBucket {
	b := &fakeBucket{files: map[string][]byte{}, modified: map[string]time.Time{}, special: map[string]http.HandlerFunc{}}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *fakeBucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	b.mu.Lock()
	b.asked = append(b.asked, path)
	body, ok := b.files[path]
	at, special := b.modified[path], b.special[path]
	b.mu.Unlock()
	switch {
	case special != nil:
		special(w, r)
	case !ok:
		http.NotFound(w, r)
	default:
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", at, bytes.NewReader(body))
	}
}

func (b *fakeBucket) put(path, content string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.files[path] = []byte(content)
}

// log gives what was asked for since it was last called.
func (b *fakeBucket) log() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := b.asked
	b.asked = nil
	return asked
}

func newUpdater(k Keeper) *Updater {
	return &Updater{
		Keeper: k, Limits: seaworthy.DefaultLimits(), Now: func() time.Time { return today },
		pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

func diff(t testing.TB, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// update brings one family up to date and fails the test if that fails.
func update(t testing.TB, u *Updater, base, family string) Result {
	t.Helper()
	results, err := u.OSV(t.Context(), base, []string{family})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 1 {
		t.Fatalf("%d results, want 1", len(results))
	}
	return results[0]
}
