package advisory

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// ratingWord is the type of a rating that is no CVSS vector.
const ratingWord = "word"

// canonicalWord folds the words that sources use for a severity into low,
// medium, high, critical, none and Ubuntu's negligible; empty for words that say
// that nobody has rated it, and for all others.
func canonicalWord(s string) string {
	switch word := strings.ToLower(strings.TrimSpace(s)); word {
	case "critical", "high", "medium", "low", "negligible", "none":
		return word
	case "important":
		return "high"
	case "moderate":
		return "medium"
	}
	return ""
}

// issuer is who speaks in a record with this id; empty if the id does not tell.
func issuer(id string) string {
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case "GHSA":
		return "GitHub"
	case "GO":
		return seaworthy.Go
	case "PYSEC", "PSF":
		return seaworthy.PyPI
	case "RUSTSEC":
		return "RustSec"
	case "MAL":
		return "OpenSSF"
	case "DSA", "DLA", "DTSA", "DEBIAN":
		return seaworthy.Debian
	case "USN", "LSN", "UBUNTU":
		return seaworthy.Ubuntu
	case "ALSA", "ALBA", "ALEA":
		return seaworthy.AlmaLinux
	case "RHSA", "RHBA", "RHEA":
		return seaworthy.RedHat
	case "RLSA", "RLBA", "RLEA", "RXSA":
		return seaworthy.Rocky
	case "ALPINE":
		return seaworthy.Alpine
	case "CVE":
		return "NVD"
	}
	return ""
}

// vectorSource is whose CVSS vector a record carries if the vector itself does
// not say. OSV's own conversions for Debian and Alpine copy NVD's.
func vectorSource(id, family string) string {
	switch who := issuer(id); who {
	case "":
		return family
	case seaworthy.Debian, seaworthy.Alpine:
		return "NVD"
	default:
		return who
	}
}

func wordSource(id, family string) string {
	if who := issuer(id); who != "" {
		return who
	}
	return family
}

// recordRatings are those of the record as a whole.
func recordRatings(r *osvRecord, a *seaworthy.Advisory) []seaworthy.Rating {
	family := ""
	if len(a.Affected) > 0 {
		family = a.Affected[0].Ecosystem.Family()
	}
	ratings := severityRatings(r.Severity, r.ID, family)
	if word := canonicalWord(text(r.DatabaseSpecific.fields()["severity"])); word != "" {
		ratings = append(ratings, seaworthy.Rating{Source: wordSource(r.ID, family), Type: ratingWord, Value: word})
	}
	if word := summaryWord(a.Summary); word != "" && rpmFamily(family) {
		ratings = append(ratings, seaworthy.Rating{Source: wordSource(r.ID, family), Type: ratingWord, Value: word})
	}
	return distinct(ratings)
}

// distinct drops repeated ratings: USNs and distributions list the same vector
// for each of their CVEs.
func distinct(ratings []seaworthy.Rating) []seaworthy.Rating {
	seen := make(map[seaworthy.Rating]bool, len(ratings))
	return slices.DeleteFunc(ratings, func(r seaworthy.Rating) bool {
		again := seen[r]
		seen[r] = true
		return again
	})
}

func severityRatings(list []osvSeverity, id, family string) []seaworthy.Rating {
	var ratings []seaworthy.Rating
	for _, s := range list {
		value := strings.TrimSpace(s.Score)
		switch s.Type {
		case "CVSS_V2", "CVSS_V3", "CVSS_V4":
			if value == "" || len(value) > maxID || oneLine(value) != value {
				continue
			}
			source := oneLine(s.Source)
			if source == "" || len(source) > maxID {
				source = vectorSource(id, family)
			}
			ratings = append(ratings, seaworthy.Rating{Source: source, Type: s.Type, Value: value})
		case seaworthy.Ubuntu:
			if word := canonicalWord(value); word != "" {
				ratings = append(ratings, seaworthy.Rating{Source: seaworthy.Ubuntu, Type: ratingWord, Value: word})
			}
		}
	}
	return ratings
}

func rpmFamily(family string) bool {
	switch family {
	case seaworthy.AlmaLinux, seaworthy.RedHat, seaworthy.Rocky:
		return true
	}
	return false
}

// summaryWord is the severity before the colon of an errata summary, as in
// "Important: podman security update".
func summaryWord(summary string) string {
	word, _, ok := strings.Cut(summary, ": ")
	if !ok {
		return ""
	}
	return canonicalWord(word)
}

// moduleStreams are those that an errata summary names, as in "Important:
// virt:rhel and virt-devel:rhel security update".
func moduleStreams(summary string) []string {
	if !strings.Contains(summary, ":") {
		return nil
	}
	var streams []string
	for word := range strings.FieldsSeq(summary) {
		name, stream, ok := strings.Cut(strings.TrimRight(word, ",;."), ":")
		stream, _, _ = strings.Cut(stream, "/") // "httpd:2.4/mod_http2" names a package of the stream
		if ok && validID(name) && validID(stream) {
			streams = append(streams, name+":"+stream)
		}
	}
	slices.Sort(streams)
	return slices.Compact(streams)
}

// modular reports whether an entry's fix was built in a module: its release then
// says so. A summary alone does not: "pam:1.5.1 security update" is no module.
func modular(entry seaworthy.Affected) bool {
	if !rpmFamily(entry.Ecosystem.Family()) {
		return false
	}
	for _, r := range entry.Ranges {
		for _, e := range r.Events {
			if strings.Contains(e.Fixed, ".module") || strings.Contains(e.LastAffected, ".module") {
				return true
			}
		}
	}
	return false
}

// entryWords reads what databases say of one entry beyond its versions.
func entryWords(entry *seaworthy.Affected, r *osvAffected, id string) {
	family := entry.Ecosystem.Family()
	entry.Ratings = severityRatings(r.Severity, id, family)
	if specific := r.EcosystemSpecific.fields(); len(specific) > 0 {
		switch family {
		case seaworthy.Debian:
			entry.Urgency = shorten(strings.ToLower(oneLine(text(specific["urgency"]))), maxID)
		case seaworthy.Ubuntu:
			entry.Binaries = binaries(specific["binaries"])
			if word := canonicalWord(text(specific["ubuntu_priority"])); word != "" {
				entry.Ratings = append(entry.Ratings, seaworthy.Rating{Source: seaworthy.Ubuntu, Type: ratingWord, Value: word})
			}
		}
	}
	if family == seaworthy.RubyGems && len(r.Severity) == 0 {
		if word := rubyWord(r.DatabaseSpecific.fields()); word != "" {
			entry.Ratings = append(entry.Ratings, seaworthy.Rating{Source: "ruby-advisory-db", Type: ratingWord, Value: word})
		}
	}
}

// binaries gives the names of Ubuntu's binary packages. Newer records list
// {"binary_name": "vim", "binary_version": "2:8.2"}, older ones {"vim": "2:8.2"}.
func binaries(raw json.RawMessage) []string {
	var list []map[string]json.RawMessage
	if len(raw) == 0 || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	var names []string
	for _, item := range list {
		if name, ok := item["binary_name"]; ok {
			names = append(names, text(name))
			continue
		}
		for name := range item {
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(s string) bool { return s == "" || len(s) > maxName || oneLine(s) != s })
	slices.Sort(names)
	return slices.Compact(names)
}

// rubyWord makes a word of ruby-advisory-db's scores, for it has no vectors. The
// scale is that of each CVSS version (https://nvd.nist.gov/vuln-metrics/cvss).
func rubyWord(specific map[string]json.RawMessage) string {
	for _, key := range []string{"cvss_v4", "cvss_v3", "cvss_v2"} {
		var score float64
		if raw, ok := specific[key]; !ok || json.Unmarshal(raw, &score) != nil {
			continue
		}
		switch v2 := key == "cvss_v2"; {
		case score > 10 || score < 0:
			continue
		case score >= 9 && !v2:
			return "critical"
		case score >= 7:
			return "high"
		case score >= 4:
			return "medium"
		case score > 0:
			return "low"
		}
	}
	return ""
}
