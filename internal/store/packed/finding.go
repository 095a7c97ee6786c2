package packed

import "github.com/seaworthy-dev/seaworthy"

// Finding is the stored form of f.
func Finding(f seaworthy.Finding) []byte {
	p := Writer{B: make([]byte, 0, 64)}
	p.Num(int(f.Verdict))
	p.Text(f.Advisory)
	p.Text(f.Source)
	p.Text(f.Fixed)
	p.Text(f.Urgency)
	p.Ratings(f.Ratings)
	p.Flag(f.Subscription)
	return p.B
}

// ReadFinding reads what Finding gave.
func ReadFinding(detail []byte) (seaworthy.Finding, error) {
	u := Reader{S: string(detail)}
	f := seaworthy.Finding{
		Verdict:  seaworthy.Verdict(u.Num()),
		Advisory: u.Text(),
		Source:   u.Text(),
		Fixed:    u.Text(),
		Urgency:  u.Text(),
		Ratings:  u.Ratings(),

		Subscription: u.Flag(),
	}
	return f, u.Err()
}
