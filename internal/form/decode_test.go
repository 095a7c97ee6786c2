package form_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
	"github.com/seaworthy-dev/seaworthy/internal/form"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	f := sampleForm(t)
	got, problems := form.Decode[sample](f, []byte(full))
	if problems != nil {
		t.Fatal(problems)
	}
	want := sample{
		Network: Network{Host: "h.example", Port: 5000}, Account: "123456789012", Auth: "keys", User: "ci", Password: "pw-stored",
		Token: "tok-stored", CA: "line\nline", Regions: []string{"eu-1", "us-1"}, Strict: true, Note: "hello",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	least, problems := form.Decode[sample](f, []byte(`{"host":" h ","auth":"none","level":1e2,"account":"","ca":null,"regions":[" "],"token":"•••"}`))
	if diff := cmp.Diff(sample{Network: Network{"h", 443}, Auth: "none", Level: 100}, least); diff != "" || problems != nil {
		t.Errorf("%v (-want +got):\n%s", problems, diff)
	}
	secret, _ := form.Decode[sample](f, []byte(`{"password":" p w \r\n"}`))
	if secret.Password.Reveal() != " p w " {
		t.Errorf("the password is %q", secret.Password.Reveal())
	}
}

// TestDecodeProblems plants a canary in each wrong value: no problem shows it.
func TestDecodeProblems(t *testing.T) {
	t.Parallel()
	f := sampleForm(t)
	const canary = "CANARY77"
	tests := []struct {
		name, doc string
		want      map[string]string // field: part of its text
	}{
		{"all at once", `{"port":0,"account":"CANARY77","auth":"CANARY77","user":5,"password":["CANARY77"],"regions":["eu-1","CANARY77"],"strict":"CANARY77","level":1.5,"note":"CANARY77CANARY77CANARY77","other":"CANARY77","ca":"a\u0000CANARY77","token":"a\nCANARY77"}`,
			map[string]string{
				"host": "is required", "port": "must be 1 to 65535", "account": "must have the form ^[0-9]{12}$", "auth": "must be one of keys, ambient, none",
				"user": "must be a text", "password": "must be a text", "regions": "item 2 must be one of eu-1", "strict": "must be true or false",
				"level": "must be a whole number", "note": "must have 1 to 20 characters", "other": "is not a setting here", "ca": "control characters",
				"token": "must be one line",
			}},
		{"empty", `{}`, map[string]string{"host": "is required", "user": "is required", "password": "is required", "level": "is required"}},
		{"shape", `{"host":"https://CANARY77/x","auth":"none","level":1}`, map[string]string{"host": "must be a host name"}},
		{"hidden are not required", `{"host":"h","auth":"ambient","strict":true}`, nil},
		{"list too long", `{"host":"h","auth":"none","level":1,"regions":["eu-1","eu-1","eu-1","eu-1"]}`, map[string]string{"regions": "1 to 3 items"}},
		{"list of another type", `{"host":"h","auth":"none","level":1,"regions":["eu-1",null]}`, map[string]string{"regions": "list of texts"}},
		{"huge exponent", `{"host":"h","auth":"none","level":1e999999999}`, map[string]string{"level": "must be -5 to 1000"}},
		{"number as text", `{"host":"h","auth":"none","level":"5"}`, map[string]string{"level": "whole number"}},
		{"twice", `{"host":"h","auth":"none","level":1,"host":"canary77"}`, map[string]string{"host": "twice"}},
		{"other case", `{"Host":"h","host":"h","auth":"none","level":1}`, map[string]string{"Host": "is not a setting"}},
		{"name that is no name", `{"host":"h","auth":"none","level":1,"CANARY77 is":1}`, map[string]string{"(a name that cannot be shown)": "is not a setting"}},
		{"no object", `["CANARY77"]`, map[string]string{"": "must be a JSON object"}},
		{"no JSON", `{"host":"CANARY77`, map[string]string{"": "are not JSON"}},
		{"two documents", `{} {"x":"CANARY77"}`, map[string]string{"": "are not JSON"}},
		{"nothing", ``, map[string]string{"": "are not JSON"}},
		{"no UTF-8", "{\"host\":\"CANARY77\xff\"}", map[string]string{"": "are not UTF-8"}},
		{"large", `{"host":"` + strings.Repeat(canary, 1<<20) + `"}`, map[string]string{"": "are larger than"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := form.Decode[sample](f, []byte(tt.doc))
			if len(problems) != len(tt.want) {
				t.Errorf("%d problems, want %d: %v", len(problems), len(tt.want), problems)
			}
			for _, p := range problems {
				part, ok := tt.want[p.Field]
				if !ok || !strings.Contains(p.Text, part) {
					t.Errorf("%s %s; want %q", p.Field, p.Text, part)
				}
			}
			if b, _ := json.Marshal(problems); strings.Contains(string(b)+problems.String(), canary) {
				t.Errorf("a rejected value is told: %s", b)
			}
			if err := problems.Err(); (err != nil) != (len(tt.want) > 0) || err != nil && seaworthy.CodeOf(err) != seaworthy.CodeInvalid {
				t.Errorf("error %v", err)
			}
		})
	}
}

type strictSettings struct {
	Key  form.Secret `json:"key" title:"Key" pattern:"^[A-Z0-9-]+$"`
	Host string      `json:"host" title:"Host"`
}

func (s *strictSettings) Validate() form.Problems {
	if s.Host == "bad" {
		return form.Problems{{Field: "host", Text: "must not be used with " + s.Key.Reveal()}}
	}
	return nil
}

func TestDecodeAsksValidate(t *testing.T) {
	t.Parallel()
	f, err := form.Of[strictSettings]()
	if err != nil {
		t.Fatal(err)
	}
	_, problems := form.Decode[strictSettings](f, []byte(`{"host":"bad","key":"CANARY-1"}`))
	if diff := cmp.Diff(form.Problems{{Field: "host", Text: "must not be used with •••"}}, problems); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, problems := form.Decode[strictSettings](f, []byte(`{"host":"bad","key":"lower"}`)); len(problems) != 1 || problems[0].Field != "key" {
		t.Errorf("a struct that is not right by its fields was validated: %v", problems)
	}
	if _, problems := form.Decode[sample](f, []byte(`{}`)); len(problems) != 1 || problems[0].Field != "" {
		t.Errorf("the form of another struct: %v", problems)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	f := sampleForm(t)
	v := f.Values()
	for _, kv := range [][2]string{
		{"host", "h"}, {"port", " 5000 "}, {"strict", "true"}, {"user", "u"}, {"password", " p\n"}, {"regions", "eu-1, eu-2"}, {"regions", "us-1"}, {"account", ""},
	} {
		if problems := v.Set(kv[0], kv[1]); problems != nil {
			t.Errorf("%s: %v", kv[0], problems)
		}
	}
	for _, tt := range []struct{ name, value, want string }{
		{"host", "again", "twice"}, {"nothing", "CANARY77", "is not a setting"}, {"level", "CANARY77", "whole number"}, {"level", "9999", "-5 to 1000"},
		{"auth", "CANARY77", "one of"}, {"ca", "\x01CANARY77", "control"}, {"regions", "CANARY77", "item 4"},
	} {
		problems := v.Set(tt.name, tt.value)
		if len(problems) != 1 || problems[0].Field != tt.name || !strings.Contains(problems[0].Text, tt.want) || strings.Contains(problems.String(), "CANARY77") {
			t.Errorf("%s: %v, want %q", tt.name, problems, tt.want)
		}
	}
	got, problems := form.Decode[sample](f, v.JSON())
	want := sample{Network: Network{"h", 5000}, Auth: "keys", Strict: true, User: "u", Password: " p", Regions: []string{"eu-1", "eu-2", "us-1"}}
	if diff := cmp.Diff(want, got); diff != "" || problems != nil {
		t.Errorf("%v (-want +got):\n%s", problems, diff)
	}
}
