package version

import "strings"

// maven is a version by Maven's ComparableVersion
// (https://maven.apache.org/pom.html#version-order-specification): numbers,
// words, and lists that a hyphen or a change between digits and letters opens.
type maven struct{ items []mavenItem }

type mavenItem struct {
	kind mavenKind
	text string // of a number or a word
	rank int8   // of a word
	list *maven
}

type mavenKind uint8

// The kinds of items, in their order.
const (
	mavenWord mavenKind = iota
	mavenList
	mavenNumber
)

// The ranks of the words that Maven knows.
const (
	mavenRelease = 5
	mavenUnknown = 7
)

// parseMaven takes nearly all for a version, as Maven does, but neither words
// ("unknown") nor what a build failed to fill in ("${revision}").
func parseMaven(s string) (order, bool) {
	if !hasDigit(s) || strings.Contains(s, "${") {
		return nil, false
	}
	s = strings.ToLower(s)
	root := &maven{}
	p := mavenParser{list: root, open: []*maven{root}}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.' || c == '-':
			if i == p.start {
				p.add(mavenItem{kind: mavenNumber})
			} else {
				p.add(p.item(s[p.start:i]))
			}
			p.start = i + 1
			if c == '-' {
				p.nest()
			}
		case isDigit(c) != p.number:
			if i > p.start {
				p.turn(s[p.start:i])
				p.start = i
			}
			p.number = isDigit(c)
		}
	}
	if p.start < len(s) {
		if !p.number && len(p.list.items) > 0 {
			p.nest()
		}
		p.add(p.item(s[p.start:]))
	}
	for i := len(p.open) - 1; i >= 0; i-- {
		p.open[i].normalise()
	}
	return root, true
}

func hasDigit(s string) bool { return strings.ContainsAny(s, "0123456789") }

type mavenParser struct {
	list   *maven
	open   []*maven
	start  int
	number bool
}

func (p *mavenParser) add(i mavenItem) { p.list.items = append(p.list.items, i) }

func (p *mavenParser) nest() {
	list := &maven{}
	p.add(mavenItem{kind: mavenList, list: list})
	p.list, p.open = list, append(p.open, list)
}

// turn ends text where digits follow letters, or letters follow digits.
func (p *mavenParser) turn(text string) {
	if p.number {
		p.add(p.item(text))
		p.nest()
		return
	}
	if len(p.list.items) > 0 {
		p.nest()
	}
	switch text { // short forms count only with a digit behind them
	case "a":
		text = "alpha"
	case "b":
		text = "beta"
	case "m":
		text = "milestone"
	}
	p.add(p.item(text))
	p.nest()
}

func (p *mavenParser) item(text string) mavenItem {
	if p.number {
		return mavenItem{kind: mavenNumber, text: strings.TrimLeft(text, "0")}
	}
	return mavenItem{kind: mavenWord, text: text, rank: mavenRank(text)}
}

func mavenRank(word string) int8 {
	switch word {
	case "alpha":
		return 0
	case "beta":
		return 1
	case "milestone":
		return 2
	case "rc", "cr":
		return 3
	case "snapshot":
		return 4
	case "", "ga", "final", "release":
		return mavenRelease
	case "sp":
		return 6
	}
	return mavenUnknown
}

// normalise drops what is null at the end and before each list.
func (v *maven) normalise() {
	for i := len(v.items) - 1; i >= 0; i-- {
		switch item := v.items[i]; {
		case item.null():
			v.items = append(v.items[:i], v.items[i+1:]...)
		case item.kind != mavenList:
			return
		}
	}
}

func (i mavenItem) null() bool {
	switch i.kind {
	case mavenNumber:
		return i.text == ""
	case mavenWord:
		return i.rank == mavenRelease
	}
	return len(i.list.items) == 0
}

func (*maven) rules() rules { return rulesMaven }

func (v *maven) compare(o order) int {
	w := o.(*maven)
	for i := 0; i < len(v.items) || i < len(w.items); i++ {
		var c int
		switch {
		case i >= len(v.items):
			c = -w.items[i].sign()
		case i >= len(w.items):
			c = v.items[i].sign()
		default:
			c = v.items[i].compare(w.items[i])
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func (i mavenItem) compare(j mavenItem) int {
	switch {
	case i.kind != j.kind:
		return sign(int(i.kind) - int(j.kind))
	case i.kind == mavenNumber:
		return compareNumbers(i.text, j.text)
	case i.kind == mavenList:
		return i.list.compare(j.list)
	case i.rank == mavenUnknown && j.rank == mavenUnknown:
		return strings.Compare(i.text, j.text)
	}
	return sign(int(i.rank) - int(j.rank))
}

// sign compares i with nothing.
func (i mavenItem) sign() int {
	switch i.kind {
	case mavenNumber:
		return sign(len(i.text))
	case mavenWord:
		return sign(int(i.rank) - mavenRelease)
	}
	for _, item := range i.list.items {
		if c := item.sign(); c != 0 {
			return c
		}
	}
	return 0
}
