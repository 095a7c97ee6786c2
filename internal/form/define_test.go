package form_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy/internal/form"
)

func refused[T any](t *testing.T, want string) {
	t.Helper()
	f, err := form.Of[T]()
	if err == nil || f != nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%T: error %v, want one with %q", *new(T), err, want)
	}
}

func TestOfRefuses(t *testing.T) {
	t.Parallel()
	refused[string](t, "not a struct")
	refused[*sample](t, "not a struct")
	for _, refuse := range []func(){
		func() { refused[struct{ a string }](t, "not exported") },
		func() { refused[struct{ A string }](t, "json name") },
		func() {
			refused[struct {
				A string `json:"A" title:"A"`
			}](t, "json name")
		},
		func() {
			refused[struct {
				A string `json:"a"`
			}](t, "no title")
		},
		func() {
			refused[struct {
				A int `json:"a,string" title:"A"`
			}](t, "option")
		},
		func() {
			refused[struct {
				A float64 `json:"a" title:"A"`
			}](t, "no form can show")
		},
		func() {
			refused[struct {
				A *string `json:"a" title:"A"`
			}](t, "no form can show")
		},
		func() {
			refused[struct {
				A map[string]string `json:"a" title:"A"`
			}](t, "no form can show")
		},
		func() {
			refused[struct {
				A any `json:"a" title:"A"`
			}](t, "no form can show")
		},
		func() {
			refused[struct {
				A []int `json:"a" title:"A"`
			}](t, "no form can show")
		},
		func() {
			refused[struct {
				A []form.Secret `json:"a" title:"A"`
			}](t, "no form can show")
		},
		func() {
			refused[struct {
				A time.Duration `json:"a" title:"A"`
			}](t, "no form can show")
		},
		func() {
			refused[struct {
				A struct{} `json:"a" title:"A"`
			}](t, "no form can show")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" trsut:"true"`
			}](t, `"trsut"`)
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" trust:"yes"`
			}](t, "true or false")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" title:"B"` //nolint:staticcheck // the mistake is what is tested
			}](t, "twice")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" scope:"global"`
			}](t, "no scope")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" enum:"@none"`
			}](t, "no choices")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" enum:"x, y"`
			}](t, "choices")
		},
		func() {
			refused[struct {
				A int `json:"a" title:"A" enum:"1,2"`
			}](t, "neither")
		},
		func() {
			refused[struct {
				A bool `json:"a" title:"A" required:"true"`
			}](t, "never missing")
		},
		func() {
			refused[struct {
				A form.Secret `json:"a" title:"A" default:"x"`
			}](t, "no default")
		},
		func() {
			refused[struct {
				A form.Secret `json:"a" title:"A" trust:"true"`
			}](t, "trust")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" pattern:"[0-9]+"`
			}](t, "between")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" pattern:"^a|b$"`
			}](t, "between")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" pattern:"^(?i)a$"`
			}](t, "share")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" pattern:"^(a$"`
			}](t, "pattern")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" shape:"x"`
			}](t, "no pattern")
		},
		func() {
			refused[struct {
				A uint8 `json:"a" title:"A" max:"256"`
			}](t, "0 to 255")
		},
		func() {
			refused[struct {
				A int `json:"a" title:"A" min:"x"`
			}](t, "whole")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" min:"5" max:"4"`
			}](t, "min and max")
		},
		func() {
			refused[struct {
				A bool `json:"a" title:"A" multiline:"true"`
			}](t, "no lines")
		},
		func() {
			refused[struct {
				A int `json:"a" title:"A" default:"x"`
			}](t, "default must be")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" enum:"x,y" default:"z"`
			}](t, "one of x, y")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" required:"true" default:"z"`
			}](t, "never missing")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" when:"b"`
			}](t, "field=value")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" when:"b=c"`
			}](t, "not a field")
		},
		func() {
			refused[struct {
				A bool `json:"a" title:"A" when:"a=true"`
			}](t, "not a field")
		},
		func() {
			refused[struct {
				Network
				A string `json:"host" title:"A"`
			}](t, "one name")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A" enum:"x,y"`
				B string `json:"b" title:"B" when:"a=z"`
			}](t, "never")
		},
		func() {
			refused[struct {
				A string `json:"a" title:"A"`
				B string `json:"b" title:"B" when:"a=z"`
			}](t, "neither a bool nor a choice")
		},
	} {
		refuse()
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	f := sampleForm(t)
	got, _ := f.Lookup("host")
	want := form.Field{
		Name: "host", Title: "Host", Help: "Name or address.", Kind: form.Text, Pattern: "^[a-z0-9.-]+$", Shape: "a host name",
		Required: true, Placeholder: "registry.example.com", Trust: true, Group: "Network", Min: 1, Max: 1024,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("host (-want +got):\n%s", diff)
	}
	kinds := map[string]form.Kind{}
	for _, d := range f.Fields {
		kinds[d.Name] = d.Kind
	}
	if diff := cmp.Diff(map[string]form.Kind{
		"host": form.Text, "port": form.Number, "account": form.Text, "auth": form.Choice, "user": form.Text,
		"password": form.Hidden, "token": form.Hidden, "ca": form.Multiline, "regions": form.List,
		"strict": form.Bool, "level": form.Number, "note": form.Text,
	}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	port, _ := f.Lookup("port")
	if port.Default != int64(443) || port.Min != 1 || port.Max != 65535 {
		t.Errorf("port is %+v", port)
	}
	if diff := cmp.Diff([]string{"password", "token"}, f.Secrets()); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	if _, ok := f.Lookup("ignored"); ok {
		t.Error("a field tagged - is a setting")
	}
}

func TestOnly(t *testing.T) {
	t.Parallel()
	f := sampleForm(t)
	only := f.Only(form.ScopeCredential)
	if len(only.Fields) != 2 || only.Fields[0].When != nil || only.Fields[0].Required {
		t.Errorf("fields are %+v", only.Fields)
	}
	if user, _ := f.Lookup("user"); user.When == nil || !user.Required {
		t.Error("the whole form has changed")
	}
	c, problems := form.Decode[sample](only, []byte(`{"user":"other"}`))
	if problems != nil || c.User != "other" || c.Port != 0 {
		t.Errorf("decoded %+v, %v", c, problems)
	}
	if _, problems := form.Decode[sample](only, []byte(`{"host":"x"}`)); len(problems.Of("host")) != 1 {
		t.Errorf("a field of another scope: %v", problems)
	}
	base, _ := form.Decode[sample](f, []byte(full))
	got := form.Override(f, base, c)
	if got.User != "other" || got.Password != "" || got.Host != base.Host || got.Token != base.Token {
		t.Errorf("override gave %#v", got)
	}
}
