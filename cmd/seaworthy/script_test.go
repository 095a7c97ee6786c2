package main

import (
	"archive/zip"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seaworthy-dev/seaworthy/internal/demo"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"seaworthy": func() {
			os.Exit(run(context.Background(), os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
		},
	})
}

// TestScripts runs the command line as people do. Each script has a registry
// with the sample images at $REGISTRY, the samples as a layout in $SAMPLES, the
// sample advisories in $ADVISORIES, and servers with faults. The command
// "zip ARCHIVE FILE…" packs files by their base names.
func TestScripts(t *testing.T) {
	t.Parallel()
	samples, err := demo.Samples()
	if err != nil {
		t.Fatal(err)
	}
	registry, err := demo.Serve(t.Context(), samples)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(); err != nil {
			t.Error(err)
		}
	})
	shared := t.TempDir()
	layout := filepath.Join(shared, "samples")
	if err := demo.Write(layout, samples); err != nil {
		t.Fatal(err)
	}
	if _, err := demo.WriteAdvisories(shared); err != nil {
		t.Fatal(err)
	}
	faults := map[string]string{
		"HTML":   answering(t, http.StatusOK, "text/html", "<html>Welcome to the hotel's network</html>"),
		"DENY":   challenging(t),
		"CLOSED": closedPort(t),
		"TLS":    withTLS(t),
	}
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"zip": zipFiles},
		Setup: func(e *testscript.Env) error {
			e.Setenv("REGISTRY", registry.Host)
			e.Setenv("SAMPLES", layout)
			e.Setenv("ADVISORIES", filepath.Join(shared, "advisories"))
			e.Setenv("KEV", filepath.Join(shared, "feeds", "known_exploited_vulnerabilities.json"))
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "home", "cache"))
			for name, host := range faults {
				e.Setenv(name, host)
			}
			return nil
		},
	})
}

// zipFiles packs files, as OSV packs its records.
func zipFiles(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: zip ARCHIVE FILE…")
	}
	archive := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(archive), 0o700))
	f, err := os.Create(archive)
	ts.Check(err)
	w := zip.NewWriter(f)
	for _, name := range args[1:] {
		entry, err := w.Create(filepath.Base(name))
		ts.Check(err)
		_, err = entry.Write([]byte(ts.ReadFile(name)))
		ts.Check(err)
	}
	ts.Check(w.Close())
	ts.Check(f.Close())
}

func host(s *httptest.Server) string { return s.Listener.Addr().String() }

// answering gives the same answer to everything.
func answering(t *testing.T, status int, contentType, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return host(s)
}

// challenging wants a password that nobody has.
func challenging(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="lab"`)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`))
	}))
	t.Cleanup(s.Close)
	return host(s)
}

// withTLS has a certificate that nobody trusts.
func withTLS(t *testing.T) string {
	t.Helper()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return host(s)
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestFlagsFromEnvironment(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, variable, value string
		args                  []string
		code                  int
		says                  string
	}{
		{"a variable stands in for a flag", "SEAWORTHY_OUTPUT", "json", []string{"version"}, exitOK, `"analyser"`},
		{"the flag goes first", "SEAWORTHY_OUTPUT", "json", []string{"version", "--output", "table"}, exitOK, "seaworthy devel"},
		{"a wrong value is wrong usage", "SEAWORTHY_NO_CACHE", "perhaps", []string{"assess", "x"}, exitUsage, "SEAWORTHY_NO_CACHE"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			root := rootCommand(terminal{in: strings.NewReader(""), out: &out, err: &out})
			cmd, _, err := root.Find(tc.args)
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.ParseFlags(tc.args[1:]); err != nil {
				t.Fatal(err)
			}
			err = flagsFromEnvironment(cmd, func(name string) (string, bool) {
				return tc.value, name == tc.variable
			})
			if err == nil {
				err = cmd.RunE(cmd, nil)
			}
			if code := exitCode(err); code != tc.code {
				t.Errorf("exit code %d, want %d: %v", code, tc.code, err)
			}
			if err != nil {
				out.WriteString(err.Error())
			}
			if !strings.Contains(out.String(), tc.says) {
				t.Errorf("it says %q, want %q in it", out.String(), tc.says)
			}
		})
	}
}

var loopbackPort = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// TestReadmeTranscript holds the README's transcript to what the program says.
func TestReadmeTranscript(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), "```console\n$ seaworthy assess --plain-http 127.0.0.1:5000/tools/fetch:3.18\n")
	want, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("the README has no transcript")
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"demo"}, terminal{in: strings.NewReader(""), out: &out, err: &errs}); code != exitOK {
		t.Fatalf("demo ended with %d: %s", code, errs.String())
	}
	got := loopbackPort.ReplaceAllString(out.String(), "127.0.0.1:5000")
	if !strings.Contains(got, strings.TrimSpace(want)) {
		t.Errorf("the program does not say what the README shows; it says:\n%s", got)
	}
}
