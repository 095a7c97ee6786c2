package ecr

import (
	"slices"
	"strings"
)

// Statement allows or denies actions on repositories, as one of IAM does.
type Statement struct {
	Deny bool
	// Actions are names like "ecr:ListImages", with * for any text.
	Actions []string
	// Repositories are names with * for any text; none means all resources,
	// and so also the actions that have no repository.
	Repositories []string
}

// ReadActions are the seven that reading the images of a registry takes.
func ReadActions() []string {
	return []string{
		"ecr:GetAuthorizationToken", "ecr:DescribeRepositories", "ecr:ListImages", "ecr:DescribeImages",
		"ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer",
	}
}

// allowed says whether the statements allow an action: one must allow it, and
// none deny it. An action on the registry as a whole has the repository "*".
func allowed(statements []Statement, action, repository string) bool {
	yes := false
	for _, s := range statements {
		if !s.fits(action, repository) {
			continue
		}
		if s.Deny {
			return false
		}
		yes = true
	}
	return yes
}

func (s Statement) fits(action, repository string) bool {
	fits := func(text string) func(string) bool {
		return func(pattern string) bool { return match(pattern, text) }
	}
	return slices.ContainsFunc(s.Actions, fits(action)) &&
		(len(s.Repositories) == 0 || slices.ContainsFunc(s.Repositories, fits(repository)))
}

// match compares a text with a pattern in which * stands for any text.
func match(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}
