package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"github.com/seaworthy-dev/seaworthy"
)

const (
	versionTable = "schema_version"
	migrateLock  = 0x5ea_0001 // the advisory lock of PostgreSQL
)

// Migrate brings the schema to the newest of the goose migrations in the root
// of schema, whose tokens it expands. Of several processes that do so at once,
// one works and the others wait. A schema that is newer than that is refused.
func (db *DB) Migrate(ctx context.Context, schema fs.FS) error {
	newest, err := newestIn(schema)
	if err != nil {
		return err
	}
	current, err := db.schemaVersion(ctx)
	if err != nil {
		return err
	}
	if current > newest {
		return &seaworthy.Error{
			Code: seaworthy.CodeConflict,
			Public: fmt.Sprintf("database %s was written by a newer seaworthy (schema %d, this program knows %d)",
				db.name, current, newest),
			Hint: "upgrade the program",
		}
	}
	if current == newest {
		return nil
	}
	if err := db.migrate(ctx, schema); err != nil {
		return db.explain(ctx, fmt.Errorf("migrate: %w", err))
	}
	return nil
}

// schemaVersion is 0 if there is no schema.
func (db *DB) schemaVersion(ctx context.Context) (version int64, err error) {
	err = db.View(ctx, func(tx *Tx) error {
		return tx.Each(ctx, func(scan Scan) error { return scan(&version) },
			"select coalesce(max(version_id), 0) from "+versionTable)
	})
	if isNoTable(err) {
		return 0, nil
	}
	return version, err
}

func newestIn(schema fs.FS) (newest int64, err error) {
	names, err := fs.Glob(schema, "*.sql")
	if err != nil {
		return 0, fmt.Errorf("list migrations: %w", err)
	}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", name, err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}

func (db *DB) migrate(ctx context.Context, schema fs.FS) (err error) {
	dialect, handle := goose.DialectSQLite3, db.write
	if db.pool != nil { // connections of their own, for the pool may have just one
		dialect, handle = goose.DialectPostgres, stdlib.OpenDB(*db.pool.Config().ConnConfig)
		defer func() { err = errors.Join(err, handle.Close()) }()
	}
	unlock, err := db.lockMigrations(ctx, handle)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()

	if db.path != "" {
		if _, err := handle.ExecContext(ctx, "pragma journal_mode(wal)"); err != nil { // the file remembers it
			return err
		}
	}
	provider, err := goose.NewProvider(dialect, handle, expanded{schema, db},
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// lockMigrations holds a lock that other processes wait for: on PostgreSQL an
// advisory lock, for SQLite the lock of an empty database beside the file,
// because each migration is a transaction of its own.
func (db *DB) lockMigrations(ctx context.Context, handle *sql.DB) (unlock func() error, err error) {
	if db.pool != nil {
		conn, err := handle.Conn(ctx)
		if err != nil {
			return nil, err
		}
		if _, err := conn.ExecContext(ctx, "select pg_advisory_lock($1, hashtext(current_schema()))", migrateLock); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return func() error {
			_, err := conn.ExecContext(context.WithoutCancel(ctx), "select pg_advisory_unlock($1, hashtext(current_schema()))", migrateLock)
			return errors.Join(err, conn.Close())
		}, nil
	}
	path := db.path + "-migrate"
	if err := makeFile(path); err != nil {
		return nil, err
	}
	gate, err := sql.Open("sqlite", dsn(path, url.Values{"_txlock": {"exclusive"}, "_pragma": {"busy_timeout(30000)"}}))
	if err != nil {
		return nil, err
	}
	tx, err := gate.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, gate.Close())
	}
	return func() error {
		_ = tx.Rollback() // nothing was written, and an ended ctx has done it already
		return gate.Close()
	}, nil
}

// expanded is a file system whose files have their tokens replaced.
type expanded struct {
	fs.FS
	db *DB
}

func (e expanded) Open(name string) (fs.File, error) {
	f, err := e.FS.Open(name)
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return f, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &expandedFile{File: f, text: strings.NewReader(e.db.Expand(string(text)))}, nil
}

type expandedFile struct {
	fs.File
	text *strings.Reader
}

func (f *expandedFile) Read(b []byte) (int, error) { return f.text.Read(b) }
