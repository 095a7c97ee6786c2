package sqldb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/seaworthy-dev/seaworthy"
)

// explain gives err words for a person if there are any for it. The end of the
// caller's context stays what it is.
func (db *DB) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := errors.AsType[*seaworthy.Error](err); ok {
		return err
	}
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return db.explainSQLite(e, err)
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return db.explainPostgres(e, err)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok || isNet(err) {
		return db.failure(seaworthy.CodeUnreachable, err, "database %s cannot be reached", "see that the server runs and its address is right")
	}
	return fmt.Errorf("database %s: %w", db.name, err)
}

func (db *DB) failure(code seaworthy.Code, cause error, public, hint string) error {
	return &seaworthy.Error{Code: code, Public: fmt.Sprintf(public, db.name), Hint: hint, Err: cause}
}

func isNet(err error) bool {
	_, ok := errors.AsType[net.Error](err)
	return ok || pgconn.Timeout(err) || pgconn.SafeToRetry(err)
}

func (db *DB) explainSQLite(e *sqlite.Error, err error) error {
	code := e.Code() & 0xff
	if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // the index of the log cannot grow
		code = sqlite3.SQLITE_FULL
	}
	switch code {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return db.failure(seaworthy.CodeConflict, err, "another program has been writing to the database %s for long",
			"try again when it is done")
	case sqlite3.SQLITE_FULL:
		return db.failure(seaworthy.CodeUnreachable, err, "no space is left for the database %s", "make room on its disk")
	case sqlite3.SQLITE_READONLY:
		return db.failure(seaworthy.CodeInvalid, err, "the database %s cannot be written to",
			"let this user write to it and to its directory, or name another")
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return db.failure(seaworthy.CodeInvalid, err, "the database %s cannot be opened",
			"let this user read and write it and its directory, or name another")
	case sqlite3.SQLITE_NOTADB:
		return db.failure(seaworthy.CodeCorrupt, err, "%s is not a database", "remove it, or name another")
	case sqlite3.SQLITE_CORRUPT:
		return db.failure(seaworthy.CodeCorrupt, err, "the database %s is damaged", "remove it, or restore it from a backup")
	case sqlite3.SQLITE_IOERR:
		return db.failure(seaworthy.CodeUnreachable, err, "the disk of the database %s fails", "see the system's log")
	}
	return fmt.Errorf("database %s: %w", db.name, err)
}

// The codes of PostgreSQL's appendix A, "PostgreSQL Error Codes".
const (
	pgSerialization  = "40001"
	pgDeadlock       = "40P01"
	pgForeignKey     = "23503"
	pgLockTimeout    = "55P03"
	pgUndefinedTable = "42P01"
	pgNoDatabase     = "3D000"
	pgNoPrivilege    = "42501"
	pgDiskFull       = "53100"
	pgReadOnly       = "25006"
	pgAuthClass      = "28"
	pgConnectClass   = "08"
	pgResourceClass  = "53"
	pgShutdownClass  = "57"
	pgCorruptClass   = "XX"
)

func (db *DB) explainPostgres(e *pgconn.PgError, err error) error {
	switch e.Code {
	case pgSerialization, pgDeadlock, pgLockTimeout, pgForeignKey:
		return db.failure(seaworthy.CodeConflict, err, "another program changed the same rows of the database %s", "try again")
	case pgNoDatabase:
		return db.failure(seaworthy.CodeNotFound, err, "there is no database %s", "create it first")
	case pgNoPrivilege:
		return db.failure(seaworthy.CodeUnauthorized, err, "the user may not use the tables of the database %s", "let it own its schema")
	case pgDiskFull:
		return db.failure(seaworthy.CodeUnreachable, err, "no space is left for the database %s", "make room on its disk")
	case pgReadOnly:
		return db.failure(seaworthy.CodeInvalid, err, "the database %s cannot be written to", "name the primary, not a standby")
	}
	switch {
	case strings.HasPrefix(e.Code, pgAuthClass):
		return db.failure(seaworthy.CodeUnauthorized, err, "the database %s refuses the user or the password", "see the database URL")
	case strings.HasPrefix(e.Code, pgConnectClass), strings.HasPrefix(e.Code, pgResourceClass), strings.HasPrefix(e.Code, pgShutdownClass):
		return db.failure(seaworthy.CodeUnreachable, err, "the database %s does not serve at this time", "try again")
	case strings.HasPrefix(e.Code, pgCorruptClass):
		return db.failure(seaworthy.CodeCorrupt, err, "the database %s is damaged", "see the server's log")
	}
	return fmt.Errorf("database %s: %w", db.name, err)
}

// isRace reports whether a transaction failed for the sake of another and may
// well succeed when run again. A foreign key fails so when the row that it
// names was removed meanwhile.
func isRace(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == pgSerialization || e.Code == pgDeadlock || e.Code == pgForeignKey)
}

// isNoTable reports whether a statement failed for want of a table.
func isNoTable(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code == pgUndefinedTable
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code() == sqlite3.SQLITE_ERROR && strings.Contains(e.Error(), "no such table")
}
