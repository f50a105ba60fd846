package pages

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"
)

//go:embed locale/*.json
var localeFiles embed.FS

// text is one sentence of a catalogue, with one form for each way the
// language counts where it has a number in it.
type text struct {
	other string
	forms map[plural.Form]string
}

// forms are CLDR's names of the ways languages count.
var forms = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// UnmarshalJSON reads a sentence, or an object of its forms.
func (t *text) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &t.other)
	}
	var named map[string]string
	if err := json.Unmarshal(raw, &named); err != nil {
		return errors.New("neither a sentence nor an object of its forms one, other …")
	}
	t.forms = map[plural.Form]string{}
	for name, sentence := range named {
		form, ok := forms[name]
		if !ok {
			return fmt.Errorf("no way of counting is called %q; there are zero, one, two, few, many, other", name)
		}
		t.forms[form] = sentence
	}
	if t.other = named["other"]; t.other == "" {
		return errors.New("the form other is missing")
	}
	return nil
}

// catalogue is one language: its sentences, and how it writes numbers and
// dates.
type catalogue struct {
	tag      language.Tag
	texts    map[string]text
	english  *catalogue // for what this one lacks; nil for English itself
	printer  *message.Printer
	digits   [10]string
	ownDigit bool
}

// languages are all there are.
type languages struct {
	all     []*catalogue
	matcher language.Matcher
}

// embeddedLanguages reads our own catalogues once for the whole process. A
// language may have several files: bn.json, bn.lists.json …
var embeddedLanguages = sync.OnceValues(func() (map[string]map[string]text, error) {
	return readCatalogues(localeFiles, "locale")
})

// readLanguages reads our own languages and the further ones, which may be nil.
func readLanguages(further fs.FS) (*languages, error) {
	own, err := embeddedLanguages()
	if err != nil {
		return nil, err
	}
	texts := maps.Clone(own)
	if further != nil {
		more, err := readCatalogues(further, ".")
		if err != nil {
			return nil, err
		}
		for name, sentences := range more {
			merged := maps.Clone(own[name])
			if merged == nil {
				merged = map[string]text{}
			}
			maps.Copy(merged, sentences)
			texts[name] = merged
		}
	}
	english, err := newCatalogue("en", texts["en"], nil)
	if err != nil {
		return nil, err
	}
	l := &languages{all: []*catalogue{english}}
	tags := []language.Tag{english.tag}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if name == "en" {
			continue
		}
		c, err := newCatalogue(name, texts[name], english)
		if err != nil {
			return nil, err
		}
		l.all, tags = append(l.all, c), append(tags, c.tag)
	}
	l.matcher = language.NewMatcher(tags)
	return l, nil
}

// readCatalogues reads LANGUAGE.json and LANGUAGE.PART.json of a directory.
func readCatalogues(files fs.FS, dir string) (map[string]map[string]text, error) {
	names, err := fs.Glob(files, path.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]text{}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		var sentences map[string]text
		if err := json.Unmarshal(raw, &sentences); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		tag, _, _ := strings.Cut(path.Base(name), ".")
		if out[tag] == nil {
			out[tag] = map[string]text{}
		}
		for key, sentence := range sentences {
			if _, twice := out[tag][key]; twice {
				return nil, fmt.Errorf("read %s: %s is in another file too", name, key)
			}
			out[tag][key] = sentence
		}
	}
	return out, nil
}

func newCatalogue(name string, texts map[string]text, english *catalogue) (*catalogue, error) {
	tag, err := language.Parse(name)
	if err != nil {
		return nil, fmt.Errorf("%s is not the name of a language: %w", name, err)
	}
	c := &catalogue{tag: tag, texts: texts, english: english, printer: message.NewPrinter(tag)}
	for i := range c.digits {
		c.digits[i] = c.printer.Sprint(number.Decimal(i))
		c.ownDigit = c.ownDigit || c.digits[i] != strconv.Itoa(i)
	}
	return c, nil
}

// of chooses a language: the one the reader chose, else the best of those the
// browser asks for, else English.
func (l *languages) of(chosen, accepted string) *catalogue {
	for _, c := range l.all {
		if c.Lang() == chosen {
			return c
		}
	}
	if len(accepted) > 1000 {
		accepted = ""
	}
	wanted, _, err := language.ParseAcceptLanguage(accepted)
	if err != nil || len(wanted) == 0 {
		return l.all[0]
	}
	_, i, confidence := l.matcher.Match(wanted...)
	if confidence == language.No {
		return l.all[0]
	}
	return l.all[i]
}

func (l *languages) has(name string) bool {
	return slices.ContainsFunc(l.all, func(c *catalogue) bool { return c.Lang() == name })
}

// Lang is the language's name as HTML has it.
func (c *catalogue) Lang() string { return c.tag.String() }

// LangName is what its speakers call it.
func (c *catalogue) LangName() string { return c.T("language.name") }

// Dir says which way the language is written.
func (c *catalogue) Dir() string {
	if c.T("language.direction") == "rtl" {
		return "rtl"
	}
	return "ltr"
}

// has reports whether there is a sentence of this name.
func (c *catalogue) has(key string) bool {
	_, ok := c.texts[key]
	return ok || c.english != nil && c.english.has(key)
}

// T returns a sentence. args are names and values in turn: {name} in it
// becomes the value, numbers as the language writes them. The value called n
// chooses the form of a sentence that counts. What no catalogue has is its key.
func (c *catalogue) T(key string, args ...any) string {
	t, ok := c.texts[key]
	if !ok {
		if c.english != nil {
			return c.english.T(key, args...)
		}
		return key
	}
	sentence := t.other
	if len(t.forms) > 0 {
		for i := 0; i+1 < len(args); i += 2 {
			if n, ok := args[i+1].(int); ok && args[i] == "n" {
				if form, ok := t.forms[plural.Cardinal.MatchPlural(c.tag, abs(n), 0, 0, 0, 0)]; ok {
					sentence = form
				}
			}
		}
	}
	if len(args) == 0 {
		return sentence
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, fmt.Sprintf("{%v}", args[i]), c.value(args[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(sentence) // what a value holds is not looked at again
}

func (c *catalogue) value(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case int:
		return c.N(v)
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprint(v)
}

// N writes a whole number.
func (c *catalogue) N(n int) string { return c.printer.Sprint(number.Decimal(n)) }

// Decimal writes a number with at most so many digits behind the point.
func (c *catalogue) Decimal(x float64, digits int) string {
	return c.printer.Sprint(number.Decimal(x, number.MaxFractionDigits(digits)))
}

// Fixed writes a number with exactly so many digits behind the point.
func (c *catalogue) Fixed(x float64, digits int) string {
	return c.printer.Sprint(number.Decimal(x, number.Scale(digits)))
}

// Percent writes a share, where 1 is the whole.
func (c *catalogue) Percent(x float64) string { return c.printer.Sprint(number.Percent(x)) }

// Bytes writes a size.
func (c *catalogue) Bytes(n int64) string {
	for _, unit := range []struct {
		key string
		of  float64
	}{{"size.gb", 1e9}, {"size.mb", 1e6}, {"size.kb", 1e3}} {
		if float64(n) >= unit.of {
			digits := 1
			if float64(n) >= 10*unit.of {
				digits = 0
			}
			return c.T(unit.key, "size", c.Decimal(float64(n)/unit.of, digits))
		}
	}
	return c.T("size.bytes", "n", int(n))
}

// own writes ASCII digits as the language does.
func (c *catalogue) own(s string) string {
	if !c.ownDigit {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r >= '0' && r <= '9' {
			b.WriteString(c.digits[r-'0'])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
