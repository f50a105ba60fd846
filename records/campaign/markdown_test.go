package campaign

import (
	"strings"
	"testing"
)

// write is what Markdown becomes.
func write(source string) (Rendered, error) {
	s := &setting{direction: "ltr"}
	b := fromMarkdown(source, s)
	return Rendered{HTML: b.html, Text: b.text, Links: s.links}, s.fault()
}

func TestWrite(t *testing.T) {
	for _, tt := range []struct{ name, source, html, text string }{
		{"paragraphs", "One\ntwo.\n\nThree **bold** _it_ `code`.", "<strong>bold</strong> <em>it</em>", "One\ntwo.\n\nThree bold it code.\n"},
		{"link", "[Read on](https://example.com/a?b=1&c=2)", `href="https://example.com/a?b=1&amp;c=2"`, "Read on (https://example.com/a?b=1&c=2)\n"},
		{"bare link", "<https://example.com/x>", `<a href="https://example.com/x"`, "https://example.com/x\n"},
		{"mail link", "[write](mailto:a@example.com)", `href="mailto:a@example.com"`, "write (a@example.com)\n"},
		{"heading", "# News\n\nx", "<h1 ", "News\n====\n\nx\n"},
		{"tight list", "- a\n- b\n\nx", "<ul ", "- a\n- b\n\nx\n"},
		{"nested list", "1. a\n   - b\n   - c\n2. d", "<ol ", "1. a\n   - b\n   - c\n\n2. d\n"},
		{"later list", "3. a\n4. b", `<ol start="3"`, "3. a\n4. b\n"},
		{"quote", "> a\n> b\n\nx", "<blockquote ", "> a\n> b\n\nx\n"},
		{"quote of two", "> a\n>\n> b\n\nx", "<blockquote ", "> a\n>\n> b\n\nx\n"},
		{"code", "```\na <b>\n```", "a &lt;b&gt;", "a <b>\n"},
		{"table", "|a|b|\n|-|-|\n|1|2|", "<th align", "a | b\n1 | 2\n"},
		{"image", "![Poster](https://example.com/p.png)", `alt="Poster"`, "[Poster]\n"},
		{"raw HTML", "<b>x</b> <script>y</script>\n\n<div onclick=\"z\">\n", "&lt;script&gt;", "<b>x</b> <script>y</script>\n\n<div onclick=\"z\">\n"},
		{"hard break", "a  \nb", "a<br>\nb", "a\nb\n"},
		{"rule", "a\n\n---\n\nb", "<hr ", "a\n\n----------------------------------------\n\nb\n"},
		{"Bengali", "আমাদের **খবর**", "<strong>খবর</strong>", "আমাদের খবর\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := write(tt.source)
			if err != nil || !strings.Contains(got.HTML, tt.html) || got.Text != tt.text {
				t.Errorf("%q: %v\n%s\n%q\nwant %s\n%q", tt.source, err, got.HTML, got.Text, tt.html, tt.text)
			}
		})
	}
}

func TestWriteRefusesTargets(t *testing.T) {
	for _, source := range []string{"[x](javascript:alert(1))", "[x](data:text/html,y)", "[x](/relative)", "[x]()", "![x](http://example.com/p.png)", "[x](JaVaScript:y)", "[x](https:///a)", "<javascript:alert(1)>"} {
		got, err := write(source)
		if err == nil || strings.Contains(strings.ToLower(got.HTML), `="javascript`) {
			t.Errorf("%q: %v\n%s", source, err, got.HTML)
		}
	}
	got, err := write("[here](" + Text("https://example.com/u/abc").String() + ") and [x](" + Text("javascript:x").String() + ")")
	if err == nil || !strings.Contains(got.HTML, `href="https://example.com/u/abc"`) || strings.Contains(got.HTML, "javascript") {
		t.Errorf("targets of fields: %v\n%s", err, got.HTML)
	}
	if len(got.Links) != 2 || got.Links[0] != (Link{Target: "https://example.com/u/abc", Label: "here"}) {
		t.Errorf("links: %+v", got.Links)
	}
}
