// Package sqldb runs one SQL text on SQLite and on PostgreSQL.
//
// The text uses $1 placeholders and what both understand; the few differences
// are tokens (see [Bulk] for those that read rows):
//
//	{{id}}         the type of a generated key
//	{{json}}       the type of a JSON column
//	{{bytes}}      the type of a bytes column
//	{{clustered}}  behind a table: its rows are stored in its primary key
//	{{rows}}       the rows of a Bulk, named j
//	{{text N}}, {{int N}}, {{blob N}}  the value N of such a row
//	{{int}}        such a row itself, if the rows are plain numbers
//
// Errors that a person can do something about, such as a full disk, a locked
// database or a refused password, are *seaworthy.Error and name the database.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Options says which database to open: a file or a server.
type Options struct {
	Path string // of an SQLite file
	URL  string // of a PostgreSQL database, postgres://…

	Trace func(statement string) // told of each statement before it runs; may be nil
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	name  string // for people
	path  string // of an SQLite file, else empty
	trace func(string)

	write, read *sql.DB       // SQLite: one writer, some readers
	pool        *pgxpool.Pool // PostgreSQL
}

// Scan reads the row at hand, as the Scan method of sql.Rows does.
type Scan func(dest ...any) error

// rows is what the two drivers' results have in common.
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
}

// session is a transaction of either driver.
type session interface {
	exec(ctx context.Context, text string, args []any) (int64, error)
	query(ctx context.Context, text string, args []any) (r rows, done func() error, err error)
	commit(ctx context.Context) error
	rollback(ctx context.Context) error
}

// Tx is an open transaction.
type Tx struct {
	db *DB
	s  session
}

// Exec runs a statement and tells how many rows it changed.
func (t *Tx) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	t.db.tell(text)
	n, err := t.s.exec(ctx, t.db.Expand(text), args)
	return n, t.db.explain(ctx, err)
}

// Each runs a query and calls row for each row of its result. What row's scan
// leaves in a []byte stays valid. No other statement may run on t meanwhile.
func (t *Tx) Each(ctx context.Context, row func(Scan) error, text string, args ...any) error {
	t.db.tell(text)
	r, done, err := t.s.query(ctx, t.db.Expand(text), args)
	if err != nil {
		return t.db.explain(ctx, err)
	}
	for r.Next() {
		if err := row(r.Scan); err != nil {
			return errors.Join(t.db.explain(ctx, err), ignore(done()))
		}
	}
	return t.db.explain(ctx, errors.Join(r.Err(), done()))
}

// ignore drops the error of a clean-up behind an error that is told.
func ignore(error) error { return nil }

// Lock waits until no other transaction holds the lock named by key, shared or
// not, and holds it until t ends. With shared, others may share it. On SQLite,
// where a writing transaction is alone, it does nothing.
func (t *Tx) Lock(ctx context.Context, key int32, shared bool) error {
	if t.db.pool == nil {
		return nil
	}
	function := "pg_advisory_xact_lock"
	if shared {
		function = "pg_advisory_xact_lock_shared"
	}
	_, err := t.Exec(ctx, "select "+function+"($1, hashtext(current_schema()))", key)
	return err
}

// attempts is how often a transaction is tried that PostgreSQL ends because of
// another: a deadlock or a serialisation failure.
const attempts = 5

// Tx runs fn in a transaction that may write, and commits it unless fn fails or
// panics. On PostgreSQL fn runs again when the database ends the transaction
// for the sake of another, so it must not keep anything of a failed run.
func (db *DB) Tx(ctx context.Context, fn func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := db.run(ctx, true, fn)
		if attempt == attempts || !isRace(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(rand.Int64N(int64(attempt) * int64(20*time.Millisecond)))):
		}
	}
}

// View runs fn in a transaction that reads one state of the database and can
// not write.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	return db.run(ctx, false, fn)
}

func (db *DB) run(ctx context.Context, write bool, fn func(*Tx) error) error {
	s, err := db.begin(ctx, write)
	if err != nil {
		return db.explain(ctx, err)
	}
	open := true
	defer func() {
		if open { // fn failed or panics; the rollback must reach the server even if ctx has ended
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			_ = s.rollback(ctx)
		}
	}()
	if err := fn(&Tx{db: db, s: s}); err != nil {
		return err
	}
	if err := s.commit(ctx); err != nil {
		return db.explain(ctx, err)
	}
	open = false
	return nil
}

func (db *DB) begin(ctx context.Context, write bool) (session, error) {
	if db.pool != nil {
		options := pgx.TxOptions{}
		if !write {
			options = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
		}
		tx, err := db.pool.BeginTx(ctx, options)
		return postgresTx{tx}, err
	}
	pool := db.read
	if write {
		pool = db.write
	}
	tx, err := pool.BeginTx(ctx, nil)
	return sqliteTx{tx}, err
}

func (db *DB) tell(text string) {
	if db.trace != nil {
		db.trace(text)
	}
}

// Name is how messages call the database: its path, or its host and name.
func (db *DB) Name() string { return db.name }

// Path is the SQLite file; empty on PostgreSQL.
func (db *DB) Path() string { return db.path }

// Close ends all connections.
func (db *DB) Close() error {
	if db.pool != nil {
		db.pool.Close()
		return nil
	}
	if err := errors.Join(db.read.Close(), db.write.Close()); err != nil {
		return fmt.Errorf("close database %s: %w", db.name, err)
	}
	return nil
}

// Open opens the database. An SQLite file is made if there is none, with its
// directory, for the user alone.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.URL != "" {
		return openPostgres(ctx, o)
	}
	return openSQLite(o)
}
