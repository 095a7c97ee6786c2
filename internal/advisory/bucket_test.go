package advisory

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

// filled is a bucket with three npm records, the newest an hour old.
func filled(t testing.TB) *fakeBucket {
	b := newBucket(t)
	b.put("npm/all.zip", string(zipOf(t,
		"A-1.json", record("A-1", "npm", stamp(3*time.Hour)),
		"A-2.json", record("A-2", "npm", stamp(2*time.Hour)),
		"A-3.json", record("A-3", "npm", stamp(time.Hour)),
	)))
	b.put("npm/modified_id.csv", csvOf("A-3", time.Hour, "A-2", 2*time.Hour, "A-1", 3*time.Hour))
	return b
}

// csvOf makes a list of changes of ids and their ages.
func csvOf(pairs ...any) string {
	var s strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&s, "%s,%s\n", stamp(pairs[i+1].(time.Duration)), pairs[i])
	}
	return s.String()
}

func TestFirstWholeThenChanges(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	u := newUpdater(m)

	res := update(t, u, b.URL, "npm")
	if !res.Full || res.Records != 3 || res.Changed != 3 || res.Bytes == 0 || res.Unchanged {
		t.Errorf("first update gives %+v", res)
	}
	diff(t, "requests", []string{"npm/all.zip"}, b.log())
	feed := m.feeds["osv/npm"]
	diff(t, "feed", seaworthy.Feed{
		Source: "osv", Ecosystem: "npm", URL: b.URL + "/npm", Records: 3, Newest: today.Add(-time.Hour), Updated: today,
	}, feed)

	b.put("npm/A-3.json", record("A-3", "npm", stamp(time.Hour)))
	b.put("npm/A-4.json", record("A-4", "npm", stamp(time.Minute)))
	b.put("npm/A-2.json", strings.Replace(record("A-2", "npm", stamp(2*time.Minute)), `{"id"`, `{"withdrawn":"2026-11-18T11:00:00Z","id"`, 1))
	b.put("npm/modified_id.csv", csvOf("A-4", time.Minute, "A-2", 2*time.Minute, "A-3", time.Hour, "A-1", 3*time.Hour))
	res = update(t, u, b.URL, "npm")
	if res.Full || res.Records != 2 || res.Withdrawn != 1 || res.Changed != 2 {
		t.Errorf("second update gives %+v", res)
	}
	asked := b.log()
	diff(t, "requests", "npm/A-2.json npm/A-3.json npm/A-4.json npm/modified_id.csv", sorted(asked))
	diff(t, "records", "A-1 A-2 A-3 A-4", m.ids("npm"))
	diff(t, "newest", today.Add(-time.Minute), m.feeds["osv/npm"].Newest)
	diff(t, "withdrawn", 1, m.feeds["osv/npm"].Withdrawn)
}

func TestUnchangedCostsOneRequest(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	b.modified["npm/modified_id.csv"] = today.Add(-2 * time.Hour)
	u := newUpdater(m)
	update(t, u, b.URL, "npm")
	b.log()
	res := update(t, u, b.URL, "npm")
	diff(t, "requests", []string{"npm/modified_id.csv"}, b.log())
	if !res.Unchanged || res.Bytes != 0 || res.Full {
		t.Errorf("update gives %+v, want it unchanged for no bytes", res)
	}
	diff(t, "records", 3, m.feeds["osv/npm"].Records)
}

// Where the server does not tell when its list changed, a store that knows the
// records' times still spares all requests but one.
func TestUnchangedByTheStoresTimes(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	u := newUpdater(dated{m})
	update(t, u, b.URL, "npm")
	b.log()
	if res := update(t, u, b.URL, "npm"); !res.Unchanged {
		t.Errorf("update gives %+v, want it unchanged", res)
	}
	diff(t, "requests", []string{"npm/modified_id.csv"}, b.log())
}

func TestEqualTimestamps(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	u := newUpdater(m)
	update(t, u, b.URL, "npm")
	b.put("npm/A-3.json", record("A-3", "npm", stamp(time.Hour)))
	b.put("npm/A-9.json", record("A-9", "npm", stamp(time.Hour)))
	b.put("npm/modified_id.csv", csvOf("A-9", time.Hour, "A-3", time.Hour, "A-3", time.Hour, "A-2", 2*time.Hour))
	res := update(t, u, b.URL, "npm")
	diff(t, "records", "A-1 A-2 A-3 A-9", m.ids("npm"))
	diff(t, "changed", 1, res.Changed)
}

// A mass change at the newest moment is not fetched anew by each update.
func TestOverlapIsBounded(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	u := newUpdater(m)
	update(t, u, b.URL, "npm")
	b.log()
	var lines []any
	for i := range 5000 {
		lines = append(lines, fmt.Sprintf("B-%d", i), time.Hour)
	}
	b.put("npm/modified_id.csv", csvOf(lines...))
	if res := update(t, u, b.URL, "npm"); !res.Unchanged {
		t.Errorf("update gives %+v, want it unchanged", res)
	}
	diff(t, "requests", []string{"npm/modified_id.csv"}, b.log())
}

func TestReadChanges(t *testing.T) {
	t.Parallel()
	newest := today.Add(-time.Hour)
	var tail []any
	for i := range 1000 {
		tail = append(tail, fmt.Sprintf("OLD-%d", i), 48*time.Hour)
	}
	ordered := csvOf(append([]any{"N-1", time.Minute, "N-2", 30 * time.Minute, "S-1", time.Hour, "S-2", 64 * time.Minute, "OLD", 66 * time.Minute}, tail...)...)
	tests := map[string]struct{ in, fresh, again string }{
		"newest first":             {ordered, "N-1 N-2", "S-1 S-2"},
		"oldest first":             {csvOf(append([]any{"OLD", 50 * time.Hour}, append(slices.Clone(tail), "S-1", time.Hour, "N-1", time.Minute)...)...), "N-1", "S-1"},
		"a late line":              {csvOf("N-1", time.Minute, "OLD", 48*time.Hour, "N-2", 2*time.Minute), "N-1 N-2", ""},
		"no line end, a mark, CRs": {"\ufeff" + stamp(time.Minute) + ",N-1\r\n\r\n" + stamp(time.Minute) + ", N-2", "N-1 N-2", ""},
		"fractions of seconds":     {"2026-11-18T11:30:00.123456Z,N-1\n", "N-1", ""},
		"a malformed line":         {"x\n2026-11-18T11:30:00Z,../N\n" + csvOf("N-1", time.Minute), "N-1", ""},
		"empty":                    {"", "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := readChanges(strings.NewReader(test.in), newest)
			if err != nil {
				t.Fatal(err)
			}
			var fresh, again []string
			for id := range c.fresh {
				fresh = append(fresh, id)
			}
			for id := range c.again {
				again = append(again, id)
			}
			diff(t, "fresh", test.fresh, sorted(fresh))
			diff(t, "again", test.again, sorted(again))
		})
	}
}

func TestReadChangesStopsEarly(t *testing.T) {
	t.Parallel()
	var lines []any
	for i := range 100_000 {
		lines = append(lines, fmt.Sprintf("OLD-%d", i), 48*time.Hour)
	}
	r := strings.NewReader(csvOf(lines...))
	size := r.Len()
	if _, err := readChanges(r, today); err != nil {
		t.Fatal(err)
	}
	if read := size - r.Len(); read > 2*maxLine {
		t.Errorf("read %d bytes of the list, want a small part", read)
	}
}

func TestManyChangesReadTheZip(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	u := newUpdater(m)
	update(t, u, b.URL, "npm")
	b.log()
	var lines []any
	for i := range maxChanges + 1 {
		lines = append(lines, fmt.Sprintf("B-%d", i), time.Minute)
	}
	b.put("npm/modified_id.csv", csvOf(lines...))
	b.put("npm/all.zip", string(zipOf(t, "A-1.json", record("A-1", "npm", stamp(time.Minute)))))
	res := update(t, u, b.URL, "npm")
	diff(t, "requests", []string{"npm/modified_id.csv", "npm/all.zip"}, b.log())
	diff(t, "records", "A-1", m.ids("npm"))
	diff(t, "changed", 3, res.Changed)
}

// A plain copy of zips and lists has no single records.
func TestNoSingleRecordsReadsTheZip(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	u := newUpdater(m)
	update(t, u, b.URL, "npm")
	if res := update(t, u, b.URL, "npm"); !res.Unchanged {
		t.Errorf("with nothing new the update gives %+v, want it unchanged", res)
	}
	b.put("npm/modified_id.csv", csvOf("A-4", time.Minute, "A-3", time.Hour))
	b.put("npm/all.zip", string(zipOf(t, "A-4.json", record("A-4", "npm", stamp(time.Minute)))))
	if res := update(t, u, b.URL, "npm"); !res.Full {
		t.Errorf("update gives %+v, want it full", res)
	}
	diff(t, "records", "A-4", m.ids("npm"))
}

func TestRecordGoneOrWrong(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	u := newUpdater(m)
	update(t, u, b.URL, "npm")
	b.put("npm/A-4.json", record("A-4", "npm", stamp(time.Minute)))
	b.put("npm/A-5.json", record("A-1", "npm", stamp(time.Minute)))
	b.put("npm/A-6.json", `{"id":`)
	b.put("npm/A-3.json", record("A-3", "npm", stamp(time.Hour)))
	b.put("npm/modified_id.csv", csvOf("A-4", time.Minute, "A-5", time.Minute, "A-6", time.Minute, "A-7", time.Minute, "A-3", time.Hour))
	res := update(t, u, b.URL, "npm")
	diff(t, "records", "A-1 A-2 A-3 A-4", m.ids("npm"))
	diff(t, "skipped", 3, res.Skipped)
	slices.Sort(res.Malformed)
	diff(t, "reasons", []string{"A-5: it is the record A-1", "A-6: it is not JSON: unexpected end of JSON input", "A-7: it is listed but not there"}, res.Malformed)
}

func TestWeeklyReconcile(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	u := newUpdater(m)
	update(t, u, b.URL, "npm")
	b.put("npm/all.zip", string(zipOf(t, "A-1.json", record("A-1", "npm", stamp(3*time.Hour)))))
	now := today.Add(reconcile)
	u.Now = func() time.Time { return now }
	b.log()
	if res := update(t, u, b.URL, "npm"); !res.Full {
		t.Errorf("after a week the update gives %+v, want it full", res)
	}
	diff(t, "records", "A-1", m.ids("npm"))

	// The week after that the zip is still the one that was read then.
	now = today.Add(2 * reconcile)
	b.modified["npm/all.zip"] = today.Add(-time.Hour)
	b.modified["npm/modified_id.csv"] = today.Add(-time.Hour)
	b.log()
	if res := update(t, u, b.URL, "npm"); !res.Unchanged {
		t.Errorf("update gives %+v, want it unchanged", res)
	}
	diff(t, "requests", []string{"npm/all.zip", "npm/modified_id.csv"}, b.log())
}

// A record from the future must not hide the changes until then.
func TestFutureDates(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	b.put("npm/all.zip", string(zipOf(t, "A-1.json", record("A-1", "npm", "2099-01-01T00:00:00Z"))))
	u := newUpdater(m)
	update(t, u, b.URL, "npm")
	diff(t, "newest of all", today, m.feeds["osv/npm"].Newest)
	b.put("npm/A-2.json", record("A-2", "npm", "2098-01-01T00:00:00Z"))
	b.put("npm/modified_id.csv", "2098-01-01T00:00:00Z,A-2\n")
	update(t, u, b.URL, "npm")
	diff(t, "newest of the changes", today, m.feeds["osv/npm"].Newest)
	diff(t, "records", "A-1 A-2", m.ids("npm"))
}

func TestAnotherSourceIsReadWhole(t *testing.T) {
	t.Parallel()
	m := newMemory()
	u := newUpdater(m)
	update(t, u, filled(t).URL, "npm")
	if res := update(t, u, filled(t).URL, "npm"); !res.Full {
		t.Errorf("update gives %+v, want it full", res)
	}
}

func TestBucketWithoutList(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	delete(b.files, "npm/modified_id.csv")
	u := newUpdater(m)
	update(t, u, b.URL, "npm")
	if res := update(t, u, b.URL, "npm"); !res.Full {
		t.Errorf("update gives %+v, want it full", res)
	}
	b.modified["npm/all.zip"] = today.Add(-2 * time.Hour)
	if res := update(t, u, b.URL, "npm"); !res.Unchanged {
		t.Errorf("update gives %+v, want it unchanged", res)
	}
}

// Each of these fails, and the old set stays as it was.
func TestBrokenFeedKeepsTheOldSet(t *testing.T) {
	t.Parallel()
	good := zipOf(t, "A-1.json", record("A-1", "npm", stamp(time.Minute)), "A-9.json", record("A-9", "npm", stamp(time.Minute)))
	serve := func(body []byte, contentType string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Write(body)
		}
	}
	answer := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	damaged := slices.Clone(good)
	copy(damaged[45:], "XXXXXXXX")
	var bad []string
	for i := range 40 {
		body := record(fmt.Sprintf("B-%d", i), "npm", stamp(time.Minute))
		if i < 11 {
			body = body[:20]
		}
		bad = append(bad, fmt.Sprintf("B-%d.json", i), body)
	}
	tests := map[string]struct {
		handler http.HandlerFunc
		code    seaworthy.Code
		want    string
	}{
		"connection cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(good)))
			w.Write(good[:len(good)/2])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, seaworthy.CodeUnreachable, "connection was cut after"},
		"truncated zip":      {serve(good[:len(good)-30], "application/zip"), seaworthy.CodeCorrupt, "no whole zip"},
		"damaged entry":      {serve(damaged, "application/zip"), seaworthy.CodeCorrupt, "damaged"},
		"no zip":             {serve([]byte("hello"), "application/zip"), seaworthy.CodeCorrupt, "no whole zip"},
		"no records":         {serve(zipOf(t, "README.md", "x"), "application/zip"), seaworthy.CodeCorrupt, "no records"},
		"a web page":         {serve([]byte("\n <!doctype html><p>Log in"), "application/zip"), seaworthy.CodeProtocol, "web page"},
		"a web page by type": {serve([]byte("hello"), "text/html; charset=utf-8"), seaworthy.CodeProtocol, "web page"},
		"too many malformed": {serve(zipOf(t, bad...), "application/zip"), seaworthy.CodeCorrupt, "11 of its 40 records are malformed"},
		"404":                {answer(404), seaworthy.CodeNotFound, "no advisories for the ecosystem npm at http"},
		"403":                {answer(403), seaworthy.CodeUnauthorized, "may not be read"},
		"429":                {answer(429), seaworthy.CodeUnreachable, "too often"},
		"503":                {answer(503), seaworthy.CodeUnreachable, "out of order"},
		"418":                {answer(418), seaworthy.CodeProtocol, "HTTP 418"},
		"to metadata": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		}, seaworthy.CodeProtocol, "metadata address"},
		"to metadata over https": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://[fe80::1]/x", http.StatusFound)
		}, seaworthy.CodeProtocol, "metadata address"},
		"to metadata by name": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://metadata.google.internal/", http.StatusFound)
		}, seaworthy.CodeProtocol, "metadata address"},
		"to plain http": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://example.org/", http.StatusFound)
		}, seaworthy.CodeProtocol, "not https"},
		"in circles": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}, seaworthy.CodeProtocol, "more than 5 redirects"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, m := filled(t), newMemory()
			u := newUpdater(m)
			update(t, u, b.URL, "npm")
			before := m.feeds["osv/npm"]
			b.special["npm/all.zip"] = test.handler
			u.Now = func() time.Time { return today.Add(reconcile) }
			_, err := u.OSV(t.Context(), b.URL, []string{"npm"})
			if err == nil || seaworthy.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %q of code %v, want %q of code %v", err, seaworthy.CodeOf(err), test.want, test.code)
			}
			diff(t, "records", "A-1 A-2 A-3", m.ids("npm"))
			diff(t, "feed", before, m.feeds["osv/npm"])
		})
	}
}

func TestCutDownloadIsTriedAgain(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	body := b.files["npm/all.zip"]
	requests := 0
	b.special["npm/all.zip"] = func(w http.ResponseWriter, _ *http.Request) {
		requests++
		switch requests {
		case 1:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			w.Write(body[:10])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		default:
			w.Write(body)
		}
	}
	u := newUpdater(m)
	var waits []time.Duration
	u.pause = func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}
	update(t, u, b.URL, "npm")
	diff(t, "records", "A-1 A-2 A-3", m.ids("npm"))
	diff(t, "waits", []time.Duration{7 * time.Second}, waits)
}

func TestSilentServer(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]string{"before the answer": "", "in the middle of it": strings.Repeat("PK", 100)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, m := newBucket(t), newMemory()
			b.special["npm/all.zip"] = func(w http.ResponseWriter, r *http.Request) {
				if send != "" {
					w.Write([]byte(send))
					w.(http.Flusher).Flush()
				}
				<-r.Context().Done()
			}
			u := newUpdater(m)
			u.idle = 20 * time.Millisecond
			_, err := u.OSV(t.Context(), b.URL, []string{"npm"})
			if seaworthy.CodeOf(err) != seaworthy.CodeUnreachable || !strings.Contains(err.Error(), "silent") {
				t.Errorf("error is %v, want that the server fell silent", err)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	ctx, cancel := context.WithCancel(t.Context())
	b.special["npm/all.zip"] = func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(strings.Repeat("PK", 100)))
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	}
	u := newUpdater(m)
	u.TempDir = t.TempDir()
	if _, err := u.OSV(ctx, b.URL, []string{"npm", "Go"}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want that it was cancelled", err)
	}
	left, err := os.ReadDir(u.TempDir)
	if err != nil || len(left) != 0 {
		t.Errorf("%d temporary files are left (%v), want none", len(left), err)
	}
}

// A few malformed records are skipped, counted and named; entries that are no
// records of the bucket's layout are no matter.
func TestSomeMalformedRecords(t *testing.T) {
	t.Parallel()
	b, m := newBucket(t), newMemory()
	b.put("npm/all.zip", string(zipOf(t,
		"A-1.json", record("A-1", "npm", stamp(time.Hour)),
		"A-2.json", `{"id":`,
		"A-3.json", strings.Repeat(" ", 2<<20)+record("A-3", "npm", ""), // a bomb, for this limit
		"OTHER.json", record("A-4", "npm", stamp(time.Hour)),
		"A-5.json", record("A-5", "Go", stamp(time.Hour)),
		"A-6.json", `{"id":"A-6","withdrawn":"2026-01-01T00:00:00Z"}`,
		"sub/A-7.json", record("A-7", "npm", ""),
		"../A-8.json", record("A-8", "npm", ""),
		"A-9.txt", "x",
		".json", "x",
	)))
	u := newUpdater(m)
	u.Limits.AdvisoryBytes = 1 << 20
	res := update(t, u, b.URL, "npm")
	diff(t, "records", "A-1 A-4 A-6", m.ids("npm"))
	if res.Records != 2 || res.Withdrawn != 1 || res.Skipped != 2 || res.Misnamed != 1 {
		t.Errorf("update gives %+v, want 2 records, 1 withdrawn, 2 skipped, 1 misnamed", res)
	}
	slices.Sort(res.Malformed)
	if len(res.Malformed) != 2 || !strings.HasPrefix(res.Malformed[0], "A-2: ") || !strings.Contains(res.Malformed[1], seaworthy.LimitAdvisoryBytes) {
		t.Errorf("malformed are %q", res.Malformed)
	}
	diff(t, "skipped in the feed", 2, m.feeds["osv/npm"].Skipped)
}

// A record lies in the zip of each family it speaks of; each keeps its part. A
// change that takes a family's last entry away takes it from the set.
func TestRecordOfSeveralFamilies(t *testing.T) {
	t.Parallel()
	both := `{"id":"A-1","modified":"` + stamp(time.Hour) + `","affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1"]},{"package":{"ecosystem":"Maven","name":"x:y"},"versions":["1"]}]}`
	b, m := newBucket(t), newMemory()
	b.put("npm/all.zip", string(zipOf(t, "A-1.json", both)))
	b.put("Maven/all.zip", string(zipOf(t, "A-1.json", both)))
	u := newUpdater(m)
	if _, err := u.OSV(t.Context(), b.URL, []string{"npm", "Maven", "npm:x"}); err != nil {
		t.Fatal(err)
	}
	for _, family := range []string{"npm", "Maven"} {
		entries := m.records[family]["A-1"].Affected
		if len(entries) != 1 || entries[0].Ecosystem.Family() != family {
			t.Errorf("%s keeps %+v, want its own entry", family, entries)
		}
	}
	b.put("npm/A-1.json", record("A-1", "Maven", stamp(time.Minute)))
	b.put("npm/modified_id.csv", csvOf("A-1", time.Minute))
	update(t, u, b.URL, "npm")
	if a, ok := m.records["npm"]["A-1"]; !ok || len(a.Affected) != 0 {
		t.Errorf("npm keeps %+v, want the record without entries", a)
	}
}

func TestOneFamilyFails(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	results, err := newUpdater(m).OSV(t.Context(), b.URL, []string{"Hex", "npm", "../x"})
	if len(results) != 1 || results[0].Ecosystem != "npm" {
		t.Errorf("results are %+v, want npm's", results)
	}
	if err == nil || !strings.Contains(err.Error(), "ecosystem Hex") || !strings.Contains(err.Error(), b.URL+"/ecosystems.txt") ||
		!strings.Contains(err.Error(), `"../x" is not the name`) {
		t.Errorf("error is %v, want one that names both and the list of ecosystems", err)
	}
}

func TestNamesWithSpaces(t *testing.T) {
	t.Parallel()
	b, m := newBucket(t), newMemory()
	b.put("Red%20Hat/all.zip", string(zipOf(t, "RHSA-1:2.json", record("RHSA-1:2", "Red Hat:enterprise_linux:9::baseos", stamp(time.Hour)))))
	res := update(t, newUpdater(m), b.URL+"/", "Red Hat")
	diff(t, "records", "RHSA-1:2", m.ids("Red Hat"))
	diff(t, "URL", b.URL+"/Red%20Hat", res.URL)
}

func TestSingleRecordURLsAreEscaped(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	u := newUpdater(m)
	update(t, u, b.URL, "npm")
	b.put("npm/ALPINE-CVE-2022-%3F%3F.json", record("ALPINE-CVE-2022-??", "npm", stamp(time.Minute)))
	b.put("npm/modified_id.csv", csvOf("ALPINE-CVE-2022-??", time.Minute))
	update(t, u, b.URL, "npm")
	diff(t, "records", "A-1 A-2 A-3 ALPINE-CVE-2022-??", m.ids("npm"))
}

func TestFileBucket(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "my mirror")
	write(t, filepath.Join(dir, "Red Hat", "all.zip"), string(zipOf(t, "A-1.json", record("A-1", "Red Hat:enterprise_linux:9", stamp(time.Hour)))))
	write(t, filepath.Join(dir, "Red Hat", "modified_id.csv"), csvOf("A-1", time.Hour))
	m := newMemory()
	u := newUpdater(dated{m})
	for _, base := range []string{"file://" + dir, "file://" + strings.ReplaceAll(dir, " ", "%20")} {
		update(t, u, base, "Red Hat")
		diff(t, "records", "A-1", m.ids("Red Hat"))
	}
	if res := update(t, u, "file://"+dir, "Red Hat"); !res.Unchanged {
		t.Errorf("update gives %+v, want it unchanged", res)
	}
	write(t, filepath.Join(dir, "Red Hat", "A-2.json"), record("A-2", "Red Hat:enterprise_linux:9", stamp(time.Minute)))
	write(t, filepath.Join(dir, "Red Hat", "modified_id.csv"), csvOf("A-2", time.Minute, "A-1", time.Hour))
	if res := update(t, u, "file://"+dir, "Red Hat"); res.Full || res.Changed != 1 {
		t.Errorf("update gives %+v, want one change", res)
	}
	diff(t, "records", "A-1 A-2", m.ids("Red Hat"))
	_, err := u.OSV(t.Context(), "file://"+dir, []string{"Go"})
	if seaworthy.CodeOf(err) != seaworthy.CodeNotFound {
		t.Errorf("error is %v, want that it was not found", err)
	}
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{
		"https://example.org/x": true, "http://127.0.0.1:1": true, "http://localhost:1": true, "http://[::1]:1": true, "file:///x": true,
		"http://example.org": false, "http://10.0.0.1": false, "ftp://x": false, "x": false, "": false, "https://": false, "file://host/x": false, "file:x": false, "://": false,
	} {
		if _, err := newUpdater(newMemory()).place(address); (err == nil) != ok || err != nil && seaworthy.CodeOf(err) != seaworthy.CodeInvalid {
			t.Errorf("place(%q) gives error %v, want ok %v", address, err, ok)
		}
	}
}

func TestSecretsStayOutOfErrorsAndFeeds(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	u := newUpdater(m)
	base := strings.Replace(b.URL, "http://", "http://canary:canary@", 1) + "/?token=canary"
	update(t, u, base, "npm")
	_, err := u.OSV(t.Context(), base, []string{"Hex"})
	b.Close()
	_, err2 := u.OSV(t.Context(), base, []string{"Go"})
	_, err3 := u.OSV(t.Context(), "https://canary:%zz@x", []string{"Go"})
	if s := fmt.Sprint(m.feeds, err, err2, err3); strings.Contains(s, "canary") {
		t.Errorf("a secret shows in %s", s)
	}
}

func TestMetadataAddressIsRefusedDirectly(t *testing.T) {
	t.Parallel()
	_, err := newUpdater(newMemory()).OSV(t.Context(), "https://169.254.169.254", []string{"npm"})
	if err == nil || !strings.Contains(err.Error(), "link-local") {
		t.Errorf("error is %v, want that it is link-local", err)
	}
}

func TestStoreFailure(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	m.fail = errors.New("disk full")
	_, err := newUpdater(m).OSV(t.Context(), b.URL, []string{"npm"})
	if !errors.Is(err, m.fail) || seaworthy.CodeOf(err) != seaworthy.CodeInternal {
		t.Errorf("error is %v, want the store's", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	u := newUpdater(m)
	size := int64(len(b.files["npm/all.zip"]))
	for name, limit := range map[string]int64{"stored": size - 1, "unpacked": size + 10} {
		u.Limits.AdvisoryFile = limit
		if name == "unpacked" {
			b.put("npm/all.zip", string(zipOf(t, "A-1.json", strings.Repeat(" ", 1<<20))))
			u.Limits.AdvisoryFile = 1 << 16
		}
		_, err := u.OSV(t.Context(), b.URL, []string{"npm"})
		if seaworthy.CodeOf(err) != seaworthy.CodeLimit || !strings.Contains(err.Error(), seaworthy.LimitAdvisoryFile) {
			t.Errorf("%s: error is %v, want the limit's", name, err)
		}
		diff(t, "feeds", 0, len(m.feeds))
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	b, m := filled(t), newMemory()
	u := newUpdater(m)
	var last Event
	stages := map[Stage]bool{}
	u.TempDir = t.TempDir()
	u.Progress = func(e Event) {
		stages[e.Stage], last = true, e
		if left, err := os.ReadDir(u.TempDir); err != nil || len(left) != 0 {
			t.Errorf("while it is used the temporary file has a name: %v (%v)", left, err)
		}
	}
	update(t, u, b.URL, "npm")
	diff(t, "last", Event{Feed: "npm", Stage: StageRecords, Done: 3, Total: 3}, last)
	diff(t, "stages", map[Stage]bool{StageDownload: true, StageRecords: true}, stages)
}

func FuzzReadChanges(f *testing.F) {
	f.Add(csvOf("A-1", time.Hour, "A-2", 2*time.Hour))
	f.Add("0001-01-01T00:00:00Z,A\n,\n<html>")
	f.Fuzz(func(t *testing.T, in string) {
		c, err := readChanges(strings.NewReader(in), today)
		if err != nil {
			return
		}
		for id, at := range c.fresh {
			if !validID(id) || !at.After(today) {
				t.Errorf("%q of %v is no fresh id", id, at)
			}
		}
	})
}
