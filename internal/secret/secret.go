// Package secret keeps the keys that seal secrets, and seals them: AES-256-GCM
// under a key derived for one purpose, bound to the place where the sealed text
// stands, so that a row copied to another place does not open. What cannot be
// opened is one of the errors below, never partly opened, and no error holds
// plaintext or key.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/seaworthy-dev/seaworthy/internal/form"
)

// What can be wrong with a sealed secret.
var (
	ErrMalformed  = errors.New("this is not a sealed secret")
	ErrUnknownKey = errors.New("it is sealed with a key that the keyring does not have")
	ErrTruncated  = errors.New("a part of the sealed secret is missing")
	ErrElsewhere  = errors.New("it was sealed for another place")
	ErrTampered   = errors.New("the sealed secret was altered")
	ErrTooLarge   = errors.New("the secret is too large")
)

const (
	version     = "v1"
	lengthBytes = 4
	placeBytes  = 8
	headBytes   = lengthBytes + placeBytes
	sealBytes   = 12 + 16   // nonce and tag
	maxPlain    = 512 << 10 // bytes
	maxSealed   = 1 << 20   // characters
)

// Field is the place of a connection's secret, to be given as aad.
func Field(connection, field string) string {
	return "connection/" + connection + "/" + field
}

// Sealer seals for one purpose; what it sealed opens for no other. It may be
// used by several goroutines.
type Sealer struct {
	ring    *Keyring
	purpose string
}

// Sealer is the sealer of a purpose, such as "connection".
func (k *Keyring) Sealer(purpose string) *Sealer { return &Sealer{ring: k, purpose: purpose} }

// Seal gives v1.KEYID.BASE64URL, which [Sealer.Open] opens with the same aad.
// The bytes are the length of the box (4), the mark of the place (8), and the
// box: nonce, ciphertext, tag. Length and mark tell a cut text and another
// place apart from an altered text; the tag covers them too.
func (s *Sealer) Seal(plain form.Secret, aad string) (string, error) {
	if len(plain) > maxPlain {
		return "", fmt.Errorf("seal %s: %w", aad, ErrTooLarge)
	}
	id, key := s.ring.active()
	box, place, err := s.derive(key, aad)
	if err != nil {
		return "", fmt.Errorf("seal %s: %w", aad, err)
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(len(plain)+sealBytes))
	out = append(out, place...)
	out = box.Seal(out, nil, []byte(plain.Reveal()), bound(out, aad))
	return version + "." + id + "." + base64.RawURLEncoding.EncodeToString(out), nil
}

// Open gives the secret, or one of this package's errors.
func (s *Sealer) Open(sealed, aad string) (form.Secret, error) {
	id, b, err := parse(sealed)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", aad, err)
	}
	key, ok := s.ring.lookup(id)
	if !ok {
		return "", fmt.Errorf("open %s: key %s: %w", aad, id, ErrUnknownKey)
	}
	box, place, err := s.derive(key, aad)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", aad, err)
	}
	head, body := b[:headBytes:headBytes], b[headBytes:]
	if !hmac.Equal(head[lengthBytes:], place) {
		return "", fmt.Errorf("open %s: %w", aad, ErrElsewhere)
	}
	plain, err := box.Open(nil, nil, body, bound(head, aad))
	if err != nil {
		return "", fmt.Errorf("open %s: %w", aad, ErrTampered)
	}
	return form.Secret(plain), nil
}

// Reseal seals what is sealed under the active key; changed is false if it
// already was, and sealed is then given back as it is, after it has been opened.
func (s *Sealer) Reseal(sealed, aad string) (again string, changed bool, err error) {
	plain, err := s.Open(sealed, aad)
	if err != nil {
		return "", false, err
	}
	if id, _ := s.ring.active(); strings.HasPrefix(sealed, version+"."+id+".") {
		return sealed, false, nil
	}
	again, err = s.Seal(plain, aad)
	return again, err == nil, err
}

// parse splits a sealed text and checks all that needs no key. The text of a
// sealed secret has one form only.
func parse(sealed string) (id string, b []byte, err error) {
	if len(sealed) > maxSealed {
		return "", nil, ErrTooLarge
	}
	parts := strings.Split(sealed, ".")
	if len(parts) != 3 || parts[0] != version || !isID(parts[1]) || strings.ContainsAny(parts[2], "\r\n") {
		return "", nil, ErrMalformed
	}
	b, err = base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil {
		return "", nil, undecoded(parts[2])
	}
	switch {
	case len(b) < headBytes+sealBytes || cut(b):
		return "", nil, ErrTruncated
	case uint64(len(b)-headBytes) > uint64(binary.BigEndian.Uint32(b)):
		return "", nil, ErrTampered
	}
	return parts[1], b, nil
}

// undecoded says what became of base64 that is not as it was written: a text
// that was cut may end within a group of characters.
func undecoded(text string) error {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil && len(b) >= headBytes && !cut(b) {
		return ErrTampered
	}
	b, err = base64.RawURLEncoding.DecodeString(text[:len(text)/4*4])
	if err != nil || len(b) >= headBytes && !cut(b) {
		return ErrMalformed
	}
	return ErrTruncated
}

func cut(b []byte) bool {
	return uint64(len(b)-headBytes) < uint64(binary.BigEndian.Uint32(b))
}

// derive makes the purpose's cipher, and the mark of a place: a keyed hash, so
// that equal places cannot be told without the key.
func (s *Sealer) derive(key []byte, aad string) (box cipher.AEAD, place []byte, err error) {
	sealing, err := hkdf.Key(sha256.New, key, nil, "seaworthy seal v1 "+s.purpose, keyBytes)
	if err != nil {
		return nil, nil, err
	}
	marking, err := hkdf.Key(sha256.New, key, nil, "seaworthy place v1 "+s.purpose, keyBytes)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, nil, err
	}
	box, err = cipher.NewGCMWithRandomNonce(block)
	mark := hmac.New(sha256.New, marking)
	mark.Write([]byte(aad))
	return box, mark.Sum(nil)[:placeBytes], err
}

func bound(head []byte, aad string) []byte {
	return append(append(make([]byte, 0, len(head)+len(aad)), head...), aad...)
}
