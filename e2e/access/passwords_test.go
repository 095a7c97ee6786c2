package access

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/match"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/seaworthy-dev/seaworthy/e2e/program"
	"github.com/seaworthy-dev/seaworthy/e2e/servers"
)

// user's password has what breaks where it is quoted, split or encoded wrongly.
func user() servers.User { return servers.User{Name: "ci", Password: `p:a "s's $HOME%20\wörd`} }

func TestDockerRegistryPasswords(t *testing.T) {
	t.Parallel()
	passwords(t, servers.DockerRegistry(t, user()))
}

func TestServerDistributionPasswords(t *testing.T) {
	t.Parallel()
	passwords(t, servers.Distribution(t, user()))
}

// passwords tries what is right and wrong in all the ways to say it.
func passwords(t *testing.T, host string) {
	reference := push(t, host)
	right := user()
	wrong := servers.User{Name: right.Name, Password: "guessed-in-vain"}
	for _, tc := range []struct {
		name   string
		args   []string
		stdin  string
		config string // of Docker
		helper string // what docker-credential-lab does
		ok     bool
		says   string
	}{
		{name: "nothing", says: "there are none for it"},
		{name: "by flags", args: []string{"--username", right.Name, "--password-stdin"}, stdin: right.Password, ok: true},
		{name: "by flags, with the newline of echo", args: []string{"--username", right.Name, "--password-stdin"}, stdin: right.Password + "\n", ok: true},
		{name: "wrong by flags", args: []string{"--username", wrong.Name, "--password-stdin"}, stdin: wrong.Password, says: "does not accept the credentials of user ci"},
		{name: "by Docker's config", config: auths(host, right), ok: true},
		{name: "wrong by Docker's config", config: auths(host, wrong), says: "does not accept the credentials of user ci"},
		{name: "Docker's config of another host", config: auths("registry.example.com", right), says: "there are none for it"},
		{name: "flags go before Docker's config", args: []string{"--username", right.Name, "--password-stdin"}, stdin: right.Password, config: auths(host, wrong), ok: true},
		{name: "by a credential store", config: `{"credsStore":"lab"}`, helper: answer(right), ok: true},
		{name: "by a credential helper of the host", config: fmt.Sprintf(`{"credHelpers":{%q:"lab"}}`, host), helper: answer(right), ok: true},
		{name: "wrong by a credential store", config: `{"credsStore":"lab"}`, helper: answer(wrong), says: "does not accept the credentials of user ci"},
		{name: "a credential store that has none", config: `{"credsStore":"lab"}`, helper: `echo "credentials not found in native keychain"; exit 1`, says: "there are none for it"},
		{name: "a credential store that fails", config: `{"credsStore":"lab"}`, helper: `echo "the safe is locked" >&2; exit 1`, says: "docker-credential-lab"},
		{name: "a credential store that is not there", config: `{"credsStore":"none"}`, says: "docker-credential-none"},
		{name: "Docker's config that is no JSON", config: `{"auths":`, says: "config.json"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := program.NewHome(t)
			bin, docker := t.TempDir(), filepath.Join(h.Dir, "docker")
			if err := os.Mkdir(docker, 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(docker, "config.json"), tc.config, 0o600)
			write(t, filepath.Join(bin, "docker-credential-lab"), "#!/bin/sh\n"+tc.helper+"\n", 0o700)
			h.Env = []string{"DOCKER_CONFIG=" + docker, "PATH=" + bin + ":" + os.Getenv("PATH")}

			cmd := h.Command(t, append([]string{"assess", "--quiet", "--plain-http", "--format", "json", reference}, tc.args...)...)
			cmd.Stdin = strings.NewReader(tc.stdin)
			r := program.Wait(t, cmd, nil)
			for _, secret := range []string{right.Password, wrong.Password, encoded(right), encoded(wrong)} {
				if strings.Contains(r.Err+r.Out, secret) {
					t.Errorf("it gives away %q", secret)
				}
			}
			if tc.ok {
				if r.Code != 0 || len(program.Decode(t, r.Out)[0].Of("Alpine")) == 0 {
					t.Errorf("exit code %d, want 0 and packages; it says:\n%s", r.Code, r.Err)
				}
				return
			}
			if r.Code != 1 || !strings.Contains(r.Err, tc.says) || !strings.Contains(r.Err, reference) {
				t.Errorf("exit code %d, want 1 and %q on %s; it says:\n%s", r.Code, tc.says, reference, r.Err)
			}
		})
	}
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if content == "" {
		return
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func encoded(u servers.User) string {
	return base64.StdEncoding.EncodeToString([]byte(u.Name + ":" + u.Password))
}

// auths is Docker's config with a password in it.
func auths(host string, u servers.User) string {
	return fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, encoded(u))
}

// answer is a credential helper that knows one user.
func answer(u servers.User) string {
	return fmt.Sprintf("cat >/dev/null; cat <<'END'\n{\"ServerURL\":\"lab\",\"Username\":%q,\"Secret\":%q}\nEND", u.Name, u.Password)
}

// push writes the smallest sample to a registry that wants the user.
func push(t *testing.T, host string) string {
	t.Helper()
	index, err := layout.ImageIndexFromPath(program.NewHome(t).Samples(t))
	if err != nil {
		t.Fatal(err)
	}
	images, err := partial.FindImages(index, match.Name("alpine-tool"))
	if err != nil || len(images) != 1 {
		t.Fatalf("the samples have %d images alpine-tool: %v", len(images), err)
	}
	ref, err := name.NewTag(host+"/lab/tool:1", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	login := remote.WithAuth(&authn.Basic{Username: user().Name, Password: user().Password})
	if err := remote.Write(ref, images[0], login, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
	return ref.String()
}
