package campaign

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// poster is a picture of that size.
func poster(t *testing.T, name string, width, height int) File {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	f, err := NewFile(name, b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func parsed(t *testing.T, name, source string) *Template {
	t.Helper()
	tpl, err := ParseTemplate(name, source, "")
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

const byHand = `<style>p { color: #333 }</style><h1>Spring</h1>
<p>Dear <b>{{.Contact.Name}}</b>, &amp; all.<br>See <a href="{{.Links.Preferences}}" title="{{.Contact.Name}}">this
page</a>.</p><ul><li>one</li><li>two</li></ul><img src="p.png" alt="A poster">`

// TestHTML has a letter be HTML: in our frame, in a layout, as a document.
func TestHTML(t *testing.T) {
	f := someFields()
	f.Contact.Name = `Ada "<script>" & O'Hara`
	p := poster(t, "p.png", 1200, 400)
	for name, l := range map[string]Letter{
		"in our frame":  {Body: parsed(t, "body.html", byHand)},
		"in a layout":   {Body: parsed(t, "body.html", byHand), Layout: parsed(t, "layout.html", `<!DOCTYPE html><html><head><title>{{.Subject}}</title></head><body><div style="display:none">{{.Preheader}}</div>{{.Body}}<hr>{{.Footer}}</body></html>`)},
		"as a document": {Body: parsed(t, "body.html", "<html><body>"+byHand+"{{.Footer}}</body></html>"), Layout: parsed(t, "layout.html", "<p>not this</p>")},
	} {
		l.Subject, l.Markup, l.Pictures = parsed(t, "subject", "News"), true, map[string]File{"p.png": p}
		got, err := l.Render(f)
		if err == nil {
			err = got.Lint()
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(got.Pictures) != 1 || !strings.Contains(got.HTML, `src="cid:`+p.ContentID+`"`) || strings.Contains(got.HTML, "<script") || strings.Contains(got.HTML, "not this") || strings.ContainsRune(got.HTML, markOpen) {
			t.Errorf("%s: %d pictures\n%s", name, len(got.Pictures), got.HTML)
		}
		want := "Spring\n\nDear Ada \"<script>\" & O'Hara, & all.\nSee this page (https://example.com/p/abc).\n\n- one\n- two\n\n[A poster]\n\n-- \n"
		if !strings.HasPrefix(got.Text, want) || !strings.Contains(got.Text, "Unsubscribe: https://example.com/u/abc") {
			t.Errorf("%s: text\n%s\nwant\n%s", name, got.Text, want)
		}
		doc, err := html.Parse(strings.NewReader(got.HTML))
		if err != nil {
			t.Fatal(err)
		}
		ways, titles := 0, 0
		for n := range doc.Descendants() {
			for _, a := range n.Attr {
				if a.Key == "href" && a.Val == "https://example.com/u/abc" {
					ways++
				}
				if a.Key == "title" && a.Val == `Ada "<script>" & O'Hara` {
					titles++
				}
			}
		}
		if ways != 1 || titles != 1 {
			t.Errorf("%s: %d ways out, %d titles", name, ways, titles)
		}
	}
}

// TestHTMLRefuses keeps fields from becoming markup, and out what no mail may
// have.
func TestHTMLRefuses(t *testing.T) {
	for source, want := range map[string]string{
		"<p {{.Contact.Name}}>x":                        "the name of an attribute",
		"<p{{.Contact.Name}}>x":                         "the name of an element",
		"<p style=\"color:{{.Contact.Name}}\">x":        "style=",
		"<style>p { {{.Contact.Name}} }</style>":        "<style>",
		"<!-- {{.Contact.Name}} -->":                    "a comment",
		"<script>alert(1)</script>":                     "<script> does not belong",
		"<p onclick=x()>x":                              "onclick= runs a program",
		"<form action=x><input></form>":                 "<form> does not belong",
		"<link rel=stylesheet href=https://a.example>":  "<link> does not belong",
		"<a href='javascript:alert(1)'>x</a>":           "does not begin with https",
		"<a href='{{.Contact.Custom.city}}'>x</a>":      "does not begin with https",
		"<img src='http://a.example/p.png' alt=x>":      "does not begin with https",
		"<img src='missing.png' alt=x>":                 "there is no picture missing.png",
		"<img src='https://a.example/p.png'>":           "no text that stands for it",
		"<video src='film.mp4'></video>":                "<video> does not belong",
		"<a href='https://a.example'></a>":              "has no words",
		"<a href='https://a.example'>www.b.example</a>": "take that for a fraud",
		"<html><body>no way out</body></html>":          "does not show the way out",
		"<meta http-equiv=refresh content=1>":           "http-equiv= does not belong",
	} {
		f := someFields()
		f.Contact.Name, f.Contact.Custom = "onload=x", map[string]Text{"city": "javascript:alert(1)"}
		got, err := Letter{Subject: parsed(t, "subject", "News"), Body: parsed(t, "body.html", source), Markup: true}.Render(f)
		if err == nil {
			err = got.Lint()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", source, err, want)
		}
		if strings.Contains(got.HTML, "onload") || strings.Contains(got.HTML, `"javascript`) {
			t.Errorf("%s became\n%s", source, got.HTML)
		}
	}
}

// TestPictures shows pictures beside the text, at addresses, with a width and
// as what stands for a film.
func TestPictures(t *testing.T) {
	pictures := map[string]File{"wide.png": poster(t, "wide.png", 1600, 400), "pictures/logo.png": poster(t, "logo.png", 120, 40), "unnamed.png": {Name: "unnamed.png"}}
	l := Letter{Subject: parsed(t, "subject", "News"), Pictures: pictures}
	for source, want := range map[string][2]string{
		"![Wide](wide.png)":                                     {`alt="Wide" width="600" style="display:block;border:0;width:100%;max-width:600px;height:auto"`, "[Wide]"},
		"![Logo](pictures/logo.png \"width 60\")":               {`width="60"`, "[Logo]"},
		"![Far](https://a.example/p.png)":                       {`src="https://a.example/p.png" alt="Far" style=`, "[Far]"},
		"[![A film: the harvest](wide.png)](https://a.example)": {`<a href="https://a.example" style="color:#0b57d0;text-decoration:underline"><img src="cid:`, "[A film: the harvest] (https://a.example)"},
	} {
		l.Body = parsed(t, "body.md", source)
		got, err := l.Render(someFields())
		if err == nil {
			err = got.Lint()
		}
		if err != nil || !strings.Contains(got.HTML, want[0]) || !strings.HasPrefix(got.Text, want[1]) {
			t.Errorf("%s: %v\n%s\n%s", source, err, got.HTML, got.Text)
		}
	}
	for source, want := range map[string]string{
		"![x](wdie.png)":               "there is no picture wdie.png beside the text: there is pictures/logo.png, unnamed.png, wide.png",
		"![x](../wide.png)":            "there is no picture ../wide.png",
		"![x](/etc/p.png)":             "there is no picture /etc/p.png",
		"![x](unnamed.png)":            "write it out",
		"![x](film.mp4)":               "play no film such as film.mp4",
		"![x](drawing.svg)":            "use PNG, JPEG or GIF",
		"![x](wide.png \"width 900\")": "between 1 and 600",
		"![](wide.png)":                "no text that stands for it",
	} {
		l.Body = parsed(t, "body.md", source)
		got, err := l.Render(someFields())
		if err == nil {
			err = got.Lint()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", source, err, want)
		}
	}
	for name, data := range map[string]string{"p.png": "no picture", "x.exe": "MZ", "e.pdf": "", "a\nb.pdf": "x", strings.Repeat("x", 101) + ".pdf": "x"} {
		if f, err := NewFile(name, []byte(data)); err == nil {
			t.Errorf("%q is taken: %+v", name, f)
		}
	}
}
