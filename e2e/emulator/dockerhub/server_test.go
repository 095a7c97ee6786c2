package dockerhub_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/dockerhub"
)

// start runs an emulator with two namespaces; change may alter it.
func start(t *testing.T, change func(*dockerhub.Config)) *dockerhub.Server {
	t.Helper()
	url := backend.InProcess(t)
	backend.Fill(t, url, "acme/app:1.0", "acme/app:1.1", "acme/vault:1.0", "other/tool:1.0", "other/hidden:1.0")
	c := dockerhub.Config{
		Backend: url,
		Credentials: []dockerhub.Credential{
			{Name: "jo", Secret: "password", Namespaces: []string{"acme"}, Actions: []string{"pull", "push", "delete"}, SecondFactor: true},
			{Name: "jo", Secret: "dckr_pat_1", Kind: dockerhub.PersonalToken, Namespaces: []string{"acme"}},
			{Name: "acme", Secret: "dckr_oat_1", Kind: dockerhub.OrganisationToken, Namespaces: []string{"acme"}},
			{Name: "acme", Secret: "dckr_oat_2", Kind: dockerhub.OrganisationToken, Namespaces: []string{"acme"}, ListPrivate: true},
		},
		Repositories: []dockerhub.Repository{
			{Name: "acme/app"}, {Name: "acme/vault", Private: true}, {Name: "other/tool"}, {Name: "other/hidden", Private: true},
		},
	}
	if change != nil {
		change(&c)
	}
	s, err := dockerhub.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// pull pulls and checks a whole image with the independent client.
func pull(t *testing.T, s *dockerhub.Server, text string, login authn.Authenticator) error {
	t.Helper()
	reference, err := name.ParseReference(dockerhub.RegistryHost + "/" + text)
	if err != nil {
		t.Fatal(err)
	}
	i, err := remote.Image(reference, remote.WithAuth(login), remote.WithTransport(s.Transport()),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithContext(t.Context()))
	if err != nil {
		return err
	}
	return validate.Image(i)
}

func TestPull(t *testing.T) {
	t.Parallel()
	basic := func(user, password string) authn.Authenticator {
		return &authn.Basic{Username: user, Password: password}
	}
	own404 := func(c *dockerhub.Config) { c.Switches.OwnMissing404 = true }
	tests := map[string]struct {
		change    func(*dockerhub.Config)
		login     authn.Authenticator
		reference string
		want      int // 200 or the status of the error
	}{
		"public, anonymous":         {login: authn.Anonymous, reference: "acme/app:1.0", want: 200},
		"private, anonymous":        {login: authn.Anonymous, reference: "acme/vault:1.0", want: 401},
		"private, password":         {login: basic("jo", "password"), reference: "acme/vault:1.0", want: 200},
		"private, personal token":   {login: basic("jo", "dckr_pat_1"), reference: "acme/vault:1.0", want: 200},
		"private, organisation's":   {login: basic("acme", "dckr_oat_1"), reference: "acme/vault:1.0", want: 200},
		"organisation's, as a user": {login: basic("jo", "dckr_oat_1"), reference: "acme/vault:1.0", want: 401},
		"wrong password":            {login: basic("jo", "wrong"), reference: "acme/app:1.0", want: 401},
		"private of another":        {login: basic("jo", "dckr_pat_1"), reference: "other/hidden:1.0", want: 401},
		"missing":                   {login: basic("jo", "dckr_pat_1"), reference: "other/none:1.0", want: 401},
		"missing, own":              {login: basic("jo", "dckr_pat_1"), reference: "acme/none:1.0", want: 401},
		"missing, own, switched":    {change: own404, login: basic("jo", "dckr_pat_1"), reference: "acme/none:1.0", want: 404},
		"missing tag":               {login: basic("jo", "dckr_pat_1"), reference: "acme/app:none", want: 404},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := start(t, test.change)
			err := pull(t, s, test.reference, test.login)
			var e *transport.Error
			switch {
			case test.want == 200 && err != nil:
				t.Error(err)
			case test.want != 200 && (!errors.As(err, &e) || e.StatusCode != test.want):
				t.Errorf("got %v, want %d", err, test.want)
			}
			for _, r := range s.Requests() {
				if r.Host == dockerhub.StorageHost && (r.Scheme != "" || r.Status != 200) {
					t.Errorf("the storage was asked as %+v", r)
				}
			}
		})
	}
}

func TestCatalogIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	registry, err := name.NewRegistry(dockerhub.RegistryHost)
	if err != nil {
		t.Fatal(err)
	}
	_, err = remote.Catalog(t.Context(), registry, remote.WithAuth(&authn.Basic{Username: "jo", Password: "password"}), remote.WithTransport(s.Transport()))
	var e *transport.Error
	if !errors.As(err, &e) || e.StatusCode != 401 {
		t.Errorf("got %v, want 401", err)
	}
}

func TestTokenIsDownscoped(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		secret string
		want   []string
	}{"password": {"password", []string{"pull", "push"}}, "personal token": {"dckr_pat_1", []string{"pull"}}}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := start(t, nil)
			request, err := http.NewRequest(http.MethodGet, "https://auth.docker.io/token?service=registry.docker.io&scope=repository:acme/vault:pull,push&scope=repository:other/hidden:pull", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.SetBasicAuth("jo", test.secret)
			var answer struct {
				Token     string
				ExpiresIn int `json:"expires_in"`
			}
			do(t, s, request, 200, &answer)
			payload, err := base64.RawURLEncoding.DecodeString(strings.Split(answer.Token, ".")[1])
			if err != nil {
				t.Fatal(err)
			}
			var claims struct {
				Access []struct {
					Name    string
					Actions []string
				}
			}
			if err := json.Unmarshal(payload, &claims); err != nil {
				t.Fatal(err)
			}
			if len(claims.Access) != 1 || claims.Access[0].Name != "acme/vault" || answer.ExpiresIn != 300 {
				t.Fatalf("claims %+v for %d s", claims, answer.ExpiresIn)
			}
			if diff := cmp.Diff(test.want, claims.Access[0].Actions); diff != "" {
				t.Errorf("actions (-want +got)\n%s", diff)
			}
		})
	}
}

func TestTokensEnd(t *testing.T) {
	t.Parallel()
	ends := map[string]func(*dockerhub.Server){
		"by time":  func(s *dockerhub.Server) { s.Clock().Advance(301 * time.Second) },
		"by force": func(s *dockerhub.Server) { s.ExpireTokens() },
	}
	for title, end := range ends {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := start(t, nil)
			request, err := http.NewRequest(http.MethodGet, "https://auth.docker.io/token?service=registry.docker.io&scope=repository:acme/app:pull", nil)
			if err != nil {
				t.Fatal(err)
			}
			var answer struct{ Token string }
			do(t, s, request, 200, &answer)
			tags, err := http.NewRequest(http.MethodGet, "https://registry-1.docker.io/v2/acme/app/tags/list", nil)
			if err != nil {
				t.Fatal(err)
			}
			tags.Header.Set("Authorization", "Bearer "+answer.Token)
			do(t, s, tags, 200, nil)
			end(s)
			do(t, s, tags, 401, nil)
		})
	}
}

func TestPullLimit(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *dockerhub.Config) { c.PullLimit = 2 })
	reference, err := name.ParseReference(dockerhub.RegistryHost + "/acme/app:1.0")
	if err != nil {
		t.Fatal(err)
	}
	options := []remote.Option{remote.WithTransport(s.Transport()), remote.WithRetryBackoff(remote.Backoff{Steps: 1})}
	for range 3 {
		if _, err := remote.Head(reference, options...); err != nil {
			t.Fatalf("HEAD is free: %v", err)
		}
	}
	for range 2 {
		if _, err := remote.Get(reference, options...); err != nil {
			t.Fatal(err)
		}
	}
	_, err = remote.Get(reference, options...)
	var e *transport.Error
	if !errors.As(err, &e) || e.StatusCode != 429 || e.Errors[0].Code != "TOOMANYREQUESTS" {
		t.Errorf("the third pull: %v", err)
	}
	if _, err := remote.Get(reference, append(options, remote.WithAuth(&authn.Basic{Username: "jo", Password: "password"}))...); err != nil {
		t.Errorf("another account has its own allowance: %v", err)
	}
	s.Clock().Advance(6 * time.Hour)
	if _, err := remote.Get(reference, options...); err != nil {
		t.Errorf("after six hours: %v", err)
	}
}

func TestListing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		identifier, secret string
		namespace          string
		want               []string
	}{
		"anonymous":                        {namespace: "acme", want: []string{"app"}},
		"personal token":                   {identifier: "jo", secret: "dckr_pat_1", namespace: "acme", want: []string{"app", "vault"}},
		"organisation token, the trap":     {identifier: "acme", secret: "dckr_oat_1", namespace: "acme", want: []string{"app"}},
		"organisation token that may list": {identifier: "acme", secret: "dckr_oat_2", namespace: "acme", want: []string{"app", "vault"}},
		"another's namespace":              {identifier: "jo", secret: "dckr_pat_1", namespace: "other", want: []string{"tool"}},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := start(t, nil)
			token := ""
			if test.identifier != "" {
				token = login(t, s, "/v2/auth/token", `{"identifier":"`+test.identifier+`","secret":"`+test.secret+`"}`, 200)
			}
			var got []string
			for next := "https://hub.docker.com/v2/namespaces/" + test.namespace + "/repositories?page_size=1"; next != ""; {
				var page struct {
					Count   int
					Next    string
					Results []struct{ Name string }
				}
				do(t, s, apiRequest(t, next, token), 200, &page)
				if page.Count != len(test.want) || len(page.Results) > 1 {
					t.Fatalf("page %+v", page)
				}
				for _, r := range page.Results {
					got = append(got, r.Name)
				}
				next = page.Next
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("repositories (-want +got)\n%s", diff)
			}
		})
	}
}

func TestAPIRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	login(t, s, "/v2/auth/token", `{"identifier":"jo","secret":"wrong"}`, 401)
	login(t, s, "/v2/auth/token", `{"identifier":"jo","secret":"dckr_oat_1"}`, 401)
	login(t, s, "/v2/users/login", `{"username":"acme","password":"dckr_oat_1"}`, 401)
	login(t, s, "/v2/users/login", `{"username":"jo","password":"password"}`, 401)
	login(t, s, "/v2/auth/token", `[]`, 400)
	do(t, s, apiRequest(t, "https://hub.docker.com/v2/namespaces/nobody/repositories", ""), 404, nil)
	do(t, s, apiRequest(t, "https://hub.docker.com/v2/namespaces/acme/repositories/vault/tags", ""), 404, nil)
	do(t, s, apiRequest(t, "https://hub.docker.com/v2/namespaces/acme/repositories", "made.up.token"), 401, nil)
	token := login(t, s, "/v2/auth/token", `{"identifier":"jo","secret":"dckr_pat_1"}`, 200)
	var tags struct {
		Results []struct{ Name, Digest string }
	}
	do(t, s, apiRequest(t, "https://hub.docker.com/v2/namespaces/acme/repositories/app/tags", token), 200, &tags)
	if len(tags.Results) != 2 || tags.Results[1].Name != "1.1" || !strings.HasPrefix(tags.Results[0].Digest, "sha256:") {
		t.Errorf("tags are %+v", tags)
	}
	s.ExpireTokens()
	do(t, s, apiRequest(t, "https://hub.docker.com/v2/namespaces/acme/repositories", token), 401, nil)
}

func TestAPILimit(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *dockerhub.Config) { c.APILimit = 1 })
	request := apiRequest(t, "https://hub.docker.com/v2/namespaces/acme/repositories", "")
	if got := do(t, s, request, 200, nil).Get("X-Ratelimit-Remaining"); got != "0" {
		t.Errorf("%q are left", got)
	}
	header := do(t, s, request, 429, nil)
	at, err := strconv.ParseInt(header.Get("X-Retry-After"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Unix(at, 0).Sub(s.Clock().Now()); d < 0 || d > time.Minute || header.Get("Retry-After") != "" {
		t.Errorf("to come again in %v, %v", d, header)
	}
	s.Clock().Advance(time.Minute)
	do(t, s, request, 200, nil)
}

func apiRequest(t *testing.T, url, token string) *http.Request {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return request
}

// login posts a credential and gives the token, if the status is as wanted.
func login(t *testing.T, s *dockerhub.Server, path, body string, want int) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, "https://hub.docker.com"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	do(t, s, request, want, &answer)
	return answer.AccessToken
}

// do sends a request, demands a status and decodes the answer.
func do(t *testing.T, s *dockerhub.Server, request *http.Request, want int, answer any) http.Header {
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
