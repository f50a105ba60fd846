package auth

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/store"
)

// maxForm bounds what a form or a passkey's answer may hold.
const maxForm = 64 << 10

// route is one door of signing in.
type route struct {
	pattern string
	serve   http.HandlerFunc
}

func (s *Service) routes() []route {
	return []route{
		{"POST /auth/sign-in", s.postSignIn},
		{"POST /auth/sign-out", s.postSignOut},
		{"POST /auth/setup", s.postSetup},
		{"POST /auth/passkey/sign-in/begin", s.postPasskeySignInBegin},
		{"POST /auth/passkey/sign-in", s.postPasskeySignIn},
		{"POST /auth/passkey/begin", s.postPasskeyBegin},
		{"POST /auth/passkey", s.postPasskey},
		{"GET /auth/oidc", s.getOIDC},
		{"GET " + callbackPath, s.getCallback},
	}
}

// Patterns lists what Handler serves, for those who try every route.
func (s *Service) Patterns() (all []string) {
	for _, r := range s.routes() {
		all = append(all, r.pattern)
	}
	return all
}

// Handler serves what signs in and out, below /auth/: the doors to which the
// pages' forms lead. It stands behind [Service.Front]. Requests of other
// origins are refused.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		mux.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			w.Header().Set("Referrer-Policy", "no-referrer")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			req.Body = http.MaxBytesReader(w, req.Body, maxForm)
			r.serve(w, req)
		})
	}
	return http.NewCrossOriginProtection().Handler(mux)
}

// The codes by which pages tell what went wrong.
func faultOf(err error) string {
	for code, errs := range map[string][]error{
		"wrong":   {ErrWrong},
		"many":    {ErrTooMany},
		"expired": {ErrExpired, errSession},
		"absent":  {ErrAbsent},
		"code":    {errCode},
		"busy":    {store.ErrFull, store.ErrReadOnly, store.ErrConflict},
		"weak":    {errWeak},
		"repeat":  {errRepeat},
		"name":    {errUnnamed},
	} {
		for _, e := range errs {
			if errors.Is(err, e) {
				return code
			}
		}
	}
	return "other"
}

var (
	errWeak    = errors.New("the password does not do")
	errRepeat  = errors.New("the password was typed in two ways")
	errUnnamed = errors.New("the name or address does not do")
)

// local keeps a place to go back to within our own pages.
func local(back string) string {
	u, err := url.Parse(back)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") ||
		strings.ContainsAny(back, "\\\r\n\t") || len(back) > 1000 || strings.HasPrefix(back, "/auth/") {
		return "/"
	}
	return back
}

// in hands a session to a browser.
func (s *Service) in(w http.ResponseWriter, v visit, secret string) {
	http.SetCookie(w, s.cookie(v.secure, sessionName, secret, s.settings.Load().Spans.Absolute))
}

// out tells why somebody did not get in, on the page they came from.
func (s *Service) out(w http.ResponseWriter, r *http.Request, page string, q url.Values, err error) {
	code := faultOf(err)
	if code == "other" {
		s.log.Warn("sign-in failed", "err", err)
	}
	q.Set("fault", code)
	http.Redirect(w, r, page+"?"+q.Encode(), http.StatusSeeOther)
}

func (s *Service) postSignIn(w http.ResponseWriter, r *http.Request) {
	v, back := s.visitOf(r), local(r.PostFormValue("next"))
	secret, err := s.signIn(r.Context(), v, r.PostFormValue("address"), r.PostFormValue("password"), r.PostFormValue("code"))
	if err != nil {
		s.out(w, r, "/sign-in", url.Values{"next": {back}}, err)
		return
	}
	s.in(w, v, secret)
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (s *Service) postSignOut(w http.ResponseWriter, r *http.Request) {
	v := s.visitOf(r)
	if err := s.signOut(r.Context(), v); err != nil {
		s.out(w, r, "/sign-in", url.Values{}, err)
		return
	}
	http.SetCookie(w, s.cookie(v.secure, sessionName, "", -time.Second))
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}

// newcomerOf reads what the holder of a one-time link says of themselves.
func newcomerOf(values url.Values) newcomer {
	return newcomer{
		link: values.Get("token"), name: values.Get("name"), address: values.Get("address"),
		password: values.Get("password"), code: values.Get("code"),
	}
}

func (s *Service) postSetup(w http.ResponseWriter, r *http.Request) {
	v := s.visitOf(r)
	_ = r.ParseForm() // what is not there is refused below
	n := newcomerOf(r.PostForm)
	again := url.Values{"token": {n.link}, "name": {n.name}, "address": {n.address}}
	if repeat := r.PostForm["repeat"]; len(repeat) > 0 && repeat[0] != n.password {
		s.out(w, r, "/setup", again, errRepeat)
		return
	}
	secret, err := s.accept(r.Context(), v, n)
	if err != nil {
		s.out(w, r, "/setup", again, err)
		return
	}
	s.in(w, v, secret)
	http.Redirect(w, r, "/account?welcome=1", http.StatusSeeOther)
}

// said is what a browser says in a passkey's ceremony.
type said struct {
	Ceremony string          `json:"ceremony"`
	Name     string          `json:"name"`
	Next     string          `json:"next"`
	Answer   json.RawMessage `json:"answer"`
	// Of the holder of a one-time link:
	Token   string          `json:"token"`
	Person  string          `json:"person"`
	Address contact.Address `json:"address"`
}

// hear reads a JSON body; a form of another site cannot send one.
func hear(w http.ResponseWriter, r *http.Request) (in said, ok bool) {
	t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if t != "application/json" {
		tell(w, http.StatusUnsupportedMediaType, map[string]string{"fault": "other"})
		return in, false
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		tell(w, http.StatusBadRequest, map[string]string{"fault": "other"})
		return in, false
	}
	return in, true
}

func tell(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // whoever is gone does not read it
}

// answer tells a script how a step of a ceremony went.
func (s *Service) answer(w http.ResponseWriter, v any, err error) {
	switch {
	case errors.Is(err, errNoName):
		tell(w, http.StatusUnprocessableEntity, map[string]string{"fault": "unnamed-host"})
	case errors.Is(err, ErrTooMany):
		tell(w, http.StatusTooManyRequests, map[string]string{"fault": "many"})
	case err != nil:
		s.log.Info("passkey refused", "err", err)
		tell(w, http.StatusUnprocessableEntity, map[string]string{"fault": faultOf(err)})
	default:
		tell(w, http.StatusOK, v)
	}
}

func (s *Service) postPasskeySignInBegin(w http.ResponseWriter, r *http.Request) {
	if _, ok := hear(w, r); !ok {
		return
	}
	b, err := s.beginSignIn(s.visitOf(r))
	s.answer(w, b, err)
}

func (s *Service) postPasskeySignIn(w http.ResponseWriter, r *http.Request) {
	in, ok := hear(w, r)
	if !ok {
		return
	}
	v := s.visitOf(r)
	secret, err := s.passkeySignIn(r.Context(), v, in.Ceremony, in.Answer)
	if err == nil {
		s.in(w, v, secret)
	}
	s.answer(w, map[string]string{"to": local(in.Next)}, err)
}

// whose returns who adds a passkey: whoever is signed in, or the holder of a
// one-time link.
func (s *Service) whose(r *http.Request, in said) (access.Principal, newcomer, error) {
	if in.Token != "" {
		return access.Principal{}, newcomer{link: in.Token, name: in.Person, address: string(in.Address)}, nil
	}
	p, err := s.Identify(r)
	return p, newcomer{}, err
}

func (s *Service) postPasskeyBegin(w http.ResponseWriter, r *http.Request) {
	in, ok := hear(w, r)
	if !ok {
		return
	}
	p, n, err := s.whose(r, in)
	var b begun
	if err == nil {
		b, err = s.beginPasskey(r.Context(), s.visitOf(r), p, n)
	}
	s.answer(w, b, err)
}

func (s *Service) postPasskey(w http.ResponseWriter, r *http.Request) {
	in, ok := hear(w, r)
	if !ok {
		return
	}
	p, _, err := s.whose(r, in)
	var secret string
	v := s.visitOf(r)
	if err == nil {
		secret, err = s.addPasskey(r.Context(), v, p, in.Ceremony, in.Name, in.Answer)
	}
	to := "/account"
	if secret != "" {
		s.in(w, v, secret)
		to = "/account?welcome=1"
	}
	s.answer(w, map[string]string{"to": to}, err)
}

// journeyName is the cookie of a browser that was sent to the issuer.
const journeyName = "rapport-journey"

func (s *Service) getOIDC(w http.ResponseWriter, r *http.Request) {
	v, q := s.visitOf(r), r.URL.Query()
	back := local(q.Get("next"))
	to, held, err := s.depart(r.Context(), v, newcomerOf(q), back)
	if err != nil {
		s.out(w, r, "/sign-in", url.Values{"next": {back}}, err)
		return
	}
	http.SetCookie(w, s.cookie(v.secure, journeyName, held, pendingFor))
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (s *Service) getCallback(w http.ResponseWriter, r *http.Request) {
	v := s.visitOf(r)
	held := ""
	if found := r.CookiesNamed(cookieName(journeyName, v.secure)); len(found) == 1 {
		held = found[0].Value
	}
	secret, back, err := s.arrive(r.Context(), v, held, r.URL.Query())
	http.SetCookie(w, s.cookie(v.secure, journeyName, "", -time.Second))
	if err != nil {
		s.out(w, r, "/sign-in", url.Values{"next": {local(back)}}, err)
		return
	}
	s.in(w, v, secret)
	http.Redirect(w, r, local(back), http.StatusSeeOther)
}
