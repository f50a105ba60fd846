package web

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"rapport/records/access"
	"rapport/records/sale"
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
	Access    Access // who may sign in, and how
	// Relations says when the team works and what is shown of its members. It
	// is asked for every request. Nil: always, and nothing of single members.
	Relations func() RelationSettings
	// Grants are the sign-ins to mailboxes that take no password. Nil: none is.
	Grants Grants
	// News is what happens, for those who watch. Nil: nothing ever does.
	News News
	// Webhooks are who is told what happens.
	Webhooks Webhooks
	// Outreach plans and sends campaigns.
	Outreach Outreach
	// Listening knows what was answered to surveys.
	Listening Listening
	// Sales says how files of sales are read. It is asked for each. Nil: as
	// they tell themselves.
	Sales func(sale.Direction) SaleSettings
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
	access     Access
	mailboxes  func() map[string]veil.Mailbox
	relations  func() RelationSettings
	news       News
	grants     Grants
	watchers   watchers
	webhooks   Webhooks
	outreach   Outreach
	listening  Listening
	sales      func(sale.Direction) SaleSettings
	mux        *http.ServeMux
	operations []operation // all of them, as Handler announces them
	described  []func()    // describe them to api
	describing sync.Mutex  // held while one is described: they share descriptions
	api        huma.API    // the document is made of it
	underWay   underWay
	paces      paces
	doc        sync.Once // guards what follows
	docJSON    []byte
	docErr     error
}

// New returns a Server; it starts nothing.
func New(o Options) *Server {
	s := &Server{
		store: o.Store, records: o.Records, daemon: o.Daemon,
		now: o.Now, log: o.Log, version: o.Version, spoolDir: o.SpoolDir, identities: o.Identities,
		mailboxes: o.Mailboxes, access: o.Access, news: o.News, grants: o.Grants, relations: o.Relations, webhooks: o.Webhooks, outreach: o.Outreach, listening: o.Listening, sales: o.Sales,
	}
	if s.relations == nil {
		s.relations = func() RelationSettings { return RelationSettings{} }
	}
	if s.sales == nil {
		s.sales = func(sale.Direction) SaleSettings { return SaleSettings{} }
	}
	if s.mailboxes == nil {
		s.mailboxes = func() map[string]veil.Mailbox { return nil }
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.paces.now = s.now
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// actorHeader is where a client says who it works for.
const actorHeader = "Rapport-Actor"

// actor names who asks, for the audit trail: whoever signed in, or what the
// client says of itself where only the service's own user can connect.
func actor(ctx context.Context) string { return actorOf(principal(ctx)) }

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

// Handler returns the API, below /api/v1/; it is called once. Requests of other origins are
// refused, so that no page in a browser can speak for its reader.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	s.mux, s.api = mux, humago.New(http.NewServeMux(), s.document())
	s.describeAll(s.api)
	mux.HandleFunc(apiPattern, func(w http.ResponseWriter, r *http.Request) { s.noOperation(mux, w, r) })
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, &Problem{Status: http.StatusForbidden, Code: codeForbidden, Detail: "the request comes from another origin"})
	}))
	return s.identify(origins.Handler(exactly(mux, s.noOperation)))
}

// exactly has a path with empty or dotted elements answered as one that is not
// there, where a mux would redirect to another.
func exactly(mux *http.ServeMux, otherwise func(*http.ServeMux, http.ResponseWriter, *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked := r.URL.EscapedPath(); path.Clean(asked) != strings.TrimSuffix(asked, "/") {
			otherwise(http.NewServeMux(), w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// noOperation answers what no operation answers.
func (s *Server) noOperation(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if _, pattern := mux.Handler(&http.Request{Method: method, Host: r.Host, URL: r.URL}); pattern != apiPattern && pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		s.fail(w, r, &Problem{Status: http.StatusNotFound, Code: codeNotFound,
			Detail: "the API has no " + r.Method + " " + oneLine(r.URL.Path)})
		return
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	s.fail(w, r, &Problem{Status: http.StatusMethodNotAllowed, Code: codeMethod,
		Detail: oneLine(r.URL.Path) + " takes " + strings.Join(allowed, ", ")})
}

// apiPattern is what is left where no operation has the path.
const apiPattern = "/api/v1/"

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
				s.fail(w, r, &Problem{Status: http.StatusUnauthorized, Code: codeUnauthorized, Detail: oneLine(err.Error())})
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(WithPrincipal(r.Context(), p)))
	})
}

// describeAll registers every operation.
func (s *Server) describeAll(api huma.API) {
	s.describeContacts(api)
	s.describeImports(api)
	s.describeOrganisations(api)
	s.describeMembers(api)
	s.describeMessages(api)
	s.describeContent(api)
	s.describeDecisions(api)
	s.describeSuggestions(api)
	s.describeDaemon(api)
	s.describeUpkeep(api)
	s.describeStore(api)
	s.describeExport(api)
	s.describeEvents(api)
	s.describeWebhooks(api)
	s.describeCampaigns(api)
	s.describeOutbox(api)
	s.describeDocument(api)
	s.describeConfiguration(api)
	s.describeSavedViews(api)
	s.describeAccess(api)
	s.describeGrants(api)
	s.describeRelations(api)
	s.describeFollowUps(api)
	s.describeSales(api)
	s.describeSurveys(api)
	s.describeCalendars(api)
}
