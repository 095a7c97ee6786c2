package demo

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"
)

// apk is one Alpine package (https://wiki.alpinelinux.org/wiki/Apk_spec).
type apk struct{ name, version, origin, description, file string }

// installed writes apk's database.
func installed(packages []apk) string {
	var b strings.Builder
	for _, p := range packages {
		sum := sha1.Sum([]byte(p.name + p.version))
		fmt.Fprintf(&b, "C:Q1%s\nP:%s\nV:%s\nA:x86_64\nS:4096\nI:8192\nT:%s\nU:https://alpinelinux.org\nL:MIT\no:%s\nt:1700000000\n",
			base64.StdEncoding.EncodeToString(sum[:]), p.name, p.version, p.description, p.origin)
		if dir, base, ok := cutLast(p.file); ok {
			fmt.Fprintf(&b, "F:%s\nR:%s\na:0:0:755\n", dir, base)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func cutLast(path string) (dir, base string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", "", false
	}
	return path[:i], path[i+1:], true
}

// alpineTool is a small tool on Alpine, whose second layer adds packages.
func alpineTool() (Sample, error) {
	base := []apk{
		{"alpine-baselayout", "3.4.3-r1", "alpine-baselayout", "Alpine base dir structure and init scripts", ""},
		{"apk-tools", "2.14.0-r2", "apk-tools", "Alpine Package Keeper - package manager for alpine", "sbin/apk"},
		{"busybox", "1.36.1-r2", "busybox", "Size optimized toolbox of many common UNIX utilities", "bin/busybox"},
		{"libcrypto3", "3.1.2-r0", "openssl", "Crypto library from openssl", "lib/libcrypto.so.3"},
		{"libssl3", "3.1.2-r0", "openssl", "SSL shared libraries", "lib/libssl.so.3"},
		{"musl", "1.2.4-r1", "musl", "the musl c library (libc) implementation", "lib/ld-musl-x86_64.so.1"},
		{"ssl_client", "1.36.1-r2", "busybox", "External ssl_client for busybox wget", "usr/bin/ssl_client"},
		{"zlib", "1.2.13-r1", "zlib", "A compression/decompression Library", "lib/libz.so.1.2.13"},
	}
	more := []apk{
		{"curl", "8.2.1-r0", "curl", "URL retrival utility and library", "usr/bin/curl"},
		{"libcurl", "8.2.1-r0", "curl", "The multiprotocol file transfer library", "usr/lib/libcurl.so.4.8.0"},
		{"nghttp2-libs", "1.55.1-r0", "nghttp2", "Experimental HTTP/2 client, server and proxy (libraries)", "usr/lib/libnghttp2.so.14.24.4"},
	}
	files := newTree().
		add("etc/os-release", "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.18.3\nPRETTY_NAME=\"Alpine Linux v3.18\"\n").
		add("etc/alpine-release", "3.18.3\n").
		add("etc/apk/arch", "x86_64\n").
		add("lib/apk/db/installed", installed(base))
	for _, p := range append(base[:len(base):len(base)], more...) {
		if p.file != "" {
			files.addf(p.file, "%s of %s %s\n", p.file, p.name, p.version)
		}
	}
	image, err := build(scratch(), "amd64",
		step{"ADD alpine-minirootfs-3.18.3-x86_64.tar.gz / # buildkit", files},
		step{"RUN /bin/sh -c apk add --no-cache curl # buildkit", newTree().add("lib/apk/db/installed", installed(append(base[:len(base):len(base)], more...)))},
		step{`CMD ["/bin/sh"]`, nil})
	return Sample{Repository: "tools/fetch", Tag: "3.18", Name: "alpine-tool", Image: image}, err
}
