package image

import (
	"bytes"
	"errors"
)

// tree is the part of the merged file system that can matter: files that say
// something, symbolic links, and the directories on the way to either. All else
// is as good as absent, because nothing can be read from it and whatever is
// written takes its place.
type tree struct {
	root    *node
	index   map[child]*node
	changes uint64 // counts what was put in and taken out; remembered places depend on it
	work    int    // bytes of link targets followed
	spare   []node // nodes yet unused, allocated many at once
	full    bool   // a bound was reached: the tree is not the whole truth

	last     []byte // path of the last walk
	trail    []step // the directories that it went through before the first link
	trailed  uint64 // removals when it was made
	removals uint64

	at   *node  // where walk ended: the deepest directory known
	rest []byte // and what follows it, each name with a slash behind it

	near struct { // the last directory that was asked for
		path    []byte
		dir     *node
		blocked bool // a file stands where a directory should be
		changes uint64
	}
}

// child is a name in a directory.
type child struct {
	dir  *node
	name string
}

// node is a directory unless it is a link or has a file.
type node struct {
	parent, first, next, prev *node // parent is nil for the root and for what was taken out

	name   string
	length int    // of its path, in bytes
	link   bool   // a symbolic link to target
	target []byte // as written
	file   *file
}

// Bounds for hostile images. No real one comes near.
const (
	maxLinks = 40      // symbolic links on the way to one file, as Linux has it
	maxPath  = 4096    // a longer path can be opened by no program
	maxNodes = 1 << 20 // some 150 MB
	maxWork  = 1 << 26 // half a second
)

var (
	errLoop = errors.New("the symbolic links on the way to it form a loop or a chain of more than 40")
	errPath = errors.New("its path is longer than 4096 bytes once symbolic links are followed")
	errFull = errors.New("the image has too many symbolic links and paths to follow all of them")
)

func newTree() *tree {
	return &tree{root: &node{}, index: map[child]*node{}}
}

// step is a directory on the way to a path: where its name ends in the path.
type step struct {
	end int
	dir *node
}

// walk goes along path from the root and follows each symbolic link. It ends in
// t.at and t.rest. Directories that the last walk went through are not looked up
// again.
func (t *tree) walk(path []byte) error {
	t.at, t.rest = t.root, t.rest[:0]
	from := t.resume(path)
	for from < len(path) {
		end := len(path)
		if i := bytes.IndexByte(path[from:], '/'); i >= 0 {
			end = from + i
		}
		n := t.index[child{t.at, string(path[from:end])}]
		if n == nil || n.link || n.file != nil {
			break
		}
		t.at = n
		t.trail = append(t.trail, step{end, n})
		from = end + 1
	}
	links := 0
	return t.follow(path[min(from, len(path)):], &links)
}

// resume goes as far as path and the last one have the same directories, and
// gives where the rest of path begins.
func (t *tree) resume(path []byte) (from int) {
	if t.trailed != t.removals {
		t.trail, t.trailed = t.trail[:0], t.removals
	}
	same := 0
	for same < len(path) && same < len(t.last) && path[same] == t.last[same] {
		same++
	}
	kept := 0
	for kept < len(t.trail) && t.trail[kept].end <= same && (t.trail[kept].end == len(path) || path[t.trail[kept].end] == '/') {
		t.at, from = t.trail[kept].dir, t.trail[kept].end+1
		kept++
	}
	t.trail = t.trail[:kept]
	t.last = append(t.last[:same], path[same:]...)
	return from
}

func (t *tree) follow(path []byte, links *int) error {
	for len(path) > 0 {
		var name []byte
		name, path, _ = bytes.Cut(path, slash)
		switch {
		case len(name) == 0 || string(name) == ".":
			continue
		case string(name) == "..":
			t.up()
			continue
		case len(t.rest) > 0:
			t.rest = append(append(t.rest, name...), '/')
			continue
		}
		n := t.index[child{t.at, string(name)}]
		switch {
		case n == nil || n.file != nil:
			t.rest = append(append(t.rest, name...), '/')
		case !n.link:
			t.at = n
		default:
			if err := t.through(n, links); err != nil {
				return err
			}
		}
	}
	return nil
}

// through follows the link n, which lies in t.at.
func (t *tree) through(n *node, links *int) error {
	*links++
	t.work += len(n.target)
	if *links > maxLinks {
		return errLoop
	}
	if t.work > maxWork {
		t.full = true
		return errFull
	}
	if bytes.HasPrefix(n.target, slash) {
		t.at = t.root
	}
	return t.follow(n.target, links)
}

// up goes to the parent directory, which of the root is the root.
func (t *tree) up() {
	switch {
	case len(t.rest) > 0:
		t.rest = t.rest[:bytes.LastIndexByte(t.rest[:len(t.rest)-1], '/')+1]
	case t.at.parent != nil:
		t.at = t.at.parent
	}
}

var slash = []byte("/")

// cut splits path into its directory and its last name. There is no such name
// in the root and in paths that are not clean.
func cut(path []byte) (dir, name []byte, ok bool) {
	i := bytes.LastIndexByte(path, '/')
	dir, name = path[:max(i, 0)], path[i+1:]
	return dir, name, len(name) > 0 && string(name) != "." && string(name) != ".."
}

// dir finds the directory of that path, nil if nothing in it is known. Neighbours
// follow each other in a layer, so the last answer is remembered.
func (t *tree) dir(path []byte) (*node, error) {
	if t.near.changes == t.changes && t.near.path != nil && bytes.Equal(path, t.near.path) {
		return t.near.dir, nil
	}
	if err := t.walk(path); err != nil {
		return nil, err
	}
	t.near.path = append(t.near.path[:0], path...)
	t.near.dir, t.near.blocked, t.near.changes = t.at, false, t.changes
	if len(t.rest) > 0 {
		t.near.dir, t.near.blocked = nil, t.blocking() != nil
	}
	return t.near.dir, nil
}

// lookup finds what lies at path itself: only links on the way are followed.
func (t *tree) lookup(path []byte) *node {
	parent, name, ok := cut(path)
	if !ok {
		return nil
	}
	dir, err := t.dir(parent)
	if err != nil || dir == nil {
		return nil
	}
	return t.index[child{dir, string(name)}]
}

// open finds the file that a program gets when it opens path; nil if it is not
// a known one.
func (t *tree) open(path string) *node {
	if t.walk([]byte(path)) != nil || len(t.rest) == 0 {
		return nil
	}
	name := t.rest[:len(t.rest)-1]
	n := t.index[child{t.at, string(name)}] // nil if there are several names in rest
	if n == nil || n.file == nil {
		return nil
	}
	return n
}

// literal finds what lies at path when no link is followed.
func (t *tree) literal(path []byte) *node {
	n := t.root
	for len(path) > 0 && n != nil {
		var name []byte
		name, path, _ = bytes.Cut(path, slash)
		n = t.index[child{n, string(name)}]
	}
	return n
}

// blocking is the file that stands where the last walk needed a directory.
func (t *tree) blocking() *node {
	name, _, _ := bytes.Cut(t.rest, slash)
	return t.index[child{t.at, string(name)}]
}

// clear takes away the file that is in the way.
func (t *tree) clear() {
	if n := t.blocking(); n != nil {
		t.remove(n)
	}
}

// mkdirs creates the directories that the last walk found missing.
func (t *tree) mkdirs() (*node, error) {
	t.clear()
	for rest := t.rest; len(rest) > 0; {
		var name []byte
		name, rest, _ = bytes.Cut(rest, slash)
		n, err := t.add(t.at, name)
		if err != nil {
			return nil, err
		}
		t.at = n
	}
	t.rest = t.rest[:0]
	return t.at, nil
}

// add puts an empty directory where nothing is.
func (t *tree) add(dir *node, name []byte) (*node, error) {
	if len(t.index) >= maxNodes {
		t.full = true
		return nil, errFull
	}
	length := dir.length + 1 + len(name)
	if length > maxPath+1 {
		return nil, errPath
	}
	if len(t.spare) == 0 {
		t.spare = make([]node, 128)
	}
	n := &t.spare[0]
	t.spare = t.spare[1:]
	*n = node{parent: dir, name: string(name), length: length, next: dir.first}
	if dir.first != nil {
		dir.first.prev = n
	}
	dir.first = n
	t.index[child{dir, n.name}] = n
	t.changes++
	return n, nil
}

// remove takes n and all below it out.
func (t *tree) remove(n *node) {
	t.empty(n)
	switch {
	case n.prev != nil:
		n.prev.next = n.next
	default:
		n.parent.first = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	}
	t.forget(n)
}

// empty takes all below n out. It goes without recursion, leaves first.
func (t *tree) empty(n *node) {
	for at := n.first; at != nil; {
		if at.first != nil {
			at = at.first
			continue
		}
		parent, next := at.parent, at.next
		t.forget(at)
		parent.first = next
		if next == nil && parent != n {
			next = parent
		}
		at = next
	}
}

func (t *tree) forget(n *node) {
	delete(t.index, child{n.parent, n.name})
	n.parent, n.next, n.prev = nil, nil, nil
	t.changes++
	t.removals++
}

// path is where n lies.
func (n *node) path() string {
	b := make([]byte, n.length)
	for ; n.parent != nil; n = n.parent {
		copy(b[n.length-len(n.name):], n.name)
		b[n.length-len(n.name)-1] = '/'
	}
	return string(b[min(1, len(b)):])
}
