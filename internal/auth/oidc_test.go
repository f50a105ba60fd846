package auth_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"rapport/internal/auth"
	"rapport/records/access"
	"rapport/records/contact"
	"rapport/store"
)

// issuerKey signs for every scripted issuer, strangerKey for somebody else.
var issuerKey, strangerKey = sync.OnceValue(newKey), sync.OnceValue(newKey)

func newKey() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}

// issuer is a scripted one: it says of itself to be name, and of people what
// claims say.
type issuer struct {
	w      *world
	name   string
	server *httptest.Server

	mu        sync.Mutex // guards what follows
	claims    map[string]any
	key       *rsa.PrivateKey
	challenge string // of the visitor under way
	secret    string // this program's, as it was sent
}

func (w *world) issuer(name string) *issuer {
	i := &issuer{w: w, name: name, key: issuerKey()}
	i.server = httptest.NewServer(http.HandlerFunc(i.serve))
	w.t.Cleanup(i.server.Close)
	return i
}

// RoundTrip has every host be this issuer.
func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	to := r.Clone(r.Context())
	to.URL.Scheme, to.URL.Host = "http", strings.TrimPrefix(i.server.URL, "http://")
	return http.DefaultTransport.RoundTrip(to)
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/.well-known/openid-configuration"):
		name := strings.Replace(i.name, "/common/", "/{tenantid}/", 1)
		json.NewEncoder(w).Encode(map[string]any{"issuer": name, "authorization_endpoint": "https://issuer.example/authorize",
			"token_endpoint": "https://issuer.example/token", "jwks_uri": "https://issuer.example/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
	case path == "/keys":
		json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
			"n": base64.RawURLEncoding.EncodeToString(issuerKey().N.Bytes()), "e": "AQAB"}}})
	case path == "/token":
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if r.PostFormValue("code") != "code" || base64.RawURLEncoding.EncodeToString(sum[:]) != i.challenge {
			w.WriteHeader(http.StatusBadRequest)
			w.Write([]byte(`{"error":"invalid_grant"}`))
			return
		}
		_, i.secret, _ = r.BasicAuth()
		raw, _ := json.Marshal(i.claims)
		json.NewEncoder(w).Encode(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": oidctest.SignIDToken(crypto.PrivateKey(i.key), "1", "RS256", string(raw))})
	default:
		http.NotFound(w, r)
	}
}

// settings have the issuer sign people in.
func (i *issuer) settings() *auth.OIDC {
	return &auth.OIDC{
		Name: "Issuer", Issuer: i.name, ClientID: "us", Client: &http.Client{Transport: i}, Role: access.Reader, Sees: access.Subject,
		Domains: []string{"example.com"}, Addresses: []contact.Address{"guest@partner.example"}, Administrators: []contact.Address{"ada@example.com"},
	}
}

// trip sends a browser to the issuer and back. change may alter what the
// issuer says and what the browser brings back.
type trip struct {
	claims map[string]any
	query  map[string]string
	key    *rsa.PrivateKey
	start  string // the query of the start
}

func (b *browser) trip(i *issuer, t trip) (to string) {
	b.w.t.Helper()
	resp, err := b.http.Get(b.w.server.URL + "/auth/oidc?" + t.start)
	if err != nil {
		b.w.t.Fatal(err)
	}
	resp.Body.Close()
	asked, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || asked.Host != "issuer.example" {
		return resp.Header.Get("Location")
	}
	q := asked.Query()
	if q.Get("client_id") != "us" || q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" || q.Get("state") == "" ||
		q.Get("redirect_uri") != b.w.server.URL+"/auth/oidc/callback" {
		b.w.t.Errorf("the browser is sent to %s", asked)
	}
	i.mu.Lock()
	i.challenge, i.key = q.Get("code_challenge"), issuerKey()
	if t.key != nil {
		i.key = t.key
	}
	i.claims = map[string]any{"iss": i.name, "aud": "us", "sub": "1", "nonce": q.Get("nonce"), "exp": b.w.clock().Add(time.Hour).Unix(), "iat": b.w.clock().Unix()}
	maps.Copy(i.claims, t.claims)
	i.mu.Unlock()
	back := url.Values{"code": {"code"}, "state": {q.Get("state")}}
	for name, value := range t.query {
		back.Set(name, value)
	}
	resp, err = b.http.Get(b.w.server.URL + "/auth/oidc/callback?" + back.Encode())
	if err != nil {
		b.w.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header.Get("Location")
}

func mail(address string, verified any) map[string]any {
	return map[string]any{"email": address, "email_verified": verified, "name": "Somebody"}
}

// with is a claim more.
func with(claims map[string]any, name string, value any) map[string]any {
	out := maps.Clone(claims)
	out[name] = value
	return out
}

// TestIssuerSignsIn lets the right people in, as what is configured, and knows
// them again when their address has changed.
func TestIssuerSignsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.issuer("https://issuer.example")
	w.configure(auth.Settings{OIDC: i.settings()})
	if who := w.browser().who(); who.Kind != access.Nobody {
		t.Errorf("where an issuer is configured, whoever asks is %+v", who)
	}
	for n, tt := range []struct {
		address string
		role    access.Role
	}{{"ada@example.com", access.Administrator}, {"bob@example.com", access.Reader}, {"Guest@Partner.example", access.Reader}} {
		b := w.browser()
		claims := with(mail(tt.address, true), "sub", strconv.Itoa(n))
		if to := b.trip(i, trip{claims: claims, start: "next=/contacts"}); to != "/contacts" {
			t.Fatalf("%s comes back to %s", tt.address, to)
		}
		who := b.who()
		if who.Role != tt.role || string(who.Address) != strings.ToLower(tt.address) {
			t.Errorf("%s is %+v", tt.address, who)
		}
		again := w.browser()
		if to := again.trip(i, trip{claims: map[string]any{"sub": strconv.Itoa(n), "email": "changed@else.example"}}); to != "/" || again.who().ID != who.ID {
			t.Errorf("%s, whose address has changed, comes back to %s as %+v", tt.address, to, again.who())
		}
	}
	// Whoever has a password already is the same user.
	w.user("carl@example.com", access.Member)
	b := w.browser()
	if to := b.trip(i, trip{claims: with(mail("carl@example.com", true), "sub", "carl")}); to != "/" || b.who().Role != access.Member {
		t.Errorf("Carl comes back to %s as %+v", to, b.who())
	}
	// Whoever is invited needs no proven address: the link is the proof.
	b = w.browser()
	token := w.invite("dora@else.example", access.Own)
	if to := b.trip(i, trip{claims: with(mail("dora@private.example", false), "sub", "dora"), start: "token=" + token}); to != "/" || b.who().Role != access.Own || b.who().Address != "dora@else.example" {
		t.Errorf("Dora comes back to %s as %+v", to, b.who())
	}
}

// TestS8_IssuerIsNotBelievedBlindly brings back what no honest issuer said to
// us about this sign-in, or what is no proof.
func TestS8_IssuerIsNotBelievedBlindly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.issuer("https://issuer.example")
	w.configure(auth.Settings{OIDC: i.settings()})
	w.user("carl@example.com", access.Administrator)
	good := mail("bob@example.com", true)
	before := dump(t, w.store)
	tries := map[string]trip{
		"a wrong nonce":                  {claims: with(good, "nonce", "x")},
		"no nonce":                       {claims: with(good, "nonce", "")},
		"another audience":               {claims: with(good, "aud", "them")},
		"several audiences":              {claims: with(good, "aud", []string{"us", "them"})},
		"a token that was given to them": {claims: with(with(good, "aud", []string{"us", "them"}), "azp", "them")},
		"another party":                  {claims: with(good, "azp", "them")},
		"another issuer":                 {claims: with(good, "iss", "https://evil.example")},
		"an expired token":               {claims: with(good, "exp", noon.Add(-time.Hour).Unix())},
		"no account":                     {claims: with(good, "sub", "")},
		"another key":                    {claims: good, key: strangerKey()},
		"an unverified address":          {claims: mail("bob@example.com", false)},
		"an address nobody verified":     {claims: map[string]any{"email": "bob@example.com"}},
		"a verified address of nobody":   {claims: mail("", true)},
		"an unverified address of Carl":  {claims: mail("carl@example.com", false)},
		"a foreign domain":               {claims: mail("bob@evil.example", true)},
		"a domain that ends like ours":   {claims: mail("bob@notexample.com", true)},
		"a subdomain":                    {claims: mail("bob@sub.example.com", true)},
		"two addresses":                  {claims: mail("bob@evil.example, bob@example.com", true)},
		"another state":                  {claims: good, query: map[string]string{"state": "x"}},
		"no state":                       {claims: good, query: map[string]string{"state": ""}},
		"another code":                   {claims: good, query: map[string]string{"code": "stolen"}},
		"a mix-up of issuers":            {claims: good, query: map[string]string{"iss": "https://evil.example"}},
		"a refusal":                      {claims: good, query: map[string]string{"error": "access_denied"}},
		"a forged link":                  {claims: good, start: "token=x"},
	}
	for what, tt := range tries {
		w.pass(time.Minute)
		b := w.browser()
		if to := b.trip(i, tt); !strings.HasPrefix(to, "/sign-in?fault=") || b.cookie() != "" || b.who().Kind != access.Nobody {
			t.Errorf("%s: comes back to %s as %+v", what, to, b.who())
		}
	}
	// Somebody else's browser brings the answer, or the same comes twice.
	b, other := w.browser(), w.browser()
	if to := b.trip(i, trip{claims: good}); to != "/" {
		t.Fatalf("an honest answer leads to %s", to)
	}
	for _, who := range []*browser{b, other} {
		resp, err := who.http.Get(w.server.URL + "/auth/oidc/callback?code=code&state=x")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if to := resp.Header.Get("Location"); !strings.HasPrefix(to, "/sign-in?fault=expired") {
			t.Errorf("an answer nobody waits for leads to %s", to)
		}
	}
	if err := w.s.RemoveUser(t.Context(), access.Principal{Kind: access.Local}, "bob@example.com"); err != nil {
		t.Error(err)
	}
	if after := dump(t, w.store); after != before {
		t.Errorf("the store has changed:\n%s\n%s", before, after)
	}
	t.Attr("tries", strconv.Itoa(len(tries)+2))
}

// TestS8_MicrosoftAndGoogle holds that their addresses count only where they
// are proven, and directories where they are allowed.
func TestS8_MicrosoftAndGoogle(t *testing.T) {
	t.Parallel()
	const ours, theirs = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"
	microsoft := func(tenant string, more map[string]any) map[string]any {
		c := map[string]any{"iss": "https://login.microsoftonline.com/" + tenant + "/v2.0", "tid": tenant, "oid": "o1", "email": "bob@example.com", "name": "Bob"}
		maps.Copy(c, more)
		return c
	}
	google := func(address string, verified any, hosted string) map[string]any {
		return with(mail(address, verified), "hd", hosted)
	}
	const common, single = "https://login.microsoftonline.com/common/v2.0", "https://login.microsoftonline.com/" + ours + "/v2.0"
	tries := []struct {
		name, issuer string
		claims       map[string]any
		in           bool
	}{
		{"proven, our directory", common, microsoft(ours, map[string]any{"xms_edov": true}), true},
		{"proven as a text", common, microsoft(ours, map[string]any{"xms_edov": "1"}), true},
		{"proven, our directory alone", single, microsoft(ours, map[string]any{"xms_edov": float64(1)}), true},
		{"typed by its administrator", common, microsoft(ours, nil), false},
		{"typed, and called verified", common, microsoft(ours, map[string]any{"email_verified": true}), false},
		{"proven, in a foreign directory", common, microsoft(theirs, map[string]any{"xms_edov": true}), false},
		{"a foreign directory that claims ours", common, microsoft(theirs, map[string]any{"xms_edov": true, "tid": ours}), false},
		{"our directory that claims a foreign one", common, microsoft(ours, map[string]any{"xms_edov": true, "tid": theirs}), false},
		{"no object", common, microsoft(ours, map[string]any{"xms_edov": true, "oid": ""}), false},
		{"not Microsoft's at all", common, with(microsoft(ours, map[string]any{"xms_edov": true}), "iss", "https://evil.example/"+ours+"/v2.0"), false},
		{"a foreign directory at ours alone", single, microsoft(theirs, map[string]any{"xms_edov": true}), false},
		{"Google Workspace of ours", "https://accounts.google.com", google("bob@example.com", true, "example.com"), true},
		{"an address of ours in a private Google account", "https://accounts.google.com", google("bob@example.com", true, ""), false},
		{"an address of ours in another's Workspace", "https://accounts.google.com", google("bob@example.com", true, "evil.example"), false},
		{"not verified by Google", "https://accounts.google.com", google("bob@example.com", false, "example.com"), false},
	}
	for _, tt := range tries {
		w := newWorld(t)
		i := w.issuer(tt.issuer)
		set := i.settings()
		if tt.issuer == common {
			set.Tenants = []string{ours}
		}
		w.configure(auth.Settings{OIDC: set})
		b := w.browser()
		to := b.trip(i, trip{claims: tt.claims})
		if in := to == "/" && b.who().Address == "bob@example.com"; in != tt.in {
			t.Errorf("%s: comes back to %s as %+v; want in: %v", tt.name, to, b.who(), tt.in)
		}
		if tt.in {
			var linked []access.Linked
			err := w.store.View(t.Context(), func(tx store.Tx) error {
				all, err := tx.Accounts().List()
				linked = all[0].Credentials.Linked
				return err
			})
			if err != nil || strings.HasPrefix(tt.issuer, "https://login") && linked[0].Subject != ours+"/o1" {
				t.Errorf("%s: linked to %+v, %v", tt.name, linked, err)
			}
		}
	}
	t.Attr("tries", strconv.Itoa(len(tries)))
}
