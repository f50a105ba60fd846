package oauth_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rapport/internal/oauth"
)

func TestSignInByDevice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	s := w.keeper.Use(w.client(oauth.Device))
	if f := w.fault(s); !f.Final || f.Fix.String() != "run: rapport auth login ada" {
		t.Errorf("before: %+v", f)
	}
	err := s.SignIn(t.Context(), "", func(p oauth.Prompt) {
		if p.Open != w.issuer.URL+"/code" || p.Code == "" {
			t.Errorf("prompt = %+v", p)
		}
		if err := w.issuer.Approve(p.Code); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	first := w.token(s)
	if again := w.token(s); again != first || w.issuer.Asked("refresh_token") != 0 {
		t.Errorf("a token that is good was asked for again")
	}
	st, err := s.State(t.Context())
	if err != nil || st.Account != "ada@example.com" || st.Fault != nil || !st.SignedIn.Equal(w.now()) {
		t.Errorf("State = %+v, %v", st, err)
	}
	if again := w.restart().Use(w.client(oauth.Code)); w.token(again) != first {
		t.Errorf("after a restart, and by another flow, the sign-in does not hold")
	}
}

func TestSignInDeclined(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	s := w.keeper.Use(w.client(oauth.Device))
	err := s.SignIn(t.Context(), "", func(p oauth.Prompt) { _ = w.issuer.Decline(p.Code) })
	var f *oauth.Fault
	if !errors.As(err, &f) || f.Code != "AADSTS65004" || !f.Final {
		t.Errorf("SignIn = %v", err)
	}
	w.issuer.Person = ""
	err = w.browse(s)
	if !errors.As(err, &f) || f.Code != "access_denied" {
		t.Errorf("SignIn = %v", err)
	}
}

// TestSignInElsewhere has the browser on another machine: its last address is
// pasted. One of another sign-in, or a forged one, is not taken.
func TestSignInElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	s := w.keeper.Use(w.client(oauth.Code))
	err := s.SignIn(t.Context(), "", func(p oauth.Prompt) {
		at, err := w.issuer.Browse(p.Open, false)
		if err != nil {
			t.Error(err)
		}
		for _, forged := range []string{"", "::", p.Redirect, p.Redirect + "?code=x&state=x", strings.Replace(at, "state=", "state=A", 1)} {
			if err := w.keeper.Answer(forged); !errors.Is(err, oauth.ErrNotWaited) {
				t.Errorf("Answer(%q) = %v", forged, err)
			}
			resp, err := http.Get(p.Redirect + "?code=x&state=x")
			if err != nil || resp.StatusCode != http.StatusBadRequest {
				t.Errorf("a forged return: %v, %v", resp, err)
			}
		}
		if err := w.keeper.Answer(" " + at + "\n"); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	w.token(s)
}

// TestOnceForAll has many ask at once, in the last minutes of a token and
// after it: the issuer hears of it once each time.
func TestOnceForAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.issuer.Rotate = true
	s := w.keeper.Use(w.client(oauth.Device))
	sender := w.client(oauth.Code)
	sender.Name, sender.Scopes = "news", oauth.Scopes(oauth.Microsoft, oauth.Code, false, true)
	if other := w.keeper.Use(sender); other != s {
		t.Fatal("mailbox and sender of one account have two sources")
	}
	w.signIn(s)
	for round := 1; round <= 12; round++ {
		w.pass(59*time.Minute + 30*time.Second)
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { w.token(s) })
		}
		all.Wait()
		if n := w.issuer.Asked("refresh_token"); n != round {
			t.Fatalf("round %d: %d refreshes", round, n)
		}
	}
}

// TestRotationSurvives loses a rotated refresh token at each moment between
// its arrival and its use: the one of before holds until the new one is used.
func TestRotationSurvives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.issuer.Rotate = true
	s := w.keeper.Use(w.client(oauth.Device))
	w.signIn(s)
	for range 5 {
		before := w.vault.copied()
		w.pass(2 * time.Hour)
		w.token(s)                                          // renewed, and the process dies before that was kept
		w.token(w.with(before).Use(w.client(oauth.Device))) // the next one has what was kept before
		w.vault = before                                    // and goes on with it
		s = w.restart().Use(w.client(oauth.Device))
	}
}

// TestUnsavedRotation never uses a refresh token that is not kept yet.
func TestUnsavedRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.issuer.Rotate = true
	s := w.keeper.Use(w.client(oauth.Device))
	w.signIn(s)
	w.vault.fails = errors.New("no space left on device")
	w.pass(2 * time.Hour)
	w.token(s)
	asked := w.issuer.Asked("refresh_token")
	w.pass(2 * time.Hour)
	if f := w.fault(s); f.Final || w.issuer.Asked("refresh_token") != asked {
		t.Errorf("an unkept token was used: %v", f)
	}
	w.vault.fails = nil
	w.pass(time.Minute)
	w.token(s)
	w.token(w.restart().Use(w.client(oauth.Device)))
}

// TestRevoked asks a dead grant once an hour at most, over restarts too, and
// works again after a sign-in.
func TestRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	s := w.keeper.Use(w.client(oauth.Device))
	w.signIn(s)
	w.issuer.Revoke("ada@example.com")
	w.pass(time.Hour)
	for minute := range 180 {
		if f := w.fault(s); !f.Final || f.Code != "AADSTS50173" || f.Fix.String() != "run: rapport auth login ada" {
			t.Fatalf("fault = %+v", f)
		}
		if minute%10 == 9 {
			s = w.restart().Use(w.client(oauth.Device))
		}
		w.pass(time.Minute)
	}
	if n := w.issuer.Asked("refresh_token"); n > 3 {
		t.Errorf("a revoked sign-in was tried %d times in three hours", n)
	}
	since := w.now()
	w.pass(time.Second)
	if s.Mended(since) {
		t.Error("mended though nobody did")
	}
	w.signIn(s)
	if !s.Mended(since) {
		t.Error("not mended by a sign-in")
	}
	w.token(s)
}

// TestIssuerOutOfOrder keeps the token of before while it is good, then waits
// as the issuer asks, and never storms.
func TestIssuerOutOfOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	s := w.keeper.Use(w.client(oauth.Code))
	w.signIn(s)
	answers := []func(http.ResponseWriter, *http.Request) bool{
		func(rw http.ResponseWriter, _ *http.Request) bool {
			rw.Header().Set("Retry-After", "300")
			rw.WriteHeader(http.StatusTooManyRequests)
			return true
		},
		func(rw http.ResponseWriter, _ *http.Request) bool {
			http.Error(rw, "<html>captive portal", http.StatusBadGateway)
			return true
		},
		func(rw http.ResponseWriter, r *http.Request) bool {
			http.Redirect(rw, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
			return true
		},
		func(rw http.ResponseWriter, _ *http.Request) bool {
			fmt.Fprint(rw, `{"access_token":"two\u0001auth=lines","token_type":"Bearer"}`)
			return true
		},
		func(rw http.ResponseWriter, _ *http.Request) bool {
			rw.Write(bytes.Repeat([]byte("x"), 3<<20))
			return true
		},
	}
	for n, reply := range answers {
		w.issuer.Lock()
		w.issuer.Reply = reply
		w.issuer.Unlock()
		w.pass(2 * time.Hour)
		asked := w.issuer.Asked("refresh_token")
		for range 600 { // ten minutes, asked each second
			if f := w.fault(s); f.Final {
				t.Fatalf("answer %d: %v is taken for final", n, f)
			}
			w.pass(time.Second)
		}
		if got := w.issuer.Asked("refresh_token") - asked; got > 15 || n == 0 && got > 2 {
			t.Errorf("answer %d: asked %d times in ten minutes", n, got)
		}
		w.issuer.Lock()
		w.issuer.Reply = nil
		w.issuer.Unlock()
		w.pass(10 * time.Minute)
		w.token(s)
	}
}

// TestStaleWhereTheIssuerRefuses has a server not take a token that seems good,
// where the issuer has said that there will be no other: that is the reason.
func TestStaleWhereTheIssuerRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.issuer.Lock()
	w.issuer.Life = 2 * time.Minute
	w.issuer.Unlock()
	s := w.keeper.Use(w.client(oauth.Device))
	w.signIn(s)
	token := w.token(s)
	w.issuer.Revoke("ada@example.com")
	w.pass(90 * time.Second)
	if now, err := s.Token(t.Context()); now != token { // for which the issuer was asked for another
		t.Fatalf("the token there is is no longer given: %v", err)
	}
	if !s.Stale(token) {
		t.Error("nothing says why there will be no other token")
	}
	if f := w.fault(s); !f.Final || !strings.Contains(f.Fix.String(), "auth login") {
		t.Errorf("the reason is %+v", f)
	}
}

// TestStale gives another token where a server does not take the one there is,
// but not for a server that takes none.
func TestStale(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	s := w.keeper.Use(w.client(oauth.Device))
	w.signIn(s)
	first := w.token(s)
	if s.Stale(first) {
		t.Error("a token just made is to be replaced")
	}
	w.pass(10 * time.Minute)
	w.issuer.Expire()
	if !s.Stale(first) {
		t.Error("a token that is no longer taken is not replaced")
	}
	if second := w.token(s); second == first || !s.Stale(first) || w.token(s) != second {
		t.Error("the second to hear of it does not get the first one's token")
	}
	w.pass(-365 * 24 * time.Hour) // the clock is set back a year
	w.token(s)
}

func TestAppOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.issuer.Clients["app"] = "S3CRET-value"
	secret := "S3CRET-value"
	c := w.client(oauth.App)
	c.Secret = func(context.Context) (string, error) { return secret, nil }
	s := w.keeper.Use(c)
	c.Name, c.Subject = "bob", "bob@example.com"
	if w.keeper.Use(c) != s {
		t.Error("two mailboxes of one app have two sources")
	}
	token := w.token(s)
	if claims, ok := oauth.ReadClaims(token); !ok || !slices.Contains(claims.Roles, "IMAP.AccessAsApp") {
		t.Errorf("claims = %+v", claims)
	}
	w.pass(2 * time.Hour)
	w.issuer.Lock()
	w.issuer.Clients["app"] = "S3CRET-new"
	w.issuer.Unlock()
	if f := w.fault(s); f.Code != "AADSTS7000215" || !f.Final || strings.Contains(f.Error(), "S3CRET") {
		t.Errorf("fault = %+v", f)
	}
	w.fault(s)
	if n := w.issuer.Asked(""); n != 2 {
		t.Errorf("asked %d times with one wrong secret", n)
	}
	secret = "S3CRET-new"
	w.token(s) // another secret needs no patience
}

// certificate makes a key pair for an app, as PEM.
func certificate(t *testing.T) (raw []byte, cert *x509.Certificate, key *rsa.PrivateKey) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rapport"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	raw = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})...)
	return raw, cert, key
}

// TestCertificateAndSkew signs in with a certificate, also where this
// machine's clock is hours off.
func TestCertificateAndSkew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	raw, cert, _ := certificate(t)
	c := w.client(oauth.App)
	c.Key = func(context.Context) ([]byte, error) { return raw, nil }
	s := w.keeper.Use(c)
	if f := w.fault(s); f.Code != "AADSTS700027" {
		t.Errorf("a certificate that was not uploaded: %v", f)
	}
	w.issuer.Certificates = map[string]*x509.Certificate{"app": cert}
	for _, skew := range []time.Duration{0, 3 * time.Hour, -3 * time.Hour} {
		w.theirs = skew
		w.pass(2 * time.Hour)
		w.token(s)
	}
}

func TestServiceAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, false)
	_, _, key := certificate(t)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	const email = "rapport@project.iam.example"
	raw, err := json.Marshal(oauth.ServiceKey{Type: "service_account", Email: email, KeyID: "k1",
		PrivateKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))})
	if err != nil {
		t.Fatal(err)
	}
	w.issuer.Services = map[string]*rsa.PublicKey{email: &key.PublicKey}
	w.issuer.Delegated = []string{}
	c := w.client(oauth.Service)
	c.Key = func(context.Context) ([]byte, error) { return raw, nil }
	s := w.keeper.Use(c)
	if f := w.fault(s); !strings.Contains(f.Fix.String(), "Domain-wide delegation") {
		t.Errorf("without delegation: %+v", f)
	}
	w.issuer.Delegated = []string{"ada@example.com"}
	w.theirs = -2 * time.Hour
	w.pass(2 * time.Hour)
	w.token(s)
	c.Subject = "bob@example.com"
	if other := w.keeper.Use(c); other == s || w.fault(other) == nil {
		t.Error("two mailboxes of a service account share a token")
	}
}

// TestNothingSecretIsSeen runs through everything with secrets that must not
// appear, in what is logged, said or kept.
func TestNothingSecretIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.issuer.Rotate, w.issuer.Clients["app"] = true, "S3CRET-xyz"
	c := w.client(oauth.Device)
	c.Secret = func(context.Context) (string, error) { return "S3CRET-xyz", nil }
	s := w.keeper.Use(c)
	w.signIn(s)
	secrets := append(w.issuer.Tokens(), "S3CRET-xyz", w.token(s))
	var said strings.Builder
	w.pass(2 * time.Hour)
	w.token(s)
	secrets = append(secrets, w.issuer.Tokens()...)
	w.issuer.Lock()
	w.issuer.Reply = func(rw http.ResponseWriter, r *http.Request) bool { // an issuer that quotes
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(rw).Encode(map[string]string{"error": "invalid_grant", "error_description": "you said " + fmt.Sprint(r.Form)})
		return true
	}
	w.issuer.Unlock()
	w.pass(2 * time.Hour)
	fmt.Fprintf(&said, "%v\n", w.fault(s))
	st, err := s.State(t.Context())
	fmt.Fprintf(&said, "%+v %v\n", st, err)
	said.WriteString(w.log.String())
	for _, row := range w.vault.rows {
		said.Write(row)
	}
	for _, secret := range secrets {
		if strings.Contains(said.String(), secret) {
			t.Errorf("the secret %q is seen in:\n%s", secret, said.String())
		}
	}
}

// TestAnotherKey opens nothing with another key, and says what to do.
func TestAnotherKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, true)
	w.signIn(w.keeper.Use(w.client(oauth.Device)))
	k := oauth.New(oauth.Options{Vault: w.vault, Key: []byte("another key"), Now: w.now})
	defer k.Close(t.Context())
	if f := w.fault(k.Use(w.client(oauth.Device))); !f.Final || !strings.Contains(f.Text.String(), "another key") {
		t.Errorf("fault = %+v", f)
	}
	s := w.keeper.Use(w.client(oauth.Device))
	if err := s.Forget(t.Context()); err != nil || len(w.vault.rows) != 0 {
		t.Errorf("Forget = %v, %d rows are left", err, len(w.vault.rows))
	}
	w.fault(s)
}
