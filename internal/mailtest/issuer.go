package mailtest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Issuer is a scripted OAuth issuer on a loopback port, with a clock of its
// own: device code, authorization code with PKCE, refresh, client credentials
// with a secret or a certificate, and signed assertions of a service account.
// It answers as Google or as Microsoft does. Exported fields are set before the
// first request, or under Lock. Methods may be used concurrently.
type Issuer struct {
	URL string // of the issuer: URL/token, URL/authorize, URL/device

	Microsoft bool             // answers with AADSTS codes, tokens are JWTs
	Now       func() time.Time // nil: time.Now
	Life      time.Duration    // of access tokens; 0: an hour
	Interval  int              // seconds between polls of the device flow; 0: 1
	// Rotate gives a new refresh token with each refresh. The one of before
	// holds until the new one is used.
	Rotate bool
	// Clients are the apps that are known, with their secrets; "" is a public one.
	Clients map[string]string
	// Certificates are those uploaded for an app, by client ID.
	Certificates map[string]*x509.Certificate
	// Services are the public keys of service accounts, by their address.
	Services map[string]*rsa.PublicKey
	// Delegated are the mailboxes a service account may act for; nil: all.
	Delegated []string
	// Roles are what app-only tokens carry; nil: IMAP.AccessAsApp, SMTP.SendAsApp.
	Roles []string
	// Person is who signs in with a code or browser; "" is nobody yet.
	Person string
	// AtOnce has the person sign in with a code as soon as it is shown.
	AtOnce bool
	// Reply, when not nil, may answer a request in the issuer's stead. It is
	// called without the lock.
	Reply func(w http.ResponseWriter, r *http.Request) bool

	sync.Mutex
	server   *httptest.Server
	access   map[string]grant
	refresh  map[string]grant
	codes    map[string]grant  // authorization and device codes
	lasting  map[string]string // refresh token -> the one it replaces
	requests []IssuerRequest
}

// grant is what a token or code stands for.
type grant struct {
	client, user, scope string
	challenge, redirect string
	until               time.Time
	refused             string
}

// IssuerRequest is one request that an issuer had, with its form.
type IssuerRequest struct {
	Path string
	Form url.Values
	At   time.Time // by the issuer's clock
}

// NewIssuer starts an issuer. It knows the app "app" with the secret "".
func NewIssuer() *Issuer {
	i := &Issuer{
		Clients: map[string]string{"app": ""}, access: map[string]grant{}, refresh: map[string]grant{}, codes: map[string]grant{}, lasting: map[string]string{},
	}
	i.server = httptest.NewServer(http.HandlerFunc(i.serve))
	i.URL = i.server.URL
	return i
}

// Close ends it.
func (i *Issuer) Close() { i.server.Close() }

func (i *Issuer) now() time.Time {
	if i.Now != nil {
		return i.Now()
	}
	return time.Now()
}

// Requests returns every request so far.
func (i *Issuer) Requests() []IssuerRequest {
	i.Lock()
	defer i.Unlock()
	return slices.Clone(i.requests)
}

// Asked counts the requests for tokens of a grant type; "" is all.
func (i *Issuer) Asked(grantType string) (n int) {
	for _, r := range i.Requests() {
		if r.Path == "/token" && (grantType == "" || r.Form.Get("grant_type") == grantType) {
			n++
		}
	}
	return n
}

// Who says whose an access token is; false where a server must not take it.
// For an app-only token the user is "".
func (i *Issuer) Who(token string) (user string, ok bool) {
	i.Lock()
	defer i.Unlock()
	g, ok := i.access[token]
	return g.user, ok && i.now().Before(g.until)
}

// Takes reports whether a server takes a token for a mailbox, as Gmail and
// Exchange do once all is set up.
func (i *Issuer) Takes(mailbox, token string) bool {
	user, ok := i.Who(token)
	return ok && (user == "" || strings.EqualFold(user, mailbox))
}

// Expire ends every access token at once.
func (i *Issuer) Expire() {
	i.Lock()
	defer i.Unlock()
	i.access = map[string]grant{}
}

// Revoke takes a person's sign-in back: access tokens and refresh tokens.
func (i *Issuer) Revoke(user string) {
	i.Lock()
	defer i.Unlock()
	of := func(_ string, g grant) bool { return strings.EqualFold(g.user, user) }
	maps.DeleteFunc(i.access, of)
	maps.DeleteFunc(i.refresh, of)
}

// Tokens returns every token and code that holds, which must never be seen
// anywhere.
func (i *Issuer) Tokens() []string {
	i.Lock()
	defer i.Unlock()
	return slices.Concat(slices.Collect(maps.Keys(i.access)), slices.Collect(maps.Keys(i.refresh)), slices.Collect(maps.Keys(i.codes)))
}

// Approve has the person sign in with a code that was shown.
func (i *Issuer) Approve(userCode string) error { return i.decide(userCode, "") }

// Decline has the person decline.
func (i *Issuer) Decline(userCode string) error { return i.decide(userCode, "access_denied") }

func (i *Issuer) decide(userCode, refused string) error {
	i.Lock()
	defer i.Unlock()
	for code, g := range i.codes {
		if g.challenge == userCode && userCode != "" {
			g.user, g.refused = i.Person, refused
			i.codes[code] = g
			return nil
		}
	}
	return errors.New("no such code: " + userCode)
}

// Browse does what a browser does with the address to sign in at: the person
// agrees, and the browser goes where it is sent, which is returned. visit says
// whether it does, or stays before that as on another machine.
func (i *Issuer) Browse(address string, visit bool) (sentTo string, err error) {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(address)
	if err != nil {
		return "", err
	}
	resp.Body.Close()
	if sentTo = resp.Header.Get("Location"); sentTo == "" {
		return "", fmt.Errorf("the issuer sends the browser nowhere: %s", resp.Status)
	}
	if visit {
		resp, err = client.Get(sentTo)
		if err != nil {
			return sentTo, err
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return sentTo, fmt.Errorf("the browser came back to: %s", resp.Status)
		}
	}
	return sentTo, nil
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	i.Lock()
	i.requests = append(i.requests, IssuerRequest{r.URL.Path, maps.Clone(r.Form), i.now()})
	reply := i.Reply
	i.Unlock()
	w.Header().Set("Date", i.now().UTC().Format(http.TimeFormat))
	if reply != nil && reply(w, r) {
		return
	}
	i.Lock()
	defer i.Unlock()
	switch r.URL.Path {
	case "/authorize":
		i.authorize(w, r)
	case "/device":
		i.device(w, r)
	case "/token":
		i.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.Form
	back, err := url.Parse(q.Get("redirect_uri"))
	if _, known := i.Clients[q.Get("client_id")]; !known || err != nil || q.Get("code_challenge_method") != "S256" || !net.ParseIP(back.Hostname()).IsLoopback() && back.Hostname() != "localhost" {
		http.Error(w, "this app may not do that", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	i.codes[code] = grant{client: q.Get("client_id"), user: i.Person, scope: q.Get("scope"), challenge: q.Get("code_challenge"),
		redirect: q.Get("redirect_uri"), until: i.now().Add(10 * time.Minute)}
	answer := url.Values{"code": {code}, "state": {q.Get("state")}}
	if i.Person == "" {
		answer = url.Values{"error": {"access_denied"}, "state": {q.Get("state")}}
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (i *Issuer) device(w http.ResponseWriter, r *http.Request) {
	if _, known := i.Clients[r.Form.Get("client_id")]; !known {
		i.refuse(w, "unauthorized_client", "700016", "Application was not found in the directory.")
		return
	}
	code, shown := rand.Text(), rand.Text()[:8]
	g := grant{client: r.Form.Get("client_id"), scope: r.Form.Get("scope"), challenge: shown, until: i.now().Add(15 * time.Minute)}
	if i.AtOnce {
		g.user = i.Person
	}
	i.codes[code] = g
	i.answer(w, map[string]any{"device_code": code, "user_code": shown, "verification_uri": i.URL + "/code", "expires_in": 900, "interval": max(i.Interval, 1)})
}

func (i *Issuer) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// refuse answers as RFC 6749, 5.2, and with a code of Microsoft's.
func (i *Issuer) refuse(w http.ResponseWriter, code, number, text string) {
	w.Header().Set("Content-Type", "application/json")
	status := http.StatusBadRequest
	if code == "invalid_client" || code == "unauthorized_client" {
		status = http.StatusUnauthorized
	}
	if i.Microsoft && number != "" {
		text = "AADSTS" + number + ": " + text + " Trace ID: 0f2a Correlation ID: 77c1 Timestamp: " + i.now().UTC().Format(time.DateTime) + "Z"
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": code, "error_description": text})
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	f := r.Form
	if f.Get("grant_type") == "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		i.assertion(w, f)
		return
	}
	if !i.known(w, f) {
		return
	}
	switch f.Get("grant_type") {
	case "client_credentials":
		i.give(w, grant{client: f.Get("client_id"), scope: f.Get("scope")}, "")
	case "refresh_token":
		i.refreshed(w, f)
	case "authorization_code":
		g, ok := i.codes[f.Get("code")]
		sum := sha256.Sum256([]byte(f.Get("code_verifier")))
		if !ok || g.client != f.Get("client_id") || g.redirect != f.Get("redirect_uri") || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
			i.refuse(w, "invalid_grant", "70008", "The authorization code is expired or was used.")
			return
		}
		delete(i.codes, f.Get("code"))
		i.give(w, g, rand.Text())
	case "urn:ietf:params:oauth:grant-type:device_code":
		g, ok := i.codes[f.Get("device_code")]
		switch {
		case !ok || !i.now().Before(g.until):
			i.refuse(w, "expired_token", "70019", "Verification code expired.")
		case g.refused != "":
			i.refuse(w, g.refused, "65004", "User declined to consent.")
		case g.user == "":
			i.refuse(w, "authorization_pending", "70016", "Pending end-user authorization.")
		default:
			delete(i.codes, f.Get("device_code"))
			i.give(w, g, rand.Text())
		}
	default:
		i.refuse(w, "unsupported_grant_type", "70003", "Unsupported grant.")
	}
}

// known checks the app and what proves it.
func (i *Issuer) known(w http.ResponseWriter, f url.Values) bool {
	secret, known := i.Clients[f.Get("client_id")]
	cert := i.Certificates[f.Get("client_id")]
	switch {
	case !known:
		i.refuse(w, "unauthorized_client", "700016", "Application was not found in the directory.")
	case f.Has("client_assertion"):
		claims, err := verified(f.Get("client_assertion"), func(string) crypto.PublicKey {
			if cert == nil {
				return nil
			}
			return cert.PublicKey
		})
		switch {
		case err != nil || claims.Issuer != f.Get("client_id") || claims.Audience != i.URL+"/token":
			i.refuse(w, "invalid_client", "700027", "Client assertion contains an invalid signature.")
		case !claims.timely(i.now()):
			i.refuse(w, "invalid_client", "700024", "Client assertion is not within its valid time range.")
		default:
			return true
		}
	case subtle.ConstantTimeCompare([]byte(secret), []byte(f.Get("client_secret"))) == 1 && (secret != "" || f.Get("grant_type") != "client_credentials"):
		return true
	default:
		i.refuse(w, "invalid_client", "7000215", "Invalid client secret provided.")
	}
	return false
}

func (i *Issuer) refreshed(w http.ResponseWriter, f url.Values) {
	token := f.Get("refresh_token")
	g, ok := i.refresh[token]
	if !ok || g.client != f.Get("client_id") {
		i.refuse(w, "invalid_grant", "50173", "The provided grant has expired due to it being revoked.")
		return
	}
	delete(i.refresh, i.lasting[token]) // its use proves that it arrived
	delete(i.lasting, token)
	next := token
	if i.Rotate {
		next = rand.Text()
		i.lasting[next] = token
	}
	i.give(w, g, next)
}

// give answers with tokens for a grant.
func (i *Issuer) give(w http.ResponseWriter, g grant, refresh string) {
	life := i.Life
	if life == 0 {
		life = time.Hour
	}
	g.until = i.now().Add(life)
	token := rand.Text() + rand.Text()
	if i.Microsoft {
		token = i.jwt(g)
	}
	i.access[token] = g
	out := map[string]any{"token_type": "Bearer", "access_token": token, "expires_in": int(life.Seconds()), "scope": strings.Replace(g.scope, " offline_access", "", 1)}
	if refresh != "" {
		i.refresh[refresh] = g
		out["refresh_token"] = refresh
	}
	i.answer(w, out)
}

// jwt makes a token of the form of Microsoft's; its signature is chance.
func (i *Issuer) jwt(g grant) string {
	claims := map[string]any{"aud": "https://outlook.office365.com", "exp": g.until.Unix(), "appid": g.client}
	if g.user != "" {
		claims["upn"], claims["scp"] = g.user, "IMAP.AccessAsUser.All SMTP.Send"
	} else if claims["roles"] = i.Roles; i.Roles == nil {
		claims["roles"] = []string{"IMAP.AccessAsApp", "SMTP.SendAsApp"}
	}
	raw, _ := json.Marshal(claims)
	e := base64.RawURLEncoding
	return e.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + e.EncodeToString(raw) + "." + e.EncodeToString([]byte(rand.Text()+rand.Text()))
}

func (i *Issuer) assertion(w http.ResponseWriter, f url.Values) {
	claims, err := verified(f.Get("assertion"), func(issuer string) crypto.PublicKey {
		if key := i.Services[issuer]; key != nil {
			return key
		}
		return nil
	})
	switch {
	case err != nil || claims.Audience != i.URL+"/token":
		i.refuse(w, "invalid_grant", "", "Invalid JWT Signature.")
	case !claims.timely(i.now()):
		i.refuse(w, "invalid_grant", "", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.")
	case claims.Scope != "https://mail.google.com/" || i.Delegated != nil && !slices.Contains(i.Delegated, claims.Subject):
		i.refuse(w, "unauthorized_client", "", "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.")
	default:
		i.give(w, grant{client: claims.Issuer, user: claims.Subject, scope: claims.Scope}, "")
	}
}

// asserted are the claims of an assertion.
type asserted struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	Scope    string `json:"scope"`
	Issued   int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// timely allows five minutes of difference, as the issuers do.
func (a asserted) timely(now time.Time) bool {
	const slack = 300
	return a.Issued <= now.Unix()+slack && a.Expires > now.Unix()-slack && a.Expires-a.Issued <= 3600
}

// verified reads an assertion and checks its signature, RS256 or PS256.
func verified(text string, key func(issuer string) crypto.PublicKey) (a asserted, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return a, errors.New("not a JWT")
	}
	var raw [3][]byte
	for n, p := range parts {
		if raw[n], err = base64.RawURLEncoding.DecodeString(p); err != nil {
			return a, err
		}
	}
	var header struct {
		Alg string `json:"alg"`
	}
	if err := errors.Join(json.Unmarshal(raw[0], &header), json.Unmarshal(raw[1], &a)); err != nil {
		return a, err
	}
	public, ok := key(a.Issuer).(*rsa.PublicKey)
	if !ok {
		return a, errors.New("no key of that issuer")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if header.Alg == "PS256" {
		return a, rsa.VerifyPSS(public, crypto.SHA256, sum[:], raw[2], nil)
	}
	return a, rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], raw[2])
}

// Bearer reads the client's first words of XOAUTH2 and OAUTHBEARER, as they
// stand in base64 behind AUTHENTICATE or AUTH and the mechanism.
func Bearer(words string) (user, token string, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(words))
	if err != nil {
		return "", "", false
	}
	for part := range strings.SplitSeq(string(raw), "\x01") {
		if u, found := strings.CutPrefix(part, "user="); found {
			user = u
		}
		if rest, found := strings.CutPrefix(part, "n,a="); found { // GS2 header of OAUTHBEARER
			user = strings.NewReplacer("=2C", ",", "=3D", "=").Replace(strings.TrimSuffix(rest, ","))
		}
		if t, found := strings.CutPrefix(part, "auth=Bearer "); found {
			token = t
		}
	}
	return user, token, user != "" && token != ""
}
