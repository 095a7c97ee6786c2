package advisory

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

func gzipped(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const scores = "cve,epss,percentile\nCVE-2024-0001,0.5,0.99\nCVE-2024-1234567,0.00001,0\n"

var scoreRows = []EPSSRow{{CVE: "CVE-2024-0001", Score: 0.5, Percentile: 0.99}, {CVE: "CVE-2024-1234567", Score: 0.00001}}

func TestEPSSForms(t *testing.T) {
	t.Parallel()
	day := at("2026-08-18T00:00:00Z")
	tests := map[string]struct {
		in   string
		date time.Time
	}{
		"as published":          {"#model_version:v2025.03.14,score_date:2026-08-18T00:00:00+0000\n" + scores, day},
		"Z":                     {"#model_version:v2025.03.14,score_date:2026-08-18T00:00:00Z\n" + scores, day},
		"a bare date":           {"# model_version:v1, score_date: 2026-08-18\r\n" + strings.ReplaceAll(scores, "\n", "\r\n"), day},
		"no comment":            {scores, time.Time{}},
		"no columns":            {scores[strings.Index(scores, "\n")+1:], time.Time{}},
		"other columns, quoted": {"\"percentile\",\"CVE\",\"x\",\"EPSS\"\n0.99,\"CVE-2024-0001\",,0.5\n0,CVE-2024-1234567,,1e-5\n", time.Time{}},
		"no last line end":      {strings.TrimSpace(scores), time.Time{}},
		"a few bad rows":        {scores + "CVE-2024-0002,NaN,0.1\nCVE-2024-0003,2,0.1\nx\n\n", time.Time{}},
	}
	for name, test := range tests {
		for form, in := range map[string]string{"plain": test.in, "gzip": gzipped(t, test.in)} {
			t.Run(name+", "+form, func(t *testing.T) {
				t.Parallel()
				b, m := newBucket(t), newMemory()
				b.put("epss.csv", in)
				res, err := newUpdater(m).EPSS(t.Context(), b.URL+"/epss.csv")
				if err != nil {
					t.Fatal(err)
				}
				diff(t, "rows", scoreRows, m.epss)
				diff(t, "feed", seaworthy.Feed{Source: "epss", URL: b.URL + "/epss.csv", Records: 2, Newest: test.date, Updated: today}, m.feeds["epss/"])
				if res.Records != 2 || !res.Newest.Equal(test.date) {
					t.Errorf("result is %+v", res)
				}
			})
		}
	}
}

func TestEPSSBroken(t *testing.T) {
	t.Parallel()
	whole := gzipped(t, scores+strings.Repeat("CVE-2024-0001,0.5,0.5\n", 10_000))
	tests := map[string]struct {
		in   string
		code seaworthy.Code
		want string
	}{
		"empty":         {"", seaworthy.CodeCorrupt, "no scores"},
		"columns alone": {"cve,epss,percentile\n", seaworthy.CodeCorrupt, "no scores"},
		"other columns": {"a,b,c\n", seaworthy.CodeCorrupt, "its columns"},
		"a page":        {"<html>", seaworthy.CodeProtocol, "web page"},
		"cut gzip":      {whole[:len(whole)-20], seaworthy.CodeCorrupt, "ends before its end"},
		"bad rows":      {scores + strings.Repeat("CVE-1,1,1\n", 11), seaworthy.CodeCorrupt, "11 of its 13 records are malformed"},
		"a long line":   {"cve,epss,percentile\n" + strings.Repeat("x", 70_000), seaworthy.CodeCorrupt, "a line of more than"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, m := newBucket(t), newMemory()
			m.epss = scoreRows
			b.put("x", test.in)
			_, err := newUpdater(m).EPSS(t.Context(), b.URL+"/x")
			if err == nil || seaworthy.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v of code %v, want %q of code %v", err, seaworthy.CodeOf(err), test.want, test.code)
			}
			diff(t, "rows", scoreRows, m.epss)
		})
	}
}

func TestEPSSLimit(t *testing.T) {
	t.Parallel()
	b, m := newBucket(t), newMemory()
	b.put("x", gzipped(t, scores+strings.Repeat("CVE-2024-0001,0.5,0.5\n", 100_000)))
	u := newUpdater(m)
	u.Limits.AdvisoryFile = 1 << 20
	_, err := u.EPSS(t.Context(), b.URL+"/x")
	if seaworthy.CodeOf(err) != seaworthy.CodeLimit || !strings.Contains(err.Error(), seaworthy.LimitAdvisoryFile) {
		t.Errorf("error is %v, want the limit's", err)
	}
	diff(t, "rows", 0, len(m.epss))
}

const kevJSON = `{"title":"x","catalogVersion":"2026.08.18","dateReleased":"2026-08-18T17:04:19.9796Z","count":2,"vulnerabilities":[
{"cveID":"CVE-2024-0001","vendorProject":"v","product":"p","vulnerabilityName":"A Flaw","dateAdded":"2024-01-02","shortDescription":"s","requiredAction":"Update.","dueDate":"2024-01-23","knownRansomwareCampaignUse":"Known","notes":"","cwes":["CWE-1"]},
{"cveID":"CVE-2024-0002","dateAdded":"2024-02-02T00:00:00Z","dueDate":"","knownRansomwareCampaignUse":"Unknown","cwes":null}]}`

const kevCSV = "cveID,vendorProject,product,vulnerabilityName,dateAdded,shortDescription,requiredAction,dueDate,knownRansomwareCampaignUse,notes,cwes\n" +
	"CVE-2024-0001,v,p,\"A Flaw\",2024-01-02,\"s,\nt\",Update.,2024-01-23,Known,,CWE-1\nCVE-2024-0002,v,p,,2024-02-02,,,,Unknown,,\n"

var kevEntries = map[string]seaworthy.KEV{
	"CVE-2024-0001": {Added: at("2024-01-02T00:00:00Z"), Due: at("2024-01-23T00:00:00Z"), Ransomware: true, Name: "A Flaw", Action: "Update."},
	"CVE-2024-0002": {Added: at("2024-02-02T00:00:00Z")},
}

func TestKEVForms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		in     string
		newest time.Time
		skip   int
	}{
		"JSON":         {kevJSON, at("2026-08-18T17:04:19.9796Z"), 0},
		"CSV":          {"\ufeff" + kevCSV, at("2024-02-02T00:00:00Z"), 0},
		"some bad":     {strings.Replace(kevJSON, `{"cveID"`, `{"cveID":"x"},{"cveID":7},{"cveID"`, 1), at("2026-08-18T17:04:19.9796Z"), 2},
		"no date":      {strings.Replace(kevJSON, "2026-08-18T17", "soon", 1), at("2024-02-02T00:00:00Z"), 0},
		"lower case":   {strings.ReplaceAll(kevJSON, `"CVE-2024`, `"cve-2024`), at("2026-08-18T17:04:19.9796Z"), 0},
		"listed twice": {strings.Replace(kevJSON, `,"cwes":null}`, `},{"cveID":"CVE-2024-0001","dateAdded":"2025-01-01"}`, 1), at("2026-08-18T17:04:19.9796Z"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, m := newBucket(t), newMemory()
			b.put("kev", test.in)
			res, err := newUpdater(m).KEV(t.Context(), b.URL+"/kev?x=y")
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "entries", kevEntries, m.kev)
			diff(t, "feed", seaworthy.Feed{Source: "kev", URL: b.URL + "/kev", Records: 2, Skipped: test.skip, Newest: test.newest, Updated: today}, m.feeds["kev/"])
			diff(t, "records", 2, res.Records)
		})
	}
}

func TestKEVBroken(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		in   string
		code seaworthy.Code
	}{
		"empty": {"", seaworthy.CodeCorrupt}, "no entries": {`{"vulnerabilities":[]}`, seaworthy.CodeCorrupt},
		"cut": {kevJSON[:200], seaworthy.CodeCorrupt}, "a page": {"<html>", seaworthy.CodeProtocol}, "another CSV": {"a,b\n", seaworthy.CodeCorrupt},
		"no list": {`{"vulnerabilities":{}}`, seaworthy.CodeCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, m := newBucket(t), newMemory()
			m.kev = kevEntries
			b.put("kev", test.in)
			if _, err := newUpdater(m).KEV(t.Context(), b.URL+"/kev"); seaworthy.CodeOf(err) != test.code || err == nil {
				t.Errorf("error is %v of code %v, want code %v", err, seaworthy.CodeOf(err), test.code)
			}
			diff(t, "entries", kevEntries, m.kev)
		})
	}
}

func TestKEVRetriesWhatWasCut(t *testing.T) {
	t.Parallel()
	b, m := newBucket(t), newMemory()
	requests := 0
	b.special["kev"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(kevJSON)))
		if requests++; requests == 1 {
			w.Write([]byte(kevJSON[:100]))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		w.Write([]byte(kevJSON))
	}
	if _, err := newUpdater(m).KEV(t.Context(), b.URL+"/kev"); err != nil {
		t.Fatal(err)
	}
	diff(t, "entries", kevEntries, m.kev)
}

func TestImport(t *testing.T) {
	t.Parallel()
	npm, deb := record("A-1", "npm", stamp(time.Hour)), record("D-1", "Debian:12", stamp(2*time.Hour))
	tests := map[string]struct {
		files map[string]string // the first is imported if only is set
		only  string
		want  string // family=ids, sorted
		full  bool
	}{
		"a bucket": {map[string]string{
			"npm/all.zip": string(zipOf(t, "A-1.json", npm)), "Debian/all.zip": string(zipOf(t, "D-1.json", deb)), "npm/modified_id.csv": "", "ecosystems.txt": "npm\n",
		}, "", "Debian=D-1 npm=A-1", true},
		"a directory of records": {map[string]string{"CVE/2024/D-1.json": deb, "A-1.json": npm, "bad.json": "{", "README.md": "x"}, "", "Debian=D-1 npm=A-1", false},
		"a zip of records":       {map[string]string{"x.zip": string(zipOf(t, "d/D-1.json", deb, "A-1.json", npm, "x.txt", "x"))}, "x.zip", "Debian=D-1 npm=A-1", false},
		"one record":             {map[string]string{"my record.json": npm}, "my record.json", "npm=A-1", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "my files")
			for path, content := range test.files {
				write(t, filepath.Join(dir, path), content)
			}
			m := newMemory()
			m.records["npm"] = map[string]seaworthy.Advisory{"OLD-1": {ID: "OLD-1"}}
			results, err := newUpdater(m).Import(t.Context(), filepath.Join(dir, test.only))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for family := range m.records {
				got = append(got, family+"="+m.ids(family))
			}
			want := test.want
			if !test.full {
				want = strings.Replace(want, "npm=A-1", "npm=A-1 OLD-1", 1)
			}
			diff(t, "records", want, sorted(got))
			for _, r := range results {
				if r.Full != test.full || r.Records != 1 || r.Changed == 0 {
					t.Errorf("result is %+v", r)
				}
			}
			diff(t, "newest", today.Add(-time.Hour), m.feeds["osv/npm"].Newest)
		})
	}
}

// A set that was imported by hand is not taken for the bucket's.
func TestUpdateAfterImport(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "A-1.json")
	write(t, path, record("A-1", "npm", stamp(time.Minute)))
	b, m := filled(t), newMemory()
	u := newUpdater(m)
	if _, err := u.Import(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if res := update(t, u, b.URL, "npm"); !res.Full {
		t.Errorf("update gives %+v, want it full", res)
	}
	diff(t, "records", "A-1 A-2 A-3", m.ids("npm"))
}

func TestImportByContent(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, source string }{
		"EPSS":             {"#model_version:v1,score_date:2026-08-18\n" + scores, SourceEPSS},
		"EPSS, no comment": {scores, SourceEPSS},
		"EPSS, no columns": {scores[strings.Index(scores, "\n")+1:], SourceEPSS},
		"EPSS, gzip":       {gzipped(t, scores), SourceEPSS},
		"KEV":              {kevJSON, SourceKEV},
		"KEV, CSV":         {kevCSV, SourceKEV},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "file.dat")
			write(t, path, test.in)
			m := newMemory()
			results, err := newUpdater(m).Import(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if len(results) != 1 || results[0].Source != test.source || results[0].Records != 2 {
				t.Errorf("results are %+v, want 2 records of %s", results, test.source)
			}
			diff(t, "kept", 2, len(m.epss)+len(m.kev))
		})
	}
}

func TestImportBroken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"text": "hello", "empty": "", "cut.zip": "PK\x03\x04 cut", "cut.json": `{"id":`, "nothing.json": `{"id":"A-1"}`, "sub/none.txt": "x",
	} {
		write(t, filepath.Join(dir, name), content)
	}
	tests := map[string]struct {
		code seaworthy.Code
		want string
	}{
		"missing":      {seaworthy.CodeNotFound, "there is no file or directory"},
		"text":         {seaworthy.CodeInvalid, "no advisories that are known"},
		"empty":        {seaworthy.CodeInvalid, "no advisories that are known"},
		"cut.zip":      {seaworthy.CodeCorrupt, "no whole zip"},
		"cut.json":     {seaworthy.CodeCorrupt, "not JSON"},
		"nothing.json": {seaworthy.CodeCorrupt, "no records that speak of packages"},
		"sub":          {seaworthy.CodeNotFound, "no advisories in"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			_, err := newUpdater(m).Import(t.Context(), filepath.Join(dir, name))
			if err == nil || seaworthy.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v of code %v, want %q of code %v", err, seaworthy.CodeOf(err), test.want, test.code)
			}
			diff(t, "feeds", 0, len(m.feeds))
		})
	}
}

func FuzzEPSS(f *testing.F) {
	f.Add("#model_version:v1,score_date:2026-08-18\n" + scores)
	f.Add(scores[20:] + "CVE-2024-0001,\"0.1\",1\n,,\n")
	f.Add("percentile,epss,cve\n1,1,CVE-1-2\n")
	f.Fuzz(func(t *testing.T, in string) {
		file, err := openEPSS(strings.NewReader(in))
		if err != nil {
			return
		}
		for row, err := range file.rows() {
			if err == nil && (!validCVE(row.CVE) || !(row.Score >= 0 && row.Score <= 1) || !(row.Percentile >= 0 && row.Percentile <= 1)) {
				t.Errorf("row is %+v", row)
			}
		}
	})
}

func FuzzKEV(f *testing.F) {
	f.Add([]byte(kevJSON))
	f.Add([]byte(kevCSV))
	f.Add([]byte(`{"vulnerabilities":[null,{"cveID":"CVE-2024-0001"}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := decodeKEV(in)
		if err != nil {
			return
		}
		for cve, entry := range c.entries {
			if !validCVE(cve) || oneLine(entry.Name) != entry.Name {
				t.Errorf("%q is %+v", cve, entry)
			}
		}
	})
}
