package store

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/timeline"
)

// The bounds of a search as it is typed.
const (
	maxQuery  = 4096 // bytes
	maxLeaves = 64   // words and operators
	maxNested = 32   // parentheses
)

// Op says what a part of a query asks.
type Op int

// The parts of a query. The first three hold others, the rest stand alone.
const (
	OpAnd        Op = iota // every kid holds; without kids: always
	OpOr                   // some kid holds
	OpNot                  // its only kid does not hold
	OpWord                 // the entry has the words of Tokens, one after the other
	OpFrom                 // the sender's name or address has them
	OpTo                   // a recipient's name or address has them
	OpIn                   // a copy lies in a mailbox or folder called Value
	OpWith                 // the history of the contact or organisation Value
	OpBefore               // earlier than Time
	OpAfter                // at Time or later
	OpAttachment           // has an attachment
	OpSubject              // the subject has the words of Tokens
	OpFile                 // the name of an attachment has them
)

// Query is a parsed search: see [ParseQuery]. The zero value matches every
// entry.
type Query struct {
	Root Node
	// Sight says what of an entry whoever searches may know of; nil: all. The
	// query then holds for that alone, so that neither a hit nor the lack of
	// one tells of a word that is not theirs to read. It is asked within the
	// search's transaction, at most once in a row for one entry.
	Sight func(timeline.Entry) (Sight, error)
}

// Sight is what somebody may know of one entry.
type Sight struct {
	Tier     access.Tier       // private: not even that it is there
	Holdings []message.Holding // the copies they may know of
}

// Shown returns what of an entry's texts a tier shows: who takes part, from
// the tier subject on what it is about, and only in full the rest.
func (f Fields) Shown(t access.Tier) Fields {
	switch {
	case t.Shows(access.Full):
		return f
	case t.Shows(access.Subject):
		return Fields{Subject: f.Subject, From: f.From, To: f.To}
	case t.Shows(access.Metadata):
		return Fields{From: f.From, To: f.To}
	}
	return Fields{}
}

// Node is one part of a query.
type Node struct {
	Op     Op
	Kids   []Node
	Value  string
	Tokens []Token
	Prefix bool // the last token may go on
	Time   time.Time
}

// ParseQuery reads a search as a person types it. Words must all occur, in
// any order; "several words" in quotes must stand together; a trailing *
// leaves a word's end open; a leading - turns what follows into its opposite;
// OR between two parts asks for either and binds closer than standing side by
// side; parentheses group. Operators are from:, to:, subject:, file: (the name
// of an attachment), in: (a mailbox or folder), with: (a contact or
// organisation, by id, address, name or domain), before:, after: and on: (YYYY,
// YYYY-MM or YYYY-MM-DD, UTC; after includes what it names, before does not)
// and has:attachment. A value with spaces stands in quotes. What looks like an operator and is none, small letters before a
// colon and a value behind it, is an error; any other colon is text. Case, and accents of Latin, Greek and Cyrillic, do not count.
// The empty search matches everything.
func ParseQuery(text string) (Query, error) {
	if len(text) > maxQuery {
		return Query{}, fmt.Errorf("read search: it is longer than %d bytes", maxQuery)
	}
	p := &parser{}
	if err := p.lex(strings.ToValidUTF8(text, "\uFFFD")); err != nil {
		return Query{}, fmt.Errorf("read search %q: %w", text, err)
	}
	root, err := p.all(0)
	if err == nil && p.pos < len(p.items) {
		err = fmt.Errorf("a ) has no (")
	}
	if err != nil {
		return Query{}, fmt.Errorf("read search %q: %w", text, err)
	}
	return Query{Root: root}, nil
}

// item is one piece of the typed text.
type item struct {
	kind   byte // '(' ')' '-' 'O' for OR, 'w' for a word or phrase
	field  string
	value  string
	quoted bool
	prefix bool
}

type parser struct {
	items  []item
	pos    int
	leaves int
}

// lex splits the text into items.
func (p *parser) lex(s string) error {
	for {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if s == "" {
			return nil
		}
		switch s[0] {
		case '(', ')':
			p.items = append(p.items, item{kind: s[0]})
			s = s[1:]
			continue
		case '-':
			if len(s) > 1 && !strings.ContainsRune(" \t-)", rune(s[1])) {
				p.items = append(p.items, item{kind: '-'})
			}
			s = s[1:]
			continue
		}
		it, rest, err := lexWord(s)
		if err != nil {
			return err
		}
		p.items, s = append(p.items, it), rest
	}
}

// lexWord reads a word, a phrase, or an operator with its value.
func lexWord(s string) (item, string, error) {
	it := item{kind: 'w'}
	switch i := strings.IndexByte(s, ':'); {
	case i > 0 && isField(s[:i]):
		it.field, s = strings.ToLower(s[:i]), s[i+1:]
	case i > 0 && likeField(s[:i], s[i+1:]):
		return it, "", unknownField(s[:i])
	}
	if strings.HasPrefix(s, `"`) {
		end := strings.IndexByte(s[1:], '"')
		if end < 0 {
			return it, "", fmt.Errorf(`a " has no closing "`)
		}
		it.value, it.quoted, s = s[1:1+end], true, s[2+end:]
		if strings.HasPrefix(s, "*") {
			it.prefix, s = true, s[1:]
		}
		return it, s, nil
	}
	end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '(' || r == ')' || r == '"' })
	if end < 0 {
		end = len(s)
	}
	it.value, s = s[:end], s[end:]
	if it.field == "" && it.value == "OR" {
		return item{kind: 'O'}, s, nil
	}
	if v := strings.TrimRight(it.value, "*"); v != it.value {
		it.value, it.prefix = v, true
	}
	return it, s, nil
}

var fields = []string{"from", "to", "subject", "file", "in", "with", "before", "after", "on", "has"}

func isField(s string) bool { return slices.Contains(fields, strings.ToLower(s)) }

// likeField reports whether a word with a colon is meant as an operator: small
// letters before it and a value directly behind it. Anything else is text, as
// 10:30, Re:Offer and https://example.com are.
func likeField(name, value string) bool {
	if len(name) < 2 || len(name) > 16 || slices.Contains(schemes, name) || strings.ContainsFunc(name, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return false
	}
	r, _ := utf8.DecodeRuneInString(value)
	return r == '"' || r == '@' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// schemes are the beginnings of addresses that have no // behind the colon.
var schemes = []string{"mailto", "tel", "sms", "sip", "sips", "xmpp", "urn", "cid", "mid", "data", "news", "geo", "doi"}

func unknownField(name string) error {
	hint := ""
	if near := contact.Nearest(name, fields); near != "" {
		hint = fmt.Sprintf("is it %s:? ", near)
	}
	return fmt.Errorf(`there is no operator %s: (%sthere are %s:; quotes make text of it)`, name, hint, strings.Join(fields, ":, "))
}

// all reads parts that must all hold, up to a closing parenthesis.
func (p *parser) all(depth int) (Node, error) {
	n := Node{Op: OpAnd}
	for p.pos < len(p.items) && p.items[p.pos].kind != ')' {
		k, err := p.either(depth)
		if err != nil {
			return n, err
		}
		n.Kids = append(n.Kids, k)
	}
	if len(n.Kids) == 1 {
		return n.Kids[0], nil
	}
	return n, nil
}

// either reads parts with OR between them.
func (p *parser) either(depth int) (Node, error) {
	if p.items[p.pos].kind == 'O' {
		return Node{}, fmt.Errorf("OR stands between two words")
	}
	k, err := p.one(depth)
	if err != nil {
		return k, err
	}
	n := Node{Op: OpOr, Kids: []Node{k}}
	for p.pos < len(p.items) && p.items[p.pos].kind == 'O' {
		p.pos++
		if p.pos == len(p.items) || strings.IndexByte(")O", p.items[p.pos].kind) >= 0 {
			return n, fmt.Errorf("OR stands between two words")
		}
		if k, err = p.one(depth); err != nil {
			return n, err
		}
		n.Kids = append(n.Kids, k)
	}
	if len(n.Kids) == 1 {
		return n.Kids[0], nil
	}
	return n, nil
}

// one reads a single part.
func (p *parser) one(depth int) (Node, error) {
	it := p.items[p.pos]
	p.pos++
	switch it.kind {
	case '-':
		if p.pos == len(p.items) || strings.IndexByte(")O", p.items[p.pos].kind) >= 0 {
			return Node{}, fmt.Errorf("- has nothing after it")
		}
		if depth++; depth > maxNested {
			return Node{}, fmt.Errorf("more than %d levels", maxNested)
		}
		k, err := p.one(depth)
		return Node{Op: OpNot, Kids: []Node{k}}, err
	case '(':
		if depth++; depth > maxNested {
			return Node{}, fmt.Errorf("more than %d levels of parentheses", maxNested)
		}
		n, err := p.all(depth)
		if err == nil && p.pos == len(p.items) {
			err = fmt.Errorf("a ( has no )")
		}
		p.pos++
		return n, err
	}
	if p.leaves++; p.leaves > maxLeaves {
		return Node{}, fmt.Errorf("more than %d words", maxLeaves)
	}
	return leaf(it)
}

// leaf makes the part of a word or operator.
func leaf(it item) (Node, error) {
	if it.field != "" && strings.TrimSpace(it.value) == "" {
		return Node{}, fmt.Errorf("%s: has no value", it.field)
	}
	switch it.field {
	case "in":
		return Node{Op: OpIn, Value: it.value}, nil
	case "with":
		return Node{Op: OpWith, Value: it.value}, nil
	case "before", "after", "on":
		return dated(it)
	case "has":
		if v := strings.ToLower(it.value); v != "attachment" && v != "attachments" {
			return Node{}, fmt.Errorf("has:%s is not known (only has:attachment is)", it.value)
		}
		return Node{Op: OpAttachment, Value: "attachment"}, nil
	}
	n := Node{Op: OpWord, Value: it.value, Tokens: Tokens(it.value), Prefix: it.prefix}
	if op, ok := wordFields[it.field]; ok {
		n.Op = op
	}
	if len(n.Tokens) == 0 {
		if n.Op != OpWord {
			return n, fmt.Errorf("%s:%s holds no word to look for", it.field, it.value)
		}
		return Node{Op: OpAnd}, nil // punctuation alone narrows nothing
	}
	return n, nil
}

// wordFields are the operators that ask one part of an entry for words.
var wordFields = map[string]Op{"from": OpFrom, "to": OpTo, "subject": OpSubject, "file": OpFile}

// dated makes the part of an operator whose value is a day, month or year.
func dated(it item) (Node, error) {
	from, until, err := span(it.value)
	if err != nil {
		return Node{}, fmt.Errorf("%s:%s is no date (write YYYY, YYYY-MM or YYYY-MM-DD)", it.field, it.value)
	}
	before, after := Node{Op: OpBefore, Value: it.value, Time: from}, Node{Op: OpAfter, Value: it.value, Time: from}
	switch it.field {
	case "before":
		return before, nil
	case "after":
		return after, nil
	}
	before.Time, before.Value = until, until.Format("2006-01-02")
	return Node{Op: OpAnd, Kids: []Node{after, before}}, nil
}

// span returns the time at which a day, month or year begins, and the next does.
func span(s string) (from, until time.Time, err error) {
	for _, l := range []struct {
		layout              string
		years, months, days int
	}{{"2006-01-02", 0, 0, 1}, {"2006-01", 0, 1, 0}, {"2006", 1, 0, 0}} {
		if len(s) == len(l.layout) {
			from, err = time.Parse(l.layout, s)
			return from, from.AddDate(l.years, l.months, l.days), err
		}
	}
	return from, until, fmt.Errorf("%q is no date", s)
}
