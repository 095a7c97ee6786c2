package oci

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/seaworthy-dev/seaworthy"
)

const canary = "s3cret-canary"

// guardedBy lets requests through that carry the header value.
func guardedBy(authorization string, challenges ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, req *http.Request) bool {
		if req.Header.Get("Authorization") == authorization {
			return false
		}
		for _, c := range challenges {
			w.Header().Add("WWW-Authenticate", c)
		}
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
		return true
	}
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// tokenServer hands out tokens to who has the credential, or to all if it is "".
type tokenServer struct {
	*httptest.Server
	asked  atomic.Int64
	scopes atomic.Value // []string of the last request
	answer atomic.Value // map[string]any
}

func newTokenServer(t *testing.T, credential string, answer map[string]any) *tokenServer {
	t.Helper()
	s := &tokenServer{}
	s.answer.Store(answer)
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		s.asked.Add(1)
		_ = req.ParseForm()
		s.scopes.Store(strings.Fields(strings.Join(req.Form["scope"], " ")))
		given := req.Header.Get("Authorization")
		if req.Method == http.MethodPost {
			given = req.Form.Get("grant_type") + " " + req.Form.Get("refresh_token")
		}
		if credential != "" && given != credential {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}`)
			return
		}
		_ = json.NewEncoder(w).Encode(s.answer.Load())
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *tokenServer) challenge() string {
	return `Bearer realm="` + s.URL + `/token",service="lab",scope="repository:lab/app:pull"`
}

// TestAccess goes through the ways to a repository that wants to know who asks.
func TestAccess(t *testing.T) {
	t.Parallel()
	type given struct {
		options Options
		config  string // of Docker, with HOST for the registry
	}
	login := base64.StdEncoding.EncodeToString([]byte("ada:" + canary))
	tests := []struct {
		name   string
		given  given
		token  map[string]any // of a token server; nil is Basic
		wanted string         // credential that the token server or registry wants
		before []string       // challenges before the one of use
		after  []string
	}{
		{name: "Basic, explicit", given: given{options: Options{Username: "ada", Password: canary}}, wanted: basic("ada", canary)},
		{name: "Basic, config", given: given{config: `{"auths":{"HOST":{"auth":"` + login + `"}}}`}, wanted: basic("ada", canary)},
		{name: "Basic, legacy URL in config", given: given{config: `{"auths":{"https://HOST/v1/":{"auth":"` + login + `"}}}`}, wanted: basic("ada", canary)},
		{name: "Basic after Negotiate", given: given{options: Options{Username: "ada", Password: canary}}, wanted: basic("ada", canary),
			before: []string{"Negotiate", `Digest realm="x", nonce="y"`}},
		{name: "anonymous token", token: map[string]any{"token": "T"}},
		{name: "access_token alone", token: map[string]any{"access_token": "T", "expires_in": 60}},
		{name: "token for explicit", given: given{options: Options{Username: "ada", Password: canary}}, token: map[string]any{"token": "T"}, wanted: basic("ada", canary)},
		{name: "token for config", given: given{config: `{"auths":{"HOST":{"auth":"` + login + `"}}}`}, token: map[string]any{"token": "T"}, wanted: basic("ada", canary)},
		{name: "identity token", given: given{config: `{"auths":{"HOST":{"identitytoken":"I"}}}`}, token: map[string]any{"access_token": "T"}, wanted: "refresh_token I"},
		{name: "Bearer behind Basic and Negotiate", token: map[string]any{"token": "T"}, before: []string{"Negotiate YWJj/+==", `Basic realm="x"`}},
		{name: "Bearer before Basic", token: map[string]any{"token": "T"}, after: []string{`Basic realm="x"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newTestRegistry(t)
			r.push(t, "lab/app:1")
			authorization, challenge := test.wanted, `Basic realm="lab"`
			var tokens *tokenServer
			if test.token != nil {
				tokens = newTokenServer(t, test.wanted, test.token)
				authorization, challenge = "Bearer T", tokens.challenge()
			}
			r.interfere(guardedBy(authorization, append(append(test.before, challenge), test.after...)...))
			o := r.options(t)
			o.Username, o.Password = test.given.options.Username, test.given.options.Password
			writeConfig(t, o, strings.ReplaceAll(test.given.config, "HOST", r.host))
			s := open(t, r.host+"/lab/app:1", o)
			root, err := s.Root(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Load(t.Context(), s, root, limits()); err != nil {
				t.Fatal(err)
			}
			if tokens != nil && tokens.asked.Load() != 1 {
				t.Errorf("%d tokens asked for, want 1", tokens.asked.Load())
			}
			if got := len(r.seen()); got != 4 {
				t.Errorf("%d requests, want 4 with one refusal: %v", got, r.seen())
			}
		})
	}
}

func writeConfig(t *testing.T, o Options, content string) {
	t.Helper()
	if content == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(o.DockerConfig, "config.json"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTokenIsRenewed lets a token expire between two requests.
func TestTokenIsRenewed(t *testing.T) {
	t.Parallel()
	r := newTestRegistry(t)
	r.push(t, "lab/app:1")
	tokens := newTokenServer(t, "", map[string]any{"token": "T"})
	r.interfere(guardedBy("Bearer T", tokens.challenge()))
	s := open(t, r.host+"/lab/app:1", r.options(t))
	root, err := s.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tokens.answer.Store(map[string]any{"token": "U"})
	r.interfere(guardedBy("Bearer U", tokens.challenge()))
	if _, err := s.Manifest(t.Context(), root); err != nil {
		t.Error(err)
	}
	if got := tokens.asked.Load(); got != 2 {
		t.Errorf("%d tokens, want 2", got)
	}
}

// TestOnlyPullIsAskedFor: on Quay and GitLab, asking for push makes a repository.
func TestOnlyPullIsAskedFor(t *testing.T) {
	t.Parallel()
	for suggested, want := range map[string][]string{
		`scope="repository:lab/app:pull"`:                        {"repository:lab/app:pull"},
		`scope="repository:lab/app:pull,push"`:                   {"repository:lab/app:pull"},
		`scope="repository:lab/app:* repository:lab/app:delete"`: {"repository:lab/app:pull"},
		`scope="repository(plugin):a:push"`:                      {"repository(plugin):a:pull"},
		`scope="repository:host:5000/a:push"`:                    {"repository:host:5000/a:pull"},
		`scope="registry:catalog:*"`:                             {"repository:lab/app:pull"},
		`scope="*"`:                                              {"repository:lab/app:pull"},
		`scope="aws"`:                                            {"aws"},
		`x=y`:                                                    {"repository:lab/app:pull"},
		`scope="repository:lab/app:push,pull repository:team/base:pull"`: {"repository:lab/app:pull", "repository:team/base:pull"},
	} {
		t.Run(suggested, func(t *testing.T) {
			t.Parallel()
			r := newTestRegistry(t)
			r.push(t, "lab/app:1")
			tokens := newTokenServer(t, "", map[string]any{"token": "T"})
			r.interfere(guardedBy("Bearer T", `bearer realm="`+tokens.URL+`/token", `+suggested))
			if _, err := open(t, r.host+"/lab/app:1", r.options(t)).Root(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, tokens.scopes.Load()); diff != "" {
				t.Errorf("scopes (-want +got)\n%s", diff)
			}
		})
	}
}

func TestParseChallenges(t *testing.T) {
	t.Parallel()
	type m = map[string]string
	tests := []struct {
		lines []string
		want  []challenge
	}{
		{nil, nil},
		{[]string{""}, nil},
		{[]string{"Negotiate"}, []challenge{{"negotiate", m{}}}},
		{[]string{`BASIC Realm="a \"b\", c"`}, []challenge{{"basic", m{"realm": `a "b", c`}}}},
		{[]string{`Bearer realm=https://a.example/token , service = x`}, []challenge{{"bearer", m{"realm": "https://a.example/token", "service": "x"}}}},
		{[]string{`Negotiate, Bearer realm="r",scope="a:b:pull,push", Basic realm="q"`},
			[]challenge{{"negotiate", m{}}, {"bearer", m{"realm": "r", "scope": "a:b:pull,push"}}, {"basic", m{"realm": "q"}}}},
		{[]string{`Bearer realm="r"`, `Basic realm="q"`}, []challenge{{"bearer", m{"realm": "r"}}, {"basic", m{"realm": "q"}}}},
		{[]string{`="x",,Basic`}, []challenge{{"x", m{}}, {"basic", m{}}}},
		{[]string{`Basic realm="open`}, []challenge{{"basic", m{"realm": "open"}}}},
	}
	for _, test := range tests {
		got := parseChallenges(test.lines)
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(challenge{})); diff != "" {
			t.Errorf("%q (-want +got)\n%s", test.lines, diff)
		}
	}
}

// helperScripts are credential helpers, docker-credential-NAME.
func helperScripts() map[string]string {
	return map[string]string{
		"lab-good":   `read key; echo '{"ServerURL":"'"$key"'","Username":"ada","Secret":"` + canary + `"}'`,
		"lab-token":  `echo '{"Username":"<token>","Secret":"I"}'`,
		"lab-hub":    `read key; case $key in https://index.docker.io/v1/) echo '{"Username":"hub","Secret":"x"}';; *) exit 1;; esac`,
		"lab-none":   `echo "credentials not found in native keychain"; exit 1`,
		"lab-locked": `echo "the keychain is locked"; exit 1`,
		"lab-leaky":  `echo '{"Secret":"` + canary + `"}'; exit 1`,
		"lab-prose":  `echo "here you are: ` + canary + `"`,
		"lab-mute":   `exit 3`,
	}
}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "oci-helpers-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		for name, script := range helperScripts() {
			if err := os.WriteFile(filepath.Join(dir, "docker-credential-"+name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
				panic(err)
			}
		}
		if err := os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
			panic(err)
		}
		return m.Run()
	}())
}

func TestCredentialHelpers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, config, user, words string // words of the error, or none
	}{
		{"helper of the registry", `{"credHelpers":{"HOST":"lab-good","other.example":"lab-mute"}}`, "ada", ""},
		{"helper of all", `{"credsStore":"lab-good"}`, "ada", ""},
		{"the registry's goes first", `{"credHelpers":{"HOST":"lab-good"},"credsStore":"lab-mute"}`, "ada", ""},
		{"another registry's", `{"credHelpers":{"other.example":"lab-mute"}}`, "", ""},
		{"nothing found", `{"credsStore":"lab-none"}`, "", ""},
		{"missing", `{"credsStore":"lab-missing"}`, "", "docker-credential-lab-missing gave no credential for HOST: it is not installed"},
		{"locked", `{"credsStore":"lab-locked"}`, "", "docker-credential-lab-locked gave no credential for HOST: the keychain is locked"},
		{"leaky", `{"credsStore":"lab-leaky"}`, "", "its answer cannot be read"},
		{"prose", `{"credsStore":"lab-prose"}`, "", "its answer cannot be read"},
		{"mute", `{"credsStore":"lab-mute"}`, "", "docker-credential-lab-mute gave no credential"},
		{"path", `{"credsStore":"../x"}`, "", "its name has a path"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := Options{DockerConfig: t.TempDir()}
			writeConfig(t, o, strings.ReplaceAll(test.config, "HOST", "registry.example"))
			got, err := credentialFor(t, "registry.example/app", o)
			if test.words != "" {
				wantError(t, err, seaworthy.CodeUnauthorized, strings.ReplaceAll(test.words, "HOST", "registry.example"))
				wantNoSecret(t, err)
				return
			}
			if err != nil || got.Username != test.user {
				t.Errorf("user %q, want %q, error %v", got.Username, test.user, err)
			}
		})
	}
}

func credentialFor(t *testing.T, reference string, o Options) (auth.Credential, error) {
	t.Helper()
	r, err := ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	k, err := newKeyring(r, o)
	if err != nil {
		t.Fatal(err)
	}
	return k.credential(t.Context(), r.Host())
}

// wantNoSecret looks through an error and all that it wraps.
func wantNoSecret(t *testing.T, err error) {
	t.Helper()
	if text := fmt.Sprintf("%+v %#v", err, err); strings.Contains(text, canary) || strings.Contains(text, base64.StdEncoding.EncodeToString([]byte(canary))) {
		t.Errorf("error holds a secret: %s", text)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(e.Error(), canary) {
			t.Errorf("error holds a secret: %v", e)
		}
	}
}

func TestDockerConfig(t *testing.T) {
	t.Parallel()
	login := func(user string) string {
		return `{"auth":"` + base64.StdEncoding.EncodeToString([]byte(user+":"+canary)) + `"}`
	}
	tests := []struct {
		name, reference, config, user, words string
	}{
		{"none", "r.example/app", "", "", ""},
		{"empty", "r.example/app", " ", "", ""},
		{"port must fit", "r.example/app", `{"auths":{"r.example:5000":` + login("ada") + `}}`, "", ""},
		{"port fits", "r.example:5000/app", `{"auths":{"r.example:5000":` + login("ada") + `}}`, "ada", ""},
		{"suffix is no match", "r.example/app", `{"auths":{"example":` + login("eve") + `,"xr.example":` + login("eve") + `}}`, "", ""},
		{"Docker Hub, legacy URL", "debian", `{"auths":{"https://index.docker.io/v1/":` + login("ada") + `}}`, "ada", ""},
		{"Docker Hub, name", "debian", `{"auths":{"docker.io":` + login("ada") + `}}`, "ada", ""},
		{"Docker Hub, host", "debian", `{"auths":{"registry-1.docker.io":` + login("ada") + `}}`, "ada", ""},
		{"Docker Hub, helper of all", "debian", `{"credsStore":"lab-hub"}`, "hub", ""},
		{"Docker Hub, helper by name", "debian", `{"credHelpers":{"docker.io":"lab-good"}}`, "ada", ""},
		{"name and password", "r.example/app", `{"auths":{"r.example":{"username":"ada","password":"x"}}}`, "ada", ""},
		{"not JSON", "r.example/app", `{"auths":`, "", "not a Docker config in JSON"},
		{"auths of the wrong type", "r.example/app", `{"auths":["` + canary + `"]}`, "", "not a Docker config in JSON"},
		{"not base64", "r.example/app", `{"auths":{"r.example":{"auth":"` + canary + `"}}}`, "", "entry for r.example cannot be decoded"},
		{"no colon", "r.example/app", `{"auths":{"r.example":{"auth":"` + base64.StdEncoding.EncodeToString([]byte(canary)) + `"}}}`, "", "entry for r.example cannot be decoded"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := Options{DockerConfig: t.TempDir()}
			writeConfig(t, o, test.config)
			got, err := credentialFor(t, test.reference, o)
			if test.words != "" {
				wantError(t, err, seaworthy.CodeInvalid, test.words, filepath.Join(o.DockerConfig, "config.json"))
				wantNoSecret(t, err)
				return
			}
			if err != nil || got.Username != test.user {
				t.Errorf("user %q, want %q, error %v", got.Username, test.user, err)
			}
		})
	}
}

func TestCredentialNeedsBothHalves(t *testing.T) {
	t.Parallel()
	for _, o := range []Options{{Username: "ada"}, {Password: canary}} {
		_, err := Open("r.example/app", o)
		wantError(t, err, seaworthy.CodeInvalid, "not both given")
		wantNoSecret(t, err)
	}
}

// TestConfigIsNotWritten compares the directory before and after.
func TestConfigIsNotWritten(t *testing.T) {
	t.Parallel()
	o := Options{DockerConfig: t.TempDir()}
	content := `{"auths":{"r.example":{"auth":"YTpi"}}, "x": 1}`
	writeConfig(t, o, content)
	if _, err := credentialFor(t, "r.example/app", o); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(o.DockerConfig)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files, want 1, error %v", len(entries), err)
	}
	if b, err := os.ReadFile(filepath.Join(o.DockerConfig, "config.json")); err != nil || string(b) != content {
		t.Errorf("config is now %q, error %v", b, err)
	}
}
