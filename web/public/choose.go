package public

import (
	"context"
	"errors"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"

	"rapport/records/outbox"
)

// Topic is something people choose to get.
type Topic struct {
	Purpose string
	Name    string
	On      bool
}

// Chosen is what somebody wants to get from now on.
type Chosen struct {
	Delivery outbox.ID
	Purposes []string
	Language string
	Agent    string
}

// SignUp is somebody asking to be written to.
type SignUp struct {
	Address, Name, Language, Agent, From string
	Purposes                             []string
}

// The errors of what is asked of who keeps it. Whatever else goes wrong is asked
// for again.
var (
	// ErrGone says that there is nothing more to be answered: too old, or done.
	ErrGone = errors.New("it is over")
	// ErrBad says that what was written cannot be: no address, nothing chosen.
	ErrBad = errors.New("it cannot be")
)

// Choices are what the pages ask of who keeps what people want. Each change is
// durable once it returns.
type Choices struct {
	// Topics are what a language calls what people may choose.
	Topics func(language string) []Topic
	// Of returns what whoever got a delivery gets; ErrGone where it is not known.
	Of func(ctx context.Context, id outbox.ID, language string) ([]Topic, error)
	// Choose reports whether a mail asks for what was chosen anew.
	Choose func(context.Context, Chosen) (asks bool, err error)
	// Open says whether strangers may sign up.
	Open func() bool
	// SignUp has a mail ask whether it is meant; ErrBad where it cannot be.
	SignUp func(context.Context, SignUp) error
	// Asked returns what a mail asked about, and Confirm that it is meant; ErrGone
	// where that is answered or too old.
	Asked   func(ctx context.Context, id outbox.ID, language string) ([]Topic, error)
	Confirm func(ctx context.Context, id outbox.ID, agent string) error
}

// The limits of the form for strangers: a mail leaves for each, though not for
// each address more than one a day.
const (
	formsEach   = 5 // of one network address in an hour
	formsAll    = 200
	formsWindow = time.Hour
	maxField    = 320 // bytes: of an address (RFC 5321) and of a name
	mostForms   = 10_000
)

// gate counts the forms of the last hour by network address.
type gate struct {
	mu    sync.Mutex // guards what follows
	began time.Time
	all   int
	by    map[string]int
}

// passes reports whether one more form may pass.
func (g *gate) passes(from string, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.began) >= formsWindow || now.Before(g.began) {
		g.began, g.all, g.by = now, 0, map[string]int{}
	}
	if g.all >= formsAll || g.by[from] >= formsEach || len(g.by) >= mostForms {
		return false
	}
	g.all++
	g.by[from]++
	return true
}

// choosing are the routes of choosing.
func (s *site) choosing(mux *http.ServeMux) {
	mux.HandleFunc("GET /p/{token}", s.preferences)
	mux.HandleFunc("POST /p/{token}", s.prefer)
	mux.HandleFunc("GET /o/{token}", s.asked)
	mux.HandleFunc("POST /o/{token}", s.confirm)
	mux.HandleFunc("GET /signup", s.form)
	mux.HandleFunc("POST /signup", s.signUp)
}

// speaks returns the reader's language.
func (s *site) speaks(r *http.Request) string {
	_, at := language.MatchStrings(s.matcher, r.Header.Get("Accept-Language"))
	return s.tags[at].String()
}

// from is the network address a request comes from; behind a proxy on the same
// host, what the proxy says.
func from(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		said := r.Header.Values("X-Forwarded-For")
		if len(said) > 0 {
			list := strings.Split(said[len(said)-1], ",")
			if ip, err := netip.ParseAddr(strings.TrimSpace(list[len(list)-1])); err == nil {
				return ip.String()
			}
		}
	}
	return host
}

func agentOf(r *http.Request) string {
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	return strings.ToValidUTF8(agent[:min(len(agent), maxAgent)], "")
}

// opened returns the delivery of a token for a purpose, and the token without
// what rewriters put behind it.
func (s *site) opened(w http.ResponseWriter, r *http.Request, p outbox.Purpose) (outbox.ID, string, bool) {
	id, err := s.Keys.Open(p, r.PathValue("token"))
	if err != nil {
		s.show(w, r, http.StatusNotFound, "gone", "")
		return "", "", false
	}
	return id, r.PathValue("token")[:outbox.TokenLength], true
}

// preferences shows what somebody gets.
func (s *site) preferences(w http.ResponseWriter, r *http.Request) {
	id, token, ok := s.opened(w, r, outbox.ForUnsubscribe)
	if !ok {
		return
	}
	topics, err := s.Choices.Of(r.Context(), id, s.speaks(r))
	if s.failed(w, r, err) {
		return
	}
	s.answer(w, r, http.StatusOK, shown{What: "prefer", Action: "/p/" + token, Topics: topics, Leave: token})
}

// prefer keeps what somebody chose. What was on and is not chosen ends at once.
func (s *site) prefer(w http.ResponseWriter, r *http.Request) {
	id, _, ok := s.opened(w, r, outbox.ForUnsubscribe)
	if !ok || !s.parsed(w, r) {
		return
	}
	asks, err := s.Choices.Choose(context.WithoutCancel(r.Context()), Chosen{Delivery: id, Purposes: r.PostForm["topic"], Language: s.speaks(r), Agent: agentOf(r)})
	if s.failed(w, r, err) {
		return
	}
	said := "preferred"
	if asks {
		said = "asks"
	}
	s.show(w, r, http.StatusOK, said, "")
}

// asked shows what a mail asked about: opening the link says nothing yet.
func (s *site) asked(w http.ResponseWriter, r *http.Request) {
	id, token, ok := s.opened(w, r, outbox.ForOptIn)
	if !ok {
		return
	}
	topics, err := s.Choices.Asked(r.Context(), id, s.speaks(r))
	if s.failed(w, r, err) {
		return
	}
	s.answer(w, r, http.StatusOK, shown{What: "confirm", Action: "/o/" + token, List: topics})
}

// confirm keeps that it is meant.
func (s *site) confirm(w http.ResponseWriter, r *http.Request) {
	id, _, ok := s.opened(w, r, outbox.ForOptIn)
	if !ok || s.failed(w, r, s.Choices.Confirm(context.WithoutCancel(r.Context()), id, agentOf(r))) {
		return
	}
	s.show(w, r, http.StatusOK, "confirmed", "")
}

// form is for strangers.
func (s *site) form(w http.ResponseWriter, r *http.Request) {
	if !s.Choices.Open() {
		s.show(w, r, http.StatusNotFound, "gone", "")
		return
	}
	s.answer(w, r, http.StatusOK, shown{What: "signup", Action: "/signup", Topics: s.Choices.Topics(s.speaks(r)), SignUp: true})
}

// signUp has a mail ask. Its answer is the same for every address. A form in
// which the field nobody sees is filled in comes from a program.
func (s *site) signUp(w http.ResponseWriter, r *http.Request) {
	if !s.Choices.Open() {
		s.show(w, r, http.StatusNotFound, "gone", "")
		return
	}
	if !s.parsed(w, r) {
		return
	}
	host, f := from(r), r.PostForm
	in := SignUp{Address: strings.TrimSpace(f.Get("address")), Name: strings.TrimSpace(f.Get("name")), Purposes: f["topic"], Language: s.speaks(r), Agent: agentOf(r), From: host}
	topics := s.Choices.Topics(in.Language)
	for n := range topics {
		topics[n].On = slices.Contains(in.Purposes, topics[n].Purpose)
	}
	again := shown{What: "signup", Action: "/signup", Topics: topics, SignUp: true, Address: in.Address, Name: in.Name, Fault: "signup.fault"}
	switch {
	case len(in.Address) > maxField || len(in.Name) > maxField:
		s.answer(w, r, http.StatusUnprocessableEntity, shown{What: "signup", Action: "/signup", Topics: topics, SignUp: true, Fault: "signup.fault"})
		return
	case f.Get("website") != "":
		s.show(w, r, http.StatusOK, "asks", "")
		return
	case !s.gate.passes(host, time.Now()):
		w.Header().Set("Retry-After", strconv.Itoa(int(formsWindow/time.Second)))
		s.show(w, r, http.StatusTooManyRequests, "later", "")
		return
	}
	err := s.Choices.SignUp(context.WithoutCancel(r.Context()), in)
	if errors.Is(err, ErrBad) {
		s.answer(w, r, http.StatusUnprocessableEntity, again)
		return
	}
	if s.failed(w, r, err) {
		return
	}
	s.show(w, r, http.StatusOK, "asks", "")
}

// parsed reads a form of the pages; what is none is answered.
func (s *site) parsed(w http.ResponseWriter, r *http.Request) bool {
	status := http.StatusBadRequest
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" {
		if err := r.ParseForm(); err == nil {
			return true
		}
	} else {
		status = http.StatusUnsupportedMediaType
	}
	s.show(w, r, status, "gone", "")
	return false
}

// failed answers what could not be done.
func (s *site) failed(w http.ResponseWriter, r *http.Request, err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, ErrGone):
		s.show(w, r, http.StatusGone, "over", "")
	default:
		s.Log.Error("what somebody chose could not be kept", "error", err)
		w.Header().Set("Retry-After", strconv.Itoa(60))
		s.show(w, r, http.StatusServiceUnavailable, "later", "")
	}
	return true
}
