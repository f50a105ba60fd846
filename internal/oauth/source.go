package oauth

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"rapport/internal/rescue"

	"rapport/records/phrase"
)

// When a token is renewed, and how long faults are waited out.
const (
	aheadMost  = 10 * time.Minute // before expiry, where somebody uses it
	spare      = time.Minute      // a token that expires sooner is not handed out if another can be had
	useAnyway  = 7 * 24 * time.Hour
	finalEvery = time.Hour // what a person must mend is tried again so often
	firstWait  = time.Second
	mostWait   = 5 * time.Minute
	young      = 5 * time.Minute // a token refused at this age would not be taken if it were newer
	renewTime  = time.Minute
	saveTime   = 30 * time.Second
)

// Source gives the access tokens of one client. It may be used concurrently.
type Source struct {
	k  *Keeper
	id string

	saving sync.Mutex // one save at a time, and none of what is older

	mu       sync.Mutex // guards what follows
	client   Client
	loaded   bool
	rec      record
	unsaved  bool // rec is not what the vault has
	flight   *flight
	fault    *Fault    // of the last try; nil after a success
	failures int       // in a row
	tried    time.Time // the last time
	again    time.Time // not before
	proof    [32]byte  // digest of what proved the client when it was refused for good
	ahead    time.Duration
	asked    bool // since the last renewal
}

// flight is a request under way, for all who wait for it.
type flight struct {
	done  chan struct{}
	token string
	err   error
}

// Token returns an access token that is good for a while, and asks the issuer
// where it has none. Its error is a *Fault, or that of ctx.
func (s *Source) Token(ctx context.Context) (string, error) {
	s.mu.Lock()
	s.asked = true
	now := s.k.o.Now()
	if err := s.load(ctx); err != nil {
		s.mu.Unlock()
		return "", err
	}
	left := s.left(now)
	if left > spare {
		defer s.mu.Unlock()
		return s.rec.Access, nil
	}
	if f := s.held(ctx, now); f != nil {
		defer s.mu.Unlock()
		if left > 0 {
			return s.rec.Access, nil
		}
		return "", f
	}
	fl := s.launch()
	s.mu.Unlock()
	select {
	case <-fl.done:
		return fl.token, fl.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Stale hears that a server did not take a token, or ended a session because
// of its age. It reports whether the next call of Token may bring another.
func (s *Source) Stale(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.k.o.Now()
	if token != s.rec.Access {
		return true
	}
	// Where the issuer gives nothing more, that is why, whatever the server says.
	refused := s.fault != nil && s.fault.Final
	if age := now.Sub(s.rec.Renewed); age >= 0 && age < young && !refused {
		return false
	}
	s.rec.Expires = time.Time{}
	return true
}

// left is how long the token is good for. A life longer than issuers give
// means that the clock was set back. The caller holds mu.
func (s *Source) left(now time.Time) time.Duration {
	if s.rec.Access == "" || now.Before(s.rec.Renewed.Add(-spare)) {
		return 0
	}
	return s.rec.Expires.Sub(now)
}

// load reads what the vault has, once. The caller holds mu.
func (s *Source) load(ctx context.Context) error {
	if s.loaded {
		return nil
	}
	sealed, err := s.k.o.Vault.Load(ctx, s.id)
	if err != nil {
		return fmt.Errorf("read the sign-in of %s: %w", s.client.Name, err)
	}
	rec, err := s.k.opened(s.id, sealed)
	if err != nil { // worthless, and replaced by the next sign-in
		s.fault = &Fault{Code: notSigned, Text: phrase.Of(err), Fix: phrase.New(signAgain, "name", s.client.Name), Final: s.client.Method.ByHand(), err: err}
	}
	s.rec, s.loaded = rec, true
	if r := rec.Refused; r != nil && !r.Text.Empty() {
		s.fault = &Fault{Code: r.Code, Text: r.Text, Fix: r.Fix, Final: true}
		s.tried, s.again = r.At, r.At.Add(finalEvery)
	}
	return nil
}

// held returns why the issuer is not asked now, nil where it may be. The
// caller holds mu.
func (s *Source) held(ctx context.Context, now time.Time) *Fault {
	if s.client.Method.ByHand() && s.rec.Refresh == "" {
		if s.fault == nil || s.fault.Code != notSigned {
			s.fault = s.unsigned()
		}
		return s.fault
	}
	if s.fault == nil || !now.Before(s.again) || s.again.Sub(now) > maxWait { // a wait that long comes of a clock set back
		return nil
	}
	f := *s.fault
	if f.Final {
		if proof := s.client.proof(ctx); proof != s.proof && s.proof != [32]byte{} {
			return nil // another secret: it is worth a try
		}
	} else {
		f.Wait = s.again.Sub(now)
	}
	return &f
}

func (s *Source) unsigned() *Fault {
	return &Fault{Code: notSigned, Text: phrase.New("nobody has signed in for it yet"), Fix: phrase.New(signAgain, "name", s.client.Name), Final: true}
}

// secrets are what a request for a token holds.
func (c Client) secrets(ctx context.Context, more ...string) []string {
	if c.Secret != nil {
		if text, err := c.Secret(ctx); err == nil {
			more = append(more, text)
		}
	}
	return more
}

// proof is a digest of what proves the client, to notice that it changed.
func (c Client) proof(ctx context.Context) [32]byte {
	h := sha256.New()
	if c.Secret != nil {
		text, err := c.Secret(ctx)
		fmt.Fprintf(h, "%s\n%v\n", text, err != nil)
	}
	if c.Key != nil {
		raw, err := c.Key(ctx)
		fmt.Fprintf(h, "%s\n%v\n", raw, err != nil)
	}
	fmt.Fprint(h, c.ClientID, "\n", c.TokenURL)
	return [32]byte(h.Sum(nil))
}

// launch asks the issuer, unless that is under way. The request is nobody's
// alone: it goes on when those who wait for it go away, since what it brings
// may be the only refresh token that holds. The caller holds mu.
func (s *Source) launch() *flight {
	if s.flight != nil {
		return s.flight
	}
	fl := &flight{done: make(chan struct{})}
	s.flight = fl
	s.k.wg.Go(func() {
		defer close(fl.done)
		defer s.landed()
		if err := rescue.Do(func() error { fl.token, fl.err = s.renew(); return nil }); err != nil {
			fl.err = err
		}
	})
	return fl
}

func (s *Source) landed() {
	s.mu.Lock()
	s.flight = nil
	s.mu.Unlock()
}

// renew asks the issuer for a token and keeps what it gives.
func (s *Source) renew() (string, error) {
	ctx, cancel := context.WithTimeout(s.k.ctx, renewTime)
	defer cancel()
	s.mu.Lock()
	c, refresh, ahead, unsaved := s.client, s.rec.Refresh, s.ahead, s.unsaved
	s.mu.Unlock()
	if unsaved { // the vault still has the refresh token of before: using ours would make that worthless
		if err := s.save(); err != nil {
			return s.failed(ctx, c, &Fault{Text: phrase.Of(err), err: err})
		}
	}
	now := s.k.o.Now()
	g, err := c.renew(ctx, s.k.o.HTTP, refresh, now, ahead)
	if err != nil {
		f := c.explain(err, c.secrets(ctx, refresh)...)
		if f.clock.IsZero() {
			return s.failed(ctx, c, f)
		}
		ahead = f.clock.Sub(now) // once more by the issuer's clock
		if g, err = c.renew(ctx, s.k.o.HTTP, refresh, now, ahead); err != nil {
			return s.failed(ctx, c, c.explain(err, c.secrets(ctx, refresh)...))
		}
	}
	s.took(g, now, ahead)
	if err := s.save(); err != nil { // the token is good all the same; saving is tried again
		s.k.o.Log.Error("renewed sign-in not kept, trying again", "source", s.id, "err", err)
	}
	return g.access, nil
}

// took notes what an issuer gave.
func (s *Source) took(g granted, now time.Time, ahead time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault != nil {
		s.k.o.Log.Info("sign-in works again", "source", s.id)
	}
	r := &s.rec
	r.Access, r.Renewed, r.Expires = g.access, now.UTC().Round(0), now.Add(g.life).UTC().Round(0)
	if s.client.Method.ByHand() && g.refresh != "" {
		r.Refresh = g.refresh
	}
	if g.account != "" && s.client.Method.ByHand() {
		r.Account = g.account
	}
	r.Refused, s.unsaved, s.asked = nil, true, false
	s.fault, s.failures, s.ahead, s.tried = nil, 0, ahead, now
}

// failed notes a fault, and until when the issuer is left alone. While the
// token of before is good, that is used.
func (s *Source) failed(ctx context.Context, c Client, f *Fault) (string, error) {
	s.mu.Lock()
	now := s.k.o.Now()
	changed := s.fault == nil || s.fault.Code != f.Code || s.fault.Final != f.Final
	s.fault, s.tried = f, now
	s.failures++
	switch {
	case f.Final:
		s.again = now.Add(finalEvery)
		s.proof = c.proof(ctx)
		if c.Method.ByHand() {
			s.rec.Refused = &refused{Code: f.Code, Text: f.Text, Fix: f.Fix, At: now.UTC().Round(0)}
			s.unsaved = true
		}
	default:
		wait := min(firstWait<<min(s.failures-1, 16), mostWait)
		wait = wait/2 + rand.N(wait/2+1)
		s.again = now.Add(max(wait, f.Wait))
	}
	left, unsaved := s.left(now), s.unsaved
	token := s.rec.Access
	s.mu.Unlock()
	if changed {
		s.k.o.Log.Warn("no new access token", "source", s.id, "code", f.Code, "err", f.Text.String())
	}
	if f.Final && unsaved {
		if err := s.save(); err != nil {
			s.k.o.Log.Error("refused sign-in not kept", "source", s.id, "err", err)
		}
	}
	if left > 0 && token != "" {
		return token, nil
	}
	return "", f
}

// save makes the vault have what we have.
func (s *Source) save() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.k.ctx), saveTime)
	defer cancel()
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	rec := s.rec
	rec.Scopes = slices.Clone(rec.Scopes)
	s.mu.Unlock()
	sealed, err := s.k.sealed(s.id, rec)
	if err == nil {
		err = s.k.o.Vault.Save(ctx, s.id, sealed)
	}
	if err != nil {
		return fmt.Errorf("keep the sign-in: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rec.Refresh == rec.Refresh && s.rec.Access == rec.Access && s.rec.Refused == rec.Refused {
		s.unsaved = false
	}
	return nil
}

// look renews a token in time, and saves what could not be saved before.
func (s *Source) look(ctx context.Context) {
	s.mu.Lock()
	now := s.k.o.Now()
	if s.load(ctx) != nil {
		s.mu.Unlock()
		return
	}
	if s.unsaved && s.flight == nil {
		s.mu.Unlock()
		if err := s.save(); err != nil {
			return
		}
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	life := s.rec.Expires.Sub(s.rec.Renewed)
	soon := s.rec.Access != "" && s.left(now) < min(aheadMost, life/5)
	idle := s.client.Method.ByHand() && s.rec.Refresh != "" && now.Sub(s.rec.Renewed) > useAnyway
	if (soon && s.asked || idle) && s.held(ctx, now) == nil {
		s.launch()
	}
}

// State is how a source is, without any secret.
type State struct {
	Client   Client // without Secret and Key
	Account  string // who signed in, where it can be told
	SignedIn time.Time
	Renewed  time.Time
	Expires  time.Time // of the access token
	Fault    *Fault    // nil: none
	Again    time.Time // when it is tried again, where there is a fault
	Lacks    []string  // scopes the sign-in does not cover
}

// State says how the source is.
func (s *Source) State(ctx context.Context) (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.load(ctx); err != nil {
		return State{}, err
	}
	c := s.client
	c.Secret, c.Key = nil, nil
	st := State{Client: c, Account: s.rec.Account, SignedIn: s.rec.SignedIn, Renewed: s.rec.Renewed, Expires: s.rec.Expires}
	if s.client.Method.ByHand() {
		if s.rec.Refresh == "" && s.fault == nil {
			s.fault = s.unsigned()
		}
		st.Lacks = lacking(s.client.Scopes, s.rec.Scopes)
	}
	if s.fault != nil {
		f := *s.fault
		st.Fault, st.Again = &f, s.again
	}
	return st, nil
}

// lacking returns the scopes that are wanted and not had. Which the sign-in
// has is not always told; then it has all.
func lacking(want, have []string) (out []string) {
	if len(have) == 0 {
		return nil
	}
	for _, w := range want {
		if w != scopeOffline && !slices.Contains(have, w) {
			out = append(out, w)
		}
	}
	return out
}

// Mended reports whether a try may succeed that failed at a time: somebody
// signed in since, or an hour has passed.
func (s *Source) Mended(since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.k.o.Now()
	return s.rec.SignedIn.After(since) || now.Sub(since) >= finalEvery || now.Before(since)
}

// Forget removes what is kept: the sign-in has to be made anew.
func (s *Source) Forget(ctx context.Context) error {
	s.saving.Lock()
	defer s.saving.Unlock()
	if err := s.k.o.Vault.Save(ctx, s.id, nil); err != nil {
		return fmt.Errorf("forget the sign-in: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rec, s.loaded, s.unsaved, s.fault, s.failures, s.again = record{}, true, false, nil, 0, time.Time{}
	return nil
}
