package campaign

import (
	"fmt"
	"html"
	"slices"
	"strings"

	xhtml "golang.org/x/net/html"
)

// slot is a place in a layout, or in HTML written by hand, for what is made
// elsewhere.
type slot string

// String prints the place for a template. No value of a field looks like it.
func (s slot) String() string { return string(markOpen) + "slot " + string(s) + string(markClose) }

// slots are the fields of layouts and of HTML written by hand.
type slots struct {
	Fields
	Subject, Preheader Text
	Body, Footer       slot
}

// never are the elements that no mail program shows, or that filters take for an
// attack.
var never = []string{"script", "form", "input", "button", "select", "textarea", "iframe", "object", "embed", "video", "audio", "link", "base", "frame", "applet"}

// markup goes through HTML, as a template gave it, and writes the two parts of
// a mail. Values of fields become text or the value of an attribute, escaped;
// anywhere else they are a fault. Pictures and links are noted and checked.
type markup struct {
	*setting
	slots  map[string]string // what stands in their places
	html   strings.Builder
	text   strings.Builder
	hidden string // the element within which nothing is text
	raw    bool   // within a style sheet
	link   int    // which of the links is open, from 1
	words  int    // where its words begin in text
}

// fromHTML writes both parts from HTML that a template gave.
func fromHTML(source string, filled map[string]string, s *setting) body {
	m := &markup{setting: s, slots: filled}
	z := xhtml.NewTokenizer(strings.NewReader(source))
	for z.Next() != xhtml.ErrorToken {
		raw := string(z.Raw())
		switch tok := z.Token(); tok.Type {
		case xhtml.TextToken:
			m.chars(raw)
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			m.open(raw, tok)
		case xhtml.EndTagToken:
			m.close(raw, tok)
		default:
			m.bare(raw, "a comment")
		}
	}
	return body{m.html.String(), tidy(m.text.String())}
}

func (m *markup) wrong(format string, args ...any) {
	m.faults = append(m.faults, fmt.Errorf(format, args...))
}

// bare writes what no field may stand in.
func (m *markup) bare(raw, where string) {
	if strings.ContainsRune(raw, markOpen) {
		m.wrong("a field stands in %s, where it could become markup: put it into the text or a quoted attribute", where)
		raw = unmark(raw, func(string) string { return "" })
	}
	m.html.WriteString(raw)
}

// chars writes text, and what stands in a slot.
func (m *markup) chars(raw string) {
	if m.raw {
		m.bare(raw, "<style>")
		return
	}
	for raw != "" {
		before, rest, found := strings.Cut(raw, string(markOpen)+"slot ")
		m.html.WriteString(unmark(before, html.EscapeString))
		if m.hidden == "" {
			m.text.WriteString(together(html.UnescapeString(unmark(before, html.EscapeString))))
		}
		if !found {
			return
		}
		name, after, _ := strings.Cut(rest, string(markClose))
		m.html.WriteString(m.slots[name])
		raw = after
	}
}

// together makes one space of all that stand beside each other.
func together(s string) string {
	words := strings.Join(strings.Fields(s), " ")
	if words == "" {
		return " "
	}
	if s[0] <= ' ' {
		words = " " + words
	}
	if s[len(s)-1] <= ' ' {
		words += " "
	}
	return words
}

func (m *markup) open(raw string, tok xhtml.Token) {
	name := tok.Data
	switch {
	case strings.ContainsRune(name, markOpen):
		m.bare(raw, "the name of an element")
		return
	case slices.Contains(never, name):
		m.wrong("<%s> does not belong in a mail", name)
		return
	}
	if tok.Type == xhtml.StartTagToken {
		m.raw = m.raw || name == "style"
		if m.hidden == "" && slices.Contains([]string{"style", "title", "head"}, name) {
			m.hidden = name
		}
	}
	changed := false
	for i, a := range tok.Attr {
		value, ok := m.attribute(name, a, tok.Attr)
		changed = changed || value != a.Val || !ok
		tok.Attr[i].Val = value
		if !ok {
			tok.Attr[i].Key = "data-removed"
		}
	}
	if changed {
		raw = tok.String()
	}
	m.html.WriteString(raw)
	m.begin(name, tok)
}

// attribute returns the value an attribute is to have; false: it is no
// attribute of a mail.
func (m *markup) attribute(element string, a xhtml.Attribute, all []xhtml.Attribute) (string, bool) {
	value := plain(a.Val)
	switch {
	case strings.ContainsRune(a.Key, markOpen):
		m.bare(string(markOpen), "the name of an attribute")
		return "", false
	case strings.HasPrefix(a.Key, "on"):
		m.wrong("%s= runs a program, which no mail may", a.Key)
		return "", false
	case a.Key == "style" && strings.ContainsRune(a.Val, markOpen):
		m.bare(a.Val, "style=")
		return "", false
	case a.Key == "src" || a.Key == "background" || a.Key == "poster":
		alt := "background"
		if element == "img" {
			alt = ""
			for _, other := range all {
				if other.Key == "alt" {
					alt = plain(other.Val)
				}
			}
		}
		src, _ := m.picture(value, alt)
		return src, true
	case a.Key == "srcset", a.Key == "action", a.Key == "formaction", a.Key == "http-equiv" && strings.EqualFold(value, "refresh"):
		m.wrong("%s= does not belong in a mail", a.Key)
		return "", false
	case a.Key == "href" && element == "a" && !strings.HasPrefix(value, "#"):
		return m.setting.link(value, ""), true // its words follow
	case a.Key == "href" && element != "a":
		return m.target(value, "https"), true
	}
	return value, true
}

// begin writes what an element is in the text part.
func (m *markup) begin(name string, tok xhtml.Token) {
	switch name {
	case "br":
		m.text.WriteString("\n")
	case "hr":
		m.text.WriteString("\n\n" + strings.Repeat("-", 40) + "\n\n")
	case "li":
		m.text.WriteString("\n- ")
	case "td", "th":
		m.text.WriteString(" ")
	case "img":
		for _, a := range tok.Attr {
			if a.Key == "alt" && strings.TrimSpace(a.Val) != "" && m.hidden == "" {
				m.text.WriteString("[" + a.Val + "]")
			}
		}
	case "a":
		if n := len(m.links); n > 0 && slices.ContainsFunc(tok.Attr, func(a xhtml.Attribute) bool { return a.Key == "href" && !strings.HasPrefix(a.Val, "#") }) {
			m.link, m.words = n, m.text.Len()
		}
	default:
		m.paragraph(name)
	}
}

// paragraph begins a new one where an element is of those that do.
func (m *markup) paragraph(name string) {
	switch name {
	case "p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "table", "pre":
		m.text.WriteString("\n\n")
	case "div", "tr":
		m.text.WriteString("\n")
	}
}

func (m *markup) close(raw string, tok xhtml.Token) {
	if slices.Contains(never, tok.Data) {
		return
	}
	m.bare(raw, "the name of an element")
	if tok.Data == m.hidden {
		m.hidden = ""
	}
	m.raw = m.raw && tok.Data != "style"
	if tok.Data == "a" && m.link > 0 {
		l := &m.links[m.link-1]
		l.Label = strings.TrimSpace(m.text.String()[m.words:])
		m.text.WriteString(leads(l.Target, l.Label))
		m.link = 0
	}
	m.paragraph(tok.Data)
}

// tidy takes the empty lines out that the elements of HTML leave.
func tidy(s string) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.Join(strings.Fields(line), " ")
		if line != "" || len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, line)
		}
	}
	return strings.TrimSpace(strings.Join(out, "\n")) + "\n"
}
