package match

import (
	"cmp"
	"slices"
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"

	"github.com/seaworthy-dev/seaworthy"
)

const (
	ratingWord   = "word"
	ratingUbuntu = "Ubuntu" // OSV's own type for Ubuntu's priority
)

// rate decides how bad a group is and by whose word. A distribution knows how it
// builds and ships, so its word comes before any vector; in language ecosystems
// the vectors come first. Evidence is sorted.
func rate(evidence []*evidence, family string, distribution bool) (seaworthy.Severity, string, []seaworthy.Score) {
	scores := scoresOf(evidence)
	var all []seaworthy.Score
	for _, s := range scores {
		all = append(all, s...)
	}
	if distribution {
		if severity, by := wordOf(evidence, family, true); severity != seaworthy.SeverityUnknown {
			return severity, by, sortScores(all)
		}
	}
	for _, s := range scores {
		if len(s) > 0 {
			best := sortScores(sameSource(s))[0]
			return severityOf(best), best.Source, sortScores(all)
		}
	}
	severity, by := wordOf(evidence, family, false)
	return severity, by, sortScores(all)
}

// sameSource keeps the scores of the first's source: another's newer version of
// CVSS is no better word.
func sameSource(scores []seaworthy.Score) []seaworthy.Score {
	source := scores[0].Source
	return slices.DeleteFunc(slices.Clone(scores), func(s seaworthy.Score) bool { return s.Source != source })
}

// wordOf is the first word of the evidence by rank, the worst of those of one
// rank. With vendor it listens to the distribution alone.
func wordOf(evidence []*evidence, family string, vendor bool) (worst seaworthy.Severity, by string) {
	for i, e := range evidence {
		if i > 0 && e.rank != evidence[i-1].rank && worst != seaworthy.SeverityUnknown {
			break
		}
		if vendor && e.rank > rankBulletin {
			break
		}
		severity, source := e.word(family, vendor)
		if severity > worst {
			worst, by = severity, source
		}
	}
	return worst, by
}

// word is what an advisory says in its source's own terms: the urgency of the
// matched entry, a rating in words, or the word that AlmaLinux and Red Hat begin
// their summaries with. With vendor, words of others are not heard.
func (e *evidence) word(family string, vendor bool) (seaworthy.Severity, string) {
	if s := wordSeverity(e.finding.Urgency); s != seaworthy.SeverityUnknown && vendor {
		return s, family
	}
	for _, ratings := range [][]seaworthy.Rating{e.finding.Ratings, e.header.Ratings} {
		for _, r := range ratings {
			if r.Type != ratingWord && r.Type != ratingUbuntu || vendor && foreign(r.Source) {
				continue
			}
			if s := wordSeverity(r.Value); s != seaworthy.SeverityUnknown {
				return s, cmp.Or(r.Source, family)
			}
		}
	}
	if word, _, ok := strings.Cut(e.header.Summary, ":"); ok && vendor {
		return wordSeverity(word), family
	}
	return seaworthy.SeverityUnknown, ""
}

// foreign sources are no distribution's.
func foreign(source string) bool {
	return strings.EqualFold(source, "GitHub") || strings.EqualFold(source, "NVD")
}

// wordSeverity reads the words of Debian, Ubuntu, Red Hat, AlmaLinux, Rocky,
// SUSE and GitHub. Negligible and unimportant are the least of our scale.
func wordSeverity(word string) seaworthy.Severity {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "none":
		return seaworthy.SeverityNone
	case "unimportant", "negligible", "low":
		return seaworthy.SeverityLow
	case "medium", "moderate":
		return seaworthy.SeverityMedium
	case "high", "important":
		return seaworthy.SeverityHigh
	case "critical":
		return seaworthy.SeverityCritical
	}
	return seaworthy.SeverityUnknown // "not yet assigned", "end-of-life", "untriaged"
}

// scoresOf computes each evidence's vectors. Those of the matched entry stand in
// the place of the advisory's own.
func scoresOf(evidence []*evidence) [][]seaworthy.Score {
	scores := make([][]seaworthy.Score, len(evidence))
	for i, e := range evidence {
		if scores[i] = vectors(e.finding.Ratings); len(scores[i]) == 0 {
			scores[i] = vectors(e.header.Ratings)
		}
	}
	return scores
}

func vectors(ratings []seaworthy.Rating) []seaworthy.Score {
	var scores []seaworthy.Score
	for _, r := range ratings {
		if s, ok := scoreOf(r); ok {
			scores = append(scores, s)
		}
	}
	return scores
}

// scoreOf computes the base score. The vector's own header tells the version,
// for "CVSS_V3" is the type of 3.0 and of 3.1. Invalid vectors are no rating.
func scoreOf(r seaworthy.Rating) (seaworthy.Score, bool) {
	s := seaworthy.Score{Source: r.Source, Vector: r.Value}
	switch {
	case strings.HasPrefix(r.Value, "CVSS:4.0/"):
		v, err := gocvss40.ParseVector(baseMetrics(r.Value))
		if err != nil {
			return s, false
		}
		s.Version, s.Base = "4.0", v.Score()
	case strings.HasPrefix(r.Value, "CVSS:3.1/"):
		v, err := gocvss31.ParseVector(r.Value)
		if err != nil {
			return s, false
		}
		s.Version, s.Base = "3.1", v.BaseScore()
	case strings.HasPrefix(r.Value, "CVSS:3.0/"):
		v, err := gocvss30.ParseVector(r.Value)
		if err != nil {
			return s, false
		}
		s.Version, s.Base = "3.0", v.BaseScore()
	case r.Type == "CVSS_V2":
		v, err := gocvss20.ParseVector(strings.Trim(r.Value, "()"))
		if err != nil {
			return s, false
		}
		s.Version, s.Base = "2.0", v.BaseScore()
	default:
		return s, false
	}
	return s, true
}

// baseMetrics drops the threat, environmental and supplemental metrics of a
// CVSS 4.0 vector: its only score takes all that there are.
func baseMetrics(vector string) string {
	metrics := strings.Split(vector, "/")
	kept := metrics[:1]
	for _, m := range metrics[1:] {
		name, _, _ := strings.Cut(m, ":")
		switch name {
		case "AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA":
			kept = append(kept, m)
		}
	}
	return strings.Join(kept, "/")
}

// severityOf is the score's word: CVSS 2.0 on NVD's scale for it, which has no
// critical (https://nvd.nist.gov/vuln-metrics/cvss), the others on their own.
func severityOf(s seaworthy.Score) seaworthy.Severity {
	switch {
	case s.Version == "2.0" && s.Base < 4:
		return seaworthy.SeverityLow
	case s.Base == 0:
		return seaworthy.SeverityNone
	case s.Base < 4:
		return seaworthy.SeverityLow
	case s.Base < 7:
		return seaworthy.SeverityMedium
	case s.Base < 9 || s.Version == "2.0":
		return seaworthy.SeverityHigh
	}
	return seaworthy.SeverityCritical
}

// sortScores puts the newest version first, and each vector of a source once.
func sortScores(scores []seaworthy.Score) []seaworthy.Score {
	slices.SortFunc(scores, func(a, b seaworthy.Score) int {
		return cmp.Or(strings.Compare(b.Version, a.Version), cmp.Compare(b.Base, a.Base), strings.Compare(a.Source, b.Source),
			strings.Compare(a.Vector, b.Vector))
	})
	return slices.Compact(scores)
}
