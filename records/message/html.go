package message

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// htmlWriter turns HTML into text one token at a time, so that no depth of
// nesting costs more than a counter.
type htmlWriter struct {
	b       strings.Builder
	limit   int64
	breaks  int  // line feeds due before the next text
	space   bool // a blank is due
	gap     bool // a new cell begins
	begun   bool // the current line has text
	pre     int
	quote   int
	lists   []int // per open list: the next number, -1 for bullets
	href    string
	linkAt  int
	skip    string // element whose content is not shown
	skipped int    // how many of that name are open
	hide    bool   // hidden elements are left out
	didHide bool
	quotes  []bool // per open quotation: whether it is one
	flat    bool   // the open paragraph has no space around it

	hiddenClasses []string
}

// htmlText returns the readable text of an HTML document: paragraphs, lists
// and cells apart, links with their targets, quotes marked with >.
func htmlText(s string, limit int64) string {
	w := &htmlWriter{limit: limit, hide: true}
	w.run(s)
	if w.didHide && strings.TrimSpace(w.b.String()) == "" {
		w = &htmlWriter{limit: limit} // better a hidden text than none
		w.run(s)
	}
	text := cleanText(strings.Trim(w.b.String(), "\n"))
	if strings.TrimSpace(text) == "" {
		return clipText(stripTags(s), limit)
	}
	return text
}

func (w *htmlWriter) run(s string) {
	z := html.NewTokenizer(strings.NewReader(s))
	for int64(w.b.Len()) < w.limit {
		switch z.Next() {
		case html.ErrorToken:
			w.endLink()
			return
		case html.TextToken:
			switch w.skip {
			case "":
				w.text(z.Text())
			case "style":
				w.readSheet(z.Text())
			}
		case html.StartTagToken:
			w.start(z, false)
		case html.SelfClosingTagToken:
			w.start(z, true)
		case html.EndTagToken:
			name, _ := z.TagName()
			w.end(name)
		}
	}
}

// void are elements without an end tag.
var void = map[string]bool{"area": true, "base": true, "br": true, "col": true, "embed": true, "hr": true, "img": true, "input": true, "link": true, "meta": true, "source": true, "track": true, "wbr": true}

func (w *htmlWriter) start(z *html.Tokenizer, selfClosing bool) {
	raw := z.Raw()
	name, hasAttr := z.TagName()
	if w.skip != "" {
		if string(name) == w.skip && !selfClosing {
			w.skipped++
		}
		return
	}
	switch string(name) {
	case "script", "style", "title", "template", "object", "svg":
		if !selfClosing {
			w.skip, w.skipped = string(name), 1
		}
		return
	}
	var a attributes
	tag := string(name)
	if hasAttr && (tag == "a" || tag == "img" || tag == "p" || tag == "blockquote" || mayHide(raw) || len(w.hiddenClasses) > 0) {
		a = w.attributesOf(z, tag)
	}
	if a.hidden && w.hide && !void[string(name)] && !selfClosing && string(name) != "body" && string(name) != "html" {
		w.skip, w.skipped, w.didHide = string(name), 1, true
		return
	}
	switch tag {
	case "br":
		w.breaks++
	case "p":
		w.flat = a.flat
		w.paragraph()
	case "h1", "h2", "h3", "h4", "h5", "h6", "dl":
		w.block(2)
	case "div", "section", "article", "header", "footer", "tr", "table", "dt", "dd", "center", "address", "form", "fieldset", "caption", "figure", "option", "tbody":
		w.block(1)
	case "ul", "ol":
		w.list(string(name) == "ol")
	case "li":
		w.item()
	case "td", "th":
		if w.begun && w.breaks == 0 {
			w.gap = true
		}
	case "hr":
		w.block(1)
		w.text([]byte("----------"))
		w.block(1)
	case "pre":
		w.block(1)
		w.pre++
	case "blockquote":
		w.block(1)
		w.openQuote(!a.indent)
	case "a":
		w.endLink()
		w.href, w.linkAt = a.href, w.b.Len()
	case "img":
		if a.alt != "" && len(a.alt) <= 200 {
			w.text([]byte("[" + a.alt + "]"))
		}
	}
}

func (w *htmlWriter) end(name []byte) {
	if w.skip != "" {
		if string(name) == w.skip {
			if w.skipped--; w.skipped <= 0 {
				w.skip = ""
			}
		}
		return
	}
	switch string(name) {
	case "p":
		w.paragraph()
		w.flat = false
	case "h1", "h2", "h3", "h4", "h5", "h6", "dl":
		w.block(2)
	case "div", "section", "article", "header", "footer", "tr", "table", "dt", "dd", "li", "center", "address", "form", "caption":
		w.block(1)
	case "ul", "ol":
		if n := len(w.lists); n > 0 {
			w.lists = w.lists[:n-1]
		}
		w.block(1)
	case "pre":
		w.pre = max(w.pre-1, 0)
		w.block(1)
	case "blockquote":
		w.block(1)
		w.closeQuote()
	case "a":
		w.endLink()
	}
}

// paragraph asks for the space around a paragraph.
func (w *htmlWriter) paragraph() {
	if w.flat {
		w.block(1)
	} else {
		w.block(2)
	}
}

// maxQuotes bounds the quotations in each other that are told apart.
const maxQuotes = 64

// openQuote begins a quotation; where it only indents, without marks.
func (w *htmlWriter) openQuote(marked bool) {
	if marked {
		w.quote++
	}
	if len(w.quotes) < maxQuotes {
		w.quotes = append(w.quotes, marked)
	}
}

func (w *htmlWriter) closeQuote() {
	marked := true
	if n := len(w.quotes); n > 0 {
		marked, w.quotes = w.quotes[n-1], w.quotes[:n-1]
	}
	if marked {
		w.quote = max(w.quote-1, 0)
	}
}

// block asks for at least n line feeds before the next text.
func (w *htmlWriter) block(n int) {
	w.space = false
	if w.begun || w.breaks > 0 {
		w.breaks = max(w.breaks, n)
	}
}

func (w *htmlWriter) list(numbered bool) {
	w.block(1)
	if len(w.lists) < 64 {
		next := -1
		if numbered {
			next = 1
		}
		w.lists = append(w.lists, next)
	}
}

func (w *htmlWriter) item() {
	w.block(1)
	mark, n := "- ", len(w.lists)
	if n > 0 && w.lists[n-1] > 0 {
		mark = strconv.Itoa(w.lists[n-1]) + ". "
		w.lists[n-1]++
	}
	w.lineStart()
	w.b.WriteString(strings.Repeat("  ", min(max(n-1, 0), 8)) + mark)
	w.begun, w.space = true, false
}

// endLink writes the target of a link, unless the text already says it.
func (w *htmlWriter) endLink() {
	href := w.href
	w.href = ""
	if href == "" || len(href) > 2000 || strings.HasPrefix(href, "#") {
		return
	}
	shown := strings.TrimSpace(w.b.String()[min(w.linkAt, w.b.Len()):])
	target := strings.TrimPrefix(href, "mailto:")
	if shown == "" || strings.EqualFold(shown, target) || strings.HasPrefix(strings.ToLower(href), "javascript:") {
		return
	}
	bare := func(s string) string {
		s = strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(s), "http://"), "https://")
		return strings.TrimSuffix(s, "/")
	}
	if bare(shown) != bare(target) {
		w.b.WriteString(" <" + target + ">")
	}
}

// lineStart writes the line feeds that are due and the mark of a quote.
func (w *htmlWriter) lineStart() {
	if w.b.Len() > 0 {
		for range min(w.breaks, 2) {
			w.b.WriteByte('\n')
			w.begun = false
		}
	}
	if w.quote > 0 && !w.begun {
		w.b.WriteString(strings.Repeat(">", min(w.quote, 10)) + " ")
	}
	w.breaks = 0
}

// text writes text, white space folded unless it is preformatted.
func (w *htmlWriter) text(s []byte) {
	if w.pre > 0 {
		w.preformatted(s)
		return
	}
	for i := 0; i < len(s); {
		switch s[i] {
		case ' ', '\t', '\r', '\n', '\f':
			w.space = true
			i++
			continue
		}
		from := i
		for i < len(s) && s[i] != ' ' && s[i] != '\t' && s[i] != '\r' && s[i] != '\n' && s[i] != '\f' {
			i++
		}
		word := s[from:i]
		if word[0] >= utf8.RuneSelf && len(bytes.Trim(word, "\u00ad\u034f\u200b\u200c\u200d\u2007\ufeff")) == 0 {
			continue // the filler behind preview texts
		}
		w.lineStart()
		switch {
		case !w.begun:
		case w.gap:
			w.b.WriteString("  ")
		case w.space:
			w.b.WriteByte(' ')
		}
		w.b.Write(word)
		w.begun, w.space, w.gap = true, false, false
	}
}

// preformatted writes text with its line feeds and blanks.
func (w *htmlWriter) preformatted(s []byte) {
	first := true
	for line := range bytes.SplitSeq(bytes.ReplaceAll(s, []byte("\r\n"), []byte("\n")), []byte("\n")) {
		if !first {
			w.breaks++
		}
		first = false
		if len(line) > 0 {
			w.lineStart()
			w.b.Write(line)
			w.begun = true
		}
	}
}

// stripTags removes what looks like tags, however broken, and decodes
// entities.
func stripTags(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		s = s[i:]
		n := strings.IndexByte(s[:min(len(s), 1024)], '>')
		if n < 0 {
			s = s[1:]
			continue
		}
		b.WriteByte(' ')
		s = s[n+1:]
	}
	return cleanText(html.UnescapeString(b.String()))
}
