package form

import (
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Mask stands for a secret wherever one would be shown. A document that holds
// it in place of a secret has left the secret out.
const Mask = "•••"

// Secret is text that is never shown: it prints, logs and marshals as [Mask],
// or as nothing if it is empty. Keep it in exported fields only, as package fmt
// does not ask the methods of unexported ones, and never as the key of a map,
// which encoding/json writes as it is.
type Secret string

// Reveal gives the text. It is the only way to it, so that all uses can be
// found.
func (s Secret) Reveal() string { return string(s) }

// String is the mask.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Mask
}

// GoString is the mask.
func (s Secret) GoString() string { return s.String() }

// Format prints the mask, whatever the verb.
func (s Secret) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, s.String()) }

// LogValue is the mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON gives the mask.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalText gives the mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalBinary gives the mask.
func (s Secret) MarshalBinary() ([]byte, error) { return []byte(s.String()), nil }

// Value refuses to put a secret into a database in clear.
func (s Secret) Value() (driver.Value, error) {
	return nil, errors.New("a secret must be sealed before it is stored")
}

// UnmarshalJSON takes a JSON string; its errors do not hold what was there.
func (s *Secret) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		return errors.New("a secret must be a text")
	}
	return s.UnmarshalText([]byte(text))
}

// UnmarshalText takes the text as it is, the mask as nothing.
func (s *Secret) UnmarshalText(b []byte) error {
	if string(b) == Mask {
		b = nil
	}
	*s = Secret(b)
	return nil
}
