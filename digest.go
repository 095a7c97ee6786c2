package seaworthy

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// Digest names content by its hash, as "sha256:<hex>" or "sha512:<hex>" in
// lower case (OCI image spec, descriptor.md, "Digests").
type Digest string

// ParseDigest checks that s is a digest of a supported algorithm.
func ParseDigest(s string) (Digest, error) {
	algorithm, sum, ok := strings.Cut(s, ":")
	if !ok {
		return "", fmt.Errorf("digest %.80q has no algorithm", s)
	}
	var size int
	switch algorithm {
	case "sha256":
		size = sha256.Size
	case "sha512":
		size = sha512.Size
	default:
		return "", fmt.Errorf("digest algorithm %.20q is not supported: sha256 and sha512 are", algorithm)
	}
	if len(sum) != 2*size || strings.ToLower(sum) != sum {
		return "", fmt.Errorf("digest %.150q is not %d lower-case hex digits", s, 2*size)
	}
	if _, err := hex.DecodeString(sum); err != nil {
		return "", fmt.Errorf("digest %.150q is not hex", s)
	}
	return Digest(s), nil
}

// Algorithm is the part before the colon.
func (d Digest) Algorithm() string {
	algorithm, _, _ := strings.Cut(string(d), ":")
	return algorithm
}

// Hex is the part behind the colon.
func (d Digest) Hex() string {
	_, sum, _ := strings.Cut(string(d), ":")
	return sum
}

// Short is the first twelve hex digits, for people.
func (d Digest) Short() string {
	sum := d.Hex()
	if len(sum) > 12 {
		return sum[:12]
	}
	return sum
}

// Hash gives a fresh hash of the digest's algorithm, sha256 if it is unknown.
func (d Digest) Hash() hash.Hash {
	if d.Algorithm() == "sha512" {
		return sha512.New()
	}
	return sha256.New()
}

// Is reports whether the sum of h, which must come from [Digest.Hash], is d.
func (d Digest) Is(h hash.Hash) bool { return d.Hex() == hex.EncodeToString(h.Sum(nil)) }

// DigestOf is the sha256 digest of b.
func DigestOf(b []byte) Digest {
	sum := sha256.Sum256(b)
	return Digest("sha256:" + hex.EncodeToString(sum[:]))
}
