package store

import (
	"context"
	"fmt"
	"strconv"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/store/sqldb"
)

// rulesSetting is the row that names the matching rules by which the stored
// findings were made.
const rulesSetting = "rules"

// applyRules makes every package due for matching when the program's rules are
// not those by which the stored findings were made, and derives anew the names
// that advisories are looked up by.
func (s *Store) applyRules(ctx context.Context, rules int) error {
	before, err := s.rules(ctx)
	if err != nil || before == rules {
		return err
	}
	err = s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if err := tx.Lock(ctx, packageGate, false); err != nil {
			return err
		}
		if err := s.renamePackages(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "update package set wanted = wanted + 1")
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into setting(name, value) values ($1, $2)
			on conflict (name) do update set value = excluded.value`, rulesSetting, strconv.Itoa(rules))
		return err
	})
	if err != nil {
		return fmt.Errorf("make packages due for new matching rules: %w", err)
	}
	return nil
}

// rules are those of the last program that opened the database; 0 if none did.
func (s *Store) rules(ctx context.Context) (version int, err error) {
	err = s.db.View(ctx, func(tx *sqldb.Tx) error {
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			var value string
			if err := scan(&value); err != nil {
				return err
			}
			version, err = strconv.Atoi(value)
			return err
		}, "select value from setting where name = $1", rulesSetting)
	})
	if err != nil {
		return 0, fmt.Errorf("read the matching rules' version: %w", err)
	}
	return version, nil
}

// renamePackages brings advisory_name up to date, some thousand rows at a time.
func (s *Store) renamePackages(ctx context.Context, tx *sqldb.Tx) error {
	for last := int64(0); ; {
		var renamed sqldb.Bulk
		read := 0
		err := tx.Each(ctx, func(scan sqldb.Scan) error {
			var p seaworthy.Package
			var name string
			err := scan(&last, &name, &p.Ecosystem, &p.Name, &p.Version, &p.Arch, &p.Source, &p.SourceVersion, &p.Module)
			if now := s.advisoryName(p); now != name {
				renamed.Add(last, now)
			}
			read++
			return err
		}, `
			select id, advisory_name, ecosystem, name, version, arch, source, source_version, module
			from package where id > $1 order by id limit 5000`, last)
		if err != nil || read == 0 {
			return err
		}
		if renamed.Len() == 0 {
			continue
		}
		_, err = tx.Exec(ctx, `
			update package set advisory_name = n.name
			from (select {{int 0}} as id, {{text 1}} as name from {{rows}}) n
			where package.id = n.id`, renamed.Rows())
		if err != nil {
			return err
		}
	}
}
