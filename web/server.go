package web

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"rapport/store"
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
	// Actor names who asks, for the audit trail. Nil: what the client says of
	// itself, which is right where only the same user can connect.
	Actor func(*http.Request) string
}

// Server answers the JSON API. Its methods may be called concurrently.
type Server struct {
	store    store.Store
	records  Records
	daemon   Daemon
	now      func() time.Time
	log      *slog.Logger
	version  string
	spoolDir string
	actor    func(*http.Request) string
}

// New returns a Server; it starts nothing.
func New(o Options) *Server {
	s := &Server{
		store: o.Store, records: o.Records, daemon: o.Daemon,
		now: o.Now, log: o.Log, version: o.Version, spoolDir: o.SpoolDir, actor: o.Actor,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.actor == nil {
		s.actor = statedActor
	}
	return s
}

// actorHeader is where a client says who it works for.
const actorHeader = "Rapport-Actor"

func statedActor(r *http.Request) string {
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
	long    bool // may take minutes: it is bounded by the client's patience only
}

func (s *Server) routes() []route {
	var all []route
	for _, group := range [][]route{
		s.contactRoutes(), s.organisationRoutes(), s.memberRoutes(), s.messageRoutes(),
		s.suggestionRoutes(), s.operationRoutes(), s.storeRoutes(), s.upkeepRoutes(),
	} {
		all = append(all, group...)
	}
	return all
}

// Handler returns the API, below /api/v1/. Requests of other origins are
// refused, so that no page in a browser can speak for its reader.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range s.routes() {
		method, path, _ := cutPattern(rt.pattern)
		mux.Handle(method+" /api/v1"+path, s.guard(rt))
	}
	mux.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &Problem{Status: http.StatusNotFound, Code: codeNotFound,
			Detail: "the API has no " + r.Method + " " + oneLine(r.URL.Path)})
	})
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &Problem{Status: http.StatusForbidden, Code: codeForbidden, Detail: "the request comes from another origin"})
	}))
	return origins.Handler(mux)
}

// guard bounds a request and turns what its handler returns into an answer.
func (s *Server) guard(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if len(r.URL.RawQuery) > 4*maxParameter || len(r.URL.Path) > maxParameter {
			s.fail(w, r, invalid("the address of the request is too long"))
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
