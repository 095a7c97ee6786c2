// Package ecr stands in for Amazon ECR: the control plane, whose signatures,
// policies, paging and errors it holds to what AWS does, the data plane behind
// its token, and the bucket from which layers come by presigned URLs. Images
// come from a real registry, in which the repositories have the same names.
//
// What is not verified on a live account is behind a field of [Switches].
package ecr

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
	"github.com/seaworthy-dev/seaworthy/e2e/emulator/front"
)

// Config says what there is.
type Config struct {
	// Backend is the http URL of the registry that has the images.
	Backend string
	// Account has twelve digits. Regions are those in which it answers, at
	// least one.
	Account string
	Regions []string
	Users   []User
	// Repositories that are not here do not exist, whatever the backend has.
	Repositories []Repository
	// PageSize is the greatest number of items in one answer; 0 is 1000.
	PageSize int
	Clock    *front.Clock
	Switches Switches
}

// User is a principal with an access key.
type User struct {
	AccessKey, SecretKey string
	// SessionToken and Expires are those of temporary credentials.
	SessionToken string
	Expires      time.Time
	// Name is the end of the ARN; empty is "scanner".
	Name     string
	Policies []Statement
}

// Repository is a repository of one region.
type Repository struct {
	Name string
	// Region is where it is; empty is the first.
	Region string
	// Untagged are digests that the backend has without a tag.
	Untagged []string
	// Archived are the digests in the archive class: described and listed where
	// the filter asks for them, but not pulled.
	Archived []string
}

// Switches choose where the behaviour of AWS is not verified, or differs by
// place. Zero values are what is believed of private registries.
type Switches struct {
	// ExpiredStatus is the status for an expired token; 0 is 403. The public
	// registry gives 400.
	ExpiredStatus int
	// ExpiredChallenge adds a challenge to that answer.
	ExpiredChallenge bool
	// Challenge replaces Basic realm="https://HOST/",service="ecr.amazonaws.com".
	Challenge string
	// MissingStatus is the status for a missing repository; 0 is 404.
	MissingStatus int
	// DeniedStatus is the control plane's status for AccessDeniedException;
	// 0 is 400, and newer pages of AWS say 403.
	DeniedStatus int
	// LongErrorNames prefixes error names by com.amazonaws.ecr#.
	LongErrorNames bool
	// Skew is how far a signature's time may be off; 0 is five minutes.
	Skew time.Duration
	// TokensOfAnyRegion makes a token good in all regions.
	TokensOfAnyRegion bool
	// ArchivedUnasked lists and describes archived images without a filter on
	// their status. The SDK's documentation says that only active ones are.
	ArchivedUnasked bool
	// BucketTakesAuthorization makes the bucket tolerate the header that S3 is
	// believed to refuse.
	BucketTakesAuthorization bool
}

// Server is a running emulator.
type Server struct {
	*front.Server
	config  Config
	clock   *front.Clock
	backend backend.Registry
	relay   http.Handler
	key     []byte // of presigned URLs

	mu     sync.Mutex
	tokens map[string]token
	pulls  map[string]time.Time // by region, repository and digest
}

// token is what GetAuthorizationToken gave.
type token struct {
	user    *User
	region  string
	expires time.Time
}

// Start runs an emulator; Close ends it.
func Start(c Config) (*Server, error) {
	if len(c.Account) != 12 || len(c.Regions) == 0 {
		return nil, errors.New("an account of twelve digits and a region are needed")
	}
	if c.Clock == nil {
		c.Clock = new(front.Clock)
	}
	s := &Server{
		config:  c,
		clock:   c.Clock,
		backend: backend.Registry{URL: c.Backend},
		key:     []byte(rand.Text()),
		tokens:  make(map[string]token),
		pulls:   make(map[string]time.Time),
	}
	var err error
	if s.relay, err = s.backend.Relay(); err != nil {
		return nil, err
	}
	hosts := make(map[string]http.Handler)
	for _, region := range c.Regions {
		control := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.control(w, r, region) })
		hosts["api.ecr."+region+suffix(region)] = control
		hosts["ecr-fips."+region+suffix(region)] = control
		hosts[s.Registry(region)] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.data(w, r, region) })
		hosts[bucket(region)] = http.HandlerFunc(s.download)
	}
	if s.Server, err = front.Start(c.Clock, hosts); err != nil {
		return nil, err
	}
	return s, nil
}

// suffix is the domain of a region.
func suffix(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return ".amazonaws.com.cn"
	}
	return ".amazonaws.com"
}

// Registry is the data plane's host in a region.
func (s *Server) Registry(region string) string {
	return s.config.Account + ".dkr.ecr." + region + suffix(region)
}

// bucket is the host that has a region's layers.
func bucket(region string) string {
	return "prod-" + region + "-starport-layer-bucket.s3." + region + suffix(region)
}

// ExpireTokens ends the tokens given so far.
func (s *Server) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for password, t := range s.tokens {
		t.expires = s.clock.Now()
		s.tokens[password] = t
	}
}

// Throttle is the fault of an action called too often.
func Throttle(action string) front.Fault {
	return front.Fault{
		Action: action,
		Status: http.StatusBadRequest,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body:   `{"__type":"ThrottlingException","message":"Rate exceeded"}`,
	}
}

// user has the access key, or is nil.
func (s *Server) user(accessKey string) *User {
	i := slices.IndexFunc(s.config.Users, func(u User) bool { return u.AccessKey == accessKey })
	if i < 0 {
		return nil
	}
	return &s.config.Users[i]
}

// repository is the one of that name in a region, or nil.
func (s *Server) repository(region, name string) *Repository {
	for i, r := range s.config.Repositories {
		if r.Name == name && s.in(r, region) {
			return &s.config.Repositories[i]
		}
	}
	return nil
}

// in says whether a repository is in a region.
func (s *Server) in(r Repository, region string) bool {
	return r.Region == region || r.Region == "" && region == s.config.Regions[0]
}

func (s *Server) skew() time.Duration {
	if s.config.Switches.Skew != 0 {
		return s.config.Switches.Skew
	}
	return 5 * time.Minute
}

// arn is the user's, in the account.
func (s *Server) arn(u *User) string {
	name := u.Name
	if name == "" {
		name = "scanner"
	}
	return fmt.Sprintf("arn:aws:iam::%s:user/%s", s.config.Account, name)
}

// denied is the message for an action that no policy allows.
func (s *Server) denied(u *User, action, region, repository string) string {
	resource := "*"
	if repository != "" {
		resource = fmt.Sprintf("arn:aws:ecr:%s:%s:repository/%s", region, s.config.Account, repository)
	}
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		s.arn(u), action, resource, action)
}
