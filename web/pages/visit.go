package pages

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rapport/records/access"
	"rapport/web"
)

// visit is one request of one reader: who it is, in which language, at what
// time of which zone. Its exported methods are for templates.
type visit struct {
	*catalogue // the reader's language: T, N, Date …
	Pages      *Pages
	Who        access.Principal
	Zone       *time.Location
	Now        time.Time
	Theme      string // light | dark; "" follows the system

	w     http.ResponseWriter
	r     *http.Request
	flash *flash
}

// sheet is what a template sees as its dot: the visit, what the page is
// called, and the page's own data.
type sheet struct {
	*visit
	Name  string // of the template
	Title string
	Data  any
}

// With hands other data to a partial: {{template "when" ($.With .Time)}}.
func (s sheet) With(data any) sheet {
	s.Data = data
	return s
}

func (p *Pages) visit(w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{Pages: p, Who: web.PrincipalOf(r.Context()), Now: p.now(), w: w, r: r}
	v.catalogue = p.languages.of(cookie(r, languageCookie), r.Header.Get("Accept-Language"))
	v.Zone = zone(cookie(r, zoneCookie), p.zone)
	if theme := cookie(r, themeCookie); theme == "light" || theme == "dark" {
		v.Theme = theme
	}
	return v
}

// zone reads the name of a time zone as a browser or a person gives it.
func zone(name string, otherwise *time.Location) *time.Location {
	if name == "" || name == "Local" || len(name) > 64 || strings.Contains(name, "..") {
		return otherwise
	}
	if z, err := time.LoadLocation(name); err == nil {
		return z
	}
	return otherwise
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// client asks the API on behalf of the reader; hand it v.ctx().
func (v *visit) client() *web.Client { return v.Pages.client }

// Path is where the reader is, without the query.
func (v *visit) Path() string { return v.r.URL.Path }

// Here is where the reader is, to come back to.
func (v *visit) Here() string {
	if v.r.Method != http.MethodGet {
		return local(v.r.PostFormValue("back"))
	}
	return v.r.URL.RequestURI()
}

// Query returns a parameter of the page's address.
func (v *visit) Query(name string) string { return v.r.URL.Query().Get(name) }

// Open reports whether nobody is set up to sign in, and so everybody on this
// machine may do everything.
func (v *visit) Open() bool { return v.Who.Kind == access.Open }

// SignedIn reports whether there is a session to end.
func (v *visit) SignedIn() bool { return v.Who.Kind == access.User }

// MayWrite and MayManage say which buttons make sense; the API judges again.
func (v *visit) MayWrite() bool { return v.Who.May(access.Write) == nil }

// MayManage is MayWrite for administrators.
func (v *visit) MayManage() bool { return v.Who.May(access.Manage) == nil }

// Team is the team's name; it may be empty.
func (v *visit) Team() string { return v.Pages.team }

// Asset returns the address of one of our own files.
func (v *visit) Asset(name string) (string, error) { return assetPath(name) }

// Languages are those a reader may choose.
func (v *visit) Languages() []*catalogue { return v.Pages.languages.all }

// Flash is what the form sent before this page has done; nil: nothing.
func (v *visit) Flash() *flash {
	if v.flash == nil {
		v.flash = v.takeFlash()
	}
	if v.flash.Key == "" {
		return nil
	}
	return v.flash
}

// show answers with a page. title is a key of the catalogue, or, where that
// has none of the name, the text itself.
func (v *visit) show(name, title string, data any) error {
	return v.showAs(http.StatusOK, name, title, data)
}

func (v *visit) showAs(status int, name, title string, data any) error {
	t, ok := v.Pages.templates[name]
	if !ok {
		return fmt.Errorf("show page %s: no such template", name)
	}
	if v.has(title) {
		title = v.T(title)
	}
	v.Flash() // before the header is out: it takes the cookie away
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", sheet{visit: v, Name: name, Title: title, Data: data}); err != nil {
		return fmt.Errorf("show page %s: %w", name, err)
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Lang())
	h.Set("Vary", "Accept-Language, Cookie, Accept-Encoding")
	return v.write(status, b.Bytes())
}

// write sends a body, compressed where that pays and the browser takes it.
func (v *visit) write(status int, body []byte) error {
	const worth = 1400 // bytes; less fits into one packet anyway
	if len(body) > worth && accepts(v.r, "gzip") {
		v.w.Header().Set("Content-Encoding", "gzip")
		v.w.WriteHeader(status)
		z, _ := gzip.NewWriterLevel(v.w, gzip.BestSpeed) // the level is one there is
		_, _ = z.Write(body)                             // whoever is gone does not read it
		_ = z.Close()
		return nil
	}
	v.w.WriteHeader(status)
	_, _ = v.w.Write(body)
	return nil
}

// accepts reports whether a browser takes an encoding.
func accepts(r *http.Request, encoding string) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(part, ";")
		if strings.TrimSpace(name) == encoding {
			return strings.ReplaceAll(q, " ", "") != "q=0"
		}
	}
	return false
}

// redirect sends the browser elsewhere after a form has been taken.
func (v *visit) redirect(to string) error {
	http.Redirect(v.w, v.r, local(to), http.StatusSeeOther)
	return nil
}

// local returns an address of this site, or / for what is none: no form sends
// its reader elsewhere.
func local(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}

// form returns a trimmed field of the posted form.
func (v *visit) form(name string) string { return strings.TrimSpace(v.r.PostFormValue(name)) }
