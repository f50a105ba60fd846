package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rapport/internal/config"
	"rapport/internal/news"
	"rapport/internal/webhook"
	"rapport/records/access"
	"rapport/records/event"
	"rapport/records/hook"
	"rapport/store"
	"rapport/store/veil"
	"rapport/web"
)

// listenForNews builds who looks for what is new, and whom the webhooks are
// told by.
func (s *system) listenForNews(ctx context.Context) error {
	s.told = webhook.New(webhook.Options{
		Store: s.store, Key: s.key, Shown: s.toldOf, Now: s.now, Log: s.log.With("component", "webhook"), Version: s.version,
		Count: func(result string) { s.metrics.webhooks.WithLabelValues(result).Inc() },
	})
	settings, err := webhookSettings(s.config())
	if err != nil {
		return err
	}
	s.told.Configure(settings)
	mark, err := s.told.Mark(ctx)
	if err != nil {
		return err
	}
	s.news = news.New(news.Options{Store: s.store, Now: s.now, Mark: mark, Heard: s.told.Heard})
	return nil
}

func webhookSettings(cfg *config.Config) (webhook.Settings, error) {
	roots, err := cfg.Webhooks.Roots()
	if err != nil {
		return webhook.Settings{}, fmt.Errorf("webhooks.ca_file: %w", err)
	}
	return webhook.Settings{Allowed: cfg.Webhooks.Allowed(), Roots: roots}, nil
}

// toldOf reports whether the owner of a webhook may know of an event. Only an
// administrator has one; who needs no sign-in sees everything.
func (s *system) toldOf(tx store.Tx, owner string, e event.Event) (bool, error) {
	if owner == "" {
		return web.EventShown(tx, e)
	}
	u, err := tx.Accounts().Get(owner)
	if errors.Is(err, store.ErrNotFound) {
		return false, webhook.ErrOwner
	}
	if err != nil {
		return false, err
	}
	who := u.Principal("")
	if who.May(access.Manage) != nil {
		return false, webhook.ErrOwner
	}
	return web.EventShown(veil.Over(tx, who, s.mailboxesShown()), e)
}

// webhookTroubles says how every webhook is.
func (s *system) webhookTroubles() (out []trouble) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := s.store.View(ctx, func(tx store.Tx) error {
		all, err := tx.Webhooks().List()
		out = nil
		for _, w := range all {
			out = append(out, howIs(w))
		}
		return err
	})
	s.faults.report("look after webhooks", err)
	return out
}

func howIs(w hook.Webhook) trouble {
	t := trouble{Object: "webhook " + w.Name, state: well}
	givenUp := w.Disabled != "" && w.Disabled != hook.Paused
	if givenUp || w.Disabled == "" && !w.Failing.IsZero() {
		t.state, t.Since, t.Urgent, t.Text = wrong, w.Failing, givenUp, webhookTrouble(w)
	}
	if t.Since.IsZero() {
		t.Since = w.Created
	}
	return t
}

// webhookTrouble says in words what is wrong with a webhook, and what to do.
func webhookTrouble(w hook.Webhook) string {
	const again = " Mend it, then run rapport webhook resume; it is told then that it has missed something."
	switch w.Disabled {
	case hook.Gone:
		return "its receiver says that it is no more, so nothing is sent to it. Remove it with rapport webhook remove, or give it another address."
	case hook.Ownerless:
		return "whoever set it up is no administrator any more, so nothing is sent to it. An administrator who wants it runs rapport webhook resume."
	case hook.Failing:
		return "it has taken nothing for three days and was given up: " + escape(w.Trouble.String()) + "." + again
	}
	return "it takes nothing: " + escape(w.Trouble.String()) + ". It is tried for three days in all."
}
