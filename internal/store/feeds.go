package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store/sqldb"
)

const feedColumns = "id, source, ecosystem, url, records, withdrawn, skipped, newest_at, updated_at, whole"

func scanFeed(scan sqldb.Scan) (f seaworthy.Feed, id int64, err error) {
	var newest, updated int64
	var whole int
	err = scan(&id, &f.Source, &f.Ecosystem, &f.URL, &f.Records, &f.Withdrawn, &f.Skipped, &newest, &updated, &whole)
	f.Partial = whole == 0
	f.Newest, f.Updated = fromMillis(newest), fromMillis(updated)
	return f, id, err
}

// Feeds lists the feeds that have been updated, by source and ecosystem.
func (s *Store) Feeds(ctx context.Context) ([]seaworthy.Feed, error) {
	var feeds []seaworthy.Feed
	err := s.db.View(ctx, func(tx *sqldb.Tx) error {
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			f, _, err := scanFeed(scan)
			feeds = append(feeds, f)
			return err
		}, "select "+feedColumns+" from feed order by source, ecosystem")
	})
	if err != nil {
		return nil, fmt.Errorf("list feeds: %w", err)
	}
	return feeds, nil
}

// Feed gives a feed; the zero Feed if it was never updated.
func (s *Store) Feed(ctx context.Context, source, family string) (f seaworthy.Feed, err error) {
	err = s.db.View(ctx, func(tx *sqldb.Tx) error {
		f, _, err = readFeed(ctx, tx, source, family)
		return err
	})
	if err != nil {
		return seaworthy.Feed{}, fmt.Errorf("read feed %s %s: %w", source, family, err)
	}
	return f, nil
}

func readFeed(ctx context.Context, tx *sqldb.Tx, source, family string) (f seaworthy.Feed, id int64, err error) {
	err = tx.Each(ctx, func(scan sqldb.Scan) error {
		f, id, err = scanFeed(scan)
		return err
	}, "select "+feedColumns+" from feed where source = $1 and ecosystem = $2", source, family)
	return f, id, err
}

// writeFeed writes a feed's row. Once the whole set was read, single records that
// come later do not make it partial again.
func writeFeed(ctx context.Context, tx *sqldb.Tx, f seaworthy.Feed) (id int64, err error) {
	whole := 1
	if f.Partial {
		whole = 0
	}
	err = tx.Each(ctx, func(scan sqldb.Scan) error { return scan(&id) }, `
		insert into feed(source, ecosystem, url, records, withdrawn, skipped, newest_at, updated_at, whole)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict(source, ecosystem) do update set url = excluded.url, records = excluded.records,
			withdrawn = excluded.withdrawn, skipped = excluded.skipped, newest_at = excluded.newest_at,
			updated_at = excluded.updated_at,
			whole = case when excluded.whole = 1 then 1 else feed.whole end
		returning id`,
		f.Source, f.Ecosystem, f.URL, f.Records, f.Withdrawn, f.Skipped, millis(f.Newest), millis(f.Updated), whole)
	return id, err
}

// ReplaceKEV keeps the catalogue of known exploited vulnerabilities, by CVE, in
// the place of the one before.
func (s *Store) ReplaceKEV(ctx context.Context, f seaworthy.Feed, entries map[string]seaworthy.KEV) error {
	var rows sqldb.Bulk
	for cve, entry := range entries {
		detail, err := sqldb.JSON(entry)
		if err != nil {
			return fmt.Errorf("encode %s: %w", cve, err)
		}
		rows.Add(cve, detail)
	}
	f.Records = len(entries)
	err := s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := writeFeed(ctx, tx, f); err != nil { // its row lock orders two updates
			return err
		}
		if _, err := tx.Exec(ctx, "delete from kev"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "insert into kev(cve, detail) select {{text 0}}, cast({{text 1}} as {{json}}) from {{rows}}", rows.Rows())
		return err
	})
	if err != nil {
		return fmt.Errorf("keep known exploited vulnerabilities: %w", err)
	}
	return nil
}

// KEV gives the entries of those of the CVEs that are known to be exploited.
func (s *Store) KEV(ctx context.Context, cves []string) (map[string]seaworthy.KEV, error) {
	found := map[string]seaworthy.KEV{}
	if len(cves) == 0 {
		return found, nil
	}
	wanted := make(map[string]bool, len(cves))
	for _, cve := range cves {
		wanted[cve] = true
	}
	err := s.db.View(ctx, func(tx *sqldb.Tx) error {
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			var cve string
			var detail []byte
			if err := scan(&cve, &detail); err != nil || !wanted[cve] {
				return err
			}
			var entry seaworthy.KEV
			if err := json.Unmarshal(detail, &entry); err != nil {
				return s.corrupt("known exploited vulnerabilities", err)
			}
			found[cve] = entry
			return nil
		}, "select cve, detail from kev") // a thousand rows: looking up each CVE would cost more
	})
	if err != nil {
		return nil, fmt.Errorf("read known exploited vulnerabilities: %w", err)
	}
	return found, nil
}
