package webhook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"rapport/internal/news"
	"rapport/records/access"
	"rapport/records/event"
	"rapport/records/hook"
	"rapport/records/phrase"
	"rapport/store"
)

// most is how many webhooks there are at most.
const most = 50

// Add keeps a new webhook: its name, address and types are looked at. The
// secret is shown this once.
func (s *Service) Add(ctx context.Context, by access.Principal, w hook.Webhook) (_ hook.Webhook, secret string, err error) {
	now := s.o.Now().UTC()
	made := hook.Webhook{ID: store.NewID(now), Name: w.Name, URL: w.URL, Types: w.Types, Created: now}
	secret, made.Secret = s.newSecret(made.ID)
	err = s.o.Store.Update(ctx, func(tx store.Tx) error {
		all, err := tx.Webhooks().List()
		if err != nil {
			return err
		}
		if len(all) >= most {
			return fmt.Errorf("there are %d webhooks already; remove one first", len(all))
		}
		if made, err = checked(made, all); err != nil {
			return err
		}
		if made.Owner, err = ownerOf(tx, by); err != nil {
			return err
		}
		if len(all) == 0 {
			if err := putMark(tx, news.MarkAt(now)); err != nil {
				return err
			}
		}
		return errors.Join(tx.Webhooks().Put(made), s.audit(tx, by, "webhook.add", made, phrase.Phrase{}))
	})
	return made, secret, err
}

// checked returns a webhook as it is kept, or why it cannot be.
func checked(w hook.Webhook, all []hook.Webhook) (_ hook.Webhook, err error) {
	if w.Name, err = access.CleanName(w.Name); err != nil {
		return w, err
	}
	if slices.ContainsFunc(all, func(o hook.Webhook) bool { return o.ID != w.ID && o.Name == w.Name }) {
		return w, fmt.Errorf("there is a webhook called %q already", w.Name)
	}
	for _, t := range w.Types {
		if !slices.Contains(event.Types(), t) {
			return w, fmt.Errorf("%q is no type of event; there are %v", t, event.Types())
		}
	}
	w.Types = slices.Compact(slices.Sorted(slices.Values(w.Types)))
	return w, hook.CheckURL(w.URL)
}

// newSecret makes a secret, as people hand it on and as it is kept.
func (s *Service) newSecret(webhook string) (text string, sealed []byte) {
	raw := make([]byte, hook.SecretSize)
	rand.Read(raw) // never fails: crypto/rand ends the program instead
	return hook.SecretText(raw), s.sealed.Seal(raw, webhook)
}

// Change changes a webhook. Pausing it drops what waits; going on tells it
// that it has missed something, and makes whoever says so its owner.
func (s *Service) Change(ctx context.Context, by access.Principal, id string, c hook.Change) (w hook.Webhook, err error) {
	err = s.o.Store.Update(ctx, func(tx store.Tx) error {
		if w, err = tx.Webhooks().Get(id); err != nil {
			return err
		}
		all, err := tx.Webhooks().List()
		if err != nil {
			return err
		}
		before := w
		said := c.Over(&w)
		if w, err = checked(w, all); err != nil || said.Empty() {
			return err
		}
		switch {
		case before.Disabled == "" && w.Disabled != "":
			w = w.Disable(w.Disabled)
			err = tx.Dispatches().Drop(id)
		case before.Disabled != "" && w.Disabled == "":
			if w.Owner, err = ownerOf(tx, by); err == nil {
				w, err = s.catchUp(tx, w.Enable())
			}
		case before.URL != w.URL && w.Disabled == "":
			w = w.Enable() // the troubles were another's
		}
		if err != nil {
			return err
		}
		return errors.Join(tx.Webhooks().Put(w), s.audit(tx, by, "webhook.change", w, said))
	})
	s.Wake()
	return w, err
}

// Remove removes a webhook and all that waits for it.
func (s *Service) Remove(ctx context.Context, by access.Principal, id string) error {
	return s.o.Store.Update(ctx, func(tx store.Tx) error {
		w, err := tx.Webhooks().Get(id)
		if err != nil {
			return err
		}
		if err := tx.Dispatches().Drop(id); err != nil {
			return err
		}
		if _, err := tx.Dispatches().Trim(id, 0, 2*keptEnded); err != nil {
			return err
		}
		return errors.Join(tx.Webhooks().Delete(id), s.audit(tx, by, "webhook.remove", w, phrase.Phrase{}))
	})
}

// Renew gives a webhook another secret, shown this once. The former one signs
// beside it for a day, so that no event is lost while the receiver changes.
func (s *Service) Renew(ctx context.Context, by access.Principal, id string) (w hook.Webhook, secret string, err error) {
	secret, sealed := s.newSecret(id)
	err = s.o.Store.Update(ctx, func(tx store.Tx) error {
		if w, err = tx.Webhooks().Get(id); err != nil {
			return err
		}
		w = w.Replace(sealed, s.o.Now().UTC())
		return errors.Join(tx.Webhooks().Put(w), s.audit(tx, by, "webhook.secret", w, phrase.Phrase{}))
	})
	return w, secret, err
}

// Try sends a webhook an event that says it is a trial, at once and once, and
// returns how that went. Nothing is disabled or held up by it.
func (s *Service) Try(ctx context.Context, id string) (hook.Dispatch, error) {
	var w hook.Webhook
	err := s.o.Store.View(ctx, func(tx store.Tx) (err error) {
		w, err = tx.Webhooks().Get(id)
		return err
	})
	if err != nil {
		return hook.Dispatch{}, err
	}
	now := s.o.Now().UTC()
	d := hook.Dispatch{ID: store.NewID(now), Webhook: id, Created: now, Attempts: 1,
		Event: event.Event{ID: store.NewID(now), Type: event.WebhookTest, Time: now}}
	o, err := s.attempt(ctx, w, d)
	if err != nil {
		return d, err
	}
	d.Ended, d.Taken, d.Status, d.Trouble = s.o.Now().UTC(), o.Taken(), o.Status, o.Says()
	return d, s.o.Store.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.Webhooks().Get(id); err != nil {
			return err
		}
		_, err := tx.Dispatches().Trim(id, keptEnded, keptEnded)
		return errors.Join(err, tx.Dispatches().Put(d))
	})
}

func (s *Service) audit(tx store.Tx, by access.Principal, action string, w hook.Webhook, detail phrase.Phrase) error {
	who := by.Name
	if who == "" {
		who = string(by.Kind)
	}
	now := s.o.Now()
	if detail.Empty() {
		detail = phrase.Verbatim(w.Name)
	}
	return tx.Audit().Add(store.AuditRecord{ID: store.NewID(now), At: now, Actor: who, Action: action, Object: w.ID, Detail: detail.String(), Said: detail.Translated()})
}
