package sqldb

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seaworthy-dev/seaworthy"
)

func openPostgres(ctx context.Context, o Options) (*DB, error) {
	config, err := pgxpool.ParseConfig(o.URL)
	if err != nil { // the cause may quote the URL, so it is not kept
		return nil, &seaworthy.Error{
			Code:   seaworthy.CodeInvalid,
			Public: "the database URL cannot be read",
			Hint:   "it has the form postgres://user:password@host:5432/name?sslmode=verify-full",
		}
	}
	connection := config.ConnConfig
	name := fmt.Sprintf("%s on %s:%d", connection.Database, connection.Host, connection.Port)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", name, err)
	}
	return &DB{name: name, trace: o.Trace, pool: pool}, nil
}

type postgresTx struct{ tx pgx.Tx }

func (t postgresTx) exec(ctx context.Context, text string, args []any) (int64, error) {
	tag, err := t.tx.Exec(ctx, text, args...)
	return tag.RowsAffected(), err
}

func (t postgresTx) query(ctx context.Context, text string, args []any) (rows, func() error, error) {
	r, err := t.tx.Query(ctx, text, args...)
	if err != nil {
		return nil, nil, err
	}
	return r, func() error { r.Close(); return nil }, nil
}

func (t postgresTx) commit(ctx context.Context) error   { return t.tx.Commit(ctx) }
func (t postgresTx) rollback(ctx context.Context) error { return t.tx.Rollback(ctx) }
