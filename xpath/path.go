package xpath

import (
	"fmt"
	"strings"
)

// Limits of a path. What is beyond them is refused, so that no path costs more than a walk down a page.
const (
	maxPath  = 4 << 10 // bytes
	maxSteps = 512
	maxIndex = 1_000_000
)

// A Path is a parsed path, in the small part of XPath 1.0 that browsers and the well-known snippets write
// for a node:
//
//	path  = [ root ] 1*( "/" step )
//	root  = "id(" literal ")" / "//*[@id=" literal "]"    ; missing: the document
//	step  = ( name / "text()" / "*[local-name()=" literal "]" ) [ "[" index "]" ]
//	index = 1 to 1,000,000                                ; missing: 1
//
// A root alone is a path as well, and "/" alone is the document.
type Path struct {
	ID    string // of the element that it starts from; empty: from the document
	Every bool   // from every element with that ID, where id() means the first
	Steps []Step
}

// A Step goes to the Index-th child (from 1) that is an element called Name, or a text node if Text.
type Step struct {
	Name  string // as it was written; a local name when Local
	Local bool
	Text  bool
	Index int
}

// A SyntaxError says where a path stops being one.
type SyntaxError struct {
	Offset int // of the first bad character, in bytes
	Detail string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at offset %d", e.Detail, e.Offset) }

// Parse reads a path. The error is a *SyntaxError.
func Parse(s string) (Path, error) {
	if len(s) > maxPath {
		return Path{}, &SyntaxError{maxPath, fmt.Sprintf("must have at most %d bytes", maxPath)}
	}
	p := parser{text: s}
	path, err := p.path()
	if err != nil {
		return Path{}, err
	}
	return path, nil
}

// A parser reads its text from at on.
type parser struct {
	text string
	at   int
}

func (p *parser) path() (path Path, err error) {
	rooted := true
	switch {
	case p.accept("id("):
		path.ID, err = p.literalUntil(")")
	case p.accept("//*[@id="):
		path.ID, err = p.literalUntil("]")
		path.Every = true
	default:
		rooted = false
	}
	if err != nil {
		return Path{}, err
	}
	if p.text == "/" {
		return path, nil
	}
	for p.at < len(p.text) || !rooted && len(path.Steps) == 0 {
		if !p.accept("/") {
			return Path{}, p.expected(`"/"`)
		}
		if len(path.Steps) == maxSteps {
			return Path{}, p.expected(fmt.Sprintf("no more than %d steps", maxSteps))
		}
		step, err := p.step()
		if err != nil {
			return Path{}, err
		}
		path.Steps = append(path.Steps, step)
	}
	return path, nil
}

func (p *parser) step() (step Step, err error) {
	switch {
	case p.accept("text()"):
		step.Text = true
	case p.accept("*[local-name()="):
		step.Local = true
		if step.Name, err = p.literalUntil("]"); err != nil {
			return Step{}, err
		}
	default:
		if step.Name = p.name(); step.Name == "" {
			return Step{}, p.expected("an element's name or text()")
		}
	}
	step.Index = 1
	if p.accept("[") {
		if step.Index, err = p.index(); err != nil {
			return Step{}, err
		}
		if !p.accept("]") {
			return Step{}, p.expected(`"]"`)
		}
	}
	return step, nil
}

// name reads an element's name. Behind a letter HTML takes nearly everything for one: <joe@example.com> is an element, and
// the snippets that write paths write it as it is. What could join two expressions, close one, or call something is no
// part of a name.
func (p *parser) name() string {
	const others = "-.:@<,;?&%#~^\\`{}"
	start := p.at
	for i, r := range p.text[start:] {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r >= 0x80 && r != '\uFFFD'
		inside := i > 0 && (r >= '0' && r <= '9' || strings.ContainsRune(others, r))
		if !letter && !inside || strings.HasPrefix(p.text[start+i:], "::") {
			break
		}
		p.at = start + i + len(string(r))
	}
	return p.text[start:p.at]
}

func (p *parser) index() (int, error) {
	start, n := p.at, 0
	for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
		n = n*10 + int(p.text[p.at]-'0')
		if n > maxIndex {
			return 0, p.expected(fmt.Sprintf("an index of at most %d", maxIndex))
		}
		p.at++
	}
	if n == 0 {
		p.at = start
		return 0, p.expected("an index from 1")
	}
	return n, nil
}

// literalUntil reads a quoted string, which XPath 1.0 gives no escapes, and what closes it.
func (p *parser) literalUntil(end string) (string, error) {
	if p.at == len(p.text) || p.text[p.at] != '"' && p.text[p.at] != '\'' {
		return "", p.expected("a quoted string")
	}
	quote := p.text[p.at]
	length := strings.IndexByte(p.text[p.at+1:], quote)
	if length < 1 {
		p.at++
		return "", p.expected("a string that is not empty and its closing quote")
	}
	literal := p.text[p.at+1 : p.at+1+length]
	p.at += length + 2
	if !p.accept(end) {
		return "", p.expected(fmt.Sprintf("%q", end))
	}
	return literal, nil
}

func (p *parser) accept(token string) bool {
	if !strings.HasPrefix(p.text[p.at:], token) {
		return false
	}
	p.at += len(token)
	return true
}

func (p *parser) expected(what string) error {
	return &SyntaxError{Offset: p.at, Detail: "expected " + what}
}
