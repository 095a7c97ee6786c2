package demo

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the form of RPM's database since 4.16
)

// rpm is one RPM package as its database keeps it.
type rpm struct {
	name    string
	epoch   int // 0 is written as none
	version string
	release string
	arch    string
	source  string // the source RPM's name
	files   []string
}

// Tags and types of RPM headers (rpm.org, "RPM header tags" and "RPM v4 package
// file format"; the numbers are in rpmtag.h).
const (
	tagRegion, tagI18N                                            = 63, 100
	tagName, tagVersion, tagRelease, tagEpoch, tagSummary         = 1000, 1001, 1002, 1003, 1004
	tagInstallTime, tagSize, tagVendor, tagLicense, tagGroup      = 1008, 1009, 1011, 1014, 1016
	tagOS, tagArch, tagSourceRPM, tagDirIndexes, tagBaseNames     = 1021, 1022, 1044, 1116, 1117
	tagDirNames                                                   = 1118
	typeInt32, typeString, typeBinary, typeStrings, typeI18NTexts = 4, 6, 7, 8, 9
)

// header collects the tags of one package.
type header struct {
	index []byte
	data  []byte
	count uint32
}

func (h *header) put(tag, kind, count uint32, value []byte) {
	if kind == typeInt32 {
		for len(h.data)%4 != 0 {
			h.data = append(h.data, 0)
		}
	}
	for _, n := range []uint32{tag, kind, uint32(len(h.data)), count} {
		h.index = binary.BigEndian.AppendUint32(h.index, n)
	}
	h.data = append(h.data, value...)
	h.count++
}

func (h *header) text(tag uint32, s string) { h.put(tag, typeString, 1, append([]byte(s), 0)) }

func (h *header) texts(tag, kind uint32, list []string) {
	h.put(tag, kind, uint32(len(list)), []byte(strings.Join(list, "\x00")+"\x00"))
}

func (h *header) numbers(tag uint32, list ...uint32) {
	var b []byte
	for _, n := range list {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	h.put(tag, typeInt32, uint32(len(list)), b)
}

// blob closes the header: its counts, the region that covers all of it, index
// and data, and the region's trailer.
func (h *header) blob() []byte {
	count := h.count + 1
	var b []byte
	b = binary.BigEndian.AppendUint32(b, count)
	b = binary.BigEndian.AppendUint32(b, uint32(len(h.data)+16))
	for _, n := range []uint32{tagRegion, typeBinary, uint32(len(h.data)), 16} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	b = append(b, h.index...)
	b = append(b, h.data...)
	for _, n := range []uint32{tagRegion, typeBinary, -(count * 16), 16} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

// header writes the package's tags in ascending order, as RPM wants them.
func (p rpm) header() []byte {
	var h header
	h.texts(tagI18N, typeStrings, []string{"C"})
	h.text(tagName, p.name)
	h.text(tagVersion, p.version)
	h.text(tagRelease, p.release)
	if p.epoch > 0 {
		h.numbers(tagEpoch, uint32(p.epoch))
	}
	h.texts(tagSummary, typeI18NTexts, []string{p.name})
	h.numbers(tagInstallTime, uint32(built.Unix()))
	h.numbers(tagSize, 4096)
	h.text(tagVendor, "AlmaLinux")
	h.text(tagLicense, "MIT")
	h.texts(tagGroup, typeI18NTexts, []string{"Unspecified"})
	h.text(tagOS, "linux")
	h.text(tagArch, p.arch)
	h.text(tagSourceRPM, fmt.Sprintf("%s-%s-%s.src.rpm", p.source, p.version, p.release))
	if len(p.files) > 0 {
		p.paths(&h)
	}
	return h.blob()
}

// paths writes the files as RPM keeps them: base names, and an index into the
// directories for each.
func (p rpm) paths(h *header) {
	var dirs, bases []string
	var indexes []uint32
	for _, f := range p.files {
		dir, base, _ := cutLast("/" + f)
		dir += "/"
		i := slices.Index(dirs, dir)
		if i < 0 {
			i, dirs = len(dirs), append(dirs, dir)
		}
		indexes, bases = append(indexes, uint32(i)), append(bases, base)
	}
	h.numbers(tagDirIndexes, indexes...)
	h.texts(tagBaseNames, typeStrings, bases)
	h.texts(tagDirNames, typeStrings, dirs)
}

// database writes rpmdb.sqlite.
func database(packages []rpm) (content []byte, err error) {
	dir, err := os.MkdirTemp("", "seaworthy-demo")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	file := filepath.Join(dir, "rpmdb.sqlite")
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		return nil, err
	}
	err = fill(context.Background(), db, packages)
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, fmt.Errorf("write an RPM database: %w", err)
	}
	return os.ReadFile(file)
}

func fill(ctx context.Context, db *sql.DB, packages []rpm) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := tables(ctx, tx); err != nil {
		return err
	}
	for i, p := range packages {
		if _, err := tx.ExecContext(ctx, `insert into Packages(hnum, blob) values ($1, $2)`, i+1, p.header()); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `insert into Name(key, hnum, idx) values ($1, $2, 0)`, p.name, i+1); err != nil {
			return err
		}
		for n, f := range p.files {
			if _, err := tx.ExecContext(ctx, `insert into Basenames(key, hnum, idx) values ($1, $2, $3)`, path.Base(f), i+1, n); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

// tables makes RPM's tables: the packages, and an index each for what RPM looks
// up. It opens none of them read-only unless all are there.
func tables(ctx context.Context, tx *sql.Tx) error {
	const packages = `create table 'Packages' (hnum integer primary key autoincrement, blob blob not null)`
	if _, err := tx.ExecContext(ctx, packages); err != nil {
		return err
	}
	for _, name := range []string{
		"Name", "Basenames", "Group", "Requirename", "Providename", "Conflictname", "Obsoletename", "Triggername", "Dirnames",
		"Installtid", "Sigmd5", "Sha1header", "Filetriggername", "Transfiletriggername", "Recommendname", "Suggestname",
		"Supplementname", "Enhancename",
	} {
		statement := fmt.Sprintf(`create table '%[1]s' (key text not null, hnum integer not null, idx integer not null,
			foreign key (hnum) references 'Packages'(hnum)); create index '%[1]s_key_idx' on '%[1]s'(key asc)`, name)
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// almaTool is a tool on AlmaLinux 9, whose second layer updates and adds.
func almaTool() (Sample, error) {
	base := []rpm{
		{name: "almalinux-release", version: "9.3", release: "1.el9", arch: "x86_64", source: "almalinux-release", files: []string{"usr/lib/os-release"}},
		{name: "bash", version: "5.1.8", release: "6.el9_1", arch: "x86_64", source: "bash", files: []string{"usr/bin/bash"}},
		{name: "curl-minimal", version: "7.76.1", release: "26.el9", arch: "x86_64", source: "curl", files: []string{"usr/bin/curl"}},
		{name: "expat", version: "2.5.0", release: "1.el9", arch: "x86_64", source: "expat", files: []string{"usr/lib64/libexpat.so.1"}},
		{name: "glibc", version: "2.34", release: "83.el9.12", arch: "x86_64", source: "glibc", files: []string{"usr/lib64/libc.so.6"}},
		{name: "gnutls", version: "3.7.6", release: "23.el9", arch: "x86_64", source: "gnutls", files: []string{"usr/lib64/libgnutls.so.30"}},
		{name: "libnghttp2", version: "1.43.0", release: "5.el9", arch: "x86_64", source: "nghttp2", files: []string{"usr/lib64/libnghttp2.so.14"}},
		{name: "openssl-libs", epoch: 1, version: "3.0.7", release: "24.el9", arch: "x86_64", source: "openssl", files: []string{"usr/lib64/libssl.so.3"}},
		{name: "vim-minimal", epoch: 2, version: "8.2.2637", release: "20.el9_1", arch: "x86_64", source: "vim", files: []string{"usr/bin/vi"}},
	}
	updated := slices.Clone(base)
	updated[6].release = "5.el9_3.1"
	updated = append(updated, rpm{name: "python3", version: "3.9.18", release: "1.el9_3", arch: "x86_64", source: "python3.9", files: []string{"usr/bin/python3.9"}})

	before, err := database(base)
	if err != nil {
		return Sample{}, err
	}
	after, err := database(updated)
	if err != nil {
		return Sample{}, err
	}
	const release = "NAME=\"AlmaLinux\"\nVERSION=\"9.3 (Shamrock Pampas Cat)\"\nID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\n" +
		"VERSION_ID=\"9.3\"\nPLATFORM_ID=\"platform:el9\"\nPRETTY_NAME=\"AlmaLinux 9.3 (Shamrock Pampas Cat)\"\n"
	files := newTree().
		add("usr/lib/os-release", release).
		symlink("etc/os-release", "../usr/lib/os-release").
		addBytes("var/lib/rpm/rpmdb.sqlite", before, 0o644)
	for _, p := range base {
		for _, f := range p.files {
			if _, made := files.files[f]; !made {
				files.addf(f, "%s of %s %s-%s\n", f, p.name, p.version, p.release)
			}
		}
	}
	image, err := build(scratch(), "amd64",
		step{"ADD almalinux-9-minimal-9.3-x86_64.tar.xz / # buildkit", files},
		step{"RUN /bin/sh -c microdnf update -y libnghttp2 && microdnf install -y python3 # buildkit",
			newTree().addBytes("var/lib/rpm/rpmdb.sqlite", after, 0o644).add("usr/bin/python3.9", "python3.9\n")},
		step{`CMD ["/bin/bash"]`, nil})
	return Sample{Repository: "tools/report", Tag: "9.3", Name: "alma-tool", Image: image}, err
}
