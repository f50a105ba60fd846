package oauth

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"rapport/internal/rescue"
	"rapport/internal/seal"
)

// Options are what a Keeper works with.
type Options struct {
	Vault Vault
	Key   []byte           // the store's; that of the records is derived from it
	Now   func() time.Time // nil: time.Now
	Log   *slog.Logger     // nil: nothing is logged
	// Changed, when not nil, hears that a source can be asked again: somebody
	// signed in. It must not wait.
	Changed func(*Source)
	HTTP    *http.Client // nil: one that follows no redirect
}

// Keeper has the sources of all mailboxes and senders. It may be used
// concurrently.
type Keeper struct {
	o    Options
	box  seal.Box       // seals what the vault keeps
	wg   sync.WaitGroup // requests under way
	ctx  context.Context
	stop context.CancelFunc

	mu      sync.Mutex // guards what follows
	sources map[string]*Source
	pending []*pending // sign-ins that wait for a browser to come back
}

// New makes a Keeper. Close ends it.
func New(o Options) *Keeper {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.HTTP == nil {
		o.HTTP = newHTTP()
	}
	k := &Keeper{o: o, box: seal.NewBox(o.Key, "oauth tokens"), sources: map[string]*Source{}}
	k.ctx, k.stop = context.WithCancel(context.Background())
	return k
}

// Close waits for requests under way, so that no rotated token is lost, at
// most until ctx ends; then it breaks them off.
func (k *Keeper) Close(ctx context.Context) error {
	defer k.o.HTTP.CloseIdleConnections()
	defer k.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = rescue.Do(func() error { k.wg.Wait(); return nil })
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Use returns the source of a client: the same for clients that may share it.
// The newest client counts; its scopes are added to what others asked for.
func (k *Keeper) Use(c Client) *Source {
	c = c.withAddresses()
	id := c.id()
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.sources[id]
	if s == nil {
		s = &Source{k: k, id: id}
		k.sources[id] = s
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, scope := range s.client.Scopes {
		if !slices.Contains(c.Scopes, scope) {
			c.Scopes = append(slices.Clone(c.Scopes), scope)
		}
	}
	name := s.client.Name
	if s.client = c; name != "" { // advice names the first of its users
		s.client.Name = name
	}
	return s
}

// Retire forgets the sources that are no longer in use; what is kept of them
// stays, and serves again when they come back.
func (k *Keeper) Retire(inUse []*Source) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, s := range k.sources {
		if !slices.Contains(inUse, s) {
			delete(k.sources, id)
		}
	}
}

// lookEvery is how often Run looks for tokens that will soon expire.
const lookEvery = 30 * time.Second

// Run renews tokens ahead of expiry until ctx ends, so that nobody who signs
// in waits for the issuer, and nothing is lost for not being used.
func (k *Keeper) Run(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		k.mu.Lock()
		var all []*Source
		for _, s := range k.sources {
			all = append(all, s)
		}
		k.mu.Unlock()
		for _, s := range all {
			s.look(ctx)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
