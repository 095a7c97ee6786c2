package store

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

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
