#!/usr/bin/env bash
# Brings what the tests compare with or run against: a PostgreSQL server, Debian's
# registry, and the package managers whose word ours is checked against. On Debian
# and Ubuntu it installs what is missing, as root or through sudo; elsewhere it
# says what to install. The registry is only unpacked into .cache, so that no
# service is started. npm comes with Node.js.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=$PWD/.cache

fail() {
	echo "setup: $1" >&2
	exit 1
}

command -v npm >/dev/null 2>&1 || fail "npm is missing: install Node.js 20 or newer (https://nodejs.org)"

missing=
for pair in rpm:rpm gem:ruby dpkg-query:dpkg curl:curl; do
	command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"

registry=
command -v docker-registry >/dev/null 2>&1 || [ -x "$cache/docker-registry/usr/bin/docker-registry" ] || registry=yes
[ -n "$missing$registry" ] || exit 0

command -v apt-get >/dev/null 2>&1 || fail "install these (Debian's names), then run again:$missing${registry:+ docker-registry}"
asroot=
[ "$(id -u)" = 0 ] || asroot="sudo -n"
if [ -n "$missing" ]; then
	$asroot true 2>/dev/null || fail "run this once, then again: sudo apt-get install -y$missing"
	echo "setup: installing$missing" >&2
	$asroot apt-get update -qq >&2
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive $asroot apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
if [ -n "$registry" ]; then
	echo "setup: unpacking docker-registry" >&2
	mkdir -p "$cache/docker-registry"
	(
		cd "$cache/docker-registry"
		apt-get download docker-registry >/dev/null 2>&1 || {
			$asroot apt-get update -qq >&2
			apt-get download docker-registry >/dev/null
		}
		dpkg-deb -x docker-registry_*.deb .
		rm docker-registry_*.deb
	)
fi
