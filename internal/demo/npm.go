package demo

import (
	"encoding/json"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// module is one npm package, with what it depends on.
type module struct {
	name, version string
	dependencies  map[string]string
}

// nodeModules writes package.json files, flat under dir/node_modules.
func nodeModules(t *tree, dir string, modules []module) error {
	for _, m := range modules {
		doc := map[string]any{"name": m.name, "version": m.version, "main": "index.js", "license": "MIT"}
		if len(m.dependencies) > 0 {
			doc["dependencies"] = m.dependencies
		}
		b, err := json.MarshalIndent(doc, "", "  ")
		if err != nil {
			return err
		}
		at := dir + "/node_modules/" + m.name
		t.add(at+"/package.json", string(b)+"\n").add(at+"/index.js", "module.exports = {};\n")
	}
	return nil
}

// application writes the package.json that depends on the named modules.
func application(t *tree, dir, name string, direct map[string]string) error {
	b, err := json.MarshalIndent(map[string]any{"name": name, "version": "1.4.0", "private": true, "dependencies": direct}, "", "  ")
	if err != nil {
		return err
	}
	t.add(dir+"/package.json", string(b)+"\n")
	return nil
}

// nodeApp is a web shop's front end on the Debian base.
func nodeApp(base v1.Image) (Sample, error) {
	direct := map[string]string{
		"axios": "^0.21.1", "express": "4.17.1", "jsonwebtoken": "^8.5.1", "lodash": "4.17.20", "minimist": "1.2.5", "@shop/theme": "2.0.0",
	}
	modules := []module{
		{"@shop/theme", "2.0.0", nil},
		{"axios", "0.21.1", map[string]string{"follow-redirects": "^1.10.0"}},
		{"body-parser", "1.19.0", map[string]string{"qs": "6.7.0"}},
		{"express", "4.17.1", map[string]string{"body-parser": "1.19.0", "qs": "6.7.0", "send": "0.17.1"}},
		{"follow-redirects", "1.13.0", nil},
		{"jsonwebtoken", "8.5.1", map[string]string{"jws": "^3.2.2", "semver": "^5.6.0"}},
		{"jws", "3.2.2", nil},
		{"lodash", "4.17.20", nil},
		{"minimist", "1.2.5", nil},
		{"qs", "6.7.0", nil},
		{"semver", "5.7.1", nil},
		{"send", "0.17.1", nil},
	}
	node := []deb{{
		name: "nodejs", version: "18.13.0+dfsg1-1", section: "javascript", depends: "libc6 (>= 2.34)",
		description: "evented I/O for V8 javascript - runtime executable", files: []string{"usr/bin/node"},
	}}
	t := newTree().add("app/server.js", "require('express')().listen(8080);\n")
	if err := application(t, "app", "shop-front", direct); err != nil {
		return Sample{}, err
	}
	if err := nodeModules(t, "app", modules); err != nil {
		return Sample{}, err
	}
	// A later layer updates one module and drops another: the image has neither
	// lodash 4.17.20 nor @shop/theme.
	fix := newTree().remove("app/node_modules/@shop")
	if err := nodeModules(fix, "app", []module{{"lodash", "4.17.21", nil}}); err != nil {
		return Sample{}, err
	}
	delete(direct, "@shop/theme")
	direct["lodash"] = "4.17.21"
	if err := application(fix, "app", "shop-front", direct); err != nil {
		return Sample{}, err
	}
	image, err := build(base, "amd64",
		step{"RUN apt-get update && apt-get install -y nodejs # buildkit", withPackages(debian12u4(), node)},
		step{"WORKDIR /app", nil},
		step{"COPY . /app # buildkit", t},
		step{"RUN npm install lodash@4.17.21 && npm uninstall @shop/theme # buildkit", fix},
		step{`CMD ["node" "server.js"]`, nil})
	return Sample{Repository: "shop/front", Tag: "1.4.0", Name: "node-app", Image: image}, err
}
