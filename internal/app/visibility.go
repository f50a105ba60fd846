package app

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"rapport/intake"
	"rapport/internal/config"
	"rapport/records/access"
	"rapport/records/contact"
	"rapport/store"
	"rapport/store/veil"
)

// stateVisibility keeps whose each mailbox is and how much others see of it:
// mail of one that is not configured any more stays as little seen as it was.
const stateVisibility = "mailbox-visibility"

// mailboxesShown says whose the mailboxes are, for web.
func (s *system) mailboxesShown() map[string]veil.Mailbox { return *s.visibility.Load() }

// visibilityOf is what a configuration says, over what was kept of mailboxes
// it does not name any more. Of those nothing was kept of, the ones that were
// private are known to intake.
func visibilityOf(tx store.Tx, cfg *config.Config) (now, kept map[string]veil.Mailbox, err error) {
	raw, err := tx.State().Get(stateVisibility)
	if err != nil {
		return nil, nil, fmt.Errorf("read who sees which mailbox: %w", err)
	}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &kept); err != nil {
			return nil, nil, fmt.Errorf("read who sees which mailbox: %w", err)
		}
	}
	private, err := intake.PrivateMailboxes(tx)
	if err != nil {
		return nil, nil, err
	}
	now = map[string]veil.Mailbox{}
	for _, name := range private {
		now[name] = veil.Mailbox{Tier: access.Private}
	}
	maps.Copy(now, kept)
	team := cfg.Team()
	for _, m := range cfg.Boxes() {
		box := veil.Mailbox{Tier: access.Tier(m.Visibility)}
		if a, err := contact.ParseAddress(m.User); err == nil {
			if member, ours := team.Member(a); ours {
				box.Owner = member.Primary()
			}
		}
		now[m.Name] = box
	}
	return now, kept, nil
}

// prepareVisibility works out who sees which mailbox by a configuration, and
// returns how to put it in force.
func (s *system) prepareVisibility(ctx context.Context, cfg *config.Config) (swap func(context.Context), err error) {
	var now, kept map[string]veil.Mailbox
	err = s.store.View(ctx, func(tx store.Tx) (err error) {
		now, kept, err = visibilityOf(tx, cfg)
		return err
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) {
		s.visibility.Store(&now)
		if maps.Equal(now, kept) {
			return
		}
		// What could not be kept is the most that is kept back later: of a mailbox
		// nobody knows, others see the metadata.
		if err := s.keepVisibility(ctx, now); err != nil {
			s.log.Warn("who sees which mailbox could not be kept", "err", err)
		}
	}, nil
}

func (s *system) keepVisibility(ctx context.Context, now map[string]veil.Mailbox) error {
	raw, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx store.Tx) error { return tx.State().Put(stateVisibility, raw) })
}
