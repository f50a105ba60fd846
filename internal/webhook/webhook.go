// Package webhook tells other programs what happens: it writes down what each
// is to be told in the transaction that says how far was looked, and sends it
// until it is taken or given up. What was sent as the process ended is sent
// again, under the same id.
package webhook

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"rapport/internal/news"
	"rapport/internal/seal"
	"rapport/records/access"
	"rapport/records/event"
	"rapport/records/hook"
	"rapport/store"
)

// ErrOwner is what [Options.Shown] says where the owner of a webhook may not
// have one any more.
var ErrOwner = errors.New("whoever set this webhook up may not any more")

// Options are what a [Service] works with. Store, Key and Shown must be set.
type Options struct {
	Store store.Store
	Key   []byte // of the data directory: seals the secrets
	// Shown reports whether the owner of a webhook, "" being whoever needs no
	// sign-in, may know of an event.
	Shown   func(tx store.Tx, owner string, e event.Event) (bool, error)
	Now     func() time.Time    // nil: time.Now
	Log     *slog.Logger        // nil: nothing is logged
	Count   func(result string) // hears of every attempt: taken, failed, given_up; may be nil
	Version string              // said to receivers
}

// Settings are the configured part; a reload replaces them.
type Settings struct {
	// Allowed are networks that lead inside and may be sent to all the same,
	// also in the clear.
	Allowed []netip.Prefix
	Roots   *x509.CertPool // nil: the system's
}

// Service keeps the webhooks and sends to them. Its methods may be called
// concurrently, Run once.
type Service struct {
	o      Options
	sealed seal.Box
	wake   chan struct{} // one place: something may be due
	sender atomic.Pointer[sender]
}

// New returns a Service that sends to nowhere inside.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Count == nil {
		o.Count = func(string) {}
	}
	s := &Service{o: o, sealed: seal.NewBox(o.Key, "webhooks"), wake: make(chan struct{}, 1)}
	s.Configure(Settings{})
	return s
}

// Configure puts settings in force.
func (s *Service) Configure(c Settings) {
	if old := s.sender.Swap(newSender(c, "Rapport/"+s.o.Version)); old != nil {
		old.close()
	}
}

// stateMark is where the store keeps how far the webhooks were told.
const stateMark = "webhooks-told"

// Mark returns how far the webhooks were told; zero where there are none.
func (s *Service) Mark(ctx context.Context) (m news.Mark, err error) {
	var raw []byte
	err = s.o.Store.View(ctx, func(tx store.Tx) error {
		raw, err = tx.State().Get(stateMark)
		return err
	})
	if err == nil && len(raw) > 0 {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		return m, fmt.Errorf("read how far the webhooks were told: %w", err)
	}
	return m, nil
}

func putMark(tx store.Tx, m news.Mark) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return tx.State().Put(stateMark, raw)
}

// mostWaiting bounds what waits for one webhook; what is more it has missed.
const mostWaiting = 5000

// Heard writes down what each webhook is to be told, with how far that is. It
// is [news.Options.Heard].
func (s *Service) Heard(ctx context.Context, es []event.Event, behind news.Mark) error {
	waits := false
	err := s.o.Store.Update(ctx, func(tx store.Tx) error {
		waits = false
		all, err := tx.Webhooks().List()
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return forgetMark(tx)
		}
		for _, w := range all {
			n, err := s.enqueue(tx, w, es)
			if err != nil {
				return fmt.Errorf("tell webhook %s: %w", w.Name, err)
			}
			waits = waits || n > 0
		}
		return putMark(tx, behind)
	})
	if err == nil && waits {
		s.Wake()
	}
	return err
}

// forgetMark has the first webhook to come told of nothing before it.
func forgetMark(tx store.Tx) error {
	raw, err := tx.State().Get(stateMark)
	if err != nil || len(raw) == 0 {
		return err
	}
	return tx.State().Put(stateMark, nil)
}

// enqueue writes down what one webhook is to be told, and says how much.
func (s *Service) enqueue(tx store.Tx, w hook.Webhook, es []event.Event) (n int, err error) {
	if w.Missed { // it reads everything again when it hears that
		return 0, nil
	}
	room := -1
	for _, e := range es {
		if !w.Wants(e.Type) {
			continue
		}
		shown, err := s.o.Shown(tx, w.Owner, e)
		if errors.Is(err, ErrOwner) {
			return 0, s.disable(tx, w, hook.Ownerless)
		}
		if err != nil {
			return n, err
		}
		if !shown {
			continue
		}
		if room < 0 {
			waiting, err := tx.Dispatches().Waiting(w.ID, mostWaiting)
			if err != nil {
				return n, err
			}
			room = mostWaiting - waiting
		}
		if n == room {
			w.Missed = true
			return n, tx.Webhooks().Put(w)
		}
		if err := s.put(tx, w, e, len(es)-n); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// put writes a dispatch down that goes before so many others of now.
func (s *Service) put(tx store.Tx, w hook.Webhook, e event.Event, others int) error {
	now := s.o.Now().UTC()
	return tx.Dispatches().Put(hook.Dispatch{
		ID: store.NewID(now), Webhook: w.ID, Event: e, Created: now,
		Due: now.Add(time.Duration(-others) * time.Microsecond),
	})
}

// disable has a webhook told nothing more; what waits goes.
func (s *Service) disable(tx store.Tx, w hook.Webhook, why hook.Reason) error {
	s.o.Log.Warn("webhook disabled", "webhook", w.ID, "reason", string(why))
	return errors.Join(tx.Webhooks().Put(w.Disable(why)), tx.Dispatches().Drop(w.ID))
}

// catchUp tells a webhook that it has missed something, once there is room.
func (s *Service) catchUp(tx store.Tx, w hook.Webhook) (hook.Webhook, error) {
	if !w.Missed || w.Disabled != "" {
		return w, nil
	}
	waiting, err := tx.Dispatches().Waiting(w.ID, mostWaiting/2)
	if err != nil || waiting >= mostWaiting/2 {
		return w, err
	}
	w.Missed = false
	now := s.o.Now().UTC()
	return w, s.put(tx, w, event.Event{ID: store.NewID(now), Type: event.Missed, Time: now}, 0)
}

// Wake has Run look what is due. It does not block.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // it is awake
	}
}

// ownerOf is under whose eyes a webhook is that somebody sets up.
func ownerOf(tx store.Tx, by access.Principal) (string, error) {
	switch by.Kind {
	case access.User:
		return by.ID, nil
	case access.Token:
		t, err := tx.APITokens().Get(by.ID)
		return t.User, err
	}
	return "", nil
}
