package campaign

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
)

// The limits of templates. They bound what one mail can cost, whoever wrote it.
const (
	MaxSource   = 256 << 10 // bytes of a template
	MaxRendered = 1 << 20   // bytes a template may become
	maxDepth    = 20        // of blocks within blocks
)

// Fields are what a template may say of its recipient. Every text among them is
// a Text, so that it cannot become markup.
type Fields struct {
	Contact      Person
	Organisation Firm
	Owner        Person
	Team         Firm
	Links        Links
	Sale         Order // what the letter is about: the sale that began it, else the last one
	Sales        Bought
}

// Order is a sale as templates see one, all empty where there is none.
type Order struct {
	Number, Date, Due, Amount, Currency, Status Text
	Products                                    Text // with commas between
}

// Bought is what somebody bought in all.
type Bought struct {
	Count           int
	Total, Currency Text // the largest sum, of one currency
	First, Last     Text
	Products        Text // with commas between, most often bought first
	Segment         Text
}

// Person is a contact or a member as templates see one.
type Person struct {
	Name, FirstName, Email, Language Text
	Custom                           map[string]Text
}

// Firm is an organisation, or ourselves.
type Firm struct{ Name, Address Text }

// Links are the addresses a mail offers its recipient.
type Links struct{ Unsubscribe, Preferences Text }

// Text is a value of a field. Printed by a template it stands between marks
// that markup leaves alone, and becomes text again, escaped for its place, when
// the mail is written. Compared with a string it is the string.
type Text string

// The marks around a printed Text, from Unicode's private use area: what a
// template's author or a record has of them is removed.
const (
	markOpen  = '\uE000'
	markClose = '\uE001'
)

// String prints the value for a template.
func (t Text) String() string {
	return string(markOpen) + hex.EncodeToString([]byte(clean(string(t)))) + string(markClose)
}

// clean removes what no field may bring into a mail: marks, controls and what
// turns the direction of text around.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == markOpen, r == markClose, r == '\uFFFE', r == '\uFEFF':
			return -1
		case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069: // they could reorder what follows
			return -1
		case r == '\n', r == '\r', r == '\t', r == 0x85, r == 0x2028, r == 0x2029:
			return ' '
		case r < ' ', r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// OneLine makes of a text what may stand in one line of a header.
func OneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

// unmark returns a text with the values of its fields in their places, each as
// it is after with.
func unmark(s string, with func(string) string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(s, string(markOpen))
		out.WriteString(before)
		if !found {
			return out.String()
		}
		coded, after, _ := strings.Cut(rest, string(markClose))
		if value, err := hex.DecodeString(coded); err == nil {
			out.WriteString(with(string(value)))
		}
		s = after
	}
}

// plain is unmark with the values as they are.
func plain(s string) string { return unmark(s, func(v string) string { return v }) }

// Template is a text with fields. It may be used concurrently.
type Template struct {
	name string
	t    *template.Template
}

// functions names them.
var functions = functionsOf("")

// builtin are those of the template language that only decide.
var builtin = []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len"}

// ParseTemplate reads a template in a language, a BCP 47 tag, in which days and
// numbers are written. What is wrong with it is said with line and column, as
// NAME:LINE:COL: what.
func ParseTemplate(name, source, language string) (*Template, error) {
	if len(source) > MaxSource {
		return nil, fmt.Errorf("%s: it has %d bytes, more than %d", name, len(source), MaxSource)
	}
	source = strings.Map(func(r rune) rune {
		if r == markOpen || r == markClose {
			return -1
		}
		return r
	}, strings.ToValidUTF8(source, "\uFFFD"))
	t, err := template.New(name).Option("missingkey=error").Funcs(functionsOf(language)).Parse(source)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	for _, other := range t.Templates() {
		if other.Tree != nil && other.Name() != name {
			return nil, fmt.Errorf("%s: define and block are not available", name)
		}
	}
	if t.Tree == nil {
		return nil, fmt.Errorf("%s: it is empty", name)
	}
	var faults []error
	allowed(t.Tree, t.Root, 0, &faults)
	return &Template{name, t}, errors.Join(faults...)
}

// allowed looks for what a template must not do: call what makes text without
// bound, loop over numbers, or include others.
func allowed(tree *parse.Tree, n parse.Node, depth int, faults *[]error) {
	wrong := func(n parse.Node, format string, args ...any) {
		where, _ := tree.ErrorContext(n)
		*faults = append(*faults, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
	}
	if depth > maxDepth {
		wrong(n, "more than %d blocks within each other", maxDepth)
		return
	}
	branch := func(b *parse.BranchNode) {
		allowed(tree, b.Pipe, depth+1, faults)
		allowed(tree, b.List, depth+1, faults)
		if b.ElseList != nil {
			allowed(tree, b.ElseList, depth+1, faults)
		}
	}
	switch n := n.(type) {
	case *parse.ListNode:
		for _, c := range n.Nodes {
			allowed(tree, c, depth, faults)
		}
	case *parse.ActionNode:
		allowed(tree, n.Pipe, depth, faults)
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			for _, a := range c.Args {
				allowed(tree, a, depth+1, faults)
			}
		}
	case *parse.IdentifierNode:
		if _, ours := functions[n.Ident]; !ours && !slices.Contains(builtin, n.Ident) {
			wrong(n, "the function %s is not available", n.Ident)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		wrong(n, "range is not available")
	case *parse.TemplateNode:
		wrong(n, "template is not available")
	}
}

// limited is a writer that refuses to become too long.
type limited struct {
	strings.Builder
}

var errTooLong = fmt.Errorf("it becomes longer than %d bytes", MaxRendered)

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > MaxRendered {
		return 0, errTooLong
	}
	return l.Builder.Write(p)
}

var _ io.Writer = (*limited)(nil)

// Execute fills a template in. The result still has its marks. A field that is
// printed and empty is an error that names it and its place: nobody is to be
// greeted with "Dear ,".
func (t *Template) Execute(f Fields) (string, error) { return t.execute(f) }

func (t *Template) execute(f any) (string, error) {
	var out limited
	if err := t.t.Execute(&out, f); err != nil {
		return "", errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	if strings.Contains(out.String(), string(markOpen)+string(markClose)) {
		return "", t.empty(f)
	}
	return out.String(), nil
}

// Line fills in a template that is one line of plain text, such as a subject.
func (t *Template) Line(f Fields) (string, error) {
	s, err := t.Execute(f)
	return OneLine(plain(s)), err
}

// empty names the fields of a template that are printed alone and are empty.
func (t *Template) empty(f any) error {
	var faults []error
	var look func(parse.Node)
	look = func(n parse.Node) {
		switch n := n.(type) {
		case *parse.ListNode:
			for _, c := range n.Nodes {
				look(c)
			}
		case *parse.IfNode:
			look(n.List)
			if n.ElseList != nil {
				look(n.ElseList)
			}
		case *parse.WithNode:
			look(n.List)
		case *parse.ActionNode:
			if len(n.Pipe.Decl) > 0 || len(n.Pipe.Cmds) != 1 || len(n.Pipe.Cmds[0].Args) != 1 {
				return
			}
			one, err := template.New("").Option("missingkey=error").Parse(n.String())
			if err != nil {
				return
			}
			var out limited
			if one.Execute(&out, f) == nil && out.String() == Text("").String() {
				where, _ := t.t.ErrorContext(n)
				faults = append(faults, fmt.Errorf(`%s: %s is empty (say what to write instead: {{%[2]s | default "…"}})`, where, n.Pipe))
			}
		}
	}
	look(t.t.Root)
	if len(faults) == 0 {
		return fmt.Errorf("%s: a field that is printed is empty", t.name)
	}
	return errors.Join(faults...)
}
