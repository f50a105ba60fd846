package pages

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// The HTML of mail is hostile. Four things stand between it and the reader,
// each enough by itself against what it is for: what is left of it is text,
// tables and colours (bluemonday, after links and pictures have been judged
// here); its document may load nothing but the pictures in it and run nothing
// (bodyPolicy); and it stands in a frame of an origin of its own, which knows
// no session, without scripts and forms.

// The bounds of what is shown of one mail.
const (
	maxMailHTML = 2 << 20 // bytes
	maxPicture  = 2 << 20 // bytes of one picture inside a mail
	maxPictures = 6 << 20 // of all of them
)

// cleaned is the HTML of a mail as it may be shown.
type cleaned struct {
	HTML   string
	Remote int // pictures on other hosts, left out or not
}

// cleanMail takes out of a mail's HTML whatever acts or asks. pictures are
// those inside the mail, as data: addresses by their Content-IDs; remote says
// that the reader wants to see those of other hosts.
func cleanMail(raw string, pictures map[string]string, remote bool) cleaned {
	var out cleaned
	raw = clip(raw, maxMailHTML)
	var b strings.Builder
	b.Grow(len(raw))
	z := html.NewTokenizer(strings.NewReader(raw))
	z.SetMaxBuf(maxMailHTML + 1024)
	for {
		switch z.Next() {
		case html.ErrorToken:
			out.HTML = mailPolicy().Sanitize(b.String())
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if t.DataAtom == atom.Img || t.Data == "image" {
				out.Remote += judgePicture(&t, pictures, remote)
			} else {
				judgeLink(&t)
			}
			b.WriteString(t.String())
		case html.CommentToken, html.DoctypeToken:
		default:
			b.WriteString(z.Token().String())
		}
	}
}

// judgePicture leaves a picture the address it may be loaded from, none at
// all where it may not. It returns 1 for a picture of another host.
func judgePicture(t *html.Token, pictures map[string]string, remote bool) (elsewhere int) {
	var src string
	t.Attr = slices.DeleteFunc(t.Attr, func(a html.Attribute) bool {
		if a.Key == "src" && src == "" {
			src = strings.TrimSpace(a.Val)
		}
		return a.Key == "src" || a.Key == "srcset"
	})
	keep := ""
	switch scheme, rest, _ := strings.Cut(src, ":"); strings.ToLower(scheme) {
	case "cid":
		if id, err := url.PathUnescape(rest); err == nil {
			rest = id
		}
		keep = pictures[rest]
	case "data":
		if pictureData.MatchString(src) {
			keep = src
		}
	case "https", "http":
		elsewhere = 1
		if remote && strings.EqualFold(scheme, "https") {
			keep = src
		}
	}
	if strings.HasPrefix(src, "//") {
		elsewhere = 1
	}
	if keep != "" {
		t.Attr = append(t.Attr, html.Attribute{Key: "src", Val: keep})
	}
	return elsewhere
}

// pictureData are the pictures that stand in an address.
var pictureData = regexp.MustCompile(`^data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+$`)

// judgeLink takes away an address that leads to anything but a page, a mail
// or a telephone.
func judgeLink(t *html.Token) {
	t.Attr = slices.DeleteFunc(t.Attr, func(a html.Attribute) bool {
		if a.Key != "href" {
			return a.Key == "src"
		}
		u, err := url.Parse(strings.TrimSpace(a.Val))
		return err != nil || !slices.Contains([]string{"http", "https", "mailto", "tel"}, strings.ToLower(u.Scheme))
	})
}

// mailPolicy is what may be left of a mail's HTML.
var mailPolicy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "div", "span", "br", "hr", "wbr", "h1", "h2", "h3", "h4", "h5", "h6", "b", "strong", "i", "em", "u", "s", "strike",
		"del", "ins", "sub", "sup", "small", "big", "center", "font", "blockquote", "pre", "code", "tt", "kbd", "samp", "var", "ul", "ol", "li",
		"dl", "dt", "dd", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "colgroup", "col", "address", "abbr", "cite", "q",
		"figure", "figcaption", "section", "article", "header", "footer", "main", "mark", "a", "img")
	p.AllowNoAttrs().OnElements("a", "span", "font", "img")
	p.SkipElementsContent("title", "svg", "math", "template", "textarea", "select", "button", "audio", "video", "canvas", "applet", "embed", "xmp", "plaintext")

	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("src", "alt").OnElements("img")
	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.AllowDataURIImages()
	p.RequireParseableURLs(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)

	word := func(words string) *regexp.Regexp { return regexp.MustCompile(`(?i)^(?:` + words + `)$`) }
	p.AllowAttrs("align", "valign").Matching(word("left|right|center|justify|top|middle|bottom|baseline")).Globally()
	p.AllowAttrs("dir").Matching(word("ltr|rtl|auto")).Globally()
	p.AllowAttrs("lang").Matching(word("[a-z0-9-]{2,35}")).Globally()
	p.AllowAttrs("width", "height").Matching(word("[0-9]{1,4}%?")).OnElements("table", "tr", "td", "th", "img", "col", "colgroup", "hr")
	p.AllowAttrs("colspan", "rowspan", "cellpadding", "cellspacing", "border", "start", "size").Matching(word("[0-9]{1,3}")).
		OnElements("table", "td", "th", "col", "colgroup", "img", "ol", "font", "hr")
	p.AllowAttrs("bgcolor", "color").Matching(word("#[0-9a-f]{3,8}|[a-z]{3,24}")).OnElements("table", "tbody", "tr", "td", "th", "font", "hr")
	p.AllowAttrs("face").Matching(word(`[a-z0-9 ,'"-]{1,80}`)).OnElements("font")

	// Nothing here takes an address, and nothing can leave its place.
	p.AllowStyles("color", "background-color", "text-align", "text-decoration", "text-indent", "text-transform", "font-weight", "font-style",
		"font-size", "font-family", "line-height", "letter-spacing", "vertical-align", "white-space", "width", "max-width", "min-width", "height",
		"padding", "padding-top", "padding-right", "padding-bottom", "padding-left", "margin", "margin-top", "margin-right", "margin-bottom",
		"margin-left", "border", "border-top", "border-right", "border-bottom", "border-left", "border-color", "border-style", "border-width",
		"border-collapse", "border-spacing", "border-radius", "direction").Globally()
	return p
})

// bodyPolicy is what the document of a mail may load and do.
func bodyPolicy(remote bool) string {
	pictures := "data:"
	if remote {
		pictures += " https:"
	}
	return "default-src 'none'; img-src " + pictures + "; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; " +
		"frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
}

// bodyHead begins the document of a mail. Its ground is white in the dark as
// well: mail brings its own colours, for paper.
const bodyHead = `<!doctype html><html><head><meta charset="utf-8"><meta name="color-scheme" content="light">` +
	`<meta name="viewport" content="width=device-width, initial-scale=1"><title>Mail</title><style>` +
	`body{margin:12px;background:#fff;color:#1e2326;font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}` +
	`img{max-width:100%;height:auto}table{max-width:100%}blockquote{margin:.5em 0 .5em .5em;padding-left:.75em;border-left:2px solid #ccc}pre{white-space:pre-wrap}` +
	`</style></head><body dir="auto">`

// mailBody serves the HTML of a mail to the frame it is shown in.
func mailBody(v *visit) error {
	id, remote := v.r.PathValue("id"), v.Query("images") == "1"
	in, err := v.client().MessageHTML(v.ctx(), id)
	if err != nil {
		return err
	}
	pictures := map[string]string{}
	if strings.Contains(strings.ToLower(in.HTML), "cid:") {
		pictures = v.pictures(id, in.Parts)
	}
	h := v.w.Header()
	h.Set("Content-Security-Policy", bodyPolicy(remote))
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Content-Type", "text/html; charset=utf-8")
	return v.write(http.StatusOK, []byte(bodyHead+cleanMail(in.HTML, pictures, remote).HTML+"</body></html>"))
}

// pictures reads the pictures inside a mail. What is none by its own bytes,
// or too large, is left out.
func (v *visit) pictures(id string, parts map[string]string) map[string]string {
	out, room := map[string]string{}, maxPictures
	for cid, part := range parts {
		var b bytes.Buffer
		err := v.client().MessagePart(v.ctx(), id, part, &bounded{&b, min(maxPicture, room)})
		kind := http.DetectContentType(b.Bytes())
		if err != nil || !pictureKind(kind) {
			continue
		}
		room -= b.Len()
		out[cid] = "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(b.Bytes())
	}
	return out
}

// pictureKind reports whether a type is that of a picture that is shown.
func pictureKind(kind string) bool {
	return slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, kind)
}

// bounded takes so many bytes and refuses more.
type bounded struct {
	w    io.Writer
	room int
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.room {
		return 0, io.ErrShortWrite
	}
	b.room -= len(p)
	return b.w.Write(p)
}
