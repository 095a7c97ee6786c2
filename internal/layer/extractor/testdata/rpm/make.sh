#!/bin/sh
# Builds the fixtures of this directory from packages.spec, with rpm and
# rpmbuild 4.18, gpg 2.2 and db5.3_load 5.3 (Debian 12: rpm gnupg db5.3-util).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
rpmbuild --quiet -bb --nodeps --target x86_64-linux --define "_topdir $top" --define 'module 1' \
	--define '_build_id_links none' --define '__os_install_post %nil' --define "_dbpath $top/db" "$here/packages.spec"
export GNUPGHOME="$top/gpg"
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key 'Fixture <fixture@example.invalid>' rsa2048 sign never
gpg --armor --export >"$top/key.asc"

root="$top/root"
mkdir "$root"
set -- --root "$root" --dbpath /var/lib/rpm --define '_db_backend sqlite'
rpm "$@" --import "$top/key.asc"
rpm "$@" --nodeps --nosignature --noscripts --force-debian -i "$top"/RPMS/*/*.rpm
query='%{NAME}|%{EVR}|%{ARCH}|%{SOURCERPM}|%{MODULARITYLABEL}\n'
rpm "$@" -qa --qf "$query" | LC_ALL=C sort >"$here/rpm-qa.txt"
gzip -9nc "$root/var/lib/rpm/rpmdb.sqlite" >"$here/rpmdb.sqlite.gz"

# rpm no longer writes Berkeley DB. Its headers are the same in each kind of
# database, so Berkeley DB's own loader takes them from the SQLite one.
{
	printf 'VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n'
	printf ' 00000000\n 05000000\n' # rpm's counter of packages
	sqlite3 "$root/var/lib/rpm/rpmdb.sqlite" \
		"SELECT printf(' %02x000000', hnum) || char(10) || ' ' || lower(hex(blob)) FROM Packages ORDER BY hnum"
	printf 'DATA=END\n'
} | db5.3_load "$top/Packages"
mkdir "$top/bdb"
cp "$top/Packages" "$top/bdb/"
rpm --dbpath "$top/bdb" --define '_db_backend bdb_ro' -qa \
	--qf "$query" | LC_ALL=C sort | cmp - "$here/rpm-qa.txt"
gzip -9nc "$top/Packages" >"$here/Packages.gz"
