package campaign

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func letter(t *testing.T, lang, subject, body string) Letter {
	t.Helper()
	l := Letter{Language: lang}
	var err error
	if l.Subject, err = ParseTemplate("subject", subject, lang); err != nil {
		t.Fatal(err)
	}
	if l.Body, err = ParseTemplate("body.md", body, lang); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestRender reads the document with a parser: one title, the body and the
// footer with the way out, in each language and its direction.
func TestRender(t *testing.T) {
	for lang, want := range map[string][2]string{
		"": {"ltr", "Unsubscribe"}, "de-AT": {"ltr", "Abmelden"}, "bn": {"ltr", "সদস্যতা বাতিল করুন"}, "ar": {"rtl", "إلغاء الاشتراك"}, "xx": {"ltr", "Unsubscribe"},
	} {
		f := someFields()
		f.Team.Name = `Ex "&" <Ltd> @ways`
		got, err := letter(t, lang, "News for {{.Contact.Name}}", "Dear {{.Contact.FirstName}},\n\n[on](https://example.com/x)").Render(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Lint(); err != nil {
			t.Errorf("%s: %v", lang, err)
		}
		doc, err := html.Parse(strings.NewReader(got.HTML))
		if err != nil {
			t.Fatal(err)
		}
		var links []string
		dir := ""
		for n := range doc.Descendants() {
			for _, a := range n.Attr {
				switch {
				case n.Data == "a" && a.Key == "href":
					links = append(links, a.Val)
				case n.Data == "html" && a.Key == "dir":
					dir = a.Val
				}
			}
			if n.Data == "script" || n.Data == "ltd" {
				t.Errorf("%s: the document has a %s", lang, n.Data)
			}
		}
		if dir != want[0] || !strings.Contains(got.HTML, want[1]) || !strings.Contains(got.Text, want[1]+": https://example.com/u/abc") {
			t.Errorf("%s: direction %s, want %v\n%s", lang, dir, want, got.Text)
		}
		if strings.Join(links, " ") != "https://example.com/x https://example.com/u/abc https://example.com/p/abc" {
			t.Errorf("%s: links %v", lang, links)
		}
		if got.Subject != "News for Ada Byron" || !strings.Contains(got.Text, `Ex "&" <Ltd> @ways, 1 High Street`) {
			t.Errorf("%s: %q\n%s", lang, got.Subject, got.Text)
		}
	}
}

func TestLint(t *testing.T) {
	fine := Rendered{Subject: "News", HTML: "x", Text: "x"}
	for _, tt := range []struct {
		name   string
		change func(*Rendered)
		want   string
	}{
		{"nothing", func(*Rendered) {}, ""},
		{"no subject", func(r *Rendered) { r.Subject = "" }, "the subject is empty"},
		{"long subject", func(r *Rendered) { r.Subject = strings.Repeat("ä", 151) }, "151 characters"},
		{"placeholder", func(r *Rendered) { r.Text = "Dear {{ .Name }}" }, "still has {{"},
		{"large", func(r *Rendered) { r.HTML = strings.Repeat("x", MaxHTML+1) }, "Gmail cuts off"},
		{"http", func(r *Rendered) { r.Links = []Link{{Target: "http://example.com", Label: "x"}} }, "not https"},
		{"image", func(r *Rendered) { r.Links = []Link{{Target: "https://example.com/p.png", Image: true}} }, "no text that stands for it"},
		{"empty link", func(r *Rendered) { r.Links = []Link{{Target: "https://example.com"}} }, "no words"},
		{"disguise", func(r *Rendered) { r.Links = []Link{{Target: "https://evil.example/x", Label: "www.bank.example"}} }, "fraud"},
		{"own name", func(r *Rendered) { r.Links = []Link{{Target: "https://www.bank.example/x", Label: "bank.example"}} }, ""},
		{"a sentence", func(r *Rendered) { r.Links = []Link{{Target: "https://a.example/x", Label: "See b.example now"}} }, ""},
	} {
		r := fine
		tt.change(&r)
		err := r.Lint()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v; want %q", tt.name, err, tt.want)
		}
	}
}
