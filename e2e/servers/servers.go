// Package servers starts real registries on loopback for tests, and ends them.
package servers

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// User may read and write a registry that has users.
type User struct{ Name, Password string }

// DockerRegistry starts Debian's docker-registry (distribution 2.8) and gives
// its host and port. With users it wants one of them. The set-up installs it;
// without it the test fails.
func DockerRegistry(t *testing.T, users ...User) string {
	t.Helper()
	path, err := exec.LookPath("docker-registry")
	if err != nil {
		path = filepath.Join("..", "..", ".cache", "docker-registry", "usr", "bin", "docker-registry")
		if _, err := os.Stat(path); err != nil {
			t.Fatal("docker-registry is not installed: run make setup")
		}
	}
	return registry(t, path, users)
}

// Distribution starts distribution v3, built by make test-servers. With users it
// wants one of them.
func Distribution(t *testing.T, users ...User) string {
	t.Helper()
	dir := os.Getenv("SEAWORTHY_TEST_SERVERS")
	if dir == "" {
		t.Skip("SKIPPED: distribution v3 takes minutes to build: make test-servers runs this test")
	}
	return registry(t, filepath.Join(dir, "registry"), users)
}

// registry starts a program that reads distribution's configuration.
func registry(t *testing.T, program string, users []User) string {
	t.Helper()
	dir := t.TempDir()
	host := freeAddress(t)
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n",
		filepath.Join(dir, "data"), host)
	if len(users) > 0 {
		text += fmt.Sprintf("auth: {htpasswd: {realm: lab, path: %q}}\n", passwords(t, dir, users))
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, "http://"+host+"/v2/", program, "serve", config)
	return host
}

// passwords writes a file as htpasswd -B does.
func passwords(t *testing.T, dir string, users []User) string {
	t.Helper()
	var text []byte
	for _, u := range users {
		hash, err := bcrypt.GenerateFromPassword([]byte(u.Password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		text = fmt.Appendf(text, "%s:%s\n", u.Name, hash)
	}
	path := filepath.Join(dir, "htpasswd")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// freeAddress is a loopback address that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs a program until the test ends, and waits until url answers.
func start(t *testing.T, url, program string, args ...string) {
	t.Helper()
	var output bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			tick.Stop()
			return
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v\n%s", program, err, output.String())
		case <-ctx.Done():
			t.Fatalf("%s does not answer at %s", program, url)
		case <-tick.C:
		}
	}
}
