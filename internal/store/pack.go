package store

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// errPacked says that packed bytes are not what pack wrote.
var errPacked = errors.New("stored value is corrupt")

// pack writes values one behind the other: numbers as varints, strings with
// their length in front. It is for what is read by the thousand, where JSON
// would cost more than the query.
type pack struct{ b []byte }

func (p *pack) num(n int)     { p.b = binary.AppendVarint(p.b, int64(n)) }
func (p *pack) size(n int)    { p.b = binary.AppendUvarint(p.b, uint64(n)) }
func (p *pack) text(s string) { p.size(len(s)); p.b = append(p.b, s...) }

// list writes strings, each without the prefix that it shares with the one
// before: versions in their order share most of themselves.
func (p *pack) list(list []string) {
	p.size(len(list))
	last := ""
	for _, s := range list {
		shared := 0
		for shared < len(s) && shared < len(last) && s[shared] == last[shared] {
			shared++
		}
		p.size(shared)
		p.text(s[shared:])
		last = s
	}
}

// unpack reads what pack wrote. After the first mistake it yields zeros and bad
// is set. Strings are parts of the text, so they keep all of it alive.
type unpack struct {
	s   string
	bad bool
}

func (u *unpack) fail() { u.s, u.bad = "", true }

func (u *unpack) num() int {
	n := u.uvarint()
	return int(n>>1) ^ -int(n&1)
}

func (u *unpack) uvarint() uint64 {
	var n uint64
	for i := 0; i < len(u.s) && i < binary.MaxVarintLen64; i++ {
		c := u.s[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			u.s = u.s[i+1:]
			return n
		}
	}
	u.fail()
	return 0
}

// size reads a count of things that take at least a byte each, or a length.
func (u *unpack) size() int {
	n := u.uvarint()
	if n > uint64(len(u.s)) {
		u.fail()
		return 0
	}
	return int(n)
}

func (u *unpack) text() string {
	n := u.size()
	s := u.s[:n]
	u.s = u.s[n:]
	return s
}

// maxList bounds the bytes of a list whose packed form lies about itself.
const maxList = 64 << 20

func (u *unpack) list() []string {
	n := u.size()
	if n == 0 {
		return nil
	}
	list := make([]string, 0, n)
	last, total := "", 0
	for range n {
		shared := u.uvarint()
		rest := u.text()
		if shared > uint64(len(last)) {
			u.fail()
		}
		total += int(shared) + len(rest)
		if u.bad || total > maxList {
			u.fail()
			return nil
		}
		last = last[:shared] + rest
		list = append(list, last)
	}
	return list
}

func (u *unpack) err() error {
	if u.bad || u.s != "" {
		return errPacked
	}
	return nil
}

func (p *pack) ratings(ratings []seaworthy.Rating) {
	p.size(len(ratings))
	for _, r := range ratings {
		p.text(r.Source)
		p.text(r.Type)
		p.text(r.Value)
	}
}

func (u *unpack) ratings() []seaworthy.Rating {
	n := u.size()
	if n == 0 {
		return nil
	}
	ratings := make([]seaworthy.Rating, 0, min(n, 1024))
	for range n {
		ratings = append(ratings, seaworthy.Rating{Source: u.text(), Type: u.text(), Value: u.text()})
		if u.bad {
			return nil
		}
	}
	return ratings
}

// packAffected is a in two parts, of which the second is its versions, without
// its ecosystem and name, which are columns.
func packAffected(a seaworthy.Affected) (rest, versions []byte) {
	p := pack{b: make([]byte, 0, 128)}
	p.size(len(a.Ranges))
	for _, r := range a.Ranges {
		p.text(string(r.Type))
		p.size(len(r.Events))
		for _, e := range r.Events {
			p.event(e)
		}
	}
	p.ratings(a.Ratings)
	p.text(a.Urgency)
	p.list(a.Binaries)
	var v pack
	v.list(a.Versions)
	return p.b, v.b
}

// The byte between the two parts in the database says how the versions are
// stored: lists of more than a few hundred bytes are compressed.
const (
	versionsPlain = 0
	versionsZstd  = 1
	plainBytes    = 256
)

// storeAffected is the stored form of what packAffected gives.
func (c *codec) storeAffected(rest, versions []byte) ([]byte, error) {
	if len(versions) <= plainBytes {
		return append(append(rest, versionsPlain), versions...), nil
	}
	return c.compress(append(rest, versionsZstd), versions)
}

// event writes which fields are set, and these.
func (p *pack) event(e seaworthy.Event) {
	fields := [...]string{e.Introduced, e.Fixed, e.LastAffected, e.Limit}
	set := 0
	for i, f := range fields {
		if f != "" {
			set |= 1 << i
		}
	}
	p.size(set)
	for _, f := range fields {
		if f != "" {
			p.text(f)
		}
	}
}

func (u *unpack) event() (e seaworthy.Event) {
	set := u.uvarint()
	for i, f := range [...]*string{&e.Introduced, &e.Fixed, &e.LastAffected, &e.Limit} {
		if set&(1<<i) != 0 {
			*f = u.text()
		}
	}
	return e
}

// affectedReader reads what storeAffected made. It remembers lists of versions
// by their stored form: the advisories of one package repeat the same few, some
// of them thousands of versions long.
type affectedReader struct {
	codec *codec
	lists map[string][]string
}

func (s *Store) affectedReader() affectedReader {
	return affectedReader{&s.codec, map[string][]string{}}
}

func (r affectedReader) read(detail []byte) (a seaworthy.Affected, err error) {
	u := unpack{s: string(detail)}
	for range u.size() {
		span := seaworthy.Range{Type: rangeType(u.text())}
		for range u.size() {
			span.Events = append(span.Events, u.event())
			if u.bad {
				return a, errPacked
			}
		}
		a.Ranges = append(a.Ranges, span)
	}
	a.Ratings = u.ratings()
	a.Urgency = u.text()
	a.Binaries = u.list()
	if u.bad || u.s == "" {
		return a, errPacked
	}
	known, ok := r.lists[u.s]
	if !ok {
		if known, err = r.versions(u.s[0], u.s[1:]); err != nil {
			return a, err
		}
		r.lists[strings.Clone(u.s)] = known
	}
	a.Versions = known
	return a, nil
}

func (r affectedReader) versions(form byte, stored string) ([]string, error) {
	if form == versionsZstd {
		b, err := r.codec.expand([]byte(stored))
		if err != nil {
			return nil, err
		}
		stored = string(b)
	} else if form != versionsPlain {
		return nil, errPacked
	}
	u := unpack{s: stored}
	list := u.list()
	return list, u.err()
}

// rangeType spares a string for the types that there are.
func rangeType(s string) seaworthy.RangeType {
	for _, t := range [...]seaworthy.RangeType{seaworthy.RangeEcosystem, seaworthy.RangeSemver, seaworthy.RangeGit} {
		if s == string(t) {
			return t
		}
	}
	return seaworthy.RangeType(s)
}

func packFinding(f seaworthy.Finding) []byte {
	p := pack{b: make([]byte, 0, 64)}
	p.num(int(f.Verdict))
	p.text(f.Advisory)
	p.text(f.Source)
	p.text(f.Fixed)
	p.text(f.Urgency)
	p.ratings(f.Ratings)
	return p.b
}

func unpackFinding(detail []byte) (seaworthy.Finding, error) {
	u := unpack{s: string(detail)}
	f := seaworthy.Finding{
		Verdict:  seaworthy.Verdict(u.num()),
		Advisory: u.text(),
		Source:   u.text(),
		Fixed:    u.text(),
		Urgency:  u.text(),
		Ratings:  u.ratings(),
	}
	return f, u.err()
}
