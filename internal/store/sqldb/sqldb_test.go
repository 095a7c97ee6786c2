package sqldb

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

func openTest(t *testing.T) *DB {
	t.Helper()
	db, err := Open(t.Context(), Options{Path: filepath.Join(t.TempDir(), "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func exec(t *testing.T, db *DB, text string, args ...any) error {
	t.Helper()
	return db.Tx(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(t.Context(), text, args...)
		return err
	})
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	if err := exec(t, db, "create table x (b {{bytes}})"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.write.ExecContext(t.Context(), "pragma max_page_count = 5"); err != nil {
		t.Fatal(err)
	}
	err := exec(t, db, "insert into x values ($1)", make([]byte, 1<<20))
	if seaworthy.CodeOf(err) != seaworthy.CodeUnreachable || !strings.Contains(err.Error(), "no space is left for the database "+db.Path()) {
		t.Errorf("a full disk gives %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Skip("A READ-ONLY DIRECTORY IS NOT TESTED: root may write everywhere")
	}
	dir := filepath.Join(t.TempDir(), "locked")
	if err := os.Mkdir(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Options{Path: filepath.Join(dir, "test.db")})
	if seaworthy.CodeOf(err) != seaworthy.CodeInvalid || !strings.Contains(err.Error(), dir) {
		t.Errorf("a read-only directory gives %v", err)
	}
}

func TestViewCannotWrite(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	err := db.View(t.Context(), func(tx *Tx) error {
		_, err := tx.Exec(t.Context(), "create table x (a int)")
		return err
	})
	if seaworthy.CodeOf(err) != seaworthy.CodeInvalid || !strings.Contains(err.Error(), "cannot be written to") {
		t.Errorf("writing in a view gives %v", err)
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	if err := exec(t, db, "create table x (a int)"); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	func() {
		defer func() {
			if recover() != broken {
				t.Error("the panic did not come through")
			}
		}()
		_ = db.Tx(t.Context(), func(tx *Tx) error {
			if _, err := tx.Exec(t.Context(), "insert into x values (1)"); err != nil {
				t.Error(err)
			}
			panic(broken)
		})
	}()
	err := db.Tx(t.Context(), func(tx *Tx) error {
		if _, err := tx.Exec(t.Context(), "insert into x values (2)"); err != nil {
			t.Error(err)
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("the transaction gives %v, want the function's error", err)
	}
	count := -1
	err = db.View(t.Context(), func(tx *Tx) error {
		return tx.Each(t.Context(), func(scan Scan) error { return scan(&count) }, "select count(*) from x")
	})
	if err != nil || count != 0 {
		t.Errorf("%d rows, %v; want none", count, err)
	}
}

func TestBulk(t *testing.T) {
	t.Parallel()
	db := openTest(t)
	if err := exec(t, db, "create table x (a text, b bigint, c {{bytes}})"); err != nil {
		t.Fatal(err)
	}
	type row struct {
		A string
		B int64
		C string
	}
	want := []row{
		{"plain", 1, "bytes"}, {"", -1, ""}, {`quo"te\\ <b>`, 1 << 62, "\x00\xff"}, {"umlaut ü \u2028", 0, strings.Repeat("long", 1<<16)},
	}
	var bulk Bulk
	for range 2 { // the second time with the memory of the first
		bulk.Reset()
		for _, r := range want {
			bulk.Add(r.A, r.B, []byte(r.C))
		}
	}
	err := exec(t, db, "insert into x select {{text 0}}, {{int 1}}, {{blob 2}} from {{rows}}", bulk.Rows(), bulk.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var got []row
	err = db.View(t.Context(), func(tx *Tx) error {
		return tx.Each(t.Context(), func(scan Scan) error {
			var r row
			var c []byte
			err := scan(&r.A, &r.B, &c)
			r.C = string(c)
			got = append(got, r)
			return err
		}, "select a, b, c from x where c is not null")
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a":            `"a"`,
		"\x00":         `"\ufffd"`,
		`\u0000`:       `"\\u0000"`,
		"\\\x00\"\x00": `"\\\ufffd\"\ufffd"`,
	} {
		if got, err := JSON(in); err != nil || got != want {
			t.Errorf("JSON(%q) is %s, %v; want %s", in, got, err, want)
		}
	}
}
