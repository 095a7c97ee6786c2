package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/advisory"
	"github.com/seaworthy-dev/seaworthy/internal/store/sqldb"
)

// epssSource is the source of the feed of exploit probabilities.
const epssSource = "epss"

// The scores change as a whole each day, all of them, and are read by the
// thousand, so a row holds those of a thousand consecutive CVE numbers: sorted
// entries of 10 bytes, the number within the block and the two values in
// billionths, which hold their nine decimals exactly.
const (
	epssBlock = 1000
	epssEntry = 2 + 4 + 4
	epssScale = 1e9
)

// block gives the row and the place in it of a CVE.
func block(cve string) (name string, place int, ok bool) {
	rest, ok := strings.CutPrefix(cve, "CVE-")
	year, digits, cut := strings.Cut(rest, "-")
	number, err := strconv.ParseUint(digits, 10, 63)
	if !ok || !cut || len(year) != 4 || err != nil || len(digits) < 4 || digits[0] == '+' {
		return "", 0, false
	}
	if _, err := strconv.ParseUint(year, 10, 16); err != nil {
		return "", 0, false
	}
	return year + "-" + strconv.FormatUint(number/epssBlock, 10), int(number % epssBlock), true
}

func billionths(f float64) uint32 {
	if !(f > 0) { // or not a number
		return 0
	}
	return uint32(math.Round(min(f, 1) * epssScale))
}

// ReplaceEPSS keeps the exploit probabilities in the place of those before, in
// one transaction that begins when all have been read. The feed's Newest is the
// date of the scores. Rows that do not name a CVE are left out.
func (s *Store) ReplaceEPSS(ctx context.Context, f seaworthy.Feed, rows iter.Seq2[advisory.EPSSRow, error]) error {
	blocks := map[string][]byte{}
	f.Records = 0
	for row, err := range rows {
		if err != nil {
			return fmt.Errorf("read exploit probabilities: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		name, place, ok := block(row.CVE)
		if !ok {
			continue
		}
		b := binary.BigEndian.AppendUint16(blocks[name], uint16(place))
		b = binary.BigEndian.AppendUint32(b, billionths(row.Score))
		blocks[name] = binary.BigEndian.AppendUint32(b, billionths(row.Percentile))
		f.Records++
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var bulk sqldb.Bulk
	for name, b := range blocks {
		bulk.Add(name, sortEntries(b))
	}
	err := s.db.Tx(ctx, func(tx *sqldb.Tx) error {
		if _, err := writeFeed(ctx, tx, f); err != nil { // its row lock orders two updates
			return err
		}
		if _, err := tx.Exec(ctx, "delete from epss"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "insert into epss(block, body) select {{text 0}}, {{blob 1}} from {{rows}}", bulk.Rows(), bulk.Bytes())
		return err
	})
	if err != nil {
		return fmt.Errorf("keep exploit probabilities: %w", err)
	}
	return nil
}

func sortEntries(b []byte) []byte {
	entries := slices.Collect(slices.Chunk(b, epssEntry))
	slices.SortFunc(entries, slices.Compare)
	return slices.Concat(entries...)
}

// EPSS gives the exploit probabilities of those of the CVEs that have one.
func (s *Store) EPSS(ctx context.Context, cves []string) (map[string]seaworthy.EPSS, error) {
	type wish struct {
		cve   string
		place int
	}
	wishes := map[string][]wish{}
	for _, cve := range cves {
		if name, place, ok := block(cve); ok {
			wishes[name] = append(wishes[name], wish{cve, place})
		}
	}
	found := make(map[string]seaworthy.EPSS, len(cves))
	if len(wishes) == 0 {
		return found, nil
	}
	var rows sqldb.Bulk
	for name := range wishes {
		rows.Add(name)
	}
	err := s.db.View(ctx, func(tx *sqldb.Tx) error {
		feed, _, err := readFeed(ctx, tx, epssSource, "")
		if err != nil {
			return err
		}
		return tx.Each(ctx, func(scan sqldb.Scan) error {
			var name string
			var body []byte
			if err := scan(&name, &body); err != nil {
				return err
			}
			for _, w := range wishes[name] {
				if score, ok := findEntry(body, w.place, feed.Newest); ok {
					found[w.cve] = score
				}
			}
			return nil
		}, "select e.block, e.body from {{rows}} cross join epss e where e.block = {{text 0}}", rows.Rows())
	})
	if err != nil {
		return nil, fmt.Errorf("read exploit probabilities: %w", err)
	}
	return found, nil
}

func findEntry(body []byte, place int, date time.Time) (seaworthy.EPSS, bool) {
	low, high := 0, len(body)/epssEntry
	for low < high {
		middle := (low + high) / 2
		if int(binary.BigEndian.Uint16(body[middle*epssEntry:])) < place {
			low = middle + 1
		} else {
			high = middle
		}
	}
	entry := body[low*epssEntry:]
	if len(entry) < epssEntry || int(binary.BigEndian.Uint16(entry)) != place {
		return seaworthy.EPSS{}, false
	}
	return seaworthy.EPSS{
		Score:      float64(binary.BigEndian.Uint32(entry[2:])) / epssScale,
		Percentile: float64(binary.BigEndian.Uint32(entry[6:])) / epssScale,
		Date:       date,
	}, true
}
