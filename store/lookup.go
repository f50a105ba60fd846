package store

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lookup is what to ask the index for a word: every term of All, exactly, and
// some term that begins with each of Begins.
type Lookup struct {
	All    []string
	Begins []string
	// At is where in the phrase each of All stands: whatever holds has them all
	// at places as far from each other. Nil where the terms have no places.
	At []int
	// Exact says that whatever has the terms holds; otherwise Holds decides.
	Exact bool
}

// Lookup returns the index terms of a part that asks for words.
func (n Node) Lookup() Lookup {
	prefix := map[Op]string{OpFrom: fromTerm, OpTo: toTerm, OpSubject: subjectTerm, OpFile: fileTerm}[n.Op]
	if addr := strings.TrimPrefix(Fold(n.Value), "@"); n.ofParty() && strings.Contains(n.Value, "@") && len(addr) <= maxTerm {
		if n.Prefix {
			return Lookup{Begins: []string{prefix + addr}, Exact: true}
		}
		return Lookup{All: []string{prefix + addr}, Exact: true}
	}
	l := Lookup{Exact: len(n.Tokens) == 1}
	all := func(i int, term string) {
		if l.All = append(l.All, prefix+term); prefix == "" {
			l.At = append(l.At, i)
		}
	}
	for i, t := range n.Tokens {
		last := i == len(n.Tokens)-1
		term := cut(t.Text)
		l.Exact = l.Exact && len(t.Text) < maxTerm
		switch {
		case t.Single && !last && n.Tokens[i+1].Joined && n.Prefix && i+2 == len(n.Tokens):
			// A character goes on with the marks above and below it.
			l.Begins = append(l.Begins, prefix+cut(t.Text+n.Tokens[i+1].Text))
		case t.Single && !last && n.Tokens[i+1].Joined:
			all(i, cut(t.Text+n.Tokens[i+1].Text))
		case t.Single && t.Joined && i > 0:
			// The pair before covers it.
		case t.Single, last && n.Prefix:
			l.Begins = append(l.Begins, prefix+term)
		default:
			all(i, term)
		}
	}
	return l
}

// LookupAnywhere returns the terms of the same words wherever in an entry they
// stand, for documents whose subjects and files have no terms of their own.
func (n Node) LookupAnywhere() Lookup {
	n.Op = OpWord
	l := n.Lookup()
	l.Exact = false
	return l
}

// ofParty reports whether a sender or recipient is asked for.
func (n Node) ofParty() bool { return n.Op == OpFrom || n.Op == OpTo }

// Holds reports whether the texts of an entry hold what a part that asks for
// words does.
func (n Node) Holds(f Fields) bool {
	var in []string
	switch n.Op {
	case OpFrom:
		in = f.From
	case OpTo:
		in = f.To
	case OpSubject:
		in = []string{f.Subject}
	case OpFile:
		in = f.Attachments
	default:
		in = f.all()
	}
	return slices.ContainsFunc(in, func(s string) bool {
		if n.ofParty() && strings.Contains(n.Value, "@") && addressHolds(s, n) {
			return true
		}
		return hasPhrase(Tokens(s), n.Tokens, n.Prefix)
	})
}

// addressHolds compares addresses whole, and a domain after its @ or a dot.
func addressHolds(s string, n Node) bool {
	want, got := Fold(n.Value), Fold(strings.TrimSpace(s))
	if n.Prefix {
		return strings.HasPrefix(got, want)
	}
	return got == want
}

// hasPhrase reports whether want stands in text, token by token.
func hasPhrase(text, want []Token, prefix bool) bool {
	for i := 0; i+len(want) <= len(text); i++ {
		if phraseAt(text[i:], want, prefix) {
			return true
		}
	}
	return false
}

func phraseAt(text, want []Token, prefix bool) bool {
	for i, w := range want {
		t := text[i]
		open := prefix && i == len(want)-1
		if w.Joined && i > 0 && !t.Joined {
			return false
		}
		if t.Text == w.Text || open && strings.HasPrefix(t.Text, w.Text) {
			continue
		}
		// A word is also found by its parts, but only alone: example in example.org.
		if len(want) > 1 || !slices.ContainsFunc(parts(t.Text), func(p string) bool {
			return p == w.Text || open && strings.HasPrefix(p, w.Text)
		}) {
			return false
		}
	}
	return true
}

// String returns the query in words a person could have typed.
func (q Query) String() string { return q.Root.text() }

func (n Node) text() string {
	quote := func(s string) string {
		if s == "OR" || strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`()-":`, r) }) >= 0 || !utf8.ValidString(s) {
			return `"` + s + `"`
		}
		return s
	}
	var kids []string
	for _, k := range n.Kids {
		s := k.text()
		if len(k.Kids) > 1 {
			s = "(" + s + ")"
		}
		kids = append(kids, s)
	}
	star := map[bool]string{true: "*"}[n.Prefix]
	switch n.Op {
	case OpAnd:
		return strings.Join(kids, " ")
	case OpOr:
		return strings.Join(kids, " OR ")
	case OpNot:
		return "-" + strings.Join(kids, "")
	case OpWord:
		return quote(n.Value) + star
	case OpAttachment:
		return "has:attachment"
	}
	name := map[Op]string{OpFrom: "from:", OpTo: "to:", OpSubject: "subject:", OpFile: "file:", OpIn: "in:", OpWith: "with:", OpBefore: "before:", OpAfter: "after:"}[n.Op]
	return name + quote(n.Value) + star
}
