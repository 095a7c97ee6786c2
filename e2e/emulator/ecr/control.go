package ecr

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seaworthy-dev/seaworthy/e2e/emulator/backend"
)

// tokenLife is how long a token of the data plane is good.
const tokenLife = 12 * time.Hour

// call is one request to the control plane.
type call struct {
	server *Server
	http   *http.Request
	user   *User
	region string
	action string
	input  input
}

// input has the fields of all requests that are answered.
type input struct {
	RegistryID         string    `json:"registryId"`
	RepositoryName     string    `json:"repositoryName"`
	RepositoryNames    []string  `json:"repositoryNames"`
	ImageIDs           []imageID `json:"imageIds"`
	LayerDigests       []string  `json:"layerDigests"`
	LayerDigest        string    `json:"layerDigest"`
	AcceptedMediaTypes []string  `json:"acceptedMediaTypes"`
	MaxResults         *int      `json:"maxResults"`
	NextToken          string    `json:"nextToken"`
	Filter             struct {
		TagStatus   string `json:"tagStatus"`
		ImageStatus string `json:"imageStatus"`
	} `json:"filter"`
}

type object = map[string]any

// control answers the JSON protocol.
func (s *Server) control(w http.ResponseWriter, r *http.Request, region string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	output, f := s.perform(r, region)
	if f == nil {
		backend.JSON(w, http.StatusOK, output)
		return
	}
	code := f.code
	if s.config.Switches.LongErrorNames {
		code = "com.amazonaws.ecr#" + code
	}
	backend.JSON(w, f.status, object{"__type": code, "message": f.message})
}

// perform checks who asks for what, and does it.
func (s *Server) perform(r *http.Request, region string) (any, *fault) {
	action, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonEC2ContainerRegistry_V20150921.")
	if !ok || r.Method != http.MethodPost || r.URL.Path != "/" {
		return nil, refuse("UnknownOperationException", "")
	}
	user, f := s.authenticate(r, "ecr", region)
	if f != nil {
		return nil, f
	}
	c := &call{server: s, http: r, user: user, region: region, action: action}
	if err := json.NewDecoder(r.Body).Decode(&c.input); err != nil {
		return nil, refuse("SerializationException", "the body is not JSON of the operation")
	}
	if f := c.authorize(); f != nil {
		return nil, f
	}
	return c.dispatch()
}

// authorize holds the action to the account and the user's policies.
func (c *call) authorize() *fault {
	repositories := c.input.RepositoryNames
	switch {
	case c.input.RepositoryName != "":
		repositories = []string{c.input.RepositoryName}
	case len(repositories) == 0:
		repositories = []string{"*"}
	}
	if id := c.input.RegistryID; id != "" && id != c.server.config.Account {
		if len(id) != 12 || strings.Trim(id, "0123456789") != "" {
			return refuse("InvalidParameterException", "Invalid parameter at 'registryId' failed to satisfy constraint: 'must satisfy regular expression '[0-9]{12}''")
		}
		return c.deny(repositories[0])
	}
	for _, repository := range repositories {
		if !allowed(c.user.Policies, "ecr:"+c.action, repository) {
			return c.deny(repository)
		}
	}
	return nil
}

// deny says that no policy allows the action.
func (c *call) deny(repository string) *fault {
	f := refuse("AccessDeniedException", "%s", c.server.denied(c.user, "ecr:"+c.action, c.region, repository))
	if status := c.server.config.Switches.DeniedStatus; status != 0 {
		f.status = status
	}
	return f
}

// dispatch does an allowed action. Those that write are unknown here, and
// tests find them in the log.
func (c *call) dispatch() (any, *fault) {
	switch c.action {
	case "GetAuthorizationToken":
		return c.getAuthorizationToken()
	case "DescribeRepositories":
		return c.describeRepositories()
	case "DescribeRegistry":
		return object{"registryId": c.server.config.Account, "replicationConfiguration": object{"rules": []any{}}}, nil
	}
	repository := c.server.repository(c.region, c.input.RepositoryName)
	if repository == nil {
		return nil, c.missing(c.input.RepositoryName)
	}
	switch c.action {
	case "GetRepositoryPolicy":
		return nil, refuse("RepositoryPolicyNotFoundException", "Repository policy does not exist for the repository with name '%s' in the registry with id '%s'", repository.Name, c.server.config.Account)
	case "ListImages":
		return c.listImages(repository)
	case "DescribeImages":
		return c.describeImages(repository)
	case "BatchGetImage":
		return c.batchGetImage(repository)
	case "BatchCheckLayerAvailability":
		return c.batchCheckLayerAvailability(repository)
	case "GetDownloadUrlForLayer":
		return c.getDownloadURLForLayer(repository)
	}
	return nil, refuse("UnknownOperationException", "")
}

func (c *call) missing(repository string) *fault {
	return refuse("RepositoryNotFoundException", "The repository with name '%s' does not exist in the registry with id '%s'", repository, c.server.config.Account)
}

func (c *call) getAuthorizationToken() (any, *fault) {
	s := c.server
	password := rand.Text() + rand.Text()
	expires := s.clock.Now().Add(tokenLife)
	s.mu.Lock()
	s.tokens[password] = token{user: c.user, region: c.region, expires: expires}
	s.mu.Unlock()
	return object{"authorizationData": []any{object{
		"authorizationToken": base64.StdEncoding.EncodeToString([]byte("AWS:" + password)),
		"expiresAt":          seconds(expires),
		"proxyEndpoint":      "https://" + s.Registry(c.region),
	}}}, nil
}

// seconds is a time as the protocol has it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (c *call) describeRepositories() (any, *fault) {
	s := c.server
	var found []Repository
	for _, name := range c.input.RepositoryNames {
		r := s.repository(c.region, name)
		if r == nil {
			return nil, c.missing(name)
		}
		found = append(found, *r)
	}
	if len(c.input.RepositoryNames) == 0 {
		for _, r := range s.config.Repositories {
			if s.in(r, c.region) {
				found = append(found, r)
			}
		}
	} else if c.input.MaxResults != nil {
		return nil, refuse("InvalidParameterException", "maxResults is not allowed with repositoryNames")
	}
	found, next, f := page(c, found)
	if f != nil {
		return nil, f
	}
	list := []any{}
	for _, r := range found {
		list = append(list, object{
			"repositoryArn":              fmt.Sprintf("arn:aws:ecr:%s:%s:repository/%s", c.region, s.config.Account, r.Name),
			"registryId":                 s.config.Account,
			"repositoryName":             r.Name,
			"repositoryUri":              s.Registry(c.region) + "/" + r.Name,
			"createdAt":                  seconds(created()),
			"imageTagMutability":         "MUTABLE",
			"imageScanningConfiguration": object{"scanOnPush": false},
			"encryptionConfiguration":    object{"encryptionType": "AES256"},
		})
	}
	return paged("repositories", list, next), nil
}

// created is when all repositories and images came to be.
func created() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// page cuts a page out of a list, and gives the token of the next.
func page[T any](c *call, list []T) (cut []T, next string, f *fault) {
	size := 100
	if c.input.MaxResults != nil {
		size = *c.input.MaxResults
	}
	if size < 1 || size > 1000 {
		return nil, "", refuse("InvalidParameterException", "Invalid parameter at 'maxResults' failed to satisfy constraint: 'must be between 1 and 1000'")
	}
	if limit := c.server.config.PageSize; limit > 0 {
		size = min(size, limit)
	}
	prefix := c.action + " " + c.input.RepositoryName + " "
	start := 0
	if c.input.NextToken != "" {
		b, _ := base64.StdEncoding.DecodeString(c.input.NextToken)
		offset, ok := strings.CutPrefix(string(b), prefix)
		n, err := strconv.Atoi(offset)
		if !ok || err != nil || n < 0 || n > len(list) {
			return nil, "", refuse("InvalidParameterException", "Invalid parameter at 'nextToken' failed to satisfy constraint: 'must be a token of this operation'")
		}
		start = n
	}
	end := min(start+size, len(list))
	if end < len(list) {
		next = base64.StdEncoding.EncodeToString([]byte(prefix + strconv.Itoa(end)))
	}
	return list[start:end], next, nil
}

// paged is an answer with a list and, if there is more, a token.
func paged(name string, list []any, next string) object {
	o := object{name: list}
	if next != "" {
		o["nextToken"] = next
	}
	return o
}
