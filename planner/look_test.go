package planner

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rapport/internal/browser"
	"rapport/records/campaign"
)

var screenshots = flag.String("screenshots", "", "keep a picture of every letter looked at in this directory")

// letters are one letter in four languages, with everything Markdown makes.
var letters = map[string]string{
	"en": "Spring news", "de": "Neues vom Frühling für Geschäftsführungen", "ar": "أخبار الربيع من فريقنا", "bn": "বসন্তের খবর আমাদের দল থেকে",
}

// TestMailInABrowser lays each letter out as a mail program that is a browser
// does, on a phone and on a desk, light and dark: nothing is wider than the
// screen, everything can be read, and the way out is there.
func TestMailInABrowser(t *testing.T) {
	sheets := map[string]string{}
	for lang, text := range letters {
		sheets[lang] = sheet(t, lang, text)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, sheets[strings.TrimPrefix(r.URL.Path, "/")])
	}))
	defer server.Close()
	b := browser.Start(t)
	for _, width := range []int{320, 800} {
		for _, dark := range []bool{false, true} {
			p := b.Open(t, browser.Options{Origin: server.URL, Width: width, Dark: dark})
			for lang := range letters {
				what := fmt.Sprintf("%s at %d px, dark %v", lang, width, dark)
				if faults := p.Goto("/" + lang).Faults(); len(faults) > 0 {
					t.Errorf("%s: %v", what, faults)
				}
				if wide := p.Overflow(); len(wide) > 0 {
					t.Errorf("%s: %v", what, wide)
				}
				if found := p.Axe("wcag2a", "wcag2aa", "wcag21aa"); len(found) > 0 {
					t.Errorf("%s: %v", what, found)
				}
				var got struct {
					Back, Foot, Dir string
					Size            float64
					Out             bool
				}
				p.Eval(`(() => { const p = document.querySelector("p"), foot = document.querySelector(".r-foot a"), r = foot.getBoundingClientRect();
					return {Back: getComputedStyle(document.body).backgroundColor, Foot: getComputedStyle(foot).color, Dir: getComputedStyle(p).direction,
						Size: parseFloat(getComputedStyle(p).fontSize), Out: r.width > 0 && r.right <= innerWidth}; })()`, &got)
				back, dir := map[bool]string{false: "rgb(255, 255, 255)", true: "rgb(27, 27, 27)"}[dark], map[bool]string{false: "ltr", true: "rtl"}[lang == "ar"]
				if got.Back != back || got.Dir != dir || got.Size < 16 || !got.Out {
					t.Errorf("%s: %+v; want the background %s, written %s, letters of 16 px, the way out on the screen", what, got, back, dir)
				}
				if *screenshots != "" {
					p.Screenshot(filepath.Join(*screenshots, "mail-"+lang+"-"+strconv.Itoa(width)+map[bool]string{true: "-dark"}[dark]+".png"))
				}
			}
		}
	}
}

// sheet renders a letter.
func sheet(t *testing.T, lang, text string) string {
	t.Helper()
	l := campaign.Letter{Language: lang}
	var err error
	if l.Subject, err = campaign.ParseTemplate("subject", text, lang); err != nil {
		t.Fatal(err)
	}
	body := "# " + text + "\n\n" + text + ", **" + text + "** [" + text + "](https://example.com/x), `code`.\n\n> " + text + "\n\n- " + text + "\n- " + text + "\n\n1. " + text +
		"\n\n|" + text + "|" + text + "|\n|-|-|\n|1|2|\n\n---\n\n" + strings.Repeat(text+" ", 20) + "\n\n" + strings.Repeat("x", 90) + "\n"
	if l.Body, err = campaign.ParseTemplate("body.md", body, lang); err != nil {
		t.Fatal(err)
	}
	got, err := l.Render(campaign.Fields{Team: campaign.Firm{Name: "Example Ltd", Address: "1 High Street"},
		Links: campaign.Links{Unsubscribe: "https://example.com/u/abc", Preferences: "https://example.com/p/abc"}})
	if err != nil {
		t.Fatal(err)
	}
	return got.HTML
}
