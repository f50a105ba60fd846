// Package phrase holds what the program says to people in parts: a form and
// what fills its holes. The English sentence is made of them, and so is the
// sentence of any other language, whose catalogue has the form as its key.
package phrase

import (
	"fmt"
	"strconv"
	"strings"
)

// Form is a sentence or word of the program, in English: what catalogues call
// it by. {name} is a hole, which a value of the same name fills; {n|day|days}
// is a number with the noun that goes with it. A form is always written as a
// constant, so that a test can hold the catalogues against the source.
type Form string

// Phrase is a form with what fills it. The zero Phrase says nothing. One
// without a form is what fills it: a text nobody translates, or several
// phrases.
type Phrase struct {
	Form Form  `json:"form,omitempty"`
	Args []Arg `json:"args,omitempty"`
}

// Arg fills the holes of one name, with one of its fields.
type Arg struct {
	Name   string   `json:"name"`
	Text   string   `json:"text,omitempty"`    // as it is in every language: a name, an address, what a server says
	Number *int     `json:"number,omitempty"`  // written as the language writes numbers
	Word   Form     `json:"word,omitempty"`    // a word of the program
	Said   []Phrase `json:"phrases,omitempty"` // further phrases, one after the other
}

// New returns a phrase. args are names and values in turn; a value is text, a
// number, a Form, a Phrase or several, an error, or anything that prints.
func New(form Form, args ...any) Phrase {
	p := Phrase{Form: form}
	if len(args) > 1 {
		p.Args = make([]Arg, 0, len(args)/2)
	}
	for i := 0; i+1 < len(args); i += 2 {
		name, _ := args[i].(string)
		p.Args = append(p.Args, arg(name, args[i+1]))
	}
	return p
}

func arg(name string, value any) Arg {
	a := Arg{Name: name}
	switch v := value.(type) {
	case string:
		a.Text = v
	case int:
		a.Number = &v
	case Form:
		a.Word = v
	case Phrase:
		a.Said = []Phrase{v}
	case []Phrase:
		a.Said = v
	case error:
		a.Said = []Phrase{Of(v)}
	default:
		a.Text = fmt.Sprint(v)
	}
	return a
}

// Verbatim returns a phrase that is the same in every language.
func Verbatim(text string) Phrase {
	if text == "" {
		return Phrase{}
	}
	return Phrase{Args: []Arg{{Text: text}}}
}

// List returns several phrases as one.
func List(list ...Phrase) Phrase {
	if len(list) == 1 {
		return list[0]
	}
	return Phrase{Args: []Arg{{Said: list}}}
}

// Words returns several words of the program as one phrase.
func Words(words ...Form) Phrase {
	list := make([]Phrase, 0, len(words))
	for _, w := range words {
		list = append(list, New(w))
	}
	return List(list...)
}

// Translated returns the phrase where a language may say it otherwise, and an
// empty one where it is a text as it stands.
func (p Phrase) Translated() Phrase {
	if p.Form == "" && (len(p.Args) == 0 || len(p.Args[0].Said) == 0) {
		return Phrase{}
	}
	return p
}

// Empty reports whether the phrase says nothing.
func (p Phrase) Empty() bool { return p.Form == "" && len(p.Args) == 0 }

// between stands between phrases that fill one hole.
const between = "; "

// Fill returns the phrase with sentence in the place of its form, the same one
// in another language. number writes a number, and say a phrase that fills a
// hole; word translates a word.
func (p Phrase) Fill(sentence string, number func(int) string, word func(Form) string, say func(Phrase) string) string {
	if p.Form == "" {
		if len(p.Args) == 0 {
			return ""
		}
		return p.Args[0].fill(number, word, say)
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(sentence, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		hole, after, ok := strings.Cut(rest, "}")
		name, nouns, counted := strings.Cut(hole, "|")
		a, has := p.arg(name)
		if !ok || !has {
			b.WriteByte('{')
			sentence = rest
			continue
		}
		b.WriteString(a.fill(number, word, say))
		if one, other, _ := strings.Cut(nouns, "|"); counted {
			if a.Number != nil && *a.Number == 1 {
				other = one
			}
			b.WriteString(" " + other)
		}
		sentence = after
	}
}

func (p Phrase) arg(name string) (Arg, bool) {
	for _, a := range p.Args {
		if a.Name == name {
			return a, true
		}
	}
	return Arg{}, false
}

func (a Arg) fill(number func(int) string, word func(Form) string, say func(Phrase) string) string {
	switch {
	case a.Number != nil:
		return number(*a.Number)
	case a.Word != "":
		return word(a.Word)
	case len(a.Said) > 0:
		said := make([]string, 0, len(a.Said))
		for _, p := range a.Said {
			said = append(said, say(p))
		}
		return strings.Join(said, between)
	}
	return a.Text
}

// Map returns the phrase with every text in it changed.
func (p Phrase) Map(change func(string) string) Phrase {
	out := Phrase{Form: p.Form}
	for _, a := range p.Args {
		a.Text = change(a.Text)
		said := a.Said
		a.Said = nil
		for _, inner := range said {
			a.Said = append(a.Said, inner.Map(change))
		}
		out.Args = append(out.Args, a)
	}
	return out
}

// Count returns the number that decides how a sentence counts: the first one
// that fills it. ok is false where none does.
func (p Phrase) Count() (n int, ok bool) {
	for _, a := range p.Args {
		if a.Number != nil {
			return *a.Number, true
		}
	}
	return 0, false
}

// String is the phrase in English.
func (p Phrase) String() string {
	return p.Fill(string(p.Form), strconv.Itoa, func(f Form) string { return string(f) }, Phrase.String)
}
