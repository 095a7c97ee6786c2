package extractor

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seaworthy-dev/seaworthy"
)

func TestNPM(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, text string
		want             []string
		err              string
	}{
		{"plain", "node_modules/lodash/package.json", `{"name": "lodash", "version": "4.17.20", "main": "x"}`, []string{"lodash 4.17.20"}, ""},
		{"scoped", "a/node_modules/@babel/core/package.json", `{"name":"@babel/core","version":"7.0.0"}`, []string{"@babel/core 7.0.0"}, ""},
		{"alias", "node_modules/old/package.json", `{"name":"lodash","version":"3.0.0"}`, []string{"lodash 3.0.0"}, ""},
		{"stub", "node_modules/x/package.json", `{"type":"module"}`, nil, ""},
		{"no version", "node_modules/x/package.json", `{"name":"x"}`, []string{"x "}, ""},
		{"no name", "node_modules/@s/x/package.json", `{"version":"1.0.0"}`, []string{"@s/x 1.0.0"}, ""},
		{"other types", "node_modules/x/package.json", `{"name":"x","version":1.5}`, []string{"x "}, ""},
		{"byte order mark", "node_modules/x/package.json", "\ufeff" + `{"name":"x","version":"1.0.0"}`, []string{"x 1.0.0"}, ""},
		{"escapes", "node_modules/x/package.json", `{"n\u0061me":"\u0078","version":"1.0.0"}`, []string{"x 1.0.0"}, ""},
		{"nested names do not count", "node_modules/x/package.json", `{"name":"x","author":{"name":"y","version":"9"},"version":"1.0.0"}`, []string{"x 1.0.0"}, ""},
		{"names in other letters hide nothing", "node_modules/x/package.json", `{"name":"x","version":"1.0.0","Version":"99.0.0"}`, []string{"x 1.0.0"}, ""},
		{"the last of two counts", "node_modules/x/package.json", `{"name":"x","version":"1.0.0","version":"2.0.0"}`, []string{"x 2.0.0"}, ""},
		{"cut short", "node_modules/x/package.json", `{"name":"x","version":`, nil, "is not valid JSON at byte 22"},
		{"no object", "node_modules/x/package.json", `["name"]`, nil, "is JSON, but no object"},
		{"empty", "node_modules/x/package.json", ``, nil, "is not valid JSON at byte 0"},
		{"terminal codes", "node_modules/x/package.json", `{"name":"x\u001b[2J","version":"1.0.0"}`, nil,
			`has an entry that cannot be read: "x\x1b[2J" has a name or version that is not plain text`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := extract(t, FormatNPM, test.path, []byte(test.text))
			check(t, r, err, test.want, test.err)
		})
	}
}

func TestPython(t *testing.T) {
	t.Parallel()
	egg := zipped(t, map[string][]byte{"EGG-INFO/PKG-INFO": []byte("Name: a\nVersion: 1\n"), "a.py": nil})
	tests := []struct {
		name, path, text string
		want             []string
		err              string
	}{
		{"dist-info", "s/a.dist-info/METADATA", string(fixture(t, "python/METADATA")), []string{"Flask_Fixture 2.2.2"}, ""},
		{"egg-info", "s/a.egg-info", "Metadata-Version: 1.0\r\nName: a\r\nVersion: 1\r\n", []string{"a 1"}, ""},
		{"any case", "s/a.egg-info/PKG-INFO", "NAME: a\nversion: 1\n", []string{"a 1"}, ""},
		{"continued lines", "s/a.egg-info/PKG-INFO", "Summary: x\n Name: no\nName: a\nVersion: 1\n", []string{"a 1"}, ""},
		{"a stray line", "s/a.egg-info/PKG-INFO", "Name: a\nstray\nVersion: 1\n", []string{"a 1"}, ""},
		{"no version", "s/a.egg-info/PKG-INFO", "Name: a\n\nVersion: 1\n", []string{"a "}, ""},
		{"no name", "s/a.egg-info/PKG-INFO", "Version: 1\n", nil, "has no Name field"},
		{"egg", "s/a.egg", string(egg), []string{"a 1"}, ""},
		{"egg cut short", "s/a.egg", string(egg[:len(egg)-30]), nil, "is not a ZIP archive"},
		{"egg without a name", "s/a.egg", string(zipped(t, map[string][]byte{"EGG-INFO/PKG-INFO": []byte("x")})), nil,
			"has a EGG-INFO/PKG-INFO that has no Name field"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := extract(t, FormatPyPI, test.path, []byte(test.text))
			check(t, r, err, test.want, test.err)
		})
	}
}

func TestGem(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, text string
		want             []string
		err              string
	}{
		{"stub with a platform", "nokogiri-1.15.4-x86_64-linux.gemspec", string(fixture(t, "gem/nokogiri.gemspec")), []string{"nokogiri 1.15.4"}, ""},
		{"before stubs", "rack-1.4.7.gemspec", string(fixture(t, "gem/old.gemspec")), []string{"rack 1.4.7"}, ""},
		{"a constant", "my-gem-2.0.1-java.gemspec", "s.name = 'my-gem'\ns.version = MyGem::VERSION\n", []string{"my-gem 2.0.1"}, ""},
		{"no version", "x.gemspec", "s.name = 'my-gem'\n", nil, `gives no version of "my-gem"`},
		{"nothing", "x-1.gemspec", "\x04\bu:\x17Gem", nil, "names no gem: it has neither a stub line nor s.name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := extract(t, FormatGem, "gems/specifications/"+test.file, []byte(test.text))
			check(t, r, err, test.want, test.err)
		})
	}
}

func TestDotnet(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []string
		err        string
	}{
		{"published program", string(fixture(t, "dotnet/app.deps.json")),
			[]string{"Microsoft.NETCore.App.Runtime.linux-x64 8.0.1", "Newtonsoft.Json 12.0.3"}, ""},
		{"another use of the name", `{"editor.js":{"dependencies":["x"]}}`, nil, ""},
		{"a list", `[]`, nil, ""},
		{"a broken library", `{"libraries":{"x":{"type":"package"},"y/1":{"type":"package"}}}`, []string{"y 1"},
			`has an entry that cannot be read: the library "x" is not name/version and an object`},
		{"cut short", `{"libraries":{`, nil, "is not valid JSON at byte 14"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := extract(t, FormatNuGet, "app/x.deps.json", []byte(test.text))
			check(t, r, err, test.want, test.err)
		})
	}
}

func TestComposer(t *testing.T) {
	t.Parallel()
	const installed, lock = "app/vendor/composer/installed.json", "app/composer.lock"
	tests := []struct {
		name   string
		format seaworthy.Format
		path   string
		text   string
		want   []string
		err    string
	}{
		{"Composer 1", FormatComposer, installed, string(fixture(t, "composer/installed-1.json")), []string{"phpunit/phpunit 9.5.28", "symfony/http-kernel v5.4.19"}, ""},
		{"Composer 2", FormatComposer, installed, string(fixture(t, "composer/installed-2.json")), []string{"acme/tool dev-main", "symfony/http-kernel v5.4.19"}, ""},
		{"lock", FormatComposerLock, lock, string(fixture(t, "composer/composer.lock")), []string{"guzzlehttp/guzzle 7.4.4", "phpunit/phpunit 9.5.28"}, ""},
		{"empty list", FormatComposer, installed, `[]`, nil, ""},
		{"no list", FormatComposer, installed, `{"packages":{}}`, nil, "is JSON, but its packages are no list"},
		{"broken package", FormatComposer, installed, `[1,{"name":"a/b","version":"1"}]`, []string{"a/b 1"}, "has an entry that cannot be read: has no name"},
		{"cut short", FormatComposer, installed, `[{"name":"a`, nil, "is not valid JSON at byte 11"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, err := extract(t, test.format, test.path, []byte(test.text))
			check(t, r, err, test.want, test.err)
		})
	}
}

func FuzzNPM(f *testing.F) {
	fuzz(f, FormatNPM, "node_modules/a/package.json", []byte(`{"name":"a","version":"1.0.0","x":[1,{"y":null}]}`))
}

func FuzzPython(f *testing.F) {
	fuzz(f, FormatPyPI, "a.egg-info", fixture(f, "python/METADATA"))
}

func FuzzEgg(f *testing.F) {
	fuzz(f, FormatPyPI, "a.egg", zipped(f, map[string][]byte{"EGG-INFO/PKG-INFO": []byte("Name: a\nVersion: 1\n")}))
}

func FuzzGem(f *testing.F) {
	fuzz(f, FormatGem, "specifications/a-1.gemspec", fixture(f, "gem/nokogiri.gemspec"), fixture(f, "gem/old.gemspec"))
}

func FuzzDotnet(f *testing.F) {
	fuzz(f, FormatNuGet, "a.deps.json", fixture(f, "dotnet/app.deps.json"))
}

func FuzzComposer(f *testing.F) {
	fuzz(f, FormatComposer, "vendor/composer/installed.json", fixture(f, "composer/installed-1.json"), fixture(f, "composer/installed-2.json"))
}

// Walking a text gives what encoding/json gives.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":1,"b":[true,{"c":"\"}"}],"":{}}`, `[]`, ` [ -1.5e3 , null ] `, `"x"`, `{"a" : {"b":[[],{}]} , "a":2}`, `{`, "\"\xff\xff\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parseJSON(b)
		if valid := json.Valid(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))); (err == nil) != valid {
			t.Fatalf("error %v of text that is valid: %t", err, valid)
		}
		if err != nil {
			return
		}
		object, array := make(map[string]any), []any{}
		for name, member := range v.members() {
			object[name] = decode(t, member)
		}
		for element := range v.elements() {
			array = append(array, decode(t, element))
		}
		switch want := decode(t, v).(type) {
		case map[string]any:
			if diff := cmp.Diff(want, object); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
		case []any:
			if diff := cmp.Diff(want, array); diff != "" {
				t.Errorf("elements (-want +got):\n%s", diff)
			}
		case string:
			if got := v.text(); got != want {
				t.Errorf("text %q, want %q", got, want)
			}
		}
	})
}

func decode(t *testing.T, v value) any {
	t.Helper()
	var x any
	d := json.NewDecoder(bytes.NewReader(v))
	d.UseNumber()
	if err := d.Decode(&x); err != nil {
		t.Fatalf("%q: %v", v, err)
	}
	return x
}
