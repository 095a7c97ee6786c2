// Package storetest runs tests on each database that the store supports: on
// SQLite in a temporary file, and on PostgreSQL in a schema of its own.
//
// PostgreSQL is the server that TEST_POSTGRES_URL names, or else a private one
// that is started once for the test binary from the programs initdb and postgres
// on the PATH or under /usr/lib/postgresql, and that ends with the binary. With
// neither, these tests are skipped, or fail if TEST_POSTGRES_REQUIRED is set.
package storetest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/seaworthy-dev/seaworthy/internal/store"
)

// Each runs test on an empty store of each database, in parallel.
func Each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	EachConfig(t, func(t *testing.T, c store.Config) { test(t, Open(t, c)) })
}

// EachConfig is [Each] for tests that open the database themselves, with more in
// the Config, or more than once.
func EachConfig(t *testing.T, test func(t *testing.T, c store.Config)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, store.Config{Path: filepath.Join(t.TempDir(), "store.db")})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, store.Config{URL: Postgres(t)})
	})
}

// Open opens the database until the test ends.
func Open(t testing.TB, c store.Config) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}

var schemas atomic.Int64

// Postgres gives the URL of an empty PostgreSQL schema, which is dropped when
// the test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	server, err := server()
	if err != nil {
		if os.Getenv("TEST_POSTGRES_REQUIRED") != "" {
			t.Fatalf("no PostgreSQL: %v", err)
		}
		t.Skipf("POSTGRESQL IS NOT TESTED: %v; set TEST_POSTGRES_URL or install PostgreSQL", err)
	}
	name := fmt.Sprintf("t%d_%d", os.Getpid(), schemas.Add(1))
	if err := execute(t.Context(), server.url, "create schema "+name); err != nil {
		t.Fatalf("make a schema: %v", err)
	}
	t.Cleanup(func() {
		if err := execute(context.Background(), server.url, "drop schema "+name+" cascade"); err != nil {
			t.Errorf("drop the schema: %v", err)
		}
	})
	u, err := url.Parse(server.url)
	if err != nil {
		t.Fatalf("read the URL: %v", err)
	}
	query := u.Query()
	query.Set("search_path", name)
	query.Set("pool_max_conns", "4")
	u.RawQuery = query.Encode()
	return u.String()
}

func execute(ctx context.Context, server, statement string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}
