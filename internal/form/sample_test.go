package form_test

import (
	"testing"

	"github.com/seaworthy-dev/seaworthy/internal/form"
)

type network struct {
	Host string `json:"host" title:"Host" help:"Name or address." required:"true" pattern:"^[a-z0-9.-]+$" shape:"a host name" trust:"true" group:"Network" placeholder:"registry.example.com"`
	Port uint16 `json:"port" title:"Port" default:"443" min:"1" trust:"true" group:"Network"`
}

// Network is embedded by its exported name.
type Network network

type sample struct {
	Network
	Account  string      `json:"account" title:"Account" pattern:"^[0-9]{12}$"`
	Auth     string      `json:"auth" title:"Sign in with" enum:"keys,ambient,none" default:"keys"`
	User     string      `json:"user" title:"User" scope:"credential" when:"auth=keys" required:"true"`
	Password form.Secret `json:"password" title:"Password" scope:"credential" when:"auth=keys" required:"true"`
	Token    form.Secret `json:"token" title:"Token"`
	CA       string      `json:"ca" title:"CA bundle" multiline:"true" trust:"true"`
	Regions  []string    `json:"regions" title:"Regions" enum:"@regions" max:"3"`
	Strict   bool        `json:"strict" title:"Strict"`
	Level    int         `json:"level" title:"Level" when:"strict=false" min:"-5" max:"1000" required:"true"`
	Note     string      `json:"note" title:"Note | remark" max:"20"`
	Ignored  int         `json:"-"`
}

func sampleForm(t testing.TB) *form.Form {
	t.Helper()
	f, err := form.Of[sample](form.Choices("regions", "eu-1", "eu-2", "us-1"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// full is a document that is right.
const full = `{"host":"h.example","port":5000,"account":"123456789012","auth":"keys","user":"ci","password":"pw-stored",
 "token":"tok-stored","ca":"line\nline","regions":["eu-1","us-1"],"strict":true,"note":"hello"}`
