package packed

import (
	"strings"

	"github.com/seaworthy-dev/seaworthy"
)

// Affected is a in two parts, of which the second is its versions, without
// its ecosystem and name, which are columns.
func Affected(a seaworthy.Affected) (rest, versions []byte) {
	p := Writer{B: make([]byte, 0, 128)}
	p.Size(len(a.Ranges))
	for _, r := range a.Ranges {
		p.Text(string(r.Type))
		p.Size(len(r.Events))
		for _, e := range r.Events {
			p.event(e)
		}
	}
	p.Ratings(a.Ratings)
	p.Text(a.Urgency)
	p.List(a.Binaries)
	p.List(a.Modules)
	var v Writer
	v.List(a.Versions)
	return p.B, v.B
}

// The byte between the two parts in the database says how the versions are
// stored: lists of more than a few hundred bytes are compressed.
const (
	versionsPlain = 0
	versionsZstd  = 1
	plainBytes    = 256
)

// StoreAffected is the stored form of what Affected gives.
func (c *Codec) StoreAffected(rest, versions []byte) ([]byte, error) {
	if len(versions) <= plainBytes {
		return append(append(rest, versionsPlain), versions...), nil
	}
	return c.Compress(append(rest, versionsZstd), versions)
}

// event writes which fields are set, and these.
func (p *Writer) event(e seaworthy.Event) {
	fields := [...]string{e.Introduced, e.Fixed, e.LastAffected, e.Limit}
	set := 0
	for i, f := range fields {
		if f != "" {
			set |= 1 << i
		}
	}
	p.Size(set)
	for _, f := range fields {
		if f != "" {
			p.Text(f)
		}
	}
}

func (u *Reader) event() (e seaworthy.Event) {
	set := u.uvarint()
	for i, f := range [...]*string{&e.Introduced, &e.Fixed, &e.LastAffected, &e.Limit} {
		if set&(1<<i) != 0 {
			*f = u.Text()
		}
	}
	return e
}

// AffectedReader reads what StoreAffected made. It remembers lists of versions
// by their stored form: the advisories of one package repeat the same few, some
// of them thousands of versions long.
type AffectedReader struct {
	codec *Codec
	lists map[string][]string
}

// AffectedReader makes a reader.
func (c *Codec) AffectedReader() AffectedReader {
	return AffectedReader{c, map[string][]string{}}
}

// Read reads what an advisory says, but its ecosystem and name.
func (r AffectedReader) Read(detail []byte) (a seaworthy.Affected, err error) {
	u := Reader{S: string(detail)}
	for range u.Size() {
		span := seaworthy.Range{Type: rangeType(u.Text())}
		for range u.Size() {
			span.Events = append(span.Events, u.event())
			if u.Bad {
				return a, ErrCorrupt
			}
		}
		a.Ranges = append(a.Ranges, span)
	}
	a.Ratings = u.Ratings()
	a.Urgency = u.Text()
	a.Binaries = u.List()
	a.Modules = u.List()
	if u.Bad || u.S == "" {
		return a, ErrCorrupt
	}
	known, ok := r.lists[u.S]
	if !ok {
		if known, err = r.versions(u.S[0], u.S[1:]); err != nil {
			return a, err
		}
		r.lists[strings.Clone(u.S)] = known
	}
	a.Versions = known
	return a, nil
}

func (r AffectedReader) versions(form byte, stored string) ([]string, error) {
	if form == versionsZstd {
		b, err := r.codec.Expand([]byte(stored))
		if err != nil {
			return nil, err
		}
		stored = string(b)
	} else if form != versionsPlain {
		return nil, ErrCorrupt
	}
	u := Reader{S: stored}
	list := u.List()
	return list, u.Err()
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
