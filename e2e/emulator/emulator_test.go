package emulator_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/dockerhub"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/ecr"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/front"
	"github.com/seaworthy-dev/seaworthy/e2e/servers"
)

// pull pulls an image through a front and checks all of it.
func pull(t *testing.T, s *front.Server, text string, login authn.Authenticator) {
	t.Helper()
	reference, err := name.ParseReference(text)
	if err != nil {
		t.Fatal(err)
	}
	i, err := remote.Image(reference, remote.WithAuth(login), remote.WithTransport(s.Transport()), remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(i); err != nil {
		t.Error(err)
	}
}

func TestECRBeforeDockerRegistry(t *testing.T) {
	t.Parallel()
	url := "http://" + servers.DockerRegistry(t)
	backend.Fill(t, url, "team/app:1.0")
	s, err := ecr.Start(ecr.Config{
		Backend: url, Account: "123456789012", Regions: []string{"cn-north-1"},
		Users:        []ecr.User{{AccessKey: "AKID", SecretKey: "secret", Policies: []ecr.Statement{{Actions: ecr.ReadActions()}}}},
		Repositories: []ecr.Repository{{Name: "team/app"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	client := sdk.New(sdk.Options{Region: "cn-north-1", HTTPClient: s.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")})
	out, err := client.GetAuthorizationToken(t.Context(), &sdk.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken)
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(*out.AuthorizationData[0].ProxyEndpoint, "https://")
	if host != "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn" {
		t.Errorf("the endpoint is %s", host)
	}
	pull(t, s.Server, host+"/team/app:1.0", &authn.Basic{Username: "AWS", Password: strings.TrimPrefix(string(plain), "AWS:")})
}

func TestDockerHubBeforeDockerRegistry(t *testing.T) {
	t.Parallel()
	url := "http://" + servers.DockerRegistry(t)
	backend.Fill(t, url, "acme/vault:1.0")
	s, err := dockerhub.Start(dockerhub.Config{
		Backend:      url,
		Credentials:  []dockerhub.Credential{{Name: "jo", Secret: "dckr_pat_1", Kind: dockerhub.PersonalToken, Namespaces: []string{"acme"}}},
		Repositories: []dockerhub.Repository{{Name: "acme/vault", Private: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	pull(t, s.Server, dockerhub.RegistryHost+"/acme/vault:1.0", &authn.Basic{Username: "jo", Password: "dckr_pat_1"})
}
