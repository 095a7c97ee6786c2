package advisory

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// maxCatalogue bounds the catalogue's file: some 1,500 entries are 1.3 MB.
const maxCatalogue = 64 << 20

// KEV replaces CISA's catalogue of known exploited vulnerabilities by the one at
// url, in JSON or CSV; "" is [DefaultKEV].
func (u *Updater) KEV(ctx context.Context, url string) (Result, error) {
	if url == "" {
		url = DefaultKEV
	}
	return u.single(ctx, SourceKEV, url, u.keepKEV)
}

func (u *Updater) keepKEV(ctx context.Context, body io.Reader, res *Result) error {
	b, err := u.catalogue(body)
	if err != nil {
		return broken(res.URL, err)
	}
	c, err := decodeKEV(b)
	if err != nil {
		return broken(res.URL, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	feed := seaworthy.Feed{
		Source: SourceKEV, URL: res.URL, Records: len(c.entries), Skipped: c.skip.count,
		Newest: c.released, Updated: u.now(),
	}
	res.Records, res.Skipped, res.Malformed, res.Newest = len(c.entries), c.skip.count, c.skip.first, c.released
	if err := u.Keeper.ReplaceKEV(ctx, feed, c.entries); err != nil {
		return fmt.Errorf("keep the known exploited vulnerabilities: %w", err)
	}
	res.Changed = len(c.entries)
	u.progress(Event{Feed: "KEV", Stage: StageRecords, Done: int64(res.Records), Total: int64(res.Records)})
	return nil
}

func (u *Updater) catalogue(r io.Reader) ([]byte, error) {
	limit := min(u.Limits.AdvisoryFile, maxCatalogue)
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) <= limit {
		return b, nil
	}
	if limit < maxCatalogue {
		return nil, u.Limits.Exceeded(seaworthy.LimitAdvisoryFile, "the catalogue of known exploited vulnerabilities")
	}
	return nil, fmt.Errorf("it has more than %d bytes", maxCatalogue)
}

type catalogue struct {
	released time.Time // the newest entry's date where the catalogue does not say
	entries  map[string]seaworthy.KEV
	skip     skipped
}

// decodeKEV reads the catalogue in either form
// (https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities_schema.json).
func decodeKEV(b []byte) (*catalogue, error) {
	c := &catalogue{entries: map[string]seaworthy.KEV{}}
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	var err error
	switch {
	case bytes.HasPrefix(b, []byte("<")):
		return nil, errWebPage
	case bytes.HasPrefix(b, []byte("{")):
		err = c.readJSON(b)
	default:
		err = c.readCSV(b)
	}
	if err != nil {
		return nil, err
	}
	if err := c.skip.verdict(len(c.entries)); err != nil {
		return nil, err
	}
	if len(c.entries) == 0 {
		return nil, errors.New("it has no entries")
	}
	return c, nil
}

type kevEntry struct {
	CVE        string `json:"cveID"`
	Name       string `json:"vulnerabilityName"`
	Added      string `json:"dateAdded"`
	Due        string `json:"dueDate"`
	Action     string `json:"requiredAction"`
	Ransomware string `json:"knownRansomwareCampaignUse"`
}

func (c *catalogue) add(e kevEntry) {
	cve := strings.ToUpper(strings.TrimSpace(e.CVE))
	if !validCVE(cve) {
		c.skip.add(fmt.Sprintf("%.40q is not a CVE", e.CVE))
		return
	}
	entry := seaworthy.KEV{
		Added:      parseTime(e.Added),
		Due:        parseTime(e.Due),
		Ransomware: strings.EqualFold(strings.TrimSpace(e.Ransomware), "known"),
		Name:       shorten(oneLine(e.Name), maxSummary),
		Action:     shorten(oneLine(e.Action), 4*maxSummary),
	}
	if before, ok := c.entries[cve]; ok && before.Added.Before(entry.Added) {
		return
	}
	c.entries[cve] = entry
	if c.released.Before(entry.Added) {
		c.released = entry.Added
	}
}

func (c *catalogue) readJSON(b []byte) error {
	var file struct {
		Released        string            `json:"dateReleased"`
		Vulnerabilities []json.RawMessage `json:"vulnerabilities"`
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return jsonError(err)
	}
	for i, raw := range file.Vulnerabilities {
		var e kevEntry
		if err := json.Unmarshal(raw, &e); err != nil {
			c.skip.add(fmt.Sprintf("entry %d: %v", i+1, jsonError(err)))
			continue
		}
		c.add(e)
	}
	if t := parseTime(file.Released); !t.IsZero() {
		c.released = t
	}
	return nil
}

func (c *catalogue) readCSV(b []byte) error {
	r := csv.NewReader(bytes.NewReader(b))
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	r.ReuseRecord = true
	head, err := r.Read()
	if err != nil {
		return fmt.Errorf("it is neither the catalogue's JSON nor its CSV: %w", err)
	}
	column := map[string]int{}
	for i, name := range head {
		column[strings.ToLower(strings.TrimSpace(name))] = i
	}
	if _, ok := column["cveid"]; !ok {
		return errors.New("it is neither the catalogue's JSON nor its CSV: no column is named cveID")
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("it is not CSV: %w", err)
		}
		field := func(name string) string {
			if i, ok := column[name]; ok && i < len(row) {
				return row[i]
			}
			return ""
		}
		c.add(kevEntry{
			CVE: field("cveid"), Name: field("vulnerabilityname"), Added: field("dateadded"), Due: field("duedate"),
			Action: field("requiredaction"), Ransomware: field("knownransomwarecampaignuse"),
		})
	}
}
