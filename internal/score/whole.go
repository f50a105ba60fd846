package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rapport/records/message"
)

// whole compares whole mails with the parse that stalwart-mail-parser wrote
// beside each: once with LF, once with CRLF at the ends of lines.
func whole(r *Report) error {
	f := r.Figure("stalwart.parse", 98)
	var failed error
	err := r.eachMail("mime/stalwart-mail-parser/eml", func(m mail) {
		base, ok := strings.CutSuffix(m.name, ".eml")
		if !ok {
			return
		}
		lf := bytes.ReplaceAll(m.raw, []byte("\r\n"), []byte("\n"))
		crlf := bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n"))
		for _, form := range []struct {
			truth string
			raw   []byte
		}{{base + ".json", lf}, {base + ".crlf.json", crlf}} {
			text, err := os.ReadFile(filepath.Join(r.Corpora, form.truth))
			if os.IsNotExist(err) {
				continue
			}
			var want wholeMail
			if err == nil {
				err = json.Unmarshal(text, &want)
			}
			if err != nil {
				failed = fmt.Errorf("read %s: %w", form.truth, err)
				return
			}
			p, _ := message.Parse(bytes.NewReader(form.raw), message.Limits{})
			c := comparison{f: f, item: strings.TrimPrefix(m.name, "mime/stalwart-mail-parser/eml/"), text: folded(p.Text + " " + p.HTML), parsed: p}
			c.mail(want)
		}
	})
	if err != nil {
		return err
	}
	return failed
}

// wholeMail is a mail as stalwart-mail-parser writes it.
type wholeMail struct {
	HTMLBody    []int `json:"html_body"`
	TextBody    []int `json:"text_body"`
	Attachments []int
	Parts       []wholePart
}

type wholePart struct {
	Headers []struct {
		Name  json.RawMessage
		Value json.RawMessage
	}
	Body json.RawMessage
}

// body returns the one member of a part's body and its kind.
func (p wholePart) body() (kind string, value json.RawMessage) {
	var m map[string]json.RawMessage
	json.Unmarshal(p.Body, &m)
	for k, v := range m {
		return k, v
	}
	return "", nil
}

// header returns the last field of that name whose value has the given kind.
func (p wholePart) header(name, kind string, into any) bool {
	found := false
	for _, h := range p.Headers {
		var n string
		var v map[string]json.RawMessage
		if json.Unmarshal(h.Name, &n) == nil && n == name && json.Unmarshal(h.Value, &v) == nil && v[kind] != nil {
			found = json.Unmarshal(v[kind], into) == nil
		}
	}
	return found
}

// comparison compares one mail with its truth. Messages inside are met in the
// order in which we list them.
type comparison struct {
	f      *Figure
	item   string
	text   string // all readable text, white space and marks folded
	parsed message.Parsed
	inner  int
	used   map[int]bool // attachments found already
}

// mail compares a mail, and those inside it.
func (c *comparison) mail(want wholeMail) {
	c.used = map[int]bool{}
	c.message(want, c.parsed.Head)
}

func (c *comparison) message(want wholeMail, head message.Head) {
	if len(want.Parts) == 0 {
		return
	}
	c.head(want.Parts[0], head)
	for i := range want.Parts {
		if slices.Contains(want.TextBody, i) || slices.Contains(want.HTMLBody, i) {
			c.body(want.Parts[i], c.inner > 0)
		}
	}
	for _, i := range want.Attachments {
		c.attachment(want.Parts[i])
	}
	for _, p := range want.Parts {
		kind, value := p.body()
		if kind != "Message" {
			continue
		}
		var m wholeMail
		if json.Unmarshal(value, &m) != nil {
			continue
		}
		in := message.Head{}
		if c.inner < len(c.parsed.Inner) {
			in = c.parsed.Inner[c.inner].Head
		}
		c.inner++
		c.message(m, in)
	}
}

// head compares addresses, date and subject.
func (c *comparison) head(want wholePart, got message.Head) {
	var date moment
	if want.header("date", "DateTime", &date) {
		c.f.Count(date.agrees(got.Date), c.item+" date", "got %v, want %+v", got.Date, date)
	}
	for name, list := range map[string][]message.Party{"from": got.From, "to": got.To} {
		var a tableAddresses
		if want.header(name, "Address", &a) {
			g, w := strings.Join(partyNames(list), "|"), strings.Join(a.all(), "|")
			c.f.Count(same(g, w), c.item+" "+name, "got %s\nwant %s", g, w)
		}
	}
	var subject string
	if want.header("subject", "Text", &subject) {
		c.f.Count(same(got.Subject, subject), c.item+" subject", "got %q, want %q", got.Subject, subject)
	}
}

// body looks for a text among ours. Of a message inside we keep no HTML.
func (c *comparison) body(want wholePart, inside bool) {
	kind, value := want.body()
	var text string
	if kind != "Text" && (kind != "Html" || inside) || json.Unmarshal(value, &text) != nil {
		return
	}
	w := folded(text)
	c.f.Count(holds(c.text, w), c.item+" "+strings.ToLower(kind), "want %.400q\n in %.800q", w, c.text)
}

// attachment looks for an attachment among ours, by name and size. Of texts,
// whose size depends on their charset and line ends, the name alone counts.
func (c *comparison) attachment(want wholePart) {
	kind, value := want.body()
	size := int64(-1)
	if kind == "Binary" || kind == "InlineBinary" {
		var b []json.Number
		json.Unmarshal(value, &b)
		size = int64(len(b))
	}
	var disposition, media struct {
		Attributes json.RawMessage
	}
	want.header("content_disposition", "ContentType", &disposition)
	want.header("content_type", "ContentType", &media)
	name := attributes(disposition.Attributes)["filename"]
	if name == "" {
		name = attributes(media.Attributes)["name"]
	}
	name = name[strings.LastIndexByte(name, '/')+1:] // we show no folders
	for i, a := range c.parsed.Attachments {
		if !c.used[i] && (name != "" || size >= 0) && (name == "" || same(a.Name, name)) && (size < 0 || a.Size == size) {
			c.used[i] = true
			c.f.Hit()
			return
		}
	}
	if name == "" && kind != "Binary" && kind != "InlineBinary" {
		var text string
		json.Unmarshal(value, &text)
		for i, a := range c.parsed.Attachments {
			if !c.used[i] && a.Name == "" && a.Size == int64(len(text)) {
				c.used[i] = true
				c.f.Hit()
				return
			}
		}
		c.f.Count(kind == "Message" || holds(c.text, folded(text)), c.item+" attachment", "a %s without a name is not read: %.200q", kind, text)
		return
	}
	c.f.Miss(c.item+" attachment", "want %s %q of %d bytes, have %+v", kind, name, size, c.parsed.Attachments)
}

// same reports whether a short text is the truth's, blanks aside.
func same(got, want string) bool {
	got, want = folded(got), folded(want)
	return got == want || strings.ContainsRune(want, unread) && holds(got, want)
}

// unread stands in the truth where a byte could not be read, often because no
// charset is named; a guess of ours is as good or better.
const unread = '\uFFFD'

// holds reports whether text holds what is wanted, with anything short in the
// place of what the truth could not read.
func holds(text, want string) bool {
	for _, piece := range strings.FieldsFunc(want, func(c rune) bool { return c == unread }) {
		i := strings.Index(text, piece)
		if i < 0 {
			return false
		}
		text = text[i+len(piece):]
	}
	return true
}

// folded removes white space and what file names may not hold.
func folded(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c <= ' ', c == 0x7f, c == 0xa0, c == 0xfeff, c == 0x2028, c == 0x2029, c >= 0x80 && c < 0xa0:
			return -1
		}
		return c
	}, s)
}
