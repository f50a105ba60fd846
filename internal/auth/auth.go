// Package auth knows who asks: it signs people in, keeps their sessions and
// tokens, and tells who a request of the team's listener comes from.
//
// Whatever lets somebody in is random, 256 bits, and kept as a digest only.
// Headers of single sign-on proxies are never believed.
package auth

import (
	"log/slog"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

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
	// Proxies are the addresses whose word about a request's origin counts.
	Proxies []netip.Prefix
	// TLS says that the listener itself speaks TLS.
	TLS bool
}

// mayBeOpen reports whether nobody said anything that supposes sign-in: a
// listener behind a proxy, with a name or a certificate is meant for others
// than who sits at this computer.
func (s *Settings) mayBeOpen() bool { return s.URL == nil && len(s.Proxies) == 0 && !s.TLS }

// Service signs in and identifies. Its methods may be called concurrently.
type Service struct {
	store    store.Store
	key      []byte
	now      func() time.Time
	log      *slog.Logger
	settings atomic.Pointer[Settings]
	peopled  atomic.Bool // somebody has been set up to sign in
}

// New returns a Service with the zero Settings.
func New(o Options) *Service {
	s := &Service{store: o.Store, key: o.Key, now: o.Now, log: o.Log}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.settings.Store(&Settings{})
	return s
}

// Configure puts settings in force.
func (s *Service) Configure(c Settings) { s.settings.Store(&c) }
