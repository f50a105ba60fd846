package oauth_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/internal/oauth"
)

// vault is a Vault in memory that can fail.
type vault struct {
	mu    sync.Mutex
	rows  map[string][]byte
	fails error
	saves int
}

func (v *vault) Load(_ context.Context, id string) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.rows[id], nil
}

func (v *vault) Save(_ context.Context, id string, sealed []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.fails != nil {
		return v.fails
	}
	v.saves++
	if v.rows[id] = sealed; sealed == nil {
		delete(v.rows, id)
	}
	return nil
}

func (v *vault) copied() *vault {
	v.mu.Lock()
	defer v.mu.Unlock()
	return &vault{rows: maps.Clone(v.rows)}
}

// world is an issuer, a clock and a keeper.
type world struct {
	t      *testing.T
	issuer *mailtest.Issuer
	vault  *vault
	log    bytes.Buffer
	mu     sync.Mutex
	time   time.Time
	theirs time.Duration // the issuer's clock beyond ours
	keeper *oauth.Keeper
}

func newWorld(t *testing.T, microsoft bool) *world {
	w := &world{t: t, issuer: mailtest.NewIssuer(), vault: &vault{rows: map[string][]byte{}}, time: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	w.issuer.Microsoft, w.issuer.Person = microsoft, "ada@example.com"
	w.issuer.Now = func() time.Time { return w.now().Add(w.theirs) }
	t.Cleanup(w.issuer.Close)
	w.keeper = w.restart()
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

// restart is a keeper that knows only what the vault has.
func (w *world) restart() *oauth.Keeper {
	return w.with(w.vault)
}

func (w *world) with(v *vault) *oauth.Keeper {
	k := oauth.New(oauth.Options{Vault: v, Key: []byte("the key beside the store, 32 long"), Now: w.now,
		Log: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	w.t.Cleanup(func() { _ = k.Close(context.Background()) })
	return k
}

func (w *world) client(m oauth.Method) oauth.Client {
	issuer := oauth.Google
	if w.issuer.Microsoft {
		issuer = oauth.Microsoft
	}
	return oauth.Client{Name: "ada", Issuer: issuer, Method: m, ClientID: "app", Subject: "ada@example.com", Scopes: oauth.Scopes(issuer, m, true, false),
		AuthURL: w.issuer.URL + "/authorize", TokenURL: w.issuer.URL + "/token", DeviceURL: w.issuer.URL + "/device"}
}

// signIn has the person sign in by browser.
func (w *world) signIn(s *oauth.Source) {
	w.t.Helper()
	if err := w.browse(s); err != nil {
		w.t.Fatalf("sign in: %v", err)
	}
}

// browse signs in by browser, to the end of both: the page the browser comes
// back to is shown whole before the sign-in is over.
func (w *world) browse(s *oauth.Source) error {
	var browser sync.WaitGroup
	defer browser.Wait()
	return s.SignIn(w.t.Context(), oauth.Code, func(p oauth.Prompt) {
		browser.Go(func() {
			if _, err := w.issuer.Browse(p.Open, true); err != nil {
				w.t.Error(err)
			}
		})
	})
}

func (w *world) token(s *oauth.Source) string {
	w.t.Helper()
	token, err := s.Token(w.t.Context())
	if err != nil {
		w.t.Fatalf("Token: %v", err)
	}
	if !w.issuer.Takes("ada@example.com", token) {
		w.t.Fatalf("Token brought one that no server takes")
	}
	return token
}

func (w *world) fault(s *oauth.Source) *oauth.Fault {
	w.t.Helper()
	_, err := s.Token(w.t.Context())
	var f *oauth.Fault
	if !errors.As(err, &f) {
		w.t.Fatalf("Token: %v, want a *Fault", err)
	}
	return f
}
