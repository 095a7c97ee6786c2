package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/seaworthy-dev/seaworthy"
)

// readers bounds the connections that read an SQLite file at once; each has a
// page cache of its own.
const readers = 4

func openSQLite(o Options) (*DB, error) {
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, fmt.Errorf("find the database %s: %w", o.Path, err)
	}
	if err := makeFile(path); err != nil {
		return nil, &seaworthy.Error{
			Code:   seaworthy.CodeInvalid,
			Public: fmt.Sprintf("the database %s cannot be made: %v", path, reason(path, err)),
			Hint:   "let this user write to its directory, or name another",
			Err:    err,
		}
	}
	// Caches are small, for the operating system keeps the file's pages anyway;
	// the writer's is what keeps a large transaction from writing pages twice.
	write, err := sql.Open("sqlite", dsn(path, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {
			"busy_timeout(30000)", "synchronous(normal)", "foreign_keys(1)",
			"cache_size(-8192)", "journal_size_limit(16777216)",
		},
	}))
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	write.SetMaxOpenConns(1)
	read, err := sql.Open("sqlite", dsn(path, url.Values{
		"_pragma": {"busy_timeout(30000)", "cache_size(-1024)", "query_only(1)"},
	}))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), write.Close())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &DB{name: path, path: path, trace: o.Trace, write: write, read: read}, nil
}

// makeFile makes the file for the user alone; SQLite gives the files beside it
// the same mode.
func makeFile(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// reason is the cause without the operation, and without the path if the message
// around it names just that.
func reason(path string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		if p.Path == path {
			return p.Err
		}
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}

func dsn(path string, query url.Values) string {
	path = filepath.ToSlash(path)
	if path[0] != '/' { // a Windows drive
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}).String()
}

type sqliteTx struct{ tx *sql.Tx }

func (t sqliteTx) exec(ctx context.Context, text string, args []any) (int64, error) {
	result, err := t.tx.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (t sqliteTx) query(ctx context.Context, text string, args []any) (rows, func() error, error) {
	r, err := t.tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, nil, err
	}
	return r, r.Close, nil
}

func (t sqliteTx) commit(context.Context) error   { return t.tx.Commit() }
func (t sqliteTx) rollback(context.Context) error { return t.tx.Rollback() }

// Compact moves what was written since into the main file and makes the log
// beside it small again, as far as readers allow. On PostgreSQL it does nothing.
func (db *DB) Compact(ctx context.Context) error {
	if db.path == "" {
		return nil
	}
	_, err := db.write.ExecContext(ctx, "pragma wal_checkpoint(truncate)")
	return db.explain(ctx, err)
}
