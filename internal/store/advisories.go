package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store/sqldb"
)

// packageGate is the lock that orders new packages and advisory updates: a
// package that comes while an update is about to commit would be matched with
// the old advisories and not be made due by the new ones.
const packageGate = 0x5ea_0002

const (
	batchRecords = 500
	batchBytes   = 4 << 20
)

// Replace brings the feed's advisories up to date with the records, in one
// transaction that begins when all have been read: an error of theirs, or the
// end of ctx, changes nothing. With full, advisories that are not among the
// records are removed. Packages that a changed record concerns, or concerned,
// become due for matching. It tells how many advisories have changed.
//
// Records are upserted by their id, the last of equal ones wins. The feed's
// counts of records and withdrawn ones are the store's own; its Newest is that of
// the records if it is zero.
func (s *Store) Replace(ctx context.Context, f seaworthy.Feed, full bool, records iter.Seq2[seaworthy.Advisory, error]) (changed int, err error) {
	sp, err := s.newSpool(ctx, f.Source, records)
	if err != nil {
		return 0, fmt.Errorf("read advisories of %s %s: %w", f.Source, f.Ecosystem, err)
	}
	defer sp.close()
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		u := update{ctx: ctx, tx: tx, full: full, concerns: s.concerns, keys: map[AdvisoryKey]struct{}{}, seen: map[int64]struct{}{}}
		if err := u.run(f, sp); err != nil {
			return err
		}
		changed = u.changed
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("keep advisories of %s %s: %w", f.Source, f.Ecosystem, err)
	}
	if changed > 0 {
		_ = s.db.Compact(ctx) // readers may keep it from doing all; the next one will
	}
	return changed, nil
}

// update is one run of Replace in its transaction.
type update struct {
	ctx  context.Context
	tx   *sqldb.Tx
	full bool

	feed    int64
	newest  int64
	changed int
	seen    map[int64]struct{}       // rows of the records, when full
	keys    map[AdvisoryKey]struct{} // that changed records concern or concerned

	batch []record
	names map[string]int // in the batch
	size  int

	concerns func(seaworthy.Ecosystem) []seaworthy.Ecosystem
}

func (u *update) run(f seaworthy.Feed, sp *spool) error {
	before, id, err := readFeed(u.ctx, u.tx, f.Source, f.Ecosystem)
	if err != nil {
		return err
	}
	f.Partial = !u.full
	if !u.full {
		u.newest = millis(before.Newest)
	}
	if u.feed = id; id == 0 {
		if u.feed, err = writeFeed(u.ctx, u.tx, f); err != nil {
			return err
		}
	}
	for r, err := range sp.all() {
		if err != nil {
			return err
		}
		if err := u.add(r); err != nil {
			return err
		}
	}
	if err := u.flush(); err != nil {
		return err
	}
	if err := u.removeOthers(); err != nil {
		return err
	}
	if err := u.touch(); err != nil {
		return err
	}
	return u.finish(f)
}

func (u *update) add(r record) error {
	u.newest = max(u.newest, r.modified)
	if _, twice := u.names[r.key]; twice || len(u.batch) == batchRecords || u.size > batchBytes {
		if err := u.flush(); err != nil {
			return err
		}
	}
	if u.names == nil {
		u.names = make(map[string]int, batchRecords)
	}
	u.names[r.key] = len(u.batch)
	u.batch = append(u.batch, r)
	u.size += len(r.header) + len(r.body)
	for _, a := range r.affected {
		u.size += len(a.detail) + len(a.name)
	}
	return nil
}

// known is a row of an advisory.
type known struct {
	id   int64
	hash []byte
}

func (u *update) flush() error {
	if len(u.batch) == 0 {
		return nil
	}
	rows, err := u.known()
	if err != nil {
		return err
	}
	var write, fresh []int     // of the batch: to write, with new affected rows
	var old, withdrawn []int64 // rows whose affected rows, whose findings go
	for i, r := range u.batch {
		k, ok := rows[r.key]
		switch {
		case ok && string(k.hash) == string(r.hash):
			continue
		case ok && sameForMatching(k.hash, r.hash):
		case ok:
			old = append(old, k.id)
			fallthrough
		default:
			fresh = append(fresh, i)
		}
		write = append(write, i)
		if ok && r.withdrawn != 0 {
			withdrawn = append(withdrawn, k.id)
		}
	}
	u.changed += len(write)
	if err := u.forget(old, withdrawn); err != nil {
		return err
	}
	if err := u.write(write, fresh); err != nil {
		return err
	}
	u.batch, u.size = u.batch[:0], 0
	clear(u.names)
	return nil
}

// known reads what is stored of the batch.
func (u *update) known() (map[string]known, error) {
	var names sqldb.Bulk
	for _, r := range u.batch {
		names.Add(r.key)
	}
	rows := make(map[string]known, len(u.batch))
	err := u.tx.Each(u.ctx, func(scan sqldb.Scan) error {
		var key string
		var k known
		err := scan(&k.id, &key, &k.hash)
		rows[key] = k
		u.see(k.id)
		return err
	}, `
		select v.id, v.key, v.hash from {{rows}} cross join advisory v
		where v.feed_id = $2 and v.key = {{text 0}}`, names.Rows(), u.feed)
	return rows, err
}

func (u *update) see(id int64) {
	if u.full {
		u.seen[id] = struct{}{}
	}
}

// forget removes the affected rows of the old advisories, remembering their
// keys, and the findings of the withdrawn ones.
func (u *update) forget(old, withdrawn []int64) error {
	if len(old) > 0 {
		ids := idRows(old).Rows()
		if err := u.rememberKeys(ids); err != nil {
			return err
		}
		_, err := u.tx.Exec(u.ctx, "delete from affected where advisory_id in (select {{int}} from {{rows}})", ids)
		if err != nil {
			return err
		}
	}
	if len(withdrawn) == 0 {
		return nil
	}
	_, err := u.tx.Exec(u.ctx, "delete from finding where advisory_id in (select {{int}} from {{rows}})", idRows(withdrawn).Rows())
	return err
}

func (u *update) rememberKeys(ids string) error {
	return u.tx.Each(u.ctx, func(scan sqldb.Scan) error {
		var k AdvisoryKey
		err := scan(&k.Ecosystem, &k.Name)
		u.keys[k] = struct{}{}
		return err
	}, "select distinct a.ecosystem, a.name from {{rows}} cross join affected a where a.advisory_id = {{int}}", ids)
}

// write upserts records of the batch, and affected rows of the fresh ones.
func (u *update) write(records, fresh []int) error {
	if len(records) == 0 {
		return nil
	}
	var rows sqldb.Bulk
	for _, i := range records {
		r := u.batch[i]
		rows.Add(r.key, r.modified, r.withdrawn, r.hash, r.header)
	}
	ids := make([]int64, len(u.batch))
	err := u.tx.Each(u.ctx, func(scan sqldb.Scan) error {
		var id int64
		var key string
		err := scan(&id, &key)
		ids[u.names[key]] = id
		u.see(id)
		return err
	}, `
		insert into advisory(feed_id, key, modified_at, withdrawn_at, hash, header)
		select $3, {{text 0}}, {{int 1}}, {{int 2}}, {{blob 3}}, {{blob 4}} from {{rows}} where true
		on conflict(feed_id, key) do update set modified_at = excluded.modified_at, withdrawn_at = excluded.withdrawn_at,
			hash = excluded.hash, header = excluded.header
		returning id, key`, rows.Rows(), rows.Bytes(), u.feed)
	if err != nil {
		return err
	}
	rows.Reset()
	for _, i := range records {
		rows.Add(ids[i], u.batch[i].body)
	}
	_, err = u.tx.Exec(u.ctx, `
		insert into advisory_body(advisory_id, body) select {{int 0}}, {{blob 1}} from {{rows}} where true
		on conflict(advisory_id) do update set body = excluded.body`, rows.Rows(), rows.Bytes())
	if err != nil {
		return err
	}
	return u.writeAffected(fresh, ids)
}

// writeAffected makes the affected rows of records of the batch, whose rows are
// ids.
func (u *update) writeAffected(fresh []int, ids []int64) error {
	var rows sqldb.Bulk
	for _, i := range fresh {
		for n, a := range u.batch[i].affected {
			u.keys[AdvisoryKey{seaworthy.Ecosystem(a.ecosystem), a.name}] = struct{}{}
			rows.Add(ids[i], n, a.ecosystem, a.name, a.detail)
		}
	}
	if rows.Len() == 0 {
		return nil
	}
	_, err := u.tx.Exec(u.ctx, `
		insert into affected(advisory_id, ordinal, ecosystem, name, detail)
		select {{int 0}}, {{int 1}}, {{text 2}}, {{text 3}}, {{blob 4}} from {{rows}}`, rows.Rows(), rows.Bytes())
	return err
}

// removeOthers removes the feed's advisories that were not seen.
func (u *update) removeOthers() error {
	if !u.full {
		return nil
	}
	var others []int64
	err := u.tx.Each(u.ctx, func(scan sqldb.Scan) error {
		var id int64
		err := scan(&id)
		if _, ok := u.seen[id]; !ok {
			others = append(others, id)
		}
		return err
	}, "select id from advisory where feed_id = $1", u.feed)
	if err != nil {
		return err
	}
	slices.Sort(others)
	u.changed += len(others)
	for chunk := range slices.Chunk(others, 8*batchRecords) {
		ids := idRows(chunk).Rows()
		if err := u.rememberKeys(ids); err != nil {
			return err
		}
		if _, err := u.tx.Exec(u.ctx, "delete from advisory where id in (select {{int}} from {{rows}})", ids); err != nil {
			return err
		}
	}
	return nil
}

// touch makes the packages due that the changes concern. It is the last step,
// because it keeps others from adding packages until the transaction ends.
func (u *update) touch() error {
	if len(u.keys) == 0 {
		return nil
	}
	if err := u.tx.Lock(u.ctx, packageGate, false); err != nil {
		return err
	}
	keys := make([]AdvisoryKey, 0, len(u.keys))
	for k := range u.keys {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b AdvisoryKey) int {
		return cmp.Or(cmp.Compare(a.Ecosystem, b.Ecosystem), cmp.Compare(a.Name, b.Name))
	})
	for chunk := range slices.Chunk(keys, 8*batchRecords) {
		var rows sqldb.Bulk
		for _, k := range chunk {
			for _, e := range u.concerns(k.Ecosystem) {
				rows.Add(string(e), k.Name)
			}
		}
		_, err := u.tx.Exec(u.ctx, `
			update package set wanted = wanted + 1 where id in (
				select p.id from {{rows}} cross join package p
				where p.ecosystem = {{text 0}} and p.advisory_name = {{text 1}})`, rows.Rows())
		if err != nil {
			return err
		}
	}
	return nil
}

// finish writes the feed's row.
func (u *update) finish(f seaworthy.Feed) error {
	err := u.tx.Each(u.ctx, func(scan sqldb.Scan) error { return scan(&f.Records, &f.Withdrawn) }, `
		select count(*), (select count(*) from advisory where feed_id = $1 and withdrawn_at > 0)
		from advisory where feed_id = $1`, u.feed)
	if err != nil {
		return err
	}
	f.Records -= f.Withdrawn
	f.Partial = !u.full
	if f.Newest.IsZero() {
		f.Newest = fromMillis(u.newest)
	}
	_, err = writeFeed(u.ctx, u.tx, f)
	return err
}

// Details gives all that a source says under an id, withdrawn or not, joined if
// it says so in several families. An unknown id is CodeNotFound.
func (s *Store) Details(ctx context.Context, source, key string) (seaworthy.Advisory, error) {
	var a seaworthy.Advisory
	err := s.db.View(ctx, func(tx *sqldb.Tx) error {
		found := false
		err := tx.Each(ctx, func(scan sqldb.Scan) error {
			var body []byte
			if err := scan(&body); err != nil || found {
				return err
			}
			found = true
			words, err := s.codec.Expand(body)
			if err == nil {
				err = json.Unmarshal(words, &a)
			}
			if err != nil {
				return s.corrupt("advisory "+key, err)
			}
			return nil
		}, `
			select b.body from advisory v join feed f on f.id = v.feed_id join advisory_body b on b.advisory_id = v.id
			where v.key = $1 and f.source = $2 order by v.modified_at desc, v.id`, key, source)
		if err != nil {
			return err
		}
		if !found {
			return &seaworthy.Error{Code: seaworthy.CodeNotFound, Public: fmt.Sprintf("there is no advisory %.100q of %s", key, source)}
		}
		a.Affected, err = s.affectedOf(ctx, tx, source, key)
		return err
	})
	if err != nil {
		return seaworthy.Advisory{}, fmt.Errorf("read advisory %.100s: %w", key, err)
	}
	return a, nil
}

func (s *Store) affectedOf(ctx context.Context, tx *sqldb.Tx, source, key string) (all []seaworthy.Affected, err error) {
	reader := s.codec.AffectedReader()
	err = tx.Each(ctx, func(scan sqldb.Scan) error {
		var ecosystem, name string
		var detail []byte
		if err := scan(&ecosystem, &name, &detail); err != nil {
			return err
		}
		a, err := reader.Read(detail)
		if err != nil {
			return s.corrupt("advisory "+key, err)
		}
		a.Ecosystem, a.Name = seaworthy.Ecosystem(ecosystem), name
		all = append(all, a)
		return nil
	}, `
		select a.ecosystem, a.name, a.detail
		from advisory v join feed f on f.id = v.feed_id join affected a on a.advisory_id = v.id
		where v.key = $1 and f.source = $2 order by f.ecosystem, a.ordinal`, key, source)
	return all, err
}
