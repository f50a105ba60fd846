// Package public is what strangers may open: the pages behind the links of
// mails, on a listener of its own: the way out of a list, what somebody chooses to
// get, signing up, and answering a survey.
//
// Whoever holds a token speaks for the one the mail was sent to, and nobody else
// is told whether an address is known. Programs open links, and some run what is
// on a page: so GET, HEAD and OPTIONS change nothing ever, and what changes
// something takes a POST (RFC 9110 section 9.2.1, RFC 8058).
package public

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"golang.org/x/text/language"

	"rapport/records/outbox"
)

// The limits of a request.
const (
	maxBody  = 64 << 10
	maxAgent = 200 // bytes of a User-Agent that are kept
)

// Objection is somebody saying that they want no more mail.
type Objection struct {
	Delivery outbox.ID
	All      bool   // of any campaign; else of the delivery's purpose
	By       string // how it was said: one-click, page
	Agent    string // what the program calls itself
}

// Options are what the pages are made of.
type Options struct {
	Keys outbox.Keys
	// Object commits an objection before it returns. Of a delivery that is no
	// longer known, and where it was said before, it is no error.
	Object func(context.Context, Objection) error
	Team   func() string // who writes, as recipients know them
	Log    *slog.Logger
	// Choices is what people choose to get.
	Choices Choices
	// Surveys are what people answer.
	Surveys Surveys
}

//go:embed locale/*.json
var localeFiles embed.FS

//go:embed page.html
var pageText string

//go:embed style.css
var style []byte

type site struct {
	Options
	page    *template.Template
	texts   []map[string]string
	tags    []language.Tag
	matcher language.Matcher
	gate    gate
}

// New returns the handler of the public listener. It may be used concurrently.
func New(o Options) (http.Handler, error) {
	s := &site{Options: o}
	if err := s.readTexts(); err != nil {
		return nil, err
	}
	var err error
	if s.page, err = template.New("page").Parse(pageText); err != nil {
		return nil, fmt.Errorf("read the public page: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /u/{token}", s.ask)
	mux.HandleFunc("POST /u/{token}", s.oneClick)
	mux.HandleFunc("POST /u/{token}/leave", s.leave)
	s.choosing(mux)
	s.asking(mux)
	mux.HandleFunc("OPTIONS /u/{token}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_, _ = w.Write(style)
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /robots.txt", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "User-agent: *\nDisallow: /\n")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.show(w, r, http.StatusNotFound, "gone", "") })
	return guarded(mux), nil
}

// readTexts reads every language; English comes first, and is what is shown to
// whom no other suits.
func (s *site) readTexts() error {
	for _, name := range []string{"en", "ar", "bn", "de", "es", "fr", "it", "nl", "pt"} {
		raw, err := localeFiles.ReadFile("locale/" + name + ".json")
		texts := map[string]string{}
		if err = errors.Join(err, json.Unmarshal(raw, &texts)); err != nil {
			return fmt.Errorf("read the language %s: %w", name, err)
		}
		s.texts, s.tags = append(s.texts, texts), append(s.tags, language.MustParse(name))
	}
	s.matcher = language.NewMatcher(s.tags)
	return nil
}

// guarded sets what holds for every answer and bounds every request.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer") // the address holds a token
		h.Set("X-Robots-Tag", "noindex, nofollow")
		h.Set("X-Content-Type-Options", "nosniff")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// delivery returns what the token in a request's path stands for. Whatever is
// wrong with one, the answer is the same.
func (s *site) delivery(w http.ResponseWriter, r *http.Request) (outbox.ID, bool) {
	id, err := s.Keys.Open(outbox.ForUnsubscribe, r.PathValue("token"))
	if err != nil {
		s.show(w, r, http.StatusNotFound, "gone", "")
		return "", false
	}
	return id, true
}

// ask shows the page with the ways out.
func (s *site) ask(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.delivery(w, r); ok {
		s.show(w, r, http.StatusOK, "ask", r.PathValue("token")[:outbox.TokenLength])
	}
}

// oneClick is the way out of mail programs (RFC 8058 section 3.2): it acts at
// once and sends nobody elsewhere. The body should say List-Unsubscribe=One-Click
// in one of two encodings; a token that verifies is enough, as programs differ.
func (s *site) oneClick(w http.ResponseWriter, r *http.Request) {
	if id, ok := s.delivery(w, r); ok {
		_, _ = io.Copy(io.Discard, r.Body) // too much of it is not read, and nothing of it is needed
		s.object(w, r, Objection{Delivery: id, By: "one-click"})
	}
}

// leave is the button of the page.
func (s *site) leave(w http.ResponseWriter, r *http.Request) {
	id, ok := s.delivery(w, r)
	if !ok || !s.parsed(w, r) {
		return
	}
	s.object(w, r, Objection{Delivery: id, All: r.PostForm.Get("scope") == "all", By: "page"})
}

// object commits an objection, and only then says that it holds. What cannot be
// committed now is asked for again: mail programs do that.
func (s *site) object(w http.ResponseWriter, r *http.Request, o Objection) {
	o.Agent = agentOf(r)
	// It is committed even where its sender does not wait.
	if err := s.Object(context.WithoutCancel(r.Context()), o); err != nil {
		s.Log.Error("an objection could not be kept", "delivery", o.Delivery, "error", err)
		w.Header().Set("Retry-After", strconv.Itoa(60))
		s.show(w, r, http.StatusServiceUnavailable, "later", "")
		return
	}
	said := "done"
	if o.All {
		said = "doneall"
	}
	s.show(w, r, http.StatusOK, said, "")
}

// show answers with the page in the reader's language; token is that of the ways
// out it offers, "" for none.
func (s *site) show(w http.ResponseWriter, r *http.Request, status int, what, token string) {
	s.answer(w, r, status, shown{What: what, Leave: token, Ways: token != ""})
}

// shown is what a page shows.
type shown struct {
	What   string  // its texts
	Action string  // where its form goes
	Topics []Topic // to choose from
	List   []Topic // that are only named
	Leave  string  // the token of the ways out
	Ways   bool    // the ways out are what the page is for
	Fault  string  // the text of what is wrong with what was filled in

	SignUp        bool // it asks for an address
	Address, Name string

	Questions []field // of a survey
	Comment   string  // to it
	Stamp     string  // of the moment it is shown
	Stop      string  // the token of the way out of surveys
	Back      string  // to what was filled in
}

func (s *site) answer(w http.ResponseWriter, r *http.Request, status int, o shown) {
	_, at := language.MatchStrings(s.matcher, r.Header.Get("Accept-Language"))
	texts := s.texts[at]
	var b bytes.Buffer
	o.Fault = texts[o.Fault]
	err := s.page.Execute(&b, struct {
		shown
		Lang, Dir, Title, Text, Team, Button string
		T                                    map[string]string
	}{o, s.tags[at].String(), texts["dir"], texts[o.What+".title"], texts[o.What+".text"], s.Team(), texts[o.What+".button"], texts})
	if err != nil {
		s.Log.Error("the public page cannot be made", "error", err)
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", s.tags[at].String())
	w.Header().Set("Vary", "Accept-Language")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
