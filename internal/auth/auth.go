// Package auth knows who asks: it signs people in, keeps their sessions and
// tokens, and tells who a request of the team's listener comes from.
//
// Whatever lets somebody in is random, 256 bits, and kept as a digest only.
// Headers of single sign-on proxies are never believed.
package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"rapport/internal/seal"
	"rapport/records/access"
	"rapport/store"
)

// Options are what a [Service] works with. Store and Key must be set.
type Options struct {
	Store store.Store
	Key   []byte           // of the data directory: seals what must be read again
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: nothing is logged
}

// Settings are the configured part; a reload replaces them.
type Settings struct {
	// URL is the address people type, nil where it is the one they came by.
	URL *url.URL
	// Listen is where the listener is bound, for links where URL is nil.
	Listen string
	// Proxies are the addresses whose word about a request's origin counts.
	Proxies []netip.Prefix
	// TLS says that the listener itself speaks TLS.
	TLS   bool
	Team  string // shown by authenticators
	Spans access.Spans
	OIDC  *OIDC // nil: none
}

// mayBeOpen reports whether nobody said anything that supposes sign-in: a
// listener behind a proxy, with a name or a certificate is meant for others
// than who sits at this computer.
func (s *Settings) mayBeOpen() bool {
	return s.URL == nil && len(s.Proxies) == 0 && !s.TLS && s.OIDC == nil
}

// base is what links to us begin with.
func (s *Settings) base() string {
	if s.URL != nil {
		return s.URL.Scheme + "://" + s.URL.Host
	}
	if s.TLS {
		return "https://" + s.Listen
	}
	return "http://" + s.Listen
}

// DefaultSpans are how long sessions last where nothing else is configured.
var DefaultSpans = access.Spans{Idle: 14 * 24 * time.Hour, Absolute: 90 * 24 * time.Hour}

// Service signs in and identifies. Its methods may be called concurrently.
type Service struct {
	store      store.Store
	key        []byte
	sealed     seal.Box
	now        func() time.Time
	log        *slog.Logger
	settings   atomic.Pointer[Settings]
	peopled    atomic.Bool // somebody can sign in
	hashing    chan struct{}
	cost       cost
	limits     *limits
	first      firstLink
	ceremonies *pending[ceremony]
	journeys   *pending[journey]
	issuer     issuerCache
	noted      noteLimit
	wait       func(context.Context, time.Duration) error // tests do not wait
}

// New returns a Service with default Settings. It knows who can sign in after
// [Service.Load].
func New(o Options) *Service {
	s := &Service{
		store: o.Store, key: o.Key, sealed: seal.NewBox(o.Key, "sealing of sign-in secrets"), now: o.Now, log: o.Log,
		hashing: make(chan struct{}, maxHashing), cost: fullCost, limits: newLimits(),
		ceremonies: newPending[ceremony](), journeys: newPending[journey](), wait: waitFor,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.settings.Store(&Settings{Spans: DefaultSpans})
	return s
}

// Configure puts settings in force.
func (s *Service) Configure(c Settings) {
	if c.Spans == (access.Spans{}) {
		c.Spans = DefaultSpans
	}
	s.settings.Store(&c)
}

// Load reads whether anybody can sign in.
func (s *Service) Load(ctx context.Context) error {
	return s.view(ctx, func(tx store.Tx) error {
		all, err := tx.Accounts().List()
		if err != nil {
			return fmt.Errorf("read users: %w", err)
		}
		s.peopled.Store(slices.ContainsFunc(all, func(a access.Account) bool { return a.CanSignIn() }))
		return nil
	})
}

func (s *Service) view(ctx context.Context, fn func(store.Tx) error) error {
	return s.store.View(ctx, fn)
}

// update changes users, and looks who can sign in afterwards.
func (s *Service) update(ctx context.Context, fn func(store.Tx) error) error {
	if err := s.store.Update(ctx, fn); err != nil {
		return err
	}
	return s.Load(ctx)
}

// byAddress finds the user with an address; [store.ErrNotFound] where none has it.
func byAddress(tx store.Tx, address string) (access.Account, error) {
	all, err := tx.Accounts().List()
	if err != nil {
		return access.Account{}, err
	}
	for _, a := range all {
		if string(a.Address) == address {
			return a, nil
		}
	}
	return access.Account{}, fmt.Errorf("user %s: %w", address, store.ErrNotFound)
}

// administrated reports whether some administrator can sign in.
func administrated(tx store.Tx) (bool, error) {
	all, err := tx.Accounts().List()
	return slices.ContainsFunc(all, func(a access.Account) bool { return a.Role == access.Administrator && a.CanSignIn() }), err
}

func waitFor(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// The refusals of signing in. They say nothing about whether a user exists.
var (
	ErrWrong   = errors.New("the address, password or code is not right")
	ErrTooMany = errors.New("too many failed attempts from your network address; wait a while")
	ErrExpired = errors.New("this link was used already or is too old; ask for a new one")
	ErrAbsent  = errors.New("this account may not sign in here; ask an administrator to invite you")
)
