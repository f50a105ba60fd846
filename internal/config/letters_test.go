package config

import (
	"bytes"
	"image"
	"image/gif"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rapport/records/campaign"
)

// pictureFiles are a PNG and a GIF.
func pictureFiles(t *testing.T) (pngFile, gifFile string) {
	t.Helper()
	var p, g bytes.Buffer
	if err := png.Encode(&p, image.NewGray(image.Rect(0, 0, 800, 200))); err != nil {
		t.Fatal(err)
	}
	if err := gif.Encode(&g, image.NewGray(image.Rect(0, 0, 30, 20)), nil); err != nil {
		t.Fatal(err)
	}
	return p.String(), g.String()
}

const folderFile = "subject: Hello\naudience: 'true'\nattachments: [prices.pdf, more/terms.pdf]\n"

// TestFolder reads a campaign with everything beside it: languages, HTML, a
// text part by hand, a layout, pictures of its own and shared ones, files.
func TestFolder(t *testing.T) {
	p, g := pictureFiles(t)
	files := map[string]string{
		"a/campaign.yaml": folderFile, "a/body.md": "![Poster](poster.png) ![Logo](pictures/logo.gif)\n",
		"a/body.de.html": "---\nsubject: Guten Tag\n---\n<p>Hallo {{.Contact.Name}}</p>\n", "a/body.de.txt": "Hallo {{.Contact.Name}}!\n", "a/body.pt-BR.md": "Olá\n",
		"a/poster.png": p, "a/unused.png": "this is not read", "a/prices.pdf": "%PDF", "a/more/terms.pdf": "%PDF",
		"pictures/logo.gif": g, "layout.html": "<html><body>{{.Body}}{{.Footer}}</body></html>", "b.md": strings.ReplaceAll(springFile, "it is spring", "![Logo](pictures/logo.gif)"),
	}
	c := campaigns(t, files)
	all, err := c.ReadCampaigns()
	if err != nil || len(all) != 2 || len(all[0].Faults)+len(all[1].Faults) > 0 {
		t.Fatalf("%d campaigns, %v: %v", len(all), err, all)
	}
	a := all[0]
	if got := strings.Join(slices.Sorted(maps.Keys(a.Letters)), " "); got != " de pt-br" {
		t.Errorf("languages: %q", got)
	}
	de := a.Letters["de"]
	if !de.Markup || de.Text == nil || de.Layout == nil || a.Letters[""].Markup || a.Letters[""].Text != nil {
		t.Errorf("letters: %+v", a.Letters)
	}
	if f := a.Letters[""].Pictures["poster.png"]; f.Width != 800 || f.Height != 200 || f.Type != "image/png" || string(f.Data) != p {
		t.Errorf("the picture: %+v", f.Name)
	}
	if f := a.Letters[""].Pictures["unused.png"]; f.Name == "" || f.Data != nil {
		t.Errorf("a picture nobody shows: %+v", f)
	}
	if f := all[1].Letters[""].Pictures["pictures/logo.gif"]; f.Type != "image/gif" {
		t.Errorf("a shared picture: %+v", f)
	}
	if len(a.Files) != 2 || a.Files[0].Name != "prices.pdf" || a.Files[1].Name != "terms.pdf" {
		t.Errorf("attached: %+v", a.Files)
	}
	links := campaign.Links{Unsubscribe: "https://example.com/u/x"}
	got, err := de.Render(campaign.Fields{Contact: campaign.Person{Name: "Ada"}, Team: campaign.Firm{Name: "Example", Address: "London"}, Links: links})
	if err != nil || got.Lint() != nil || !strings.HasPrefix(got.Text, "Hallo Ada!\n\n-- \n") || !strings.Contains(got.HTML, "<body><p>Hallo Ada</p>") || got.Subject != "Guten Tag" {
		t.Errorf("%v, %v\n%s\n%s", err, got.Lint(), got.Text, got.HTML)
	}
	for name := range files { // whatever is changed, the plan is another
		if err := os.WriteFile(filepath.Join(c.Campaigns, name), []byte(files[name]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		now, err := c.ReadCampaign("a")
		if matters := name != "b.md" && name != "a/unused.png"; err != nil || (now.Sources != a.Sources) != matters {
			t.Errorf("%s was changed: another digest %v, want %v (%v)", name, now.Sources != a.Sources, matters, err)
		}
		a = now
	}
}

// TestFolderFaults says what is wrong around the letters, and where.
func TestFolderFaults(t *testing.T) {
	p, _ := pictureFiles(t)
	for name, tt := range map[string]struct {
		files map[string]string
		want  string
	}{
		"two bodies":      {map[string]string{"a/body.html": "<p>x</p>"}, "a/body.md: there is body.html, too (keep one of the two)"},
		"text alone":      {map[string]string{"a/body.de.txt": "x"}, "body.de.txt: it is the text part of a letter that is not there (write body.de.md or .html beside it)"},
		"broken picture":  {map[string]string{"a/body.md": "![x](p.png)", "a/p.png": "x"}, "a/p.png: p.png is no picture that can be read"},
		"large picture":   {map[string]string{"a/body.md": "![x](p.png)", "a/p.png": p + strings.Repeat("x", campaign.MaxPictures)}, "p.png has more than 2 MB"},
		"no attachment":   {map[string]string{"a/campaign.yaml": folderFile}, "a/campaign.yaml:3:14: attachments: read prices.pdf: no such file"},
		"elsewhere":       {map[string]string{"a/campaign.yaml": strings.Replace(folderFile, "prices.pdf", "../secret.pdf", 1), "secret.pdf": "x"}, "path escapes from parent"},
		"a program":       {map[string]string{"a/campaign.yaml": strings.Replace(folderFile, "prices.pdf", "x.exe", 1), "a/x.exe": "x"}, "mail servers refuse x.exe"},
		"too much":        {map[string]string{"a/campaign.yaml": folderFile, "a/prices.pdf": strings.Repeat("x", campaign.MaxAttachments-1), "a/more/terms.pdf": "xx"}, "together they have more than 5 MB"},
		"layout's syntax": {map[string]string{"layout.html": "<p>\n{{.Body}} {{nope}}"}, "layout.html:2:1: layout.html: function \"nope\" not defined"},
		"a text's place":  {map[string]string{"a/body.txt": "x\n\n{{range 3}}x{{end}}\n"}, "a/body.txt:3:9: body.txt: range is not available"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"a/campaign.yaml": "subject: x\naudience: 'true'\n", "a/body.md": "text\n"}
			maps.Copy(files, tt.files)
			c := campaigns(t, files)
			got, err := c.ReadCampaign("a")
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.ReplaceAll(got.Faults.Error(), c.Campaigns+"/", ""); !strings.Contains(text, tt.want) {
				t.Errorf("got\n%s\nwant %s", text, tt.want)
			}
		})
	}
}
