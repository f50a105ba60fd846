package intake

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"rapport/store"
)

// hiddenMailboxes says which mailboxes are private: those the configuration
// calls so, and those it does not name any more that were so when it did. Where
// that has changed, everything is filed again.
func (i *Intake) hiddenMailboxes(tx store.Tx) (map[string]bool, error) {
	names, err := PrivateMailboxes(tx)
	if err != nil {
		return nil, err
	}
	hidden := map[string]bool{}
	for _, n := range names {
		hidden[n] = true
	}
	configured := i.setup.Load()
	for _, n := range configured.names {
		if delete(hidden, n); configured.mailboxes[n].Hidden {
			hidden[n] = true
		}
	}
	now := slices.Sorted(maps.Keys(hidden))
	if slices.Equal(now, names) {
		return hidden, nil
	}
	b, err := json.Marshal(now)
	if err != nil {
		return nil, err
	}
	if err := tx.State().Put(stateHidden, b); err != nil {
		return nil, fmt.Errorf("keep private mailboxes: %w", err)
	}
	return hidden, i.queue(tx, job{All: true})
}

// PrivateMailboxes names the mailboxes that were private when they were last
// configured.
func PrivateMailboxes(tx store.Tx) ([]string, error) {
	var names []string
	was, err := tx.State().Get(stateHidden)
	if err == nil && len(was) > 0 {
		err = json.Unmarshal(was, &names)
	}
	if err != nil {
		return nil, fmt.Errorf("read private mailboxes: %w", err)
	}
	return names, nil
}

// hide adds to the present setup the private mailboxes it does not name.
func (i *Intake) hide(hidden map[string]bool) {
	s := *i.setup.Load()
	s.mailboxes = maps.Clone(s.mailboxes)
	for n := range hidden {
		if _, configured := s.mailboxes[n]; !configured {
			s.mailboxes[n] = Mailbox{Name: n, Hidden: true}
		}
	}
	i.setup.Store(&s)
}

// endSearches ends the searches that wait only for mailboxes that are not
// configured any more.
func (i *Intake) endSearches(tx store.Tx) error {
	names := i.setup.Load().names
	if len(names) == 0 {
		return nil
	}
	waiting := map[string]bool{}
	for _, n := range names {
		pending, err := tx.Searches().Pending(n)
		if err != nil {
			return fmt.Errorf("list searches: %w", err)
		}
		for _, s := range pending {
			waiting[s.ID] = true
		}
	}
	all, err := tx.Searches().Pending(nobody)
	if err != nil {
		return fmt.Errorf("list searches: %w", err)
	}
	for _, s := range all {
		if !waiting[s.ID] {
			if err := tx.Searches().Done(s.ID, nobody, nil); err != nil {
				return fmt.Errorf("end search: %w", err)
			}
		}
	}
	return nil
}
