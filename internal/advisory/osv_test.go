package advisory

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seaworthy-dev/seaworthy"
)

func sorted(list []string) string {
	slices.Sort(list)
	return strings.Join(list, " ")
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}

const fixedRange = `"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]}]`

func upTo(v string) []seaworthy.Range {
	return []seaworthy.Range{{Type: seaworthy.RangeEcosystem, Events: []seaworthy.Event{{Introduced: "0"}, {Fixed: v}}}}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	word := func(source, value string) []seaworthy.Rating {
		return []seaworthy.Rating{{Source: source, Type: "word", Value: value}}
	}
	tests := map[string]struct {
		in   string
		want seaworthy.Advisory
	}{
		"Debian, urgency by release, a vector that is NVD's": {
			`{"schema_version":"1.6.0","id":"DEBIAN-CVE-2024-1","modified":"2024-11-20T01:02:03.456Z","published":"2024-01-02T00:00:00Z",
			"upstream":["CVE-2024-1"],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
			"affected":[{"package":{"ecosystem":"Debian:12","name":"zlib"},` + fixedRange + `,"versions":["1","1.5"],"ecosystem_specific":{"urgency":"Not yet assigned"}},
			{"package":{"ecosystem":"Debian:13","name":"zlib"},` + fixedRange + `,"ecosystem_specific":{"urgency":"unimportant"}}]}`,
			seaworthy.Advisory{
				ID: "DEBIAN-CVE-2024-1", Upstream: []string{"CVE-2024-1"},
				Published: at("2024-01-02T00:00:00Z"), Modified: at("2024-11-20T01:02:03.456Z"),
				Ratings: []seaworthy.Rating{{Source: "NVD", Type: "CVSS_V3", Value: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}},
				Affected: []seaworthy.Affected{
					{Ecosystem: "Debian:12", Name: "zlib", Ranges: upTo("2"), Versions: []string{"1", "1.5"}, Urgency: "not yet assigned"},
					{Ecosystem: "Debian:13", Name: "zlib", Ranges: upTo("2"), Urgency: "unimportant"},
				},
			},
		},
		"Ubuntu, both forms of binaries and of the priority": {
			`{"id":"UBUNTU-CVE-2024-2","severity":[{"type":"Ubuntu","score":"negligible"}],"affected":[
			{"package":{"ecosystem":"Ubuntu:22.04:LTS","name":"vim"},` + fixedRange + `,"ecosystem_specific":{"ubuntu_priority":"Medium","binaries":[{"vim-tiny":"2","vim":"2"},{"xxd":"2"}]}},
			{"package":{"ecosystem":"Ubuntu:Pro:14.04:LTS","name":"vim"},` + fixedRange + `,"severity":[{"type":"Ubuntu","score":"untriaged"}],"ecosystem_specific":{"binaries":[{"binary_name":"vim","binary_version":"2"},{"binary_name":"vim","binary_version":"3"}]}}]}`,
			seaworthy.Advisory{ID: "UBUNTU-CVE-2024-2", Ratings: word("Ubuntu", "negligible"), Affected: []seaworthy.Affected{
				{Ecosystem: "Ubuntu:22.04", Name: "vim", Ranges: upTo("2"), Ratings: word("Ubuntu", "medium"), Binaries: []string{"vim", "vim-tiny", "xxd"}},
				{Ecosystem: "Ubuntu:Pro:14.04", Name: "vim", Ranges: upTo("2"), Binaries: []string{"vim"}},
			}},
		},
		"GitHub, its word beside two vectors": {
			`{"id":"GHSA-aaaa-bbbb-cccc","aliases":["CVE-2024-3","CVE-2024-3","GHSA-aaaa-bbbb-cccc","no id"],
			"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/x"},{"type":"CVSS_V4","score":"CVSS:4.0/y"},{"type":"CVSS_V9","score":"z"}],
			"database_specific":{"severity":"MODERATE","cwe_ids":[]},"affected":[{"package":{"ecosystem":"npm","name":"left"},
			"ranges":[{"type":"SEMVER","events":[{"introduced":"1.0.0"},{"last_affected":"1.2.0"}]}]}]}`,
			seaworthy.Advisory{ID: "GHSA-aaaa-bbbb-cccc", Aliases: []string{"CVE-2024-3"}, Ratings: []seaworthy.Rating{
				{Source: "GitHub", Type: "CVSS_V3", Value: "CVSS:3.1/x"}, {Source: "GitHub", Type: "CVSS_V4", Value: "CVSS:4.0/y"},
				{Source: "GitHub", Type: "word", Value: "medium"},
			}, Affected: []seaworthy.Affected{{Ecosystem: "npm", Name: "left", Ranges: []seaworthy.Range{
				{Type: seaworthy.RangeSemver, Events: []seaworthy.Event{{Introduced: "1.0.0"}, {LastAffected: "1.2.0"}}},
			}}}},
		},
		"AlmaLinux, the word and the stream stand in the summary": {
			`{"id":"ALSA-2024:1","related":["CVE-2024-4"],"summary":"Important: virt:rhel and virt-devel:rhel security update","affected":[
			{"package":{"ecosystem":"AlmaLinux:8","name":"qemu"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2:6-1.module_el8.9.0+1+a"}]}]},
			{"package":{"ecosystem":"AlmaLinux:8","name":"plain"},` + fixedRange + `}]}`,
			seaworthy.Advisory{
				ID: "ALSA-2024:1", Related: []string{"CVE-2024-4"}, Summary: "Important: virt:rhel and virt-devel:rhel security update",
				Ratings: word("AlmaLinux", "high"), Affected: []seaworthy.Affected{
					{Ecosystem: "AlmaLinux:8", Name: "qemu", Ranges: upTo("2:6-1.module_el8.9.0+1+a"), Modules: []string{"virt-devel:rhel", "virt:rhel"}},
					{Ecosystem: "AlmaLinux:8", Name: "plain", Ranges: upTo("2")},
				},
			},
		},
		"AlmaLinux, a version in the summary is no stream": {
			`{"id":"ALSA-2024:2","summary":"Moderate: pam:1.5.1 security update","affected":[{"package":{"ecosystem":"AlmaLinux:9","name":"pam"},` + fixedRange + `}]}`,
			seaworthy.Advisory{
				ID: "ALSA-2024:2", Summary: "Moderate: pam:1.5.1 security update", Ratings: word("AlmaLinux", "medium"),
				Affected: []seaworthy.Affected{{Ecosystem: "AlmaLinux:9", Name: "pam", Ranges: upTo("2")}},
			},
		},
		"Red Hat, repositories of one release fold, no word": {
			`{"id":"RHSA-2024:1","summary":"Red Hat Security Advisory: nodejs:18 security update","affected":[
			{"package":{"ecosystem":"Red Hat:enterprise_linux:9::baseos","name":"npm"},` + fixedRange + `},
			{"package":{"ecosystem":"Red Hat:enterprise_linux:9::appstream","name":"npm"},` + fixedRange + `}]}`,
			seaworthy.Advisory{
				ID: "RHSA-2024:1", Summary: "Red Hat Security Advisory: nodejs:18 security update",
				Affected: []seaworthy.Affected{{Ecosystem: "Red Hat:9", Name: "npm", Ranges: upTo("2")}},
			},
		},
		"Rocky, a vector whose source is said": {
			`{"id":"RLSA-2024:1","summary":"Critical: x security update","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/x","source":"NVD"}],"affected":[{"package":{"ecosystem":"Rocky Linux:9","name":"x"},` + fixedRange + `}]}`,
			seaworthy.Advisory{ID: "RLSA-2024:1", Summary: "Critical: x security update", Ratings: []seaworthy.Rating{
				{Source: "NVD", Type: "CVSS_V3", Value: "CVSS:3.1/x"}, {Source: "Rocky Linux", Type: "word", Value: "critical"},
			}, Affected: []seaworthy.Affected{{Ecosystem: "Rocky Linux:9", Name: "x", Ranges: upTo("2")}}},
		},
		"a word before a colon elsewhere is a title": {
			`{"id":"GO-2024-1","summary":"Critical: mistakes in x","affected":[{"package":{"ecosystem":"Go","name":"x"},` + fixedRange + `}]}`,
			seaworthy.Advisory{ID: "GO-2024-1", Summary: "Critical: mistakes in x", Affected: []seaworthy.Affected{{Ecosystem: "Go", Name: "x", Ranges: upTo("2")}}},
		},
		"RubyGems, a score without its vector": {
			`{"id":"GHSA-1","affected":[{"package":{"ecosystem":"RubyGems","name":"rack"},` + fixedRange + `,"database_specific":{"cvss_v2":9.5,"cvss_v3":6.1}}]}`,
			seaworthy.Advisory{ID: "GHSA-1", Affected: []seaworthy.Affected{{Ecosystem: "RubyGems", Name: "rack", Ranges: upTo("2"), Ratings: word("ruby-advisory-db", "medium")}}},
		},
		"Packagist, the repository is not told apart": {
			`{"id":"DRUPAL-1","affected":[{"package":{"ecosystem":"Packagist:https://packages.drupal.org/8","name":"drupal/x"},` + fixedRange + `}]}`,
			seaworthy.Advisory{ID: "DRUPAL-1", Affected: []seaworthy.Affected{{Ecosystem: "Packagist", Name: "drupal/x", Ranges: upTo("2")}}},
		},
		"nulls, and a git range beside one of versions": {
			`{"schema_version":null,"id":"PYSEC-1","aliases":null,"severity":null,"withdrawn":null,"database_specific":null,"references":null,"affected":[
			{"package":null,"ranges":null},{"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]},
			{"package":{"ecosystem":"PyPI","name":"x"},"versions":null,"severity":null,"ecosystem_specific":null,
			"ranges":[{"type":"GIT","events":[{"introduced":"0"}]},{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]},{"type":"ECOSYSTEM","events":null}]},
			{"package":{"ecosystem":"PyPI","name":"only git"},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]}]}`,
			seaworthy.Advisory{ID: "PYSEC-1", Affected: []seaworthy.Affected{{Ecosystem: "PyPI", Name: "x", Ranges: upTo("2")}}},
		},
		"an event with two fields is two": {
			`{"id":"A-1","affected":[{"package":{"ecosystem":"Go","name":"x"},"ranges":[{"type":"SEMVER","events":[{"fixed":"2","introduced":"1"},{}]}]}]}`,
			seaworthy.Advisory{ID: "A-1", Affected: []seaworthy.Affected{{Ecosystem: "Go", Name: "x", Ranges: []seaworthy.Range{
				{Type: seaworthy.RangeSemver, Events: []seaworthy.Event{{Introduced: "1"}, {Fixed: "2"}}},
			}}}},
		},
		"withdrawn, and Go's zero time": {
			`{"id":"GO-1","modified":"0001-01-01T00:00:00Z","withdrawn":"2024-02-03T04:05:06Z"}`,
			seaworthy.Advisory{ID: "GO-1", Withdrawn: at("2024-02-03T04:05:06Z")},
		},
		"not withdrawn, by Go's zero time": {`{"id":"GO-2","withdrawn":"0001-01-01T00:00:00Z"}`, seaworthy.Advisory{ID: "GO-2"}},
		"withdrawn at a time that nobody can read": {
			`{"id":"GO-3","modified":"2024-01-01T00:00:00Z","withdrawn":"yesterday"}`,
			seaworthy.Advisory{ID: "GO-3", Modified: at("2024-01-01T00:00:00Z"), Withdrawn: at("2024-01-01T00:00:00Z")},
		},
		"dates in other forms": {
			`{"id":"A-2","published":"2024-01-02","modified":"2024-01-02T03:04:05+0100"}`,
			seaworthy.Advisory{ID: "A-2", Published: at("2024-01-02T00:00:00Z"), Modified: at("2024-01-02T02:04:05Z")},
		},
		"texts that would change a terminal, and links that are none": {
			`{"id":"A-3","summary":" red \u001b[31m\nand \u202eback ","details":"a\u0000b\r\n\tc","references":[{"url":"https://e.org/x"},{"url":"javascript:alert(1)"},{"url":"https://e.org/\">"}]}`,
			seaworthy.Advisory{ID: "A-3", Summary: "red [31m and back", Details: "ab\n\tc", References: []string{"https://e.org/x"}},
		},
		"databases fill their own objects as they like": {
			`{"id":"A-4","database_specific":["severity"],"affected":[{"package":{"ecosystem":"Debian:12","name":"x"},"versions":["1"],"ecosystem_specific":{"urgency":{"severity":1}},"database_specific":"severity"}]}`,
			seaworthy.Advisory{ID: "A-4", Affected: []seaworthy.Affected{{Ecosystem: "Debian:12", Name: "x", Versions: []string{"1"}}}},
		},
		"an id with question marks, as Alpine has": {`{"id":"ALPINE-CVE-2022-?????"}`, seaworthy.Advisory{ID: "ALPINE-CVE-2022-?????"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := DecodeOSV([]byte(test.in), seaworthy.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			diff(t, "advisory", test.want, got)
		})
	}
}

func TestDecodeCanonicalNames(t *testing.T) {
	t.Parallel()
	d := Decoder{Limits: seaworthy.DefaultLimits(), Canonical: func(e seaworthy.Ecosystem, name string) string {
		return string(e) + "/" + strings.ToLower(name)
	}}
	got, err := d.Decode([]byte(record("A-1", "Ubuntu:22.04:LTS", "")))
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "name", "Ubuntu:22.04/thing", got.Affected[0].Name)
}

func TestDecodeMalformed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want string }{
		"empty":                    {"", "it is not JSON"},
		"cut":                      {`{"id":"A-1","aff`, "it is not JSON"},
		"a list":                   {`[]`, "cannot be"},
		"a web page":               {"<html>", "it is not JSON"},
		"no id":                    {`{}`, `its id "" is not one`},
		"an id with a path":        {`{"id":"../../etc"}`, "is not one"},
		"an id with an escape":     {"{\"id\":\"A\\u001b[0m\"}", "is not one"},
		"an id that is too long":   {`{"id":"A` + strings.Repeat("x", 200) + `"}`, "is not one"},
		"versions that are none":   {`{"id":"A-1","affected":[{"versions":{}}]}`, `"affected.versions" is a object`},
		"a package without a name": {`{"id":"A-1","affected":[{"package":{"ecosystem":"Go"},"versions":["1"]}]}`, "affected entry 1"},
		"a name with a line break": {`{"id":"A-1","affected":[{"package":{"ecosystem":"Go","name":"a\nb"},"versions":["1"]}]}`, "not a package name"},
		"nested too deep":          {`{"id":"A-1","database_specific":` + strings.Repeat("[", 1e6) + strings.Repeat("]", 1e6) + `}`, "depth"},
		"too many objects":         {`{"id":"A-1","affected":[` + strings.Repeat("{},", 600_000) + `{}]}`, "objects"},
		"two records":              {`{"id":"A-1"}{"id":"A-2"}`, "it is not JSON"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := DecodeOSV([]byte(test.in), seaworthy.DefaultLimits())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestDecodeLimit(t *testing.T) {
	t.Parallel()
	l := seaworthy.DefaultLimits()
	l.AdvisoryBytes = 20
	_, err := DecodeOSV([]byte(`{"id":"A-1","summary":"long"}`), l)
	if err == nil || seaworthy.CodeOf(err) != seaworthy.CodeLimit || !strings.Contains(err.Error(), seaworthy.LimitAdvisoryBytes) {
		t.Errorf("error is %v, want the limit's", err)
	}
}

func TestDecodeLong(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("many words, ", 900_000) // some 10 MB
	got, err := DecodeOSV(fmt.Appendf(nil, `{"id":"A-1","summary":%q,"details":%q}`, text[:5_000_000], text), seaworthy.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Summary) > maxSummary || len(got.Details) > maxDetails || !strings.HasSuffix(got.Details, "…") {
		t.Errorf("texts of %d and %d bytes, want at most %d and %d", len(got.Summary), len(got.Details), maxSummary, maxDetails)
	}
}

func TestDecodeManyPackages(t *testing.T) {
	t.Parallel()
	const n = 50_000
	got, err := DecodeOSV(bigRecord(n), seaworthy.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Affected) != n {
		t.Errorf("%d packages, want %d", len(got.Affected), n)
	}
}

func bigRecord(packages int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"id":"BIG-1","modified":"2024-01-02T03:04:05Z","affected":[`)
	for i := range packages {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"package":{"ecosystem":"Red Hat:enterprise_linux:9::baseos","name":"p%d"},%s,"ecosystem_specific":{"urgency":"low"}}`, i, fixedRange)
	}
	b.WriteString("]}")
	return b.Bytes()
}

func FuzzDecodeOSV(f *testing.F) {
	f.Add([]byte(record("A-1", "Debian:12", "2024-01-02T03:04:05Z")))
	f.Add([]byte(`{"id":"ALSA-1","summary":"Low: a:1, b:2/c security update","severity":[{"type":"CVSS_V3","score":"x"}],"withdrawn":"x","affected":[{"package":{"ecosystem":"AlmaLinux:8","name":"x"},"versions":["1",""],"ranges":[{"type":"ECOSYSTEM","events":[{"fixed":"1.module_el8"}]}]}]}`))
	f.Add([]byte(`{"id":"U-1","affected":[{"package":{"ecosystem":"Ubuntu:22.04:LTS","name":"x"},"versions":["1"],"ecosystem_specific":{"ubuntu_priority":"low","binaries":[{"a":1},{"binary_name":"b"},null]}}]}`))
	f.Add([]byte(`{"id":"G-1","details":"\ud800\u0000","database_specific":{"severity":null},"affected":[null]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeOSV(b, seaworthy.DefaultLimits())
		if err != nil {
			return
		}
		if !validID(a.ID) || oneLine(a.Summary) != a.Summary || len(a.Summary) > maxSummary {
			t.Errorf("id %q or summary %q cannot be shown", a.ID, a.Summary)
		}
		for _, entry := range a.Affected {
			if entry.Name == "" || entry.Ecosystem == "" || len(entry.Ranges)+len(entry.Versions) == 0 {
				t.Errorf("entry %+v says nothing", entry)
			}
			for _, r := range entry.Ranges {
				for _, e := range r.Events {
					if n := len(slices.DeleteFunc([]string{e.Introduced, e.Fixed, e.LastAffected, e.Limit}, func(s string) bool { return s == "" })); n != 1 {
						t.Errorf("event %+v has %d fields, want 1", e, n)
					}
				}
			}
		}
	})
}

func BenchmarkDecodeOSV(b *testing.B) {
	versions := make([]string, 150)
	for i := range versions {
		versions[i] = fmt.Sprintf("%q", fmt.Sprintf("1.%d.0-%d+deb12u1", i, i%7))
	}
	in := fmt.Appendf(nil, `{"schema_version":"1.7.3","id":"DEBIAN-CVE-2024-1","modified":"2024-11-20T01:02:03Z","details":%q,"upstream":["CVE-2024-1"],
		"references":[{"type":"ADVISORY","url":"https://example.org/CVE-2024-1"}],"affected":[
		{"package":{"ecosystem":"Debian:12","name":"thing","purl":"pkg:deb/debian/thing?arch=source"},%s,"versions":[%s],"ecosystem_specific":{"urgency":"low"}},
		{"package":{"ecosystem":"Debian:13","name":"thing","purl":"pkg:deb/debian/thing?arch=source"},%s,"ecosystem_specific":{"urgency":"low"}}]}`,
		strings.Repeat("A flaw was found in thing. ", 20), fixedRange, strings.Join(versions, ","), fixedRange)
	limits := seaworthy.DefaultLimits()
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeOSV(in, limits); err != nil {
			b.Fatal(err)
		}
	}
}
