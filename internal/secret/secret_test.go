package secret_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seaworthy-dev/seaworthy/internal/form"
	"github.com/seaworthy-dev/seaworthy/internal/secret"
)

const canary = "canary-4711"

func sealed(t *testing.T, s *secret.Sealer, plain form.Secret, aad string) string {
	t.Helper()
	text, err := s.Seal(plain, aad)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	ring := open(t, path(t))
	s := ring.Sealer("connection")
	rapid.Check(t, func(t *rapid.T) {
		plain := form.Secret(rapid.SliceOf(rapid.Byte()).Draw(t, "plain"))
		aad := rapid.String().Draw(t, "aad")
		text, err := s.Seal(plain, aad)
		if err != nil || !strings.HasPrefix(text, "v1."+ring.Active()+".") {
			t.Fatalf("%q, %v", text, err)
		}
		if len(plain) > 4 && strings.Contains(text, plain.Reveal()) {
			t.Fatal("the plaintext stands in the sealed text")
		}
		if got, err := s.Open(text, aad); err != nil || got != plain {
			t.Fatalf("%q, %v", got.Reveal(), err)
		}
		if other, _ := s.Seal(plain, aad); other == text {
			t.Fatal("the same text twice")
		}
	})
	if _, err := s.Seal(form.Secret(strings.Repeat("x", 1<<20)), "a"); !errors.Is(err, secret.ErrTooLarge) {
		t.Errorf("a large secret: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	ring := open(t, path(t))
	s := ring.Sealer("connection")
	aad := secret.Field("c1", "password")
	text := sealed(t, s, canary, aad)
	head, body := text[:len("v1.")+17], text[len("v1.")+17:]
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		t.Fatal(err)
	}
	flipped := func(i int) string {
		b := append([]byte(nil), raw...)
		b[i] ^= 1
		return head + base64.RawURLEncoding.EncodeToString(b)
	}
	// Two bytes are three characters, whose last two bits mean nothing.
	loose := sealed(t, s, canary+"12", aad)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	loose = loose[:len(loose)-1] + string(alphabet[strings.IndexByte(alphabet, loose[len(loose)-1])^1])
	for _, tt := range []struct {
		name, text, aad string
		want            error
	}{
		{"another field", text, secret.Field("c1", "token"), secret.ErrElsewhere},
		{"another connection", text, secret.Field("c2", "password"), secret.ErrElsewhere},
		{"no place", text, "", secret.ErrElsewhere},
		{"unknown key", strings.Replace(text, ring.Active(), "0123456789abcdef", 1), aad, secret.ErrUnknownKey},
		{"mark altered", flipped(5), aad, secret.ErrElsewhere},
		{"shorter length", flipped(3), aad, secret.ErrTampered},
		{"nonce altered", flipped(12), aad, secret.ErrTampered},
		{"text altered", flipped(25), aad, secret.ErrTampered},
		{"tag altered", flipped(len(raw) - 1), aad, secret.ErrTampered},
		{"bits that mean nothing", loose, aad, secret.ErrTampered},
		{"longer", head + base64.RawURLEncoding.EncodeToString(append(raw, 1)), aad, secret.ErrTampered},
		{"head only", head, aad, secret.ErrTruncated},
		{"another version", "v2" + text[2:], aad, secret.ErrMalformed},
		{"no sealed text", canary, aad, secret.ErrMalformed},
		{"nothing", "", aad, secret.ErrMalformed},
		{"key that is no id", "v1.../etc." + body, aad, secret.ErrMalformed},
		{"line end within", head + body[:4] + "\n" + body[4:], aad, secret.ErrMalformed},
		{"other alphabet", head + "++//" + body, aad, secret.ErrMalformed},
		{"huge", head + strings.Repeat("A", 2<<20), aad, secret.ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plain, err := s.Open(tt.text, tt.aad)
			if tt.name == "shorter length" && raw[3]&1 == 0 {
				tt.want = secret.ErrTruncated // the flipped bit made it longer
			}
			if !errors.Is(err, tt.want) || plain != "" {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the error holds what was given: %v", err)
			}
		})
	}
	t.Run("cut anywhere", func(t *testing.T) {
		t.Parallel()
		for n := len(head); n < len(text); n++ {
			if _, err := s.Open(text[:n], aad); !errors.Is(err, secret.ErrTruncated) {
				t.Errorf("%d of %d characters: %v", n, len(text), err)
			}
		}
	})
	t.Run("each bit", func(t *testing.T) {
		t.Parallel()
		for i := range raw {
			if plain, err := s.Open(flipped(i), aad); err == nil || plain != "" {
				t.Errorf("byte %d altered, and it opens", i)
			}
		}
	})
	t.Run("another purpose", func(t *testing.T) {
		t.Parallel()
		if _, err := ring.Sealer("session").Open(text, aad); !errors.Is(err, secret.ErrElsewhere) {
			t.Errorf("%v", err)
		}
	})
}

func TestReseal(t *testing.T) {
	t.Parallel()
	ring := open(t, path(t))
	s := ring.Sealer("connection")
	old := ring.Active()
	text := sealed(t, s, canary, "a")
	if same, changed, err := s.Reseal(text, "a"); same != text || changed || err != nil {
		t.Errorf("under the active key: %v, %v", changed, err)
	}
	id, err := ring.Rotate(t.Context())
	if err != nil || id == old || ring.Active() != id {
		t.Fatalf("rotated to %s: %v", id, err)
	}
	if plain, err := s.Open(text, "a"); err != nil || plain != canary {
		t.Errorf("an older key does not open: %v", err)
	}
	again, changed, err := s.Reseal(text, "a")
	if err != nil || !changed || !strings.HasPrefix(again, "v1."+id+".") {
		t.Fatalf("%q, %v, %v", again, changed, err)
	}
	if plain, err := s.Open(again, "a"); err != nil || plain != canary {
		t.Errorf("%q, %v", plain.Reveal(), err)
	}
	if again, changed, err := s.Reseal(text, "b"); !errors.Is(err, secret.ErrElsewhere) || changed || again != "" {
		t.Errorf("another place: %v", err)
	}
}

// FuzzOpen: nothing makes it panic, and nothing opens but what was sealed.
func FuzzOpen(f *testing.F) {
	ring, err := secret.Open(f.Context(), f.TempDir()+"/d/keyring.json", nil)
	if err != nil {
		f.Fatal(err)
	}
	s := ring.Sealer("connection")
	text, err := s.Seal(canary, "a")
	if err != nil {
		f.Fatal(err)
	}
	body := strings.TrimPrefix(text, "v1."+ring.Active()+".")
	for _, seed := range []string{body, body[:40], "", "AAAA", strings.Repeat("A", 80), body + "."} {
		f.Add(seed, "a")
	}
	f.Add(body, "b")
	f.Fuzz(func(t *testing.T, body, aad string) {
		given := "v1." + ring.Active() + "." + body
		if plain, err := s.Open(given, aad); err == nil && (given != text || aad != "a" || plain != canary) {
			t.Errorf("%q opens at %q", given, aad)
		}
		if _, err := s.Open(body, aad); err == nil && body != text {
			t.Errorf("%q opens", body)
		}
	})
}
