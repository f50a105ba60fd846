// Package pages is what people see in a browser: pages made on the server,
// embedded in the program, that ask no other host for anything and work
// without JavaScript.
//
// Pages know the records through the API only, by a [web.Client] that asks on
// behalf of the reader, so that what the API refuses or leaves out is neither
// shown nor done here. Every page is a route in a table (a pattern, what it
// takes to open it, a function of a visit); its text is in the catalogues
// below locale, its shape in a template below templates, and what changes
// something is a form that is posted, answered with a redirection and a
// sentence that offers to take it back.
package pages

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"rapport/records/access"
	"rapport/web"
)

// Options are what the pages work with. API must be set.
type Options struct {
	// API answers below /api/v1/ and believes [web.WithPrincipal].
	API     http.Handler
	Log     *slog.Logger     // nil: nothing is logged
	Now     func() time.Time // nil: time.Now
	Zone    *time.Location   // of readers whose own is not known; nil: the server's
	Locales fs.FS            // further languages, one file LANGUAGE.json each; nil: none
	Team    string           // its name, shown in the head; may be empty
}

// Pages serves everything below / that is not the API. Its methods may be
// called concurrently.
type Pages struct {
	client    *web.Client
	log       *slog.Logger
	now       func() time.Time
	zone      *time.Location
	team      string
	languages *languages
	templates map[string]*template.Template
	handler   http.Handler
	shown     map[string]bool // the paths of plain GET routes, for the navigation
}

// A route is one page, or one thing that a form on a page does.
type route struct {
	pattern string // method and path
	need    access.Need
	serve   func(*visit) error
	body    int64 // that a form may send, in bytes; 0: maxForm
}

// maxForm bounds what a form may send, in bytes.
const maxForm = 1 << 20

// New returns the pages; an error is one of the further languages' files.
func New(o Options) (*Pages, error) {
	p := &Pages{
		client: web.NewHandlerClient(o.API), log: o.Log, now: o.Now, zone: o.Zone, team: o.Team,
		shown: map[string]bool{},
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.zone == nil {
		p.zone = time.Local
	}
	var err error
	if p.languages, err = readLanguages(o.Locales); err != nil {
		return nil, fmt.Errorf("read the languages of the pages: %w", err)
	}
	if p.templates, err = parseTemplates(); err != nil {
		return nil, fmt.Errorf("read the templates of the pages: %w", err)
	}
	p.handler = p.router()
	return p, nil
}

// Route is what somebody needs to be to open a page, or to do what a form on
// it does.
type Route struct {
	Pattern string // method and path, as [http.ServeMux] takes it
	Need    access.Need
}

// Routes lists everything the pages offer, for those who try every route.
func Routes() []Route {
	var out []Route
	for _, rt := range (&Pages{}).routes() {
		out = append(out, Route{rt.pattern, rt.need})
	}
	return out
}

// routes is the table of everything the pages offer.
func (p *Pages) routes() []route {
	var all []route
	for _, group := range [][]route{
		p.frameRoutes(), p.recordRoutes(), p.followUpRoutes(), p.messageRoutes(), p.searchRoutes(),
		p.todayRoutes(), p.directoryRoutes(), p.addingRoutes(), p.suggestionRoutes(), p.reviewRoutes(), p.mailboxRoutes(), p.settingsRoutes(), p.accessRoutes(),
		p.webhookRoutes(), p.grantRoutes(), p.campaignRoutes(), p.saleRoutes(), p.surveyRoutes(),
	} {
		all = append(all, group...)
	}
	return all
}

func (p *Pages) router() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range p.routes() {
		if path, ok := strings.CutPrefix(rt.pattern, "GET "); ok {
			p.shown[strings.TrimSuffix(path, "{$}")] = true
		}
		mux.Handle(rt.pattern, p.page(rt))
	}
	mux.Handle("/", p.page(route{need: access.Anyone, serve: func(v *visit) error { return errNoPage }}))
	mux.Handle("GET /assets/", assets())
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(p.page(route{need: access.Anyone, serve: func(v *visit) error { return errForeign }}))
	return guarded(origins.Handler(mux))
}

// ServeHTTP answers a request of whoever its context names with
// [web.WithPrincipal].
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// page bounds a request, asks whether its reader may open the page, and shows
// what went wrong.
func (p *Pages) page(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, cmp.Or(rt.body, maxForm))
		v := p.visit(w, r)
		if err := v.Who.May(rt.need); err != nil {
			v.fail(err)
			return
		}
		if err := rt.serve(v); err != nil {
			v.fail(err)
		}
	})
}

// policy is what a page may load and do: its own files, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// guarded sets what every answer says to the browser about itself; a page may
// say it more strictly.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY") // for browsers that know no frame-ancestors
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// ctx is the context of the reader's questions to the API.
func (v *visit) ctx() context.Context { return v.r.Context() }
