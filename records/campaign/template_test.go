package campaign

import (
	"strings"
	"testing"
)

func someFields() Fields {
	return Fields{
		Contact:      Person{Name: "Ada Byron", FirstName: "Ada", Email: "ada@example.org", Language: "en", Custom: map[string]Text{"size": "42"}},
		Organisation: Firm{Name: "Quillon & Söhne <GmbH>"},
		Team:         Firm{Name: "Example Ltd", Address: "1 High Street"},
		Links:        Links{Unsubscribe: "https://example.com/u/abc", Preferences: "https://example.com/p/abc"},
	}
}

func TestTemplate(t *testing.T) {
	for _, tt := range []struct{ source, want string }{
		{"Dear {{.Contact.FirstName}},", "Dear Ada,"},
		{`{{if eq .Contact.Language "en"}}hello{{else}}hallo{{end}} {{.Contact.Name}}`, "hello Ada Byron"},
		{`{{.Owner.Name | default "your team"}}`, "your team"},
		{`{{default "x" .Contact.FirstName}}`, "Ada"},
		{"{{.Contact.Custom.size}} {{plural 1 \"day\" \"days\"}}", "42 day"},
		{"{{with .Owner.Name}}{{.}}{{end}}-", "-"},
		{"{{if and .Contact.Name (not .Owner.Name)}}yes{{end}}", "yes"},
		{"\uE000deadbeef\uE001 stays text", "deadbeef stays text"},
	} {
		tpl, err := ParseTemplate("x.md", tt.source, "")
		if err != nil {
			t.Errorf("%s: %v", tt.source, err)
			continue
		}
		if got, err := tpl.Line(someFields()); err != nil || got != tt.want {
			t.Errorf("%s = %q, %v; want %q", tt.source, got, err, tt.want)
		}
	}
}

func TestTemplateFaults(t *testing.T) {
	for _, tt := range []struct{ source, want string }{
		{"a\n{{.Contact.FirstName", "x.md:2"},
		{"{{nothing}}", `function "nothing"`},
		{"{{range 1000000000}}{{end}}", "x.md:1:8: range is not available"},
		{"a\n{{template \"x\"}}", "x.md:2:11: template is not available"},
		{`{{define "a"}}{{end}}x`, "define and block"},
		{`{{printf "%1000000d" 1}}`, "x.md:1:2: the function printf is not available"},
		{`{{$x := print "a"}}`, "the function print is not available"},
		{`{{if (call .Contact.Name)}}{{end}}`, "the function call is not available"},
		{`{{with html "a"}}{{js .}}{{end}}`, "the function html is not available"},
		{strings.Repeat("{{if true}}", 30) + strings.Repeat("{{end}}", 30), "blocks within each other"},
		{strings.Repeat("x", MaxSource+1), "more than"},
	} {
		if _, err := ParseTemplate("x.md", tt.source, ""); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseTemplate(%.60q) = %v; want %q", tt.source, err, tt.want)
		}
	}
	for _, tt := range []struct{ source, want string }{
		{"a\nDear {{.Owner.FirstName}},", "x.md:2:7: .Owner.FirstName is empty"},
		{"{{.Contact.Nickname}}", "Nickname"},
		{"{{.Contact.Custom.colour}}", "colour"},
	} {
		tpl, err := ParseTemplate("x.md", tt.source, "")
		if err != nil {
			t.Errorf("%s: %v", tt.source, err)
			continue
		}
		if got, err := tpl.Execute(someFields()); err == nil && strings.Contains(got, string(markOpen)) || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s = %q, %v; want %q", tt.source, got, err, tt.want)
		}
	}
}

// TestFieldsStayText fills in what would be markup, a header or a turn of
// direction if it were not for the marks.
func TestFieldsStayText(t *testing.T) {
	for _, v := range []string{
		"<script>alert(1)</script>", "**bold** _x_ [a](https://evil.example)", "x\r\nBcc: evil@example.org", "a\x00b", "\u202Egnp.exe",
		"\uE0003c\uE001", "{{.Contact.Email}}", "# head\n> quote", "&lt;b&gt;", "\u2028x", "a\xff\xfe",
	} {
		f := someFields()
		f.Contact.Name = Text(v)
		subject, err := ParseTemplate("s", "Hello {{.Contact.Name}}!", "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := subject.Line(f)
		if err != nil || strings.ContainsAny(got, "\r\n\x00\u202E\u2028\uE000\uE001") || !strings.HasPrefix(got, "Hello ") || !strings.HasSuffix(got, "!") {
			t.Errorf("subject with %q: %q, %v", v, got, err)
		}
		body, err := ParseTemplate("b", "Dear {{.Contact.Name}},\n\n[go on]({{.Links.Preferences}})\n", "")
		if err != nil {
			t.Fatal(err)
		}
		source, err := body.Execute(f)
		if err != nil {
			t.Fatal(err)
		}
		page, err := write(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range []string{"<script", "<strong", "<em", "<h1", "<blockquote", "evil.example\"", "\uE000"} {
			if strings.Contains(page.HTML, tag) {
				t.Errorf("%q became %s: %s", v, tag, page.HTML)
			}
		}
		if strings.Count(page.HTML, "<a ") != 1 {
			t.Errorf("%q became a link: %s", v, page.HTML)
		}
		if want := strings.TrimSpace(clean(v)); !strings.Contains(page.Text, want) {
			t.Errorf("%q is not in the text: %q", v, page.Text)
		}
	}
}
