package app

import (
	"context"
	"errors"
	"sync"

	"rapport/internal/oauth"
	"rapport/internal/rescue"
	"rapport/records/access"
	"rapport/store"
	"rapport/web"
)

// signIns are the sign-ins to mailboxes that were begun without anybody
// waiting for their end, by the source of the tokens. The zero value is empty;
// methods may be called concurrently.
type signIns struct {
	wg sync.WaitGroup

	mu    sync.Mutex // guards what follows
	shut  bool
	under map[*oauth.Source]*signingIn
}

// signingIn is one sign-in: what the person is to do, and what came of it.
type signingIn struct {
	stop  context.CancelFunc
	asked chan struct{} // closed once step is there, or the try has ended

	mu    sync.Mutex // guards what follows
	step  *web.GrantStep
	ended bool
	err   error
}

var errSignInsShut = errors.New("the program is about to end")

// begin starts work for a source, in the place of what is under way for it. ctx
// lends its values only.
func (a *signIns) begin(ctx context.Context, src *oauth.Source, work func(context.Context, func(web.GrantStep)) error) (*signingIn, error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	n := &signingIn{stop: stop, asked: make(chan struct{})}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shut {
		stop()
		return nil, errSignInsShut
	}
	if before := a.under[src]; before != nil {
		before.stop()
	}
	if a.under == nil {
		a.under = map[*oauth.Source]*signingIn{}
	}
	a.under[src] = n
	a.wg.Go(func() {
		defer stop()
		n.end(rescue.Do(func() error { return work(ctx, n.tell) }))
	})
	return n, nil
}

// tell notes what the person is to do.
func (n *signingIn) tell(step web.GrantStep) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.step == nil {
		close(n.asked)
	}
	n.step = &step
}

func (n *signingIn) end(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.step == nil {
		close(n.asked)
	}
	n.ended, n.err, n.step = true, err, nil
}

// of says how the sign-in of a source stands: the step that waits for the
// person, or why the last one came to nothing.
func (a *signIns) of(src *oauth.Source) (*web.GrantStep, error) {
	a.mu.Lock()
	n := a.under[src]
	a.mu.Unlock()
	if n == nil {
		return nil, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.step, n.err
}

// forget breaks off what is under way for a source.
func (a *signIns) forget(src *oauth.Source) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := a.under[src]; n != nil {
		n.stop()
		delete(a.under, src)
	}
}

// close breaks all of them off and waits for that, at most until ctx ends.
func (a *signIns) close(ctx context.Context) error {
	a.mu.Lock()
	a.shut = true
	for _, n := range a.under {
		n.stop()
	}
	a.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = rescue.Do(func() error { a.wg.Wait(); return nil })
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// BeginSignIn implements web.Grants.
func (s *system) BeginSignIn(ctx context.Context, name, flow string) (web.Grant, error) {
	cfg, g, err := s.signedInByHand(name)
	if err != nil {
		return web.Grant{}, err
	}
	n, err := s.signIns.begin(ctx, s.source(cfg, g), func(ctx context.Context, tell func(web.GrantStep)) error {
		_, err := s.SignIn(ctx, name, flow, tell)
		if err != nil && ctx.Err() == nil {
			s.log.Warn("sign-in begun on a page came to nothing", "component", "oauth", "name", name, "err", err)
		}
		return err
	})
	if err != nil {
		return web.Grant{}, err
	}
	select {
	case <-n.asked:
	case <-ctx.Done():
		return web.Grant{}, ctx.Err()
	}
	return s.grantOf(ctx, name)
}

// noteSignIn puts into the trail that somebody gave or took the access to a
// mailbox or sender.
func (s *system) noteSignIn(ctx context.Context, action, name, account string) error {
	who := web.PrincipalOf(ctx)
	actor := who.Name
	if actor == "" {
		actor = string(who.Kind)
	}
	if who.Kind == access.Nobody {
		actor = "rapport"
	}
	now := s.now()
	return s.store.Update(ctx, func(tx store.Tx) error {
		return tx.Audit().Add(store.AuditRecord{ID: store.NewID(now), At: now, Actor: actor, Action: action, Object: name, Detail: account})
	})
}
