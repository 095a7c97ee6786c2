package bearer_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/bearer"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	now := time.Now()
	claims := bearer.Claims{Audience: "a", Expires: now.Add(time.Minute).Unix(),
		Access: []bearer.Access{{Type: "repository", Name: "x", Actions: []string{"pull"}}}}
	var s, other bearer.Signer
	token, err := s.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Verify(token, "a", now)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(claims, got); diff != "" {
		t.Errorf("claims (-want +got)\n%s", diff)
	}
	if !got.Allows("repository", "x", "pull") || got.Allows("repository", "x", "push") || got.Allows("repository", "y", "pull") {
		t.Error("the claims allow the wrong things")
	}
	refused := map[string]func() (bearer.Claims, error){
		"audience": func() (bearer.Claims, error) { return s.Verify(token, "b", now) },
		"time":     func() (bearer.Claims, error) { return s.Verify(token, "a", now.Add(time.Minute)) },
		"signer":   func() (bearer.Claims, error) { return other.Verify(token, "a", now) },
		"cut":      func() (bearer.Claims, error) { return s.Verify(token[:len(token)-1], "a", now) },
		"empty":    func() (bearer.Claims, error) { return s.Verify("", "a", now) },
		"revoked":  func() (bearer.Claims, error) { s.Revoke(); return s.Verify(token, "a", now) },
	}
	for _, title := range []string{"audience", "time", "signer", "cut", "empty", "revoked"} {
		if _, err := refused[title](); !errors.Is(err, bearer.ErrInvalid) {
			t.Errorf("%s: got %v", title, err)
		}
	}
}

func TestParseScopes(t *testing.T) {
	t.Parallel()
	got, err := bearer.ParseScopes([]string{"repository:a/b:pull,push registry:catalog:*", "repository:host:5000/a:pull"})
	if err != nil {
		t.Fatal(err)
	}
	want := []bearer.Access{{Type: "repository", Name: "a/b", Actions: []string{"pull", "push"}},
		{Type: "registry", Name: "catalog", Actions: []string{"*"}}, {Type: "repository", Name: "host:5000/a", Actions: []string{"pull"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scopes (-want +got)\n%s", diff)
	}
	for _, bad := range []string{"x", "repository:pull"} {
		if _, err := bearer.ParseScopes([]string{bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
