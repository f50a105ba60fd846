package campaign

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// cannot says why the mail programs that most read with do not show a style as
// it is meant, by the tables of caniemail.com; "" where they do, or where what
// they show instead is as good. Word, which lays out mail in Outlook for
// Windows, is the narrowest: it knows padding in cells only.
func cannot(tag, property, value string) string {
	cell := tag == "td" || tag == "th"
	zero := strings.Trim(value, "0px ") == ""
	switch property {
	case "color", "font-family", "font-size", "font-weight", "text-align", "text-decoration", "vertical-align", "border-collapse", "width", "height":
		return ""
	case "line-height":
		if strings.HasSuffix(value, "em") {
			return "Word reads em and px of it otherwise: give a number"
		}
		return ""
	case "word-break": // who does not know it lets a long word stand out
		return ""
	case "white-space":
		if tag != "pre" {
			return "only of <pre>, which keeps its lines without"
		}
		return ""
	case "background", "background-color":
		if !strings.HasPrefix(value, "#") {
			return "Word shows a colour only, and Gmail drops a style with a picture"
		}
		return ""
	case "margin", "margin-left", "margin-right", "margin-top", "margin-bottom":
		if zero {
			return ""
		}
		if tag == "span" || tag == "body" || strings.Contains(value, "-") || strings.Contains(value, "auto") {
			return "no margin of span and body, no negative one, no auto in Word"
		}
		return ""
	case "border", "border-top", "border-bottom", "border-left", "border-right":
		width, _ := strconv.Atoi(strings.TrimRight(strings.Fields(value)[0], "px"))
		if width > 8 || width > 0 && !cell && tag != "hr" {
			return "Word draws borders of cells, of at most 8px"
		}
		return ""
	}
	if strings.HasPrefix(property, "padding") {
		if !zero && !cell {
			return "Word knows padding in cells only"
		}
		return ""
	}
	return "not looked up yet"
}

// inWord are styles that Word does not know, where something else does the same
// for it: an attribute, or a condition only it reads.
func inWord(n *html.Node, style map[string]string, property, document string) bool {
	_, hidden := style["mso-hide"]
	switch property {
	case "mso-hide", "display", "max-height", "overflow":
		return hidden || property == "display" && n.Data == "img"
	case "max-width":
		if n.Data == "img" {
			return true // the width attribute; without one it is as wide as the picture is
		}
		return strings.Contains(document, `<!--[if mso]><table role="presentation" width="600"`)
	}
	return false
}

// TestMailPrograms reads a letter with everything in it: each element and each
// style is one that Outlook's Word engine and Gmail show as it is meant.
func TestMailPrograms(t *testing.T) {
	const body = "# One\n\n## Two\n\nA **bold** _word_, `code`, ~~gone~~, [a link](https://example.com/x).\n\n> quoted\n>\n> twice\n\n- a\n- b\n  1. c\n\n3. d\n\n" +
		"|a|b|\n|-|-|\n|1|2|\n\n```\ncode\n```\n\n---\n\n![Poster](https://example.com/p.png)\n\nHard  \nbreak\n"
	elements := strings.Fields("html head meta title style body div table tbody tr td th p h1 h2 h3 h4 h5 h6 a img ul ol li blockquote hr br strong em code pre s span")
	for _, lang := range []string{"", "ar", "bn"} {
		l := letter(t, lang, "Subject", body)
		var err error
		if l.Preheader, err = ParseTemplate("preheader", "What is inside", lang); err != nil {
			t.Fatal(err)
		}
		got, err := l.Render(someFields())
		if err != nil {
			t.Fatal(err)
		}
		doc, err := html.Parse(strings.NewReader(got.HTML))
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if !slices.Contains(elements, n.Data) {
				t.Errorf("%q: <%s> is not looked up yet", lang, n.Data)
			}
			style := styleOf(n)
			for property, value := range style {
				seen++
				if why := cannot(n.Data, property, value); why != "" && !inWord(n, style, property, got.HTML) {
					t.Errorf("%q: <%s style=\"%s:%s\">: %s", lang, n.Data, property, value, why)
				}
			}
			if n.Data == "style" {
				checkSheet(t, n.FirstChild.Data)
			}
		}
		if seen < 60 {
			t.Errorf("%q: only %d styles were read", lang, seen)
		}
	}
}

func styleOf(n *html.Node) map[string]string {
	out := map[string]string{}
	for _, a := range n.Attr {
		if a.Key != "style" {
			continue
		}
		for one := range strings.SplitSeq(a.Val, ";") {
			if property, value, ok := strings.Cut(one, ":"); ok {
				out[strings.TrimSpace(property)] = strings.TrimSpace(value)
			}
		}
	}
	return out
}

// checkSheet wants of a style sheet only what makes the letter better where it
// is read: Gmail drops it in dark mode, and one of more than 8 KB whole.
func checkSheet(t *testing.T, sheet string) {
	t.Helper()
	if len(sheet) > 8<<10 {
		t.Errorf("the style sheet has %d bytes", len(sheet))
	}
	if outside := regexp.MustCompile(`(?s)@media \(prefers-color-scheme: dark\) \{.*\n\}`).ReplaceAllString(sheet, ""); strings.TrimSpace(outside) != "" {
		t.Errorf("the style sheet says more than the dark mode: %s", outside)
	}
}
