package store

import (
	"context"
	"fmt"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store/packed"
	"github.com/seaworthy-dev/seaworthy/internal/store/sqldb"
)

// Contents gives what an analyser version found in the layers, of those for
// which it is known.
func (s *Store) Contents(ctx context.Context, digests []seaworthy.Digest, analyser int) (map[seaworthy.Digest]*seaworthy.Contents, error) {
	found := make(map[seaworthy.Digest]*seaworthy.Contents, len(digests))
	rows, err := digestRows(digests)
	if err != nil {
		return nil, err
	}
	err = s.db.View(ctx, func(tx *sqldb.Tx) error {
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			var sum, body []byte
			if err := scan(&sum, &body); err != nil {
				return err
			}
			d := digest(sum)
			c, err := packed.ReadContents(body)
			if err != nil {
				return s.corrupt("layer "+d.Short(), err)
			}
			found[d] = c
			return nil
		}, `
			select l.digest, c.body
			from {{rows}} cross join layer l join contents c on c.layer_id = l.id
			where l.digest = {{blob 0}} and c.analyser = $3`, rows.Rows(), rows.Bytes(), analyser)
	})
	if err != nil {
		return nil, fmt.Errorf("read contents of layers: %w", err)
	}
	return found, nil
}

// HaveContents tells of which layers [Store.Contents] knows something.
func (s *Store) HaveContents(ctx context.Context, digests []seaworthy.Digest, analyser int) (map[seaworthy.Digest]bool, error) {
	have := make(map[seaworthy.Digest]bool, len(digests))
	rows, err := digestRows(digests)
	if err != nil {
		return nil, err
	}
	err = s.db.View(ctx, func(tx *sqldb.Tx) error {
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			var sum []byte
			if err := scan(&sum); err != nil {
				return err
			}
			have[digest(sum)] = true
			return nil
		}, `
			select l.digest
			from {{rows}} cross join layer l join contents c on c.layer_id = l.id
			where l.digest = {{blob 0}} and c.analyser = $3`, rows.Rows(), rows.Bytes(), analyser)
	})
	if err != nil {
		return nil, fmt.Errorf("look for contents of layers: %w", err)
	}
	return have, nil
}

// PutContents keeps what an analyser version found in a layer, in the place of
// what it found before.
func (s *Store) PutContents(ctx context.Context, d seaworthy.Digest, analyser int, c *seaworthy.Contents) error {
	sum, err := sumOf(d)
	if err != nil {
		return err
	}
	body, err := packed.Contents(c)
	if err != nil {
		return fmt.Errorf("encode contents of layer %s: %w", d.Short(), err)
	}
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := tx.Exec(ctx, "insert into layer(digest, size) values ($1, $2) on conflict do nothing", sum, c.Size); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			insert into contents(layer_id, analyser, body) select id, $2, $3 from layer where digest = $1
			on conflict(layer_id, analyser) do update set body = excluded.body`, sum, analyser, body)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep contents of layer %s: %w", d.Short(), err)
	}
	return nil
}
