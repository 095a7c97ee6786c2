package form_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy/internal/form"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	f := sampleForm(t)
	base, problems := form.Decode[sample](f, []byte(full))
	if problems != nil {
		t.Fatal(problems)
	}
	stored, secrets, err := f.Split(base)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(stored), "stored") {
		t.Fatalf("secrets in %s", stored)
	}
	tests := []struct {
		name, edit string
		want       func(*sample)
		problems   string
	}{
		{"nothing", `{}`, func(*sample) {}, ""},
		{"another field", `{"note":"new"}`, func(s *sample) { s.Note = "new" }, ""},
		{"secret left empty", `{"note":"new","password":""}`, func(s *sample) { s.Note = "new" }, ""},
		{"secret masked", `{"password":"•••"}`, func(*sample) {}, ""},
		{"secret of line ends", `{"password":"\n"}`, func(*sample) {}, ""},
		{"secret typed", `{"password":"new"}`, func(s *sample) { s.Password = "new" }, ""},
		{"secret taken away", `{"token":null}`, func(s *sample) { s.Token = "" }, ""},
		{"required secret taken away", `{"password":null}`, func(s *sample) { s.Password = "" }, "password is required"},
		{"value taken away by null", `{"note":null}`, func(s *sample) { s.Note = "" }, ""},
		{"value taken away by nothing", `{"note":"","regions":[]}`, func(s *sample) { s.Note, s.Regions = "", nil }, ""},
		{"required value taken away", `{"user":""}`, func(s *sample) { s.User = "" }, "user is required"},
		{"unknown field", `{"notes":"x"}`, func(*sample) {}, "notes is not a setting"},
		{"twice", `{"host":"evil","host":"h.example"}`, func(*sample) {}, "host is given twice"},
		{"same host", `{"host":" h.example ","port":5e3}`, func(*sample) {}, ""},
		{"user is not trust", `{"user":"other"}`, func(s *sample) { s.User = "other" }, ""},
		{
			"host", `{"host":"evil"}`, func(s *sample) { s.Host, s.Password, s.Token = "evil", "", "" },
			"password type it again: host has changed; token type it again: host has changed",
		},
		{
			"host, secrets masked", `{"host":"evil","password":"•••","token":"•••"}`, func(s *sample) { s.Host, s.Password, s.Token = "evil", "", "" },
			"password type it again: host has changed; token type it again: host has changed",
		},
		{
			"host, one typed", `{"host":"new","password":"typed"}`, func(s *sample) { s.Host, s.Password, s.Token = "new", "typed", "" },
			"token type it again: host has changed",
		},
		{"host, all typed", `{"host":"new","password":"typed","token":"t"}`, func(s *sample) { s.Host, s.Password, s.Token = "new", "typed", "t" }, ""},
		{"host, one typed, one taken away", `{"host":"new","password":"typed","token":null}`, func(s *sample) { s.Host, s.Password, s.Token = "new", "typed", "" }, ""},
		{
			"port back to its default", `{"port":null}`, func(s *sample) { s.Port, s.Password, s.Token = 443, "", "" },
			"password type it again: port has changed; token type it again: port has changed",
		},
		{
			"trust in a CA taken away", `{"ca":"","password":"typed"}`, func(s *sample) { s.CA, s.Password, s.Token = "", "typed", "" },
			"token type it again: ca has changed",
		},
		{
			"three", `{"host":"new","port":1,"ca":"x","token":null}`, func(s *sample) {
				s.Host, s.Port, s.CA, s.Password, s.Token = "new", 1, "x", "", ""
			},
			"password type it again: host, port and ca have changed",
		},
		{
			"host that is wrong", `{"host":"https://evil","token":null}`, func(s *sample) { s.Host, s.Password, s.Token = "", "", "" },
			"host must be a host name; password type it again: host has changed",
		},
		{
			"secret that is wrong", `{"host":"new","password":"a\nb","token":null}`, func(s *sample) { s.Host, s.Password, s.Token = "new", "", "" },
			"password must be one line, without control characters",
		},
		{"host, secret no longer shown", `{"host":"new","auth":"none","token":null}`, func(s *sample) {
			s.Host, s.Auth, s.Password, s.Token = "new", "none", "", ""
		}, ""},
		{"secret not shown for a while", `{"auth":"none"}`, func(s *sample) { s.Auth = "none" }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := base
			tt.want(&want)
			got, problems := form.Merge[sample](f, stored, secrets, []byte(tt.edit))
			if tt.problems == "" && problems != nil || !strings.HasPrefix(problems.String(), tt.problems) || strings.Count(problems.String(), ";") != strings.Count(tt.problems, ";") {
				t.Errorf("problems %q, want %q", problems, tt.problems)
			}
			if diff := cmp.Diff(reveal(want), reveal(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("copy", func(t *testing.T) {
		t.Parallel()
		got, problems := form.Copy[sample](f, stored, []byte(`{"note":"copy","password":"•••"}`))
		want := base
		want.Note, want.Password, want.Token = "copy", "", ""
		if diff := cmp.Diff(reveal(want), reveal(got)); diff != "" || problems.String() != "password is required" {
			t.Errorf("%q (-want +got):\n%s", problems, diff)
		}
	})
	t.Run("stored by an older form", func(t *testing.T) {
		t.Parallel()
		old := []byte(`{"host":"h","user":"u","level":3,"gone":1,"account":"not digits any more","password":"in clear","token":"in clear"}`)
		got, problems := form.Merge[sample](f, old, map[string]form.Secret{"password": "p", "lost": "x"}, []byte(`{"account":null}`))
		if problems != nil || got.Host != "h" || got.Password != "p" || got.Token != "" {
			t.Errorf("%#v, %v", got, problems)
		}
		if _, problems := form.Join[sample](f, old, secrets); len(problems.Of("account")) != 1 {
			t.Errorf("what is wrong now is not told: %v", problems)
		}
		unread := []byte(`{"host":"h","user":"u","level":3,"ca":5}`)
		_, problems = form.Merge[sample](f, unread, map[string]form.Secret{"password": "p"}, []byte(`{"ca":null}`))
		if problems.String() != "password type it again: ca has changed" {
			t.Errorf("trust that cannot be read: %v", problems)
		}
	})
}

// reveal makes secrets comparable, as they all print alike.
func reveal(s sample) []any {
	return []any{s.Network, s.Account, s.Auth, s.User, s.Password.Reveal(), s.Token.Reveal(), s.CA, s.Regions, s.Strict, s.Level, s.Note}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	f := sampleForm(t)
	a, _ := form.Decode[sample](f, []byte(full))
	b := a
	b.User, b.Password = "other", "other"
	if got := form.Changed(f, a, b); got != nil {
		t.Errorf("changed: %v", got)
	}
	b.Port, b.CA = 1, ""
	if diff := cmp.Diff([]string{"port", "ca"}, form.Changed(f, a, b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, _, err := f.Split(&a); err == nil {
		t.Error("a pointer was split")
	}
	if _, _, err := f.Split(nil); err == nil {
		t.Error("nothing was split")
	}
}

// TestHiddenTrust: a proxy that nobody used, put there first and switched on
// later, is a change of trust at both steps.
func TestHiddenTrust(t *testing.T) {
	t.Parallel()
	type proxied struct {
		Through bool        `json:"through" title:"Through a proxy"`
		Proxy   string      `json:"proxy" title:"Proxy" trust:"true" when:"through=true"`
		Key     form.Secret `json:"key" title:"Key"`
	}
	f, err := form.Of[proxied]()
	if err != nil {
		t.Fatal(err)
	}
	key := map[string]form.Secret{"key": "k"}
	for _, tt := range []struct{ stored, edit, want string }{
		{`{"through":false}`, `{"proxy":"evil"}`, "key type it again: proxy has changed"},
		{`{"through":false,"proxy":"evil"}`, `{"through":true}`, "key type it again: proxy has changed"},
		{`{"proxy":"evil"}`, `{"through":true,"key":"new"}`, ""},
		{`{"through":true,"proxy":"ours"}`, `{"through":null}`, "key type it again: proxy has changed"},
		{`{"through":false}`, `{"through":true}`, ""},
	} {
		got, problems := form.Merge[proxied](f, []byte(tt.stored), key, []byte(tt.edit))
		if problems.String() != tt.want || (tt.want != "") != (got.Key == "") {
			t.Errorf("%s with %s: %v, want %q", tt.stored, tt.edit, problems, tt.want)
		}
	}
	if got := form.Changed(f, proxied{Proxy: "x"}, proxied{Proxy: "x", Through: true}); len(got) != 1 {
		t.Errorf("changed: %v", got)
	}
}

func TestDocs(t *testing.T) {
	t.Parallel()
	docs := sampleForm(t).Docs()
	for _, line := range []string{
		"| `host` | Host | Name or address. Must be a host name. When it changes, secrets must be typed again. | yes |  |",
		"| `port` | Port | 1 to 65535. When it changes, secrets must be typed again. | no | `443` |",
		"| `password` | Password | Secret. | yes, if `auth` is keys |  |",
		"| `regions` | Regions | One of eu-1, eu-2, us-1. | no |  |",
		"| `note` | Note \\| remark |  | no |  |",
	} {
		if !strings.Contains(docs, line+"\n") {
			t.Errorf("no line %s in\n%s", line, docs)
		}
	}
	if got, want := strings.Count(docs, "\n"), 2+12; got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
}
