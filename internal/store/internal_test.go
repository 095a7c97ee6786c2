package store

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store/sqldb"
)

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	first, err := schemaFiles.ReadFile("schema/0001_assess.sql")
	if err != nil {
		t.Fatal(err)
	}
	old := fstest.MapFS{"0001_assess.sql": {Data: first}}
	later := fstest.MapFS{"0001_assess.sql": old["0001_assess.sql"], "0007_more.sql": {Data: []byte("-- +goose Up\ncreate table more (id {{id}});\n")}}
	c := Config{Path: filepath.Join(t.TempDir(), "store.db")}
	for _, schema := range []fs.FS{old, later, later} { // upgrades in place
		s, err := open(t.Context(), c, schema)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	_, err = open(t.Context(), c, old)
	want := "database " + c.Path + " was written by a newer seaworthy (schema 7, this program knows 1); upgrade the program"
	if seaworthy.CodeOf(err) != seaworthy.CodeConflict || err.Error() != want {
		t.Errorf("open gives %v, want %s", err, want)
	}
}

func TestBrokenMigrationChangesNothing(t *testing.T) {
	t.Parallel()
	c := Config{Path: filepath.Join(t.TempDir(), "store.db")}
	broken := fstest.MapFS{"0001_x.sql": {Data: []byte("-- +goose Up\ncreate table x (id {{id}});\nselect from;\n")}}
	if _, err := open(t.Context(), c, broken); err == nil || !strings.Contains(err.Error(), c.Path) {
		t.Errorf("open gives %v, want an error with the path", err)
	}
	fixed := fstest.MapFS{"0001_x.sql": {Data: []byte("-- +goose Up\ncreate table x (id {{id}});\n")}}
	s, err := open(t.Context(), c, fixed)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A stored row that cannot be read says what to do.
func TestCorruptRows(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "store.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	d := seaworthy.DigestOf(nil)
	if err := s.PutContents(t.Context(), d, 1, &seaworthy.Contents{}); err != nil {
		t.Fatal(err)
	}
	img := seaworthy.Image{Digest: d}
	if _, err := s.PutImage(t.Context(), img, seaworthy.Inventory{}, d, 1, fromMillis(1)); err != nil {
		t.Fatal(err)
	}
	err = s.db.Tx(t.Context(), func(tx *sqldb.Tx) error {
		for _, text := range []string{"update contents set body = substr(body, 1, 3)", "update image set placement = body from contents"} {
			if _, err := tx.Exec(t.Context(), text); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, contents := s.Contents(t.Context(), []seaworthy.Digest{d}, 1)
	_, images := s.Images(t.Context(), []seaworthy.Digest{d}, 1)
	for _, err := range []error{contents, images} {
		if seaworthy.CodeOf(err) != seaworthy.CodeCorrupt || !strings.Contains(err.Error(), "remove the cache") {
			t.Errorf("error is %v, want it to say that the cache is corrupt", err)
		}
	}
}

func versionLists(t *rapid.T) []string {
	return rapid.SliceOfN(rapid.StringMatching(`[0-9a-z.~+:-]{0,12}`), 0, 80).Draw(t, "versions")
}

func TestAffectedRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 8, 40)
		event := rapid.Custom(func(t *rapid.T) seaworthy.Event {
			return seaworthy.Event{Introduced: text.Draw(t, "i"), Fixed: text.Draw(t, "f"), LastAffected: text.Draw(t, "l"), Limit: text.Draw(t, "m")}
		})
		span := rapid.Custom(func(t *rapid.T) seaworthy.Range {
			return seaworthy.Range{Type: seaworthy.RangeType(text.Draw(t, "type")), Events: rapid.SliceOfN(event, 0, 4).Draw(t, "events")}
		})
		rating := rapid.Custom(func(t *rapid.T) seaworthy.Rating {
			return seaworthy.Rating{Source: text.Draw(t, "s"), Type: text.Draw(t, "t"), Value: text.Draw(t, "v")}
		})
		want := seaworthy.Affected{
			Ranges: rapid.SliceOfN(span, 0, 4).Draw(t, "ranges"), Versions: versionLists(t),
			Ratings: rapid.SliceOfN(rating, 0, 3).Draw(t, "ratings"), Urgency: text.Draw(t, "urgency"), Binaries: versionLists(t),
		}
		var s Store
		reader := s.affectedReader()
		detail, err := s.codec.storeAffected(packAffected(want))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time with a known list
			got, err := reader.read(detail)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("affected (-want +got):\n%s", diff)
			}
		}
		f := seaworthy.Finding{Advisory: text.Draw(t, "id"), Verdict: seaworthy.Undecided, Fixed: text.Draw(t, "fixed"), Ratings: want.Ratings}
		if got, err := unpackFinding(packFinding(f)); err != nil || cmp.Diff(f, got, cmpopts.EquateEmpty()) != "" {
			t.Fatalf("finding is %v, %v; want %v", got, err, f)
		}
	})
}

// FuzzStored reads arbitrary bytes as each of the stored forms.
func FuzzStored(f *testing.F) {
	var c seaworthy.Contents
	c.Entries.Add(seaworthy.Entry{Kind: seaworthy.EntryFile, Path: "a"})
	c.Records = []seaworthy.Record{{Path: "p", Format: "npm"}}
	body, err := encodeContents(&c)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte{contentsFormat})
	f.Add(packFinding(seaworthy.Finding{Advisory: "A", Ratings: []seaworthy.Rating{{Source: "s"}}}))
	placement := seaworthy.Inventory{Packages: []seaworthy.Placed{{OwnedBy: "x", Locations: []seaworthy.Location{{Layer: 3, Path: "p"}}}}}
	f.Add(packPlacement(placement, []int64{7}))
	var s Store
	detail, err := s.codec.storeAffected(packAffected(seaworthy.Affected{Versions: []string{"1.0", "1.1"}, Binaries: []string{"b"}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(detail)
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := decodeContents(b); err == nil {
			again, err := encodeContents(c)
			if err != nil {
				t.Fatalf("what was decoded cannot be encoded: %v", err)
			}
			if _, err := decodeContents(again); err != nil {
				t.Fatalf("what was encoded cannot be decoded: %v", err)
			}
		}
		if inv, ids, err := unpackPlacement(b); err == nil && len(inv.Packages) != len(ids) {
			t.Fatalf("%d packages with %d ids", len(inv.Packages), len(ids))
		}
		if finding, err := unpackFinding(b); err == nil {
			if again, err := unpackFinding(packFinding(finding)); err != nil || cmp.Diff(finding, again, cmpopts.EquateEmpty()) != "" {
				t.Fatalf("finding is %v after a round trip, %v; want %v", again, err, finding)
			}
		}
		if r, err := decodeRecord(b); err == nil && len(r.hash) != 2*hashHalf {
			t.Fatalf("a record with a hash of %d bytes", len(r.hash))
		}
		if a, err := s.affectedReader().read(b); err == nil {
			if _, err := s.codec.storeAffected(packAffected(a)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
