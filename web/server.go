package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"rapport/records/access"
	"rapport/store"
	"rapport/store/veil"
)

// The bounds of a request.
const (
	maxBody       = 1 << 20  // JSON bodies
	maxImport     = 64 << 20 // import files
	maxParameter  = 4 << 10  // a path element or query parameter
	shortTime     = 30 * time.Second
	streamTimeout = time.Minute // for one event or block to be taken by the client
	progressEvery = 100 * time.Millisecond
)

// Options are what a [Server] works with. Store, Records and Daemon must be set.
type Options struct {
	Store    store.Store
	Records  Records
	Daemon   Daemon
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: nothing is logged
	Version  string
	SpoolDir string // for exports on their way out, removed after use; empty: os.TempDir
	// Identities tell who asks where the listener has not settled it with
	// [WithPrincipal]. Nil: then nobody is known, and everything is refused.
	Identities Identities
	// Mailboxes says whose each mailbox is and how much others see of its mail.
	// It is asked for every request. Nil: none is named.
	Mailboxes func() map[string]veil.Mailbox
}

// Server answers the JSON API. Its methods may be called concurrently.
type Server struct {
	store      store.Store
	records    Records
	daemon     Daemon
	now        func() time.Time
	log        *slog.Logger
	version    string
	spoolDir   string
	identities Identities
	mailboxes  func() map[string]veil.Mailbox
	patterns   []string // of every operation, as Handler registers them
}

// New returns a Server; it starts nothing.
func New(o Options) *Server {
	s := &Server{
		store: o.Store, records: o.Records, daemon: o.Daemon,
		now: o.Now, log: o.Log, version: o.Version, spoolDir: o.SpoolDir, identities: o.Identities,
		mailboxes: o.Mailboxes,
	}
	if s.mailboxes == nil {
		s.mailboxes = func() map[string]veil.Mailbox { return nil }
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// actorHeader is where a client says who it works for.
const actorHeader = "Rapport-Actor"

// actor names who asks, for the audit trail: whoever signed in, or what the
// client says of itself where only the service's own user can connect.
func (s *Server) actor(r *http.Request) string { return actorOf(principal(r.Context())) }

func actorOf(p access.Principal) string {
	if p.Name != "" {
		return p.Name
	}
	return string(p.Kind)
}

// stated is the name a client on the socket gives itself.
func stated(r *http.Request) string {
	if a := oneLine(r.Header.Get(actorHeader)); a != "" && len(a) <= 200 {
		return a
	}
	return "command line"
}

// A handler answers one request or returns why it could not; it must not have
// written anything where it returns an error.
type handler func(w http.ResponseWriter, r *http.Request) error

// route is one line of the table of everything the API offers.
type route struct {
	pattern string // method and path below /api/v1
	serve   handler
	need    access.Need
	long    bool // may take minutes: it is bounded by the client's patience only
}

func (s *Server) routes() []route {
	var all []route
	for _, group := range [][]route{
		s.contactRoutes(), s.organisationRoutes(), s.messageRoutes(),
		s.suggestionRoutes(), s.operationRoutes(), s.storeRoutes(), s.upkeepRoutes(),
	} {
		all = append(all, group...)
	}
	return all
}

// Handler returns the API, below /api/v1/; it is called once. Requests of other origins are
// refused, so that no page in a browser can speak for its reader.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		method, path, _ := cutPattern(rt.pattern)
		s.patterns = append(s.patterns, rt.pattern)
		mux.Handle(method+" /api/v1"+path, s.guard(rt))
	}
	s.describeAll(humago.New(mux, s.document()))
	mux.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &Problem{Status: http.StatusNotFound, Code: codeNotFound,
			Detail: "the API has no " + r.Method + " " + oneLine(r.URL.Path)})
	})
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &Problem{Status: http.StatusForbidden, Code: codeForbidden, Detail: "the request comes from another origin"})
	}))
	return s.identify(origins.Handler(mux))
}

// identify settles who asks, once per request.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := principal(r.Context())
		switch {
		case p.Kind == access.Local:
			p.Name = stated(r)
		case p.Kind == access.Nobody && s.identities != nil:
			var err error
			if p, err = s.identities.Identify(r); err != nil {
				s.fail(w, r, &Problem{Status: http.StatusUnauthorized, Code: codeForbidden, Detail: oneLine(err.Error())})
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(WithPrincipal(r.Context(), p)))
	})
}

// document is what the API says of itself beside its operations.
func (s *Server) document() huma.Config {
	c := huma.DefaultConfig("Rapport", s.version)
	c.CreateHooks, c.OpenAPIPath, c.DocsPath, c.SchemasPath = nil, "", "", ""
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	return c
}

// schemaName tells types of the same name by their packages.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	switch pkg := path.Base(t.PkgPath()); pkg {
	case "web", ".":
		return name
	default:
		return strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
}

// describeAll registers every operation.
func (s *Server) describeAll(api huma.API) {
	s.describeMembers(api)
	s.describeConfiguration(api)
	s.describeSavedViews(api)
}

// guard bounds a request and turns what its handler returns into an answer.
func (s *Server) guard(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if err := errors.Join(bounded(r), forbidden(principal(r.Context()).May(rt.need))); err != nil {
			s.fail(w, r, err)
			return
		}
		if !rt.long {
			ctx, cancel := context.WithTimeout(r.Context(), shortTime)
			defer cancel()
			r = r.WithContext(ctx)
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		}
		if err := rt.serve(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}
