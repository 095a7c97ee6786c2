package oci

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"

	"github.com/seaworthy-dev/seaworthy"
)

// maxDockerConfig bounds the Docker config file.
const maxDockerConfig = 4 << 20

// keyring finds the credential of one registry, once, and only when the
// registry asks for one: helpers are slow and may ask their user something. It
// never writes.
type keyring struct {
	registry string // as in references
	host     string // as called
	options  Options

	mu    sync.Mutex
	known bool
	found auth.Credential
	owner string // whose credential it is, for people; "" is anonymous
}

func newKeyring(r Reference, o Options) (*keyring, error) {
	if (o.Username == "") != (o.Password == "") {
		return nil, &seaworthy.Error{
			Code:   seaworthy.CodeInvalid,
			Public: "a user name and a password were not both given",
			Hint:   "give both, or neither to use the Docker config file",
		}
	}
	k := &keyring{registry: r.Registry, host: r.Host(), options: o}
	if o.Username != "" {
		k.known = true
		k.found = auth.Credential{Username: o.Username, Password: o.Password}
		k.owner = "user " + o.Username
	}
	return k, nil
}

// credential is an auth.CredentialFunc.
func (k *keyring) credential(ctx context.Context, hostport string) (auth.Credential, error) {
	if hostport != k.host {
		return auth.EmptyCredential, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known {
		return k.found, nil
	}
	found, owner, err := k.lookUp(ctx)
	if err != nil {
		return auth.EmptyCredential, err
	}
	k.known, k.found, k.owner = true, found, owner
	return found, nil
}

// who says whose credential was used; "" when none was.
func (k *keyring) who() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.owner
}

// dockerConfig is what decides where a credential is kept.
type dockerConfig struct {
	Auths       map[string]json.RawMessage `json:"auths"`
	CredHelpers map[string]string          `json:"credHelpers"`
	CredsStore  string                     `json:"credsStore"`
}

// lookUp goes the way of the docker command: a helper for this registry, else
// the helper for all, else the file itself.
func (k *keyring) lookUp(ctx context.Context) (found auth.Credential, owner string, err error) {
	path := k.configPath()
	config, err := readDockerConfig(path)
	if err != nil || config == nil {
		return auth.EmptyCredential, "", err
	}
	keys := k.keys()
	for _, key := range keys {
		if helper := config.CredHelpers[key]; helper != "" {
			return askHelper(ctx, helper, key)
		}
	}
	if config.CredsStore != "" {
		return askHelper(ctx, config.CredsStore, keys[0])
	}
	store, err := credentials.NewStore(path, credentials.StoreOptions{})
	if err != nil {
		return auth.EmptyCredential, "", badConfig(path, nil)
	}
	for _, key := range keys {
		// The cause stays out: it can quote the credential.
		if found, err = store.Get(ctx, key); err != nil {
			return auth.EmptyCredential, "", badConfig(path, fmt.Errorf("the entry for %s cannot be decoded", k.registry))
		}
		if found != auth.EmptyCredential {
			return found, credentialOwner(found, path), nil
		}
	}
	return auth.EmptyCredential, "", nil
}

// keys are the names under which a credential of the registry may be kept.
func (k *keyring) keys() []string {
	if k.registry == dockerHub {
		return []string{"https://index.docker.io/v1/", "index.docker.io", dockerHub, hubHost}
	}
	return []string{k.registry}
}

func (k *keyring) configPath() string {
	dir := k.options.DockerConfig
	if dir == "" {
		dir = os.Getenv("DOCKER_CONFIG")
	}
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".docker")
	}
	return filepath.Join(dir, "config.json")
}

// readDockerConfig gives nil when there is none.
func readDockerConfig(path string) (*dockerConfig, error) {
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxDockerConfig) {
		return nil, badConfig(path, errors.New("it is not a file of sensible size"))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, badConfig(path, err)
	}
	var c dockerConfig
	if len(strings.TrimSpace(string(b))) == 0 {
		return nil, nil
	}
	if json.Unmarshal(b, &c) != nil {
		return nil, badConfig(path, errors.New("it is not a Docker config in JSON"))
	}
	return &c, nil
}

func badConfig(path string, err error) error {
	public := "the credentials in " + path + " cannot be read"
	if err != nil {
		public += ": " + err.Error()
	}
	return &seaworthy.Error{
		Code: seaworthy.CodeInvalid, Public: public, Err: err,
		Hint: "repair the file, or give a user name and password",
	}
}

// askHelper runs docker-credential-NAME get. What it prints when it fails goes
// no further than the public text, and not even there if it looks like data: it
// may hold what the helper found.
func askHelper(ctx context.Context, name, key string) (found auth.Credential, owner string, err error) {
	program := "docker-credential-" + name
	if strings.ContainsAny(name, `/\`) {
		return found, "", helperError(program, key, "its name has a path in it", "correct credHelpers or credsStore in the Docker config file")
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	found, err = credentials.NewNativeStore(name).Get(ctx, key)
	switch {
	case err == nil && found == auth.EmptyCredential:
		return found, "", nil
	case err == nil:
		return found, credentialOwner(found, program), nil
	case errors.Is(err, exec.ErrNotFound):
		return auth.EmptyCredential, "", helperError(program, key, "it is not installed", "install it, or give a user name and password")
	case ctx.Err() != nil:
		return auth.EmptyCredential, "", helperError(program, key, "it did not answer", "run it by hand to see what it waits for")
	}
	message := printable(err.Error())
	if _, isSyntax := errors.AsType[*json.SyntaxError](err); isSyntax || strings.ContainsAny(message, "{}") {
		message = "its answer cannot be read"
	}
	return auth.EmptyCredential, "", helperError(program, key, message, "run docker login, or give a user name and password")
}

func helperError(program, key, why, hint string) error {
	return &seaworthy.Error{
		Code:   seaworthy.CodeUnauthorized,
		Public: fmt.Sprintf("the credential helper %.100s gave no credential for %s: %s", program, key, why),
		Hint:   hint,
	}
}

func credentialOwner(c auth.Credential, from string) string {
	if c.Username != "" {
		return fmt.Sprintf("user %.100s of %s", c.Username, from)
	}
	return "the token of " + from
}
