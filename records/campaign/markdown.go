package campaign

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// body is what the source of a mail becomes: the inside of its HTML part, and
// its text part.
type body struct{ html, text string }

// Link is a link or image of a mail.
type Link struct {
	Target string
	Label  string // what is shown; of an image what stands for it
	Image  bool
}

// The styles stand in each element: mail programs read no style sheet they can
// be sure of.
const (
	styleText  = "margin:0 0 16px;font-size:16px;line-height:1.5"
	styleItem  = "margin:0 0 4px;font-size:16px;line-height:1.5"
	styleLink  = "color:#0b57d0;text-decoration:underline"
	styleCode  = "font-family:Consolas,Menlo,monospace;font-size:14px"
	styleRule  = "border:0;border-top:1px solid #c4c7c5;margin:24px 0"
	styleCell  = "padding:4px 0;vertical-align:top;font-size:16px;line-height:1.5"
	styleImage = "display:block;border:0"
)

var markdown = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough))

// fromMarkdown turns Markdown, as a template gave it, into the two parts of a
// mail. HTML in the source is text. Links lead to https, http, mailto or tel;
// another target is an error that names it.
func fromMarkdown(source string, s *setting) body {
	w := &writer{source: []byte(source), setting: s}
	w.blocks(markdown.Parser().Parse(text.NewReader(w.source)))
	return body{w.html.String(), strings.TrimSpace(w.text.String()) + "\n"}
}

// writer goes through a document once and writes both parts.
type writer struct {
	*setting
	source []byte
	html   strings.Builder
	text   strings.Builder
	indent string  // before each line of the text part
	begin  string  // before the next line instead
	gap    *string // the indent of an empty line that is due before the next
}

func (w *writer) blocks(parent ast.Node) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		w.block(n)
	}
}

// lines writes a block of the text part under its indent.
func (w *writer) lines(s string, gap bool) {
	if w.gap != nil { // it belongs to the outer of the blocks it stands between
		indent := *w.gap
		if len(w.indent) < len(indent) {
			indent = w.indent
		}
		w.text.WriteString(strings.TrimRight(indent, " ") + "\n")
		w.gap = nil
	}
	for line := range strings.SplitSeq(strings.TrimRight(s, "\n"), "\n") {
		before := w.indent
		if w.begin != "" {
			before, w.begin = w.begin, ""
		}
		w.text.WriteString(strings.TrimRight(before+line, " ") + "\n")
	}
	if gap {
		w.space()
	}
}

// space has an empty line stand before what comes next.
func (w *writer) space() {
	indent := w.indent
	w.gap = &indent
}

func (w *writer) element(open, closing, style string, n ast.Node) string {
	h, t := w.inline(n)
	if style != "" {
		open += ` style="` + style + `"`
	}
	w.html.WriteString("<" + open + ">" + h + "</" + closing + ">\n")
	return t
}

func (w *writer) block(n ast.Node) {
	switch n := n.(type) {
	case *ast.Paragraph:
		w.lines(w.element("p", "p", styleText, n), true)
	case *ast.TextBlock: // of a tight list
		h, t := w.inline(n)
		w.html.WriteString(h + "\n")
		w.lines(t, false)
	case *ast.Heading:
		level := strconv.Itoa(min(n.Level, 6))
		size := []string{"26px", "22px", "19px", "17px", "16px", "16px"}[min(n.Level, 6)-1]
		t := w.element("h"+level, "h"+level, "margin:24px 0 12px;font-size:"+size+";line-height:1.3", n)
		under := "-"
		if n.Level == 1 {
			under = "="
		}
		w.lines(t+"\n"+strings.Repeat(under, min(utf8.RuneCountInString(t), 72)), true)
	case *ast.ThematicBreak:
		w.html.WriteString(`<hr style="` + styleRule + `">` + "\n")
		w.lines(strings.Repeat("-", 40), true)
	case *ast.Blockquote:
		w.html.WriteString(`<blockquote style="margin:0 0 16px"><table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr>` + "\n")
		w.within("td", ` style="padding-top:16px;padding-`+w.start()+":12px;border-"+w.start()+`:3px solid #c4c7c5"`, "> ", "> ", n)
		w.html.WriteString("</tr></table></blockquote>\n")
	case *ast.List:
		w.list(n)
	case *ast.CodeBlock, *ast.FencedCodeBlock, *ast.HTMLBlock:
		code := w.raw(n)
		w.html.WriteString(`<pre style="` + styleText + ";" + styleCode + `;white-space:pre-wrap">` + escape(code) + "</pre>\n")
		w.lines(plain(code), true)
	case *east.Table:
		w.table(n)
	default:
		w.blocks(n)
	}
}

// within writes a block that holds blocks; first stands before its first line
// in the text part and rest before the others.
func (w *writer) within(tag, attrs, first, rest string, n ast.Node) {
	was := w.indent
	w.begin = w.indent + first
	w.indent += rest
	w.html.WriteString("<" + tag + attrs + ">\n")
	w.blocks(n)
	w.html.WriteString("</" + tag + ">\n")
	w.indent, w.begin = was, ""
}

func (w *writer) list(n *ast.List) {
	tag, attrs := "ul", ""
	if n.IsOrdered() {
		tag = "ol"
		if n.Start != 1 {
			attrs = ` start="` + strconv.Itoa(n.Start) + `"`
		}
	}
	w.html.WriteString("<" + tag + attrs + ` style="margin:0 0 16px;margin-` + w.start() + `:24px;padding:0">` + "\n")
	style := styleText
	if n.IsTight {
		style = styleItem
	}
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		bullet := "- "
		if n.IsOrdered() {
			bullet = strconv.Itoa(number) + ". "
			number++
		}
		w.within("li", ` style="`+style+`"`, bullet, strings.Repeat(" ", len(bullet)), item)
	}
	w.html.WriteString("</" + tag + ">\n")
	if n.IsTight {
		w.space()
	}
}

func (w *writer) table(n *east.Table) {
	w.html.WriteString(`<table cellpadding="0" cellspacing="0" border="0" style="border-collapse:collapse;margin:0 0 16px">` + "\n")
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		tag := "td"
		if _, head := row.(*east.TableHeader); head {
			tag = "th"
		}
		w.html.WriteString("<tr>")
		var cells []string
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			cells = append(cells, w.element(tag+` align="`+w.start()+`"`, tag, styleCell+";text-align:"+w.start()+";padding-"+end[w.start()]+":12px", cell))
		}
		w.html.WriteString("</tr>\n")
		w.lines(strings.Join(cells, " | "), row.NextSibling() == nil)
	}
	w.html.WriteString("</table>\n")
}

// raw returns the lines of a block as they stand.
func (w *writer) raw(n ast.Node) string {
	var out strings.Builder
	for i := range n.Lines().Len() {
		segment := n.Lines().At(i)
		out.Write(segment.Value(w.source))
	}
	return out.String()
}

// escape writes marked text as HTML.
func escape(s string) string { return html.EscapeString(plain(s)) }

// inline returns what stands within a block, for both parts.
func (w *writer) inline(parent ast.Node) (h, t string) {
	var hs, ts strings.Builder
	both := func(s string) {
		hs.WriteString(escape(s))
		ts.WriteString(plain(s))
	}
	around := func(before, after string, n ast.Node, mark string) {
		ih, it := w.inline(n)
		hs.WriteString(before + ih + after)
		ts.WriteString(mark + it + mark)
	}
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			both(string(n.Segment.Value(w.source)))
			if n.HardLineBreak() {
				hs.WriteString("<br>\n")
				ts.WriteByte('\n')
			} else if n.SoftLineBreak() {
				both("\n")
			}
		case *ast.String:
			both(string(n.Value))
		case *ast.CodeSpan:
			around(`<code style="`+styleCode+`">`, "</code>", n, "")
		case *ast.Emphasis:
			tag := []string{"em", "strong"}[min(n.Level, 2)-1]
			around("<"+tag+">", "</"+tag+">", n, "")
		case *east.Strikethrough:
			around("<s>", "</s>", n, "")
		case *ast.Link:
			ih, it := w.inline(n)
			w.link(&hs, &ts, string(n.Destination), ih, it)
		case *ast.AutoLink:
			label := plain(string(n.Label(w.source)))
			target := plain(string(n.URL(w.source)))
			if n.AutoLinkType == ast.AutoLinkEmail && !strings.HasPrefix(target, "mailto:") {
				target = "mailto:" + target
			}
			w.link(&hs, &ts, target, html.EscapeString(label), label)
		case *ast.Image:
			_, alt := w.inline(n)
			w.image(&hs, &ts, string(n.Destination), alt, plain(string(n.Title)))
		case *ast.RawHTML:
			for i := range n.Segments.Len() {
				segment := n.Segments.At(i)
				both(string(segment.Value(w.source)))
			}
		default:
			ih, it := w.inline(n)
			hs.WriteString(ih)
			ts.WriteString(it)
		}
	}
	return hs.String(), ts.String()
}

func (w *writer) link(hs, ts *strings.Builder, target, label, words string) {
	target = w.setting.link(plain(target), words)
	hs.WriteString(`<a href="` + html.EscapeString(target) + `" style="` + styleLink + `">` + label + "</a>")
	ts.WriteString(words + leads(target, words))
}

// leads says in the text part where a link leads, unless its words do.
func leads(target, words string) string {
	bare := strings.TrimPrefix(target, "mailto:")
	if target == "" || words == target || words == bare {
		return ""
	}
	return " (" + bare + ")"
}

// image writes a picture; a title such as "width 200" says how wide it is shown.
func (w *writer) image(hs, ts *strings.Builder, target, alt, title string) {
	src, width := w.picture(plain(target), alt)
	if said, found := strings.CutPrefix(title, "width "); found {
		n, err := strconv.Atoi(said)
		if err != nil || n < 1 || n > columnWidth {
			w.faults = append(w.faults, fmt.Errorf("the picture %s has the title %q: a width is between 1 and %d", plain(target), title, columnWidth))
		}
		width = n
	}
	hs.WriteString(picture(src, alt, width))
	if alt != "" {
		ts.WriteString("[" + alt + "]")
	}
}

// end is the side across from the one on which lines begin.
var end = map[string]string{"left": "right", "right": "left"}
