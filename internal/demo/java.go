package demo

import (
	"archive/zip"
	"bytes"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// artifact is one Maven artifact.
type artifact struct{ group, name, version string }

// entry is one file of a jar.
type entry struct {
	name    string
	content []byte
	stored  bool // not compressed, as nested jars must be
}

// jar writes a zip with fixed times.
func jar(entries ...entry) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: built}
		if e.stored {
			h.Method = zip.Store
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// jar is the artifact as Maven packs it, with what comes besides.
func (a artifact) jar(more ...entry) ([]byte, error) {
	manifest := fmt.Sprintf("Manifest-Version: 1.0\r\nCreated-By: Maven JAR Plugin 3.2.0\r\nImplementation-Title: %s\r\nImplementation-Version: %s\r\n\r\n", a.name, a.version)
	properties := fmt.Sprintf("artifactId=%s\ngroupId=%s\nversion=%s\n", a.name, a.group, a.version)
	return jar(append([]entry{
		{name: "META-INF/MANIFEST.MF", content: []byte(manifest)},
		{name: "META-INF/maven/" + a.group + "/" + a.name + "/pom.properties", content: []byte(properties)},
	}, more...)...)
}

// javaApp is a Spring Boot service: one jar with its libraries inside.
func javaApp(base v1.Image) (Sample, error) {
	var libraries []entry
	for _, a := range []artifact{
		{"com.fasterxml.jackson.core", "jackson-databind", "2.9.8"},
		{"commons-io", "commons-io", "2.6"},
		{"org.apache.commons", "commons-text", "1.9"},
		{"org.apache.logging.log4j", "log4j-api", "2.14.1"},
		{"org.apache.logging.log4j", "log4j-core", "2.14.1"},
		{"org.springframework", "spring-beans", "5.3.17"},
		{"org.springframework", "spring-core", "5.3.17"},
		{"org.yaml", "snakeyaml", "1.30"},
	} {
		content, err := a.jar()
		if err != nil {
			return Sample{}, err
		}
		libraries = append(libraries, entry{name: "BOOT-INF/lib/" + a.name + "-" + a.version + ".jar", content: content, stored: true})
	}
	service, err := artifact{"shop.example", "stock", "3.0.2"}.jar(libraries...)
	if err != nil {
		return Sample{}, err
	}
	java := []deb{{
		name: "openjdk-17-jre-headless", version: "17.0.9+9-1~deb12u1", source: "openjdk-17", section: "java", depends: "libc6 (>= 2.34)",
		description: "OpenJDK Java runtime, using Hotspot JIT (headless)", files: []string{"usr/lib/jvm/java-17-openjdk-amd64/bin/java"},
	}}
	image, err := build(base, "amd64",
		step{"RUN apt-get update && apt-get install -y openjdk-17-jre-headless # buildkit", withPackages(debian12u4(), java)},
		step{"COPY target/stock-3.0.2.jar /opt/stock.jar # buildkit", newTree().addBytes("opt/stock.jar", service, 0o644)},
		step{`ENTRYPOINT ["java" "-jar" "/opt/stock.jar"]`, nil})
	return Sample{Repository: "shop/stock", Tag: "3.0.2", Name: "java-app", Image: image}, err
}
