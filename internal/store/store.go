// Package store holds all SQL of the product, in one text for SQLite and
// PostgreSQL. Writes are idempotent, sorted and in bulk: one statement takes any
// number of rows as a JSON parameter. Times are integer milliseconds, digests
// are bytes, booleans are 0 and 1.
//
// An SQLite database is one file that several processes may use side by side:
// one writer at a time, readers never wait. It refuses a database whose schema
// is newer than the program.
package store

import (
	"cmp"
	"context"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store/packed"
	"github.com/seaworthy-dev/seaworthy/internal/store/sqldb"
)

// Config says which database to open and how to derive what the store keeps
// beside packages and advisories. One of Path and URL must be set.
type Config struct {
	Path string // of an SQLite file, made if there is none
	URL  string // of a PostgreSQL database, postgres://…

	// AdvisoryName gives the name by which advisories speak of a package; nil
	// takes the source's name or its own.
	AdvisoryName func(seaworthy.Package) string

	// Header gives what a listing needs of a source's advisory, in a form of the
	// caller's own; nil takes JSON of the record without its long fields.
	Header func(a seaworthy.Advisory, source string) ([]byte, error)

	// Concerns gives the ecosystems of packages that an advisory for e can concern;
	// nil is e alone.
	Concerns func(e seaworthy.Ecosystem) []seaworthy.Ecosystem

	// Rules is the version of the matching rules, above 0. When it is not the one
	// that the database was last opened with, all packages are due for matching.
	Rules int

	// Trace is told of each SQL statement before it runs; may be nil.
	Trace func(statement string)
}

// Store is an open database. It is safe for concurrent use.
type Store struct {
	db           *sqldb.DB
	codec        packed.Codec
	advisoryName func(seaworthy.Package) string
	header       func(seaworthy.Advisory, string) ([]byte, error)
	concerns     func(seaworthy.Ecosystem) []seaworthy.Ecosystem
}

//go:embed schema/*.sql
var schemaFiles embed.FS

// Open opens the database and brings its schema up to date. A database that a
// newer program wrote is refused with CodeConflict.
func Open(ctx context.Context, c Config) (*Store, error) {
	schema, err := fs.Sub(schemaFiles, "schema")
	if err != nil {
		return nil, fmt.Errorf("find the schema: %w", err)
	}
	s, err := open(ctx, c, schema)
	if err != nil {
		return nil, err
	}
	if err := s.applyRules(ctx, max(c.Rules, 1)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func open(ctx context.Context, c Config, schema fs.FS) (*Store, error) {
	if (c.Path == "") == (c.URL == "") {
		return nil, errors.New("open store: either a path or a URL must be given")
	}
	db, err := sqldb.Open(ctx, sqldb.Options{Path: c.Path, URL: c.URL, Trace: c.Trace})
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, schema); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s := &Store{db: db, advisoryName: c.AdvisoryName, header: c.Header, concerns: c.Concerns}
	if s.concerns == nil {
		s.concerns = func(e seaworthy.Ecosystem) []seaworthy.Ecosystem { return []seaworthy.Ecosystem{e} }
	}
	if s.advisoryName == nil {
		s.advisoryName = func(p seaworthy.Package) string { return cmp.Or(p.Source, p.Name) }
	}
	if s.header == nil {
		s.header = func(a seaworthy.Advisory, _ string) ([]byte, error) {
			a.Details, a.References, a.Affected = "", nil, nil
			return json.Marshal(a)
		}
	}
	return s, nil
}

// Close ends all use of the database.
func (s *Store) Close() error { return errors.Join(s.db.Close(), s.codec.Close()) }

// Name is how messages call the database: its path, or its host and name.
func (s *Store) Name() string { return s.db.Name() }

// sumOf is a digest as it is stored: its length tells the algorithm.
func sumOf(d seaworthy.Digest) ([]byte, error) {
	if _, err := seaworthy.ParseDigest(string(d)); err != nil {
		return nil, &seaworthy.Error{Code: seaworthy.CodeInvalid, Public: err.Error(), Err: err}
	}
	return hex.DecodeString(d.Hex())
}

// digest reads what sumOf made.
func digest(b []byte) seaworthy.Digest {
	algorithm := "sha256:"
	if len(b) == 64 {
		algorithm = "sha512:"
	}
	return seaworthy.Digest(algorithm + hex.EncodeToString(b))
}

// digestRows makes a row {{blob 0}} of each digest.
func digestRows(digests []seaworthy.Digest) (*sqldb.Bulk, error) {
	var rows sqldb.Bulk
	for _, d := range digests {
		b, err := sumOf(d)
		if err != nil {
			return nil, err
		}
		rows.Add(b)
	}
	return &rows, nil
}

// idRows makes a row {{int}} of each id.
func idRows(ids []int64) *sqldb.Bulk {
	var rows sqldb.Bulk
	for _, id := range ids {
		rows.AddInt(id)
	}
	return &rows
}

// millis is a time as it is stored; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func (s *Store) corrupt(what string, err error) error {
	return &seaworthy.Error{
		Code:   seaworthy.CodeCorrupt,
		Public: fmt.Sprintf("what the database %s holds of %s cannot be read", s.db.Name(), what),
		Hint:   "remove the cache; it will be made again",
		Err:    err,
	}
}
