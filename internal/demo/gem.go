package demo

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// gem is one Ruby gem as Bundler installs it.
type gem struct {
	name, version, platform string
	dependencies            []string // "name requirement"
}

// fullName is the name of the gem's directory and specification.
func (g gem) fullName() string {
	if g.platform == "" {
		return g.name + "-" + g.version
	}
	return g.name + "-" + g.version + "-" + g.platform
}

// specification is what RubyGems writes when it installs a gem.
func (g gem) specification() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# -*- encoding: utf-8 -*-\n# stub: %s %s %s lib\n\n", g.name, g.version, orRuby(g.platform))
	fmt.Fprintf(&b, "Gem::Specification.new do |s|\n  s.name = %q.freeze\n  s.version = %q\n", g.name, g.version)
	if g.platform != "" {
		fmt.Fprintf(&b, "  s.platform = %q.freeze\n", g.platform)
	}
	b.WriteString("\n  s.require_paths = [\"lib\".freeze]\n  s.authors = [\"the authors of " + g.name + "\".freeze]\n")
	fmt.Fprintf(&b, "  s.summary = %q.freeze\n  s.installed_by_version = \"3.4.10\" if s.respond_to? :installed_by_version\n", g.name)
	for _, dependency := range g.dependencies {
		name, requirement, _ := strings.Cut(dependency, " ")
		fmt.Fprintf(&b, "  s.add_runtime_dependency(%q.freeze, [%q.freeze])\n", name, requirement)
	}
	b.WriteString("end\n")
	return b.String()
}

func orRuby(platform string) string {
	if platform == "" {
		return "ruby"
	}
	return platform
}

// railsApp is a back office on Rails; its gems lie where the official Ruby image
// has them.
func railsApp(base v1.Image) (Sample, error) {
	gems := []gem{
		{name: "actionpack", version: "7.0.4", dependencies: []string{"rack ~> 2.0", "activesupport = 7.0.4"}},
		{name: "actionview", version: "7.0.4", dependencies: []string{"activesupport = 7.0.4"}},
		{name: "activerecord", version: "7.0.4", dependencies: []string{"activesupport = 7.0.4"}},
		{name: "activesupport", version: "7.0.4"},
		{name: "globalid", version: "1.0.0"},
		{name: "loofah", version: "2.19.0", dependencies: []string{"nokogiri >= 1.5.9"}},
		{name: "nokogiri", version: "1.13.9", platform: "x86_64-linux", dependencies: []string{"racc ~> 1.4"}},
		{name: "puma", version: "5.6.5"},
		{name: "racc", version: "1.6.1"},
		{name: "rack", version: "2.2.4"},
		{name: "rails", version: "7.0.4", dependencies: []string{"actionpack = 7.0.4", "activerecord = 7.0.4"}},
		{name: "rails-html-sanitizer", version: "1.4.3", dependencies: []string{"loofah ~> 2.3"}},
	}
	ruby := []deb{{
		name: "ruby3.1", version: "3.1.2-7", section: "ruby", depends: "libc6 (>= 2.34)",
		description: "Interpreter of object-oriented scripting language Ruby", files: []string{"usr/bin/ruby3.1"},
	}}
	t := newTree()
	for _, g := range gems {
		t.add("usr/local/bundle/specifications/"+g.fullName()+".gemspec", g.specification())
		t.addf("usr/local/bundle/gems/"+g.fullName()+"/lib/"+g.name+".rb", "# %s %s\n", g.name, g.version)
	}
	app := newTree().
		add("srv/Gemfile", "source \"https://rubygems.org\"\n\ngem \"rails\", \"7.0.4\"\ngem \"puma\", \"~> 5.6\"\n").
		add("srv/config.ru", "run Rails.application\n")
	image, err := build(base, "amd64",
		step{"RUN apt-get update && apt-get install -y ruby # buildkit", withPackages(debian12u4(), ruby)},
		step{"RUN bundle install --deployment # buildkit", t},
		step{"COPY . /srv # buildkit", app},
		step{`CMD ["puma"]`, nil})
	return Sample{Repository: "shop/office", Tag: "2.3.1", Name: "rails-app", Image: image}, err
}
