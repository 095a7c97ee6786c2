package quay_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/quay"
)

// start runs an emulator with an organisation and the namespace of a user.
func start(t *testing.T) *quay.Server {
	t.Helper()
	url := backend.InProcess(t)
	backend.Fill(t, url, "acme/app:1.0", "acme/app:1.1", "acme/vault:1.0", "jo/tool:1.0")
	s, err := quay.Start(quay.Config{
		Backend:       url,
		Organisations: []string{"acme"},
		Disabled:      []string{"closed"},
		PageSize:      1,
		Tokens: []quay.Token{
			{Secret: "reader", Read: []string{"acme"}},
			{Secret: "writer", Write: []string{"acme"}},
			{Secret: "narrow", Read: []string{"acme"}, NoScope: true},
			{Secret: "old", Read: []string{"acme"}, Expires: time.Now().Add(-time.Second)},
			{Secret: "robot", Robot: "acme+ci", Read: []string{"acme"}},
		},
		Repositories: []quay.Repository{{Name: "acme/app", Public: true}, {Name: "jo/tool", Public: true}, {Name: "acme/vault"}, {Name: "jo/secret"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func oauth(secret string) authn.Authenticator {
	return &authn.Basic{Username: "$oauthtoken", Password: secret}
}

func TestPull(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		login     authn.Authenticator
		reference string
		want      int
	}{
		"public, anonymous":   {authn.Anonymous, "acme/app:1.0", 200},
		"private, anonymous":  {authn.Anonymous, "acme/vault:1.0", 401},
		"private, token":      {oauth("reader"), "acme/vault:1.0", 200},
		"private, robot":      {&authn.Basic{Username: "acme+ci", Password: "robot"}, "acme/vault:1.0", 200},
		"robot's as a token":  {oauth("robot"), "acme/vault:1.0", 401},
		"wrong token":         {oauth("wrong"), "acme/app:1.0", 401},
		"expired token":       {oauth("old"), "acme/vault:1.0", 401},
		"missing":             {oauth("reader"), "acme/none:1.0", 401},
		"private of a user":   {oauth("reader"), "jo/secret:1.0", 401},
		"disabled namespace":  {oauth("reader"), "closed/app:1.0", 405},
		"nested name":         {oauth("reader"), "acme/a/b:1.0", 400},
		"missing tag":         {oauth("reader"), "acme/app:none", 404},
		"a writer that pulls": {oauth("writer"), "acme/vault:1.0", 200},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			reference, err := name.ParseReference("quay.io/" + test.reference)
			if err != nil {
				t.Fatal(err)
			}
			i, err := remote.Image(reference, remote.WithAuth(test.login), remote.WithTransport(s.Transport()),
				remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithContext(t.Context()))
			if err == nil {
				err = validate.Image(i)
			}
			var e *transport.Error
			switch {
			case test.want == 200 && err != nil:
				t.Error(err)
			case test.want != 200 && (!errors.As(err, &e) || e.StatusCode != test.want):
				t.Errorf("got %v, want %d", err, test.want)
			}
			if got := s.Created(); len(got) != 0 {
				t.Errorf("reading created %v", got)
			}
		})
	}
}

func TestAskingToPushCreates(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		secret, scope string
		want          []string
	}{
		"writer, push, unknown": {"writer", "repository:acme/new:pull,push", []string{"acme/new"}},
		"writer, pull, unknown": {"writer", "repository:acme/new:pull", nil},
		"writer, push, known":   {"writer", "repository:acme/app:pull,push", nil},
		"reader, push, unknown": {"reader", "repository:acme/new:pull,push", nil},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			request := get(t, "/v2/auth?service=quay.io&scope="+test.scope, "")
			request.SetBasicAuth("$oauthtoken", test.secret)
			do(t, s, request, 200, nil)
			if diff := cmp.Diff(test.want, s.Created()); diff != "" {
				t.Errorf("created (-want +got)\n%s", diff)
			}
			if got := s.Requests()[0].Scopes; !slices.Equal(got, []string{test.scope}) {
				t.Errorf("the log has the scopes %v", got)
			}
		})
	}
}

func TestTokenServerRefusals(t *testing.T) {
	t.Parallel()
	s := start(t)
	do(t, s, get(t, "/v2/auth?service=quay.io", ""), 401, nil)
	request := get(t, "/v2/auth?service=quay.io&scope=registry:catalog:*", "")
	request.SetBasicAuth("$oauthtoken", "reader")
	do(t, s, request, 400, nil)
}

func TestCatalogNeedsATokenWithoutScope(t *testing.T) {
	t.Parallel()
	s := start(t)
	request := get(t, "/v2/auth?service=quay.io", "")
	request.SetBasicAuth("$oauthtoken", "reader")
	var answer struct{ Token string }
	do(t, s, request, 200, &answer)
	var page struct{ Repositories []string }
	header := do(t, s, get(t, "/v2/_catalog?last=acme/app", answer.Token), 200, &page)
	if diff := cmp.Diff([]string{"acme/vault"}, page.Repositories); diff != "" || header.Get("Link") == "" {
		t.Errorf("Link %q (-want +got)\n%s", header.Get("Link"), diff)
	}
	s.ExpireTokens()
	do(t, s, get(t, "/v2/_catalog", answer.Token), 401, nil)
}

func TestListing(t *testing.T) {
	t.Parallel()
	s := start(t)
	var got []string
	for next := ""; ; {
		var page struct {
			Repositories []struct{ Name string }
			NextPage     string `json:"next_page"`
		}
		do(t, s, get(t, "/api/v1/repository?namespace=acme&next_page="+next, "reader"), 200, &page)
		for _, r := range page.Repositories {
			got = append(got, r.Name)
		}
		if next = page.NextPage; next == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"app", "vault"}, got); diff != "" {
		t.Errorf("repositories (-want +got)\n%s", diff)
	}
	var unknown struct{ Repositories []any }
	do(t, s, get(t, "/api/v1/repository?namespace=nobody", "reader"), 200, &unknown)
	if unknown.Repositories == nil || len(unknown.Repositories) != 0 {
		t.Errorf("an unknown namespace has %v", unknown.Repositories)
	}
	var tags struct {
		Tags       []struct{ Name string }
		Additional bool `json:"has_additional"`
	}
	do(t, s, get(t, "/api/v1/repository/acme/app/tag/?limit=1&page=1&onlyActiveTags=true", "reader"), 200, &tags)
	if len(tags.Tags) != 1 || tags.Tags[0].Name != "1.0" || !tags.Additional {
		t.Errorf("tags are %+v", tags)
	}
}

func TestAPIStatuses(t *testing.T) {
	t.Parallel()
	s := start(t)
	tests := []struct {
		path, token string
		want        int
		wantKind    string
	}{
		{"/api/v1/organization/acme", "reader", 200, ""},
		{"/api/v1/organization/jo", "reader", 404, "not_found"},
		{"/api/v1/organization/acme", "wrong", 401, "invalid_token"},
		{"/api/v1/organization/acme", "robot", 401, "invalid_token"},
		{"/api/v1/organization/acme", "old", 401, "expired_token"},
		{"/api/v1/organization/acme", "narrow", 403, "insufficient_scope"},
		{"/api/v1/repository", "reader", 400, "invalid_request"},
		{"/api/v1/repository?namespace=acme&next_page=x", "reader", 400, "invalid_request"},
		{"/api/v1/repository/acme/none", "reader", 404, "not_found"},
		{"/api/v1/repository/jo/secret", "reader", 403, "insufficient_scope"},
		{"/api/v1/repository/acme/vault", "", 401, "invalid_token"},
	}
	for _, test := range tests {
		var answer struct {
			Kind   string `json:"error_type"`
			Status int
		}
		do(t, s, get(t, test.path, test.token), test.want, &answer)
		if answer.Kind != test.wantKind {
			t.Errorf("%s: %q, want %q", test.path, answer.Kind, test.wantKind)
		}
	}
	for token, want := range map[string]bool{"reader": false, "writer": true} {
		var answer struct {
			CanWrite bool `json:"can_write"`
		}
		do(t, s, get(t, "/api/v1/repository/acme/app", token), 200, &answer)
		if answer.CanWrite != want {
			t.Errorf("%s can write: %v", token, answer.CanWrite)
		}
	}
}

func get(t *testing.T, path, token string) *http.Request {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, "https://quay.io"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return request
}

// do sends a request, demands a status and decodes the answer.
func do(t *testing.T, s *quay.Server, request *http.Request, want int, answer any) http.Header {
	t.Helper()
	response, err := s.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != want {
		t.Fatalf("%s: %s, want %d\n%s", request.URL.Path, response.Status, want, body)
	}
	if answer != nil {
		if err := json.Unmarshal(body, answer); err != nil {
			t.Fatal(err)
		}
	}
	return response.Header
}
