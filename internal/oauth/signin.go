package oauth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"rapport/internal/rescue"

	"rapport/records/phrase"
)

// The patience with a person who signs in.
const (
	signInTime  = 15 * time.Minute
	slowestPoll = 60 // seconds
	pageTime    = 5 * time.Second
)

// Prompt tells a person what to do next.
type Prompt struct {
	Open     string    // the page to open
	Code     string    // what to type there; empty: nothing
	Redirect string    // where the browser comes back to; empty: nowhere
	Until    time.Time // when this try ends
}

// SignIn has a person sign in, by the method given or the client's own; tell
// hears what to do. It blocks until the person has, has declined, or a quarter
// of an hour is over. What it brings is kept before it returns.
func (s *Source) SignIn(ctx context.Context, m Method, tell func(Prompt)) error {
	s.mu.Lock()
	c := s.client
	s.mu.Unlock()
	if !c.Method.ByHand() {
		return &Fault{Text: phrase.New("nobody has to sign in here: the program itself does"), Final: true}
	}
	if m != "" {
		c.Method = m
	}
	ctx, cancel := context.WithTimeout(ctx, signInTime)
	defer cancel()
	conf := &oauth2.Config{
		ClientID: c.ClientID, Scopes: c.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: c.AuthURL, TokenURL: c.TokenURL, DeviceAuthURL: c.DeviceURL, AuthStyle: oauth2.AuthStyleInParams},
	}
	if c.Secret != nil {
		var err error
		if conf.ClientSecret, err = c.Secret(ctx); err != nil {
			return unreadable("the client secret", err)
		}
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, s.k.o.HTTP)
	var token *oauth2.Token
	var err error
	switch c.Method {
	case Device:
		token, err = byDevice(ctx, c, conf, s.k.o.Now(), tell)
	default:
		token, err = s.k.byBrowser(ctx, c, conf, tell)
	}
	if err != nil {
		return late(ctx, c, err, conf.ClientSecret)
	}
	g, err := grantOf(token)
	if err != nil {
		return err
	}
	return s.signedIn(c, g)
}

// late says of a sign-in that nobody finished that it was so.
func late(ctx context.Context, c Client, err error, secret string) error {
	switch {
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return &Fault{Code: "expired_token", Text: phrase.New("nobody signed in in time"), Fix: phrase.New(signAgain, "name", c.Name), err: err}
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return c.explain(err, secret)
}

// signedIn keeps what a person's sign-in brought.
func (s *Source) signedIn(c Client, g granted) error {
	if g.refresh == "" {
		return &Fault{Code: "no_refresh_token", Text: phrase.New("the issuer gave no refresh token, so the sign-in would end within the hour"),
			Fix: phrase.New("allow offline access for the app, and take the app's access back before signing in again"), Final: true}
	}
	if len(g.scopes) == 0 {
		g.scopes = c.Scopes
	}
	if lacks := lacking(c.Scopes, g.scopes); len(lacks) > 0 {
		return &Fault{Code: "scope", Text: phrase.New("the sign-in does not cover what is needed: {scopes}", "scopes", clean(strings.Join(lacks, ", "))),
			Fix: phrase.New("sign in again and tick every box, or have an administrator allow it for the app"), Final: true}
	}
	now := s.k.o.Now()
	s.took(g, now, 0)
	s.mu.Lock()
	s.rec.SignedIn, s.rec.Account, s.rec.Scopes = now.UTC().Round(0), g.account, slices.Clone(g.scopes)
	s.loaded = true
	s.mu.Unlock()
	if err := s.save(); err != nil {
		return err
	}
	s.k.o.Log.Info("somebody signed in", "source", s.id)
	if s.k.o.Changed != nil {
		s.k.o.Changed(s)
	}
	return nil
}

// byDevice shows a code to be typed elsewhere, and waits for that.
func byDevice(ctx context.Context, c Client, conf *oauth2.Config, now time.Time, tell func(Prompt)) (*oauth2.Token, error) {
	if c.DeviceURL == "" {
		return nil, &Fault{Text: phrase.New("the issuer has no device flow here"), Fix: phrase.New("use --flow code"), Final: true}
	}
	asked, err := conf.DeviceAuth(ctx)
	if err != nil {
		return nil, err
	}
	if u, err := url.Parse(asked.VerificationURI); err != nil || u.Scheme != "https" && u.Scheme != "http" || asked.UserCode == "" {
		return nil, &Fault{Text: phrase.New("the issuer's answer names no page to type a code into")}
	}
	asked.Interval = min(max(asked.Interval, 0), slowestPoll)
	asked.Expiry = time.Time{} // ctx ends it
	tell(Prompt{Open: clean(asked.VerificationURI), Code: clean(asked.UserCode), Until: now.Add(signInTime)})
	var opts []oauth2.AuthCodeOption
	if conf.ClientSecret != "" {
		opts = append(opts, oauth2.SetAuthURLParam("client_secret", conf.ClientSecret))
	}
	for {
		token, err := conf.DeviceAccessToken(ctx, asked, opts...)
		var said *oauth2.RetrieveError
		if err == nil || ctx.Err() != nil || errors.As(err, &said) && said.ErrorCode != "" {
			return token, err
		}
		// The line broke, or a proxy answered: the code is good still (RFC 8628, 3.5).
	}
}

// pending is a sign-in that waits for the browser to come back.
type pending struct {
	state string
	back  chan url.Values // one place
}

// byBrowser sends a person's browser to the issuer, and waits for it to come
// back to a listener on this machine, or for its address in [Keeper.Answer].
func (k *Keeper) byBrowser(ctx context.Context, c Client, conf *oauth2.Config, tell func(Prompt)) (*oauth2.Token, error) {
	if c.AuthURL == "" {
		return nil, &Fault{Text: phrase.New("the issuer's auth_url is not known"), Fix: phrase.New("set oauth.auth_url"), Final: true}
	}
	p := &pending{state: rand.Text(), back: make(chan url.Values, 1)}
	port, stop, err := k.listen(p)
	if err != nil {
		return nil, err
	}
	defer stop()
	// Each takes any port, of the name or number that it knows.
	conf.RedirectURL = "http://127.0.0.1:" + port + "/"
	if c.Issuer == Microsoft {
		conf.RedirectURL = "http://localhost:" + port + "/"
	}
	verifier := oauth2.GenerateVerifier()
	opts := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}
	if c.Issuer == Google {
		opts = append(opts, oauth2.AccessTypeOffline, oauth2.ApprovalForce)
	}
	if c.Subject != "" {
		opts = append(opts, oauth2.SetAuthURLParam("login_hint", c.Subject))
	}
	k.expect(p)
	defer k.forget(p)
	tell(Prompt{Open: conf.AuthCodeURL(p.state, opts...), Redirect: conf.RedirectURL, Until: k.o.Now().Add(signInTime)})
	var back url.Values
	select {
	case back = <-p.back:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if code := back.Get("error"); code != "" {
		return nil, &oauth2.RetrieveError{ErrorCode: code, ErrorDescription: back.Get("error_description")}
	}
	return conf.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(verifier))
}

// listen serves the address a browser comes back to.
func (k *Keeper) listen(p *pending) (port string, stop func(), err error) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen for the browser to come back: %w", err)
	}
	port = strconv.Itoa(first.Addr().(*net.TCPAddr).Port)
	listeners := []net.Listener{first}
	if six, err := net.Listen("tcp", "[::1]:"+port); err == nil { // what localhost may mean
		listeners = append(listeners, six)
	}
	srv := &http.Server{
		Handler: http.HandlerFunc(p.comesBack), ReadHeaderTimeout: pageTime, ReadTimeout: pageTime, WriteTimeout: pageTime, MaxHeaderBytes: 16 << 10,
	}
	for _, l := range listeners {
		k.wg.Go(func() { _ = rescue.Do(func() error { return srv.Serve(l) }) })
	}
	return port, func() {
		ctx, cancel := context.WithTimeout(context.Background(), pageTime)
		defer cancel()
		_ = srv.Shutdown(ctx) // so that the person reads the page
		_ = srv.Close()
	}, nil
}

// comesBack answers the browser, whoever's it is.
func (p *pending) comesBack(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Connection", "close")
	if r.Method != http.MethodGet || r.URL.Path != "/" || !p.take(r.URL.Query()) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, page("This is not the sign-in that is waited for", "Begin again: rapport auth login."))
		return
	}
	fmt.Fprint(w, page("Back to the terminal", "It says how the sign-in went. You can close this window."))
}

func page(title, text string) string {
	return "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Rapport</title><h1>" + title + "</h1><p>" + text + "</p></html>\n"
}

// take hands over what the browser brought, once, where it belongs here.
func (p *pending) take(q url.Values) bool {
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(p.state)) != 1 || q.Get("code") == "" && q.Get("error") == "" {
		return false
	}
	select {
	case p.back <- q:
		return true
	default: // it came already
		return false
	}
}

func (k *Keeper) expect(p *pending) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending = append(k.pending, p)
}

func (k *Keeper) forget(p *pending) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pending = slices.DeleteFunc(k.pending, func(o *pending) bool { return o == p })
}

// ErrNotWaited is returned for an address that belongs to no sign-in.
var ErrNotWaited = errors.New("this address belongs to no sign-in under way: copy the whole address from the browser, of the sign-in begun last")

// Answer takes the address at which a browser on another machine came to its
// end: it could not come back to this one.
func (k *Keeper) Answer(address string) error {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return ErrNotWaited
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, p := range k.pending {
		if p.take(u.Query()) {
			return nil
		}
	}
	return ErrNotWaited
}
