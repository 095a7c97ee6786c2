package form_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/seaworthy-dev/seaworthy/internal/form"
)

func TestSecretNeverShows(t *testing.T) {
	t.Parallel()
	const canary = "canary-4711"
	type holder struct {
		Name   string
		Secret form.Secret
		Ref    *form.Secret `xml:"-"`
	}
	s := form.Secret(canary)
	v := holder{"n", s, nil}
	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v", "%10s", "%-20q"} {
		args := []any{s}
		if strings.Contains(verb, "%T") {
			args = []any{1, s}
		}
		shown["secret "+verb] = fmt.Sprintf(verb, args...)
		shown["holder "+verb] = fmt.Sprintf(strings.TrimPrefix(verb, "%T "), v)
		shown["slice "+verb] = fmt.Sprintf(strings.TrimPrefix(verb, "%T "), []form.Secret{s})
		shown["map "+verb] = fmt.Sprintf(strings.TrimPrefix(verb, "%T "), map[string]form.Secret{"k": s})
	}
	shown["error"] = fmt.Errorf("failed: %v", v).Error()
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"slog text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"slog json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var b bytes.Buffer
		slog.New(handler(&b)).Info("m", "secret", s, "holder", v, "pointer", &s)
		shown[name] = b.String()
	}
	var g bytes.Buffer
	for name, encode := range map[string]func() ([]byte, error){
		"json":   func() ([]byte, error) { return json.Marshal(map[string]any{"v": v, "x": &s}) },
		"indent": func() ([]byte, error) { return json.MarshalIndent([]form.Secret{s}, "", " ") },
		"xml":    func() ([]byte, error) { return xml.Marshal(v) },
		"gob":    func() ([]byte, error) { err := gob.NewEncoder(&g).Encode(v); return g.Bytes(), err },
	} {
		b, err := encode()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		shown[name] = string(b)
	}
	for name, text := range shown {
		if text == "" || strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("%s shows %q", name, text)
		}
		if !strings.Contains(text, form.Mask) {
			t.Errorf("%s has no mask: %q", name, text)
		}
	}
	if v, err := s.Value(); err == nil || v != nil || strings.Contains(err.Error(), canary) {
		t.Errorf("a database got %v, %v", v, err)
	}
	if got := fmt.Sprintf("%s%v%q", form.Secret(""), form.Secret(""), form.Secret("")); got != "" {
		t.Errorf("the empty secret prints %q", got)
	}
	if s.Reveal() != canary {
		t.Error("Reveal does not reveal")
	}
}

func TestSecretUnmarshal(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{`"abc"`: "abc", `""`: "", `"•••"`: "", `" x "`: " x ", `null`: ""} {
		var s form.Secret
		if err := json.Unmarshal([]byte(doc), &s); err != nil || s.Reveal() != want {
			t.Errorf("%s gave %q, %v", doc, s.Reveal(), err)
		}
	}
	var s form.Secret
	if err := json.Unmarshal([]byte(`{"canary":4711}`), &s); err == nil || strings.Contains(err.Error(), "4711") {
		t.Errorf("an object gave %v", err)
	}
}
