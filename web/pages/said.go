package pages

import (
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"rapport/records/phrase"
)

// Tell is what the program says, in the reader's language; in English where the
// catalogue does not know it.
func (c *catalogue) Tell(p phrase.Phrase) string {
	return p.Fill(c.sentence(p), c.N, c.Term, c.Tell)
}

// sentence is what the catalogue has for the form of a phrase, in the way the
// language counts.
func (c *catalogue) sentence(p phrase.Phrase) string {
	t, ok := c.texts[string(p.Form)]
	if !ok {
		return string(p.Form)
	}
	if n, counts := p.Count(); counts && len(t.forms) > 0 {
		if sentence, ok := t.forms[plural.Cardinal.MatchPlural(c.tag, abs(n), 0, 0, 0, 0)]; ok {
			return sentence
		}
	}
	return t.other
}

// Term is a word of the program in the reader's language.
func (c *catalogue) Term(word phrase.Form) string { return c.sentence(phrase.New(word)) }

// Rule is what a rule of filing is called.
func (c *catalogue) Rule(name string) string { return c.Term(phrase.Form(name)) }

// Tongue is the language of what Tell says: English where it is a text that
// nobody translates, or one the catalogue does not know.
func (c *catalogue) Tongue(p phrase.Phrase) string {
	if p.Form == "" && len(p.Args) > 0 && len(p.Args[0].Said) > 0 {
		return c.Tongue(p.Args[0].Said[0])
	}
	if _, ok := c.texts[string(p.Form)]; ok {
		return c.Lang()
	}
	return "en"
}

// LanguageName is what the reader calls a language, named as BCP 47 does; what
// is no such name stays as it is.
func (c *catalogue) LanguageName(tag string) string {
	of, err := language.Parse(tag)
	if err != nil {
		return tag
	}
	namer := display.Tags(c.tag)
	if namer == nil {
		namer = display.Tags(language.English)
	}
	if name := namer.Name(of); name != "" {
		return name
	}
	return tag
}
