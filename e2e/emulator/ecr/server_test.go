package ecr_test

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/ecr"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/front"
)

const (
	account = "123456789012"
	region  = "us-east-1"
)

// bench is an emulator with images, and the credential of its only user.
type bench struct {
	*ecr.Server
	images      map[string]v1.Image
	key, secret string
}

// start runs an emulator in front of a registry; change may alter its
// configuration, and knows the images.
func start(t *testing.T, url string, change func(*ecr.Config, map[string]v1.Image)) bench {
	t.Helper()
	images := backend.Fill(t, url, "app:1.0", "app:1.1", "app:old", "team/api:latest", "secret/db:1", "elsewhere:1")
	c := ecr.Config{
		Backend: url,
		Account: account,
		Regions: []string{region, "eu-west-1"},
		Users: []ecr.User{{AccessKey: "AKIDEXAMPLE", SecretKey: "secret-key",
			Policies: []ecr.Statement{{Actions: ecr.ReadActions()}}}},
		Repositories: []ecr.Repository{
			{Name: "app", Archived: []string{digest(t, images["app:old"])}},
			{Name: "team/api"}, {Name: "secret/db"}, {Name: "empty"}, {Name: "elsewhere", Region: "eu-west-1"},
		},
	}
	if change != nil {
		change(&c, images)
	}
	s, err := ecr.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return bench{Server: s, images: images, key: "AKIDEXAMPLE", secret: "secret-key"}
}

func digest(t *testing.T, i v1.Image) string {
	t.Helper()
	d, err := i.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}

// client is the vendor's, with one attempt for each call.
func (b bench) client(region string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region:           region,
		Credentials:      credentials.NewStaticCredentialsProvider(b.key, b.secret, ""),
		HTTPClient:       b.Client(),
		RetryMaxAttempts: 1,
	})
}

// login is a token of the data plane, got by the vendor's client.
func (b bench) login(t *testing.T) authn.Authenticator {
	t.Helper()
	out, err := b.client(region).GetAuthorizationToken(t.Context(), &sdk.GetAuthorizationTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := base64.StdEncoding.DecodeString(*out.AuthorizationData[0].AuthorizationToken)
	if err != nil {
		t.Fatal(err)
	}
	user, password, _ := strings.Cut(string(plain), ":")
	return &authn.Basic{Username: user, Password: password}
}

func (b bench) reference(t *testing.T, text string) name.Reference {
	t.Helper()
	r, err := name.ParseReference(b.Registry(region) + "/" + text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// pull pulls and checks a whole image.
func (b bench) pull(t *testing.T, text string, login authn.Authenticator) error {
	t.Helper()
	i, err := remote.Image(b.reference(t, text), remote.WithAuth(login), remote.WithTransport(b.Transport()),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithContext(t.Context()))
	if err != nil {
		return err
	}
	return validate.Image(i)
}

// code is that of the control plane's error.
func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

func TestListsAreInPages(t *testing.T) {
	t.Parallel()
	b := start(t, backend.InProcess(t), func(c *ecr.Config, _ map[string]v1.Image) { c.PageSize = 1 })
	client := b.client(region)
	var repositories []string
	pages := 0
	for p := sdk.NewDescribeRepositoriesPaginator(client, &sdk.DescribeRepositoriesInput{RegistryId: aws.String(account)}); p.HasMorePages(); pages++ {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.Repositories {
			repositories = append(repositories, *r.RepositoryUri)
		}
	}
	host := b.Registry(region)
	if diff := cmp.Diff([]string{host + "/app", host + "/team/api", host + "/secret/db", host + "/empty"}, repositories); diff != "" || pages != 4 {
		t.Errorf("%d pages (-want +got)\n%s", pages, diff)
	}
	var tags []string
	for p := sdk.NewListImagesPaginator(client, &sdk.ListImagesInput{RepositoryName: aws.String("app"),
		Filter: &types.ListImagesFilter{ImageStatus: types.ImageStatusFilterAny}}); p.HasMorePages(); {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range out.ImageIds {
			tags = append(tags, *i.ImageTag)
		}
	}
	if diff := cmp.Diff([]string{"1.0", "1.1", "old"}, tags); diff != "" {
		t.Errorf("tags (-want +got)\n%s", diff)
	}
	_, err := client.ListImages(t.Context(), &sdk.ListImagesInput{RepositoryName: aws.String("app"), NextToken: aws.String("made up")})
	if code(err) != "InvalidParameterException" {
		t.Errorf("a made-up token: %v", err)
	}
	out, err := b.client("eu-west-1").DescribeRepositories(t.Context(), &sdk.DescribeRepositoriesInput{})
	if err != nil || len(out.Repositories) != 1 || *out.Repositories[0].RepositoryName != "elsewhere" {
		t.Errorf("the other region: %v %v", out, err)
	}
}

func TestArchivedImagesAreDescribedButNotPulled(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		unasked bool
		filter  types.ImageStatusFilter
		want    []string
	}{
		"unasked":                  {want: []string{"1.0 ACTIVE", "1.1 ACTIVE"}},
		"unasked, with the switch": {unasked: true, want: []string{"1.0 ACTIVE", "1.1 ACTIVE", "old ARCHIVED"}},
		"any":                      {filter: types.ImageStatusFilterAny, want: []string{"1.0 ACTIVE", "1.1 ACTIVE", "old ARCHIVED"}},
		"archived":                 {filter: types.ImageStatusFilterArchived, want: []string{"old ARCHIVED"}},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			b := start(t, backend.InProcess(t), func(c *ecr.Config, _ map[string]v1.Image) { c.Switches.ArchivedUnasked = test.unasked })
			in := &sdk.DescribeImagesInput{RepositoryName: aws.String("app")}
			if test.filter != "" {
				in.Filter = &types.DescribeImagesFilter{ImageStatus: test.filter}
			}
			out, err := b.client(region).DescribeImages(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range out.ImageDetails {
				got = append(got, d.ImageTags[0]+" "+string(d.ImageStatus))
				if *d.ImageSizeInBytes == 0 || d.ImagePushedAt.Year() != 2026 {
					t.Errorf("size %d, pushed %v", *d.ImageSizeInBytes, d.ImagePushedAt)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("images (-want +got)\n%s", diff)
			}
			var e *transport.Error
			if err := b.pull(t, "app:old", b.login(t)); !errors.As(err, &e) || e.StatusCode != http.StatusNotFound {
				t.Errorf("pull of an archived image: %v", err)
			}
		})
	}
}

func TestBatchGetImageFailsInside200(t *testing.T) {
	t.Parallel()
	b := start(t, backend.InProcess(t), nil)
	one := digest(t, b.images["app:1.0"])
	ids := []types.ImageIdentifier{
		{ImageTag: aws.String("1.0")}, {ImageDigest: aws.String(one)}, {ImageTag: aws.String("none")}, {},
		{ImageDigest: aws.String("x")}, {ImageDigest: aws.String(digest(t, b.images["app:1.1"])), ImageTag: aws.String("1.0")}, {ImageTag: aws.String("old")},
	}
	out, err := b.client(region).BatchGetImage(t.Context(), &sdk.BatchGetImageInput{RepositoryName: aws.String("app"), ImageIds: ids})
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := b.images["app:1.0"].RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Images) != 2 || *out.Images[0].ImageManifest != string(manifest) || *out.Images[1].ImageId.ImageDigest != one {
		t.Errorf("images are %v", out.Images)
	}
	var got []types.ImageFailureCode
	for _, f := range out.Failures {
		got = append(got, f.FailureCode)
	}
	want := []types.ImageFailureCode{"ImageNotFound", "MissingDigestAndTag", "InvalidImageDigest", "ImageTagDoesNotMatchDigest", "ImageNotFound"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failures (-want +got)\n%s", diff)
	}
	described, err := b.client(region).DescribeImages(t.Context(), &sdk.DescribeImagesInput{RepositoryName: aws.String("app"), ImageIds: ids[:1]})
	if err != nil || described.ImageDetails[0].LastRecordedPullTime == nil {
		t.Errorf("the pull is not recorded: %v %v", described, err)
	}
}

func TestLayers(t *testing.T) {
	t.Parallel()
	b := start(t, backend.InProcess(t), nil)
	client := b.client(region)
	layers, err := b.images["app:1.0"].Layers()
	if err != nil {
		t.Fatal(err)
	}
	there, err := layers[0].Digest()
	if err != nil {
		t.Fatal(err)
	}
	absent := "sha256:" + strings.Repeat("0", 64)
	out, err := client.BatchCheckLayerAvailability(t.Context(), &sdk.BatchCheckLayerAvailabilityInput{RepositoryName: aws.String("app"), LayerDigests: []string{there.String(), absent, "x"}})
	if err != nil {
		t.Fatal(err)
	}
	if out.Layers[0].LayerAvailability != "AVAILABLE" || *out.Layers[0].LayerSize == 0 || out.Layers[1].LayerAvailability != "UNAVAILABLE" || len(out.Failures) != 1 {
		t.Errorf("layers %v, failures %v", out.Layers, out.Failures)
	}
	got, err := client.GetDownloadUrlForLayer(t.Context(), &sdk.GetDownloadUrlForLayerInput{RepositoryName: aws.String("app"), LayerDigest: aws.String(there.String())})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.GetDownloadUrlForLayer(t.Context(), &sdk.GetDownloadUrlForLayerInput{RepositoryName: aws.String("app"), LayerDigest: aws.String(absent)})
	if code(err) != "LayersNotFoundException" {
		t.Errorf("an absent layer: %v", err)
	}
	checkBucket(t, b, *got.DownloadUrl)
}

// checkBucket asks for a presigned URL in right and wrong ways.
func checkBucket(t *testing.T, b bench, url string) {
	t.Helper()
	steps := []struct {
		title, url, authorization string
		later                     time.Duration
		want                      int
	}{
		{"as it is", url, "", 0, 200},
		{"with Authorization", url, "Basic QVdTOng=", 0, 400},
		{"for another layer", strings.Replace(url, "/app/", "/secret/db/", 1), "", 0, 403},
		{"unsigned", url[:strings.IndexByte(url, '?')], "", 0, 403},
		{"expired", url, "", 2 * time.Hour, 403},
	}
	for _, step := range steps {
		b.Clock().Advance(step.later)
		request, err := http.NewRequest(http.MethodGet, step.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if step.authorization != "" {
			request.Header.Set("Authorization", step.authorization)
		}
		response, err := b.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode != step.want {
			t.Errorf("%s: %s, want %d", step.title, response.Status, step.want)
		}
	}
}

func TestPull(t *testing.T) {
	t.Parallel()
	b := start(t, backend.InProcess(t), nil)
	if err := b.pull(t, "app:1.0", b.login(t)); err != nil {
		t.Fatal(err)
	}
	layers := make(map[string]bool)
	for _, r := range b.Requests() {
		if !strings.Contains(r.Host, "bucket") {
			continue
		}
		layers[r.Path] = true
		if r.Scheme != "" || r.Status != 200 {
			t.Errorf("the bucket was asked as %+v", r)
		}
	}
	if len(layers) != 3 {
		t.Errorf("%d blobs came from the bucket, want the configuration and two layers", len(layers))
	}
}

func TestDataPlaneRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change     func(*ecr.Config, map[string]v1.Image)
		reference  string
		anonymous  bool
		expire     bool
		wantStatus int
		wantCode   transport.ErrorCode
	}{
		"no token":           {reference: "app:1.0", anonymous: true, wantStatus: 401, wantCode: "UNAUTHORIZED"},
		"expired":            {reference: "app:1.0", expire: true, wantStatus: 403, wantCode: "DENIED"},
		"expired, as public": {change: func(c *ecr.Config, _ map[string]v1.Image) { c.Switches.ExpiredStatus = 400 }, reference: "app:1.0", expire: true, wantStatus: 400, wantCode: "DENIED"},
		"missing repository": {reference: "none:1.0", wantStatus: 404, wantCode: "NAME_UNKNOWN"},
		"of another region":  {reference: "elsewhere:1", wantStatus: 404, wantCode: "NAME_UNKNOWN"},
		"missing tag":        {reference: "app:none", wantStatus: 404, wantCode: "MANIFEST_UNKNOWN"},
		"policy": {change: func(c *ecr.Config, _ map[string]v1.Image) {
			c.Users[0].Policies = append(c.Users[0].Policies, ecr.Statement{Deny: true, Actions: []string{"ecr:BatchGetImage"}, Repositories: []string{"secret/*"}})
		}, reference: "secret/db:1", wantStatus: 403, wantCode: "DENIED"},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			b := start(t, backend.InProcess(t), test.change)
			login := b.login(t)
			if test.anonymous {
				login = authn.Anonymous
			}
			if test.expire {
				b.ExpireTokens()
			}
			err := b.pull(t, test.reference, login)
			var e *transport.Error
			if !errors.As(err, &e) || e.StatusCode != test.wantStatus || len(e.Errors) == 0 || e.Errors[0].Code != test.wantCode {
				t.Errorf("got %v, want %d %s", err, test.wantStatus, test.wantCode)
			}
			if test.expire && !strings.Contains(err.Error(), "has expired. Reauthenticate") {
				t.Errorf("got %v, want the sentence about expiry", err)
			}
		})
	}
}

func TestTokenOfAnotherRegion(t *testing.T) {
	t.Parallel()
	for _, everywhere := range []bool{false, true} {
		b := start(t, backend.InProcess(t), func(c *ecr.Config, _ map[string]v1.Image) { c.Switches.TokensOfAnyRegion = everywhere })
		reference, err := name.ParseReference(b.Registry("eu-west-1") + "/elsewhere:1")
		if err != nil {
			t.Fatal(err)
		}
		_, err = remote.Get(reference, remote.WithAuth(b.login(t)), remote.WithTransport(b.Transport()), remote.WithContext(t.Context()))
		if (err == nil) != everywhere {
			t.Errorf("with the switch %v: %v", everywhere, err)
		}
	}
}

func TestTokenLives12Hours(t *testing.T) {
	t.Parallel()
	b := start(t, backend.InProcess(t), nil)
	login := b.login(t)
	b.Clock().Advance(12*time.Hour - time.Minute)
	if err := b.pull(t, "app:1.0", login); err != nil {
		t.Errorf("before its end: %v", err)
	}
	b.Clock().Advance(2 * time.Minute)
	if err := b.pull(t, "app:1.0", login); err == nil {
		t.Error("the token is good after its end")
	}
}

func TestWrongSignatures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*bench)
		edit   func(*http.Request)
		want   string
	}{
		"right":            {want: ""},
		"wrong secret":     {change: func(b *bench) { b.secret = "another" }, want: "InvalidSignatureException"},
		"unknown key":      {change: func(b *bench) { b.key = "AKIDNOBODY" }, want: "UnrecognizedClientException"},
		"clock ahead":      {change: func(b *bench) { b.Clock().Advance(6 * time.Minute) }, want: "InvalidSignatureException"},
		"clock behind":     {change: func(b *bench) { b.Clock().Advance(-6 * time.Minute) }, want: "InvalidSignatureException"},
		"a little skew":    {change: func(b *bench) { b.Clock().Advance(4 * time.Minute) }, want: ""},
		"no signature":     {edit: func(r *http.Request) { r.Header.Del("Authorization") }, want: "MissingAuthenticationTokenException"},
		"half a signature": {edit: func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a") }, want: "IncompleteSignatureException"},
		"another body":     {edit: func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(strings.NewReader("[]")), 2 }, want: "InvalidSignatureException"},
		"another action": {edit: func(r *http.Request) {
			r.Header.Set("X-Amz-Target", r.Header.Get("X-Amz-Target")[:len("AmazonEC2ContainerRegistry_V20150921.")]+"DescribeRegistry")
		}, want: "InvalidSignatureException"},
		"unsigned header":    {edit: func(r *http.Request) { r.Header.Set("X-Amz-Meta", "1") }, want: "InvalidSignatureException"},
		"another host":       {edit: func(r *http.Request) { r.URL.Host, r.Host = "ecr-fips.us-east-1.amazonaws.com", "" }, want: "InvalidSignatureException"},
		"another region":     {edit: func(r *http.Request) { r.URL.Host, r.Host = "api.ecr.eu-west-1.amazonaws.com", "" }, want: "InvalidSignatureException"},
		"temporary, unknown": {edit: func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "x") }, want: "InvalidSignatureException"},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			b := start(t, backend.InProcess(t), nil)
			if test.change != nil {
				test.change(&b)
			}
			client := sdk.New(sdk.Options{
				Region:           region,
				Credentials:      credentials.NewStaticCredentialsProvider(b.key, b.secret, ""),
				HTTPClient:       &http.Client{Transport: editor{b.Transport(), test.edit}},
				RetryMaxAttempts: 1,
			})
			_, err := client.DescribeRepositories(t.Context(), &sdk.DescribeRepositoriesInput{})
			if got := code(err); got != test.want || test.want == "" && err != nil {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// editor alters requests after they were signed.
type editor struct {
	http.RoundTripper
	edit func(*http.Request)
}

func (e editor) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if e.edit != nil {
		e.edit(r)
	}
	return e.RoundTripper.RoundTrip(r)
}

func TestTemporaryCredentials(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		session string
		life    time.Duration
		want    string
	}{
		"right":           {session: "session", life: time.Hour},
		"another session": {session: "another", life: time.Hour, want: "UnrecognizedClientException"},
		"no session":      {life: time.Hour, want: "UnrecognizedClientException"},
		"expired":         {session: "session", life: -time.Second, want: "ExpiredTokenException"},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			b := start(t, backend.InProcess(t), func(c *ecr.Config, _ map[string]v1.Image) {
				c.Users[0].SessionToken, c.Users[0].Expires = "session", time.Now().Add(test.life)
			})
			client := sdk.New(sdk.Options{Region: region, HTTPClient: b.Client(), RetryMaxAttempts: 1,
				Credentials: credentials.NewStaticCredentialsProvider(b.key, b.secret, test.session)})
			_, err := client.DescribeRepositories(t.Context(), &sdk.DescribeRepositoriesInput{})
			if got := code(err); got != test.want || test.want == "" && err != nil {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestPolicyPerAction(t *testing.T) {
	t.Parallel()
	app := aws.String("app")
	zero := "sha256:" + strings.Repeat("0", 64)
	calls := map[string]func(*testing.T, *sdk.Client) error{
		"ecr:GetAuthorizationToken": func(t *testing.T, c *sdk.Client) error {
			_, err := c.GetAuthorizationToken(t.Context(), &sdk.GetAuthorizationTokenInput{})
			return err
		},
		"ecr:DescribeRepositories": func(t *testing.T, c *sdk.Client) error {
			_, err := c.DescribeRepositories(t.Context(), &sdk.DescribeRepositoriesInput{})
			return err
		},
		"ecr:ListImages": func(t *testing.T, c *sdk.Client) error {
			_, err := c.ListImages(t.Context(), &sdk.ListImagesInput{RepositoryName: app})
			return err
		},
		"ecr:DescribeImages": func(t *testing.T, c *sdk.Client) error {
			_, err := c.DescribeImages(t.Context(), &sdk.DescribeImagesInput{RepositoryName: app})
			return err
		},
		"ecr:BatchGetImage": func(t *testing.T, c *sdk.Client) error {
			_, err := c.BatchGetImage(t.Context(), &sdk.BatchGetImageInput{RepositoryName: app, ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("1.0")}}})
			return err
		},
		"ecr:BatchCheckLayerAvailability": func(t *testing.T, c *sdk.Client) error {
			_, err := c.BatchCheckLayerAvailability(t.Context(), &sdk.BatchCheckLayerAvailabilityInput{RepositoryName: app, LayerDigests: []string{zero}})
			return err
		},
		"ecr:GetDownloadUrlForLayer": func(t *testing.T, c *sdk.Client) error {
			_, err := c.GetDownloadUrlForLayer(t.Context(), &sdk.GetDownloadUrlForLayerInput{RepositoryName: app, LayerDigest: aws.String(zero)})
			return err
		},
		"ecr:GetRepositoryPolicy": func(t *testing.T, c *sdk.Client) error {
			_, err := c.GetRepositoryPolicy(t.Context(), &sdk.GetRepositoryPolicyInput{RepositoryName: app})
			return err
		},
		"ecr:DescribeRegistry": func(t *testing.T, c *sdk.Client) error {
			_, err := c.DescribeRegistry(t.Context(), &sdk.DescribeRegistryInput{})
			return err
		},
	}
	actions := append(ecr.ReadActions(), "ecr:GetRepositoryPolicy", "ecr:DescribeRegistry")
	for _, missing := range actions {
		t.Run(missing, func(t *testing.T) {
			t.Parallel()
			b := start(t, backend.InProcess(t), func(c *ecr.Config, _ map[string]v1.Image) {
				c.Users[0].Policies = []ecr.Statement{{Actions: []string{"ecr:*"}}, {Deny: true, Actions: []string{missing}}}
			})
			for _, action := range actions {
				err := calls[action](t, b.client(region))
				if denied := code(err) == "AccessDeniedException"; denied != (action == missing) {
					t.Errorf("%s: %v", action, err)
				}
			}
		})
	}
}

func TestControlPlaneErrors(t *testing.T) {
	t.Parallel()
	b := start(t, backend.InProcess(t), func(c *ecr.Config, _ map[string]v1.Image) { c.Switches.LongErrorNames = true })
	client := b.client(region)
	_, err := client.ListImages(t.Context(), &sdk.ListImagesInput{RepositoryName: aws.String("none")})
	var missing *types.RepositoryNotFoundException
	if !errors.As(err, &missing) {
		t.Errorf("a missing repository: %v", err)
	}
	_, err = client.DescribeRepositories(t.Context(), &sdk.DescribeRepositoriesInput{RegistryId: aws.String("210987654321")})
	if code(err) != "AccessDeniedException" {
		t.Errorf("another account: %v", err)
	}
	b.Break(ecr.Throttle("ListImages"))
	_, err = client.ListImages(t.Context(), &sdk.ListImagesInput{RepositoryName: aws.String("app")})
	if code(err) != "ThrottlingException" {
		t.Errorf("too many calls: %v", err)
	}
	b.Break(front.Fault{Action: "DescribeImages", Status: 503})
	_, err = client.DescribeImages(t.Context(), &sdk.DescribeImagesInput{RepositoryName: aws.String("app")})
	if err == nil {
		t.Error("a server error was none")
	}
	if !slices.ContainsFunc(b.Requests(), func(r front.Request) bool { return r.Action == "ListImages" && r.Scheme == "aws4-hmac-sha256" }) {
		t.Error("the log has no ListImages")
	}
}
