package intake

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// forget removes the words of an erased person from what is kept beside the
// records: suggestions under other spellings, lines of the trail about others,
// requests to search for them.
func (i *Intake) forget(tx store.Tx, c contact.Contact) error {
	for _, a := range c.Addresses {
		if err := ignoreNotFound(tx.Suggestions().Delete(a)); err != nil {
			return fmt.Errorf("delete suggestion: %w", err)
		}
	}
	if err := i.forgetSuggestions(tx); err != nil {
		return err
	}
	if err := forgetSearches(tx, c.Addresses); err != nil {
		return err
	}
	return redact(tx, c)
}

// forgetSuggestions removes the rows of everybody erased.
func (i *Intake) forgetSuggestions(tx store.Tx) error {
	dir := newDirectory(tx, i.opts.Key)
	return deleteSuggestions(tx, func(s store.Suggestion) (bool, error) { return dir.Erased(s.Address) })
}

// deleteSuggestions deletes those that which says yes to.
func deleteSuggestions(tx store.Tx, which func(store.Suggestion) (bool, error)) error {
	gone, err := store.Where(tx.Suggestions().List, which)
	if err != nil {
		return fmt.Errorf("list suggestions: %w", err)
	}
	for _, s := range gone {
		if err := tx.Suggestions().Delete(s.Address); err != nil {
			return fmt.Errorf("delete suggestion: %w", err)
		}
	}
	return nil
}

// nobody is a mailbox that has done no search.
const nobody = ""

// forgetSearches takes addresses out of the searches that wait for a mailbox.
func forgetSearches(tx store.Tx, addresses []contact.Address) error {
	pending, err := tx.Searches().Pending(nobody)
	if err != nil {
		return fmt.Errorf("list searches: %w", err)
	}
	for _, s := range pending {
		left := slices.DeleteFunc(slices.Clone(s.Addresses), func(a contact.Address) bool { return slices.Contains(addresses, a) })
		if len(left) == len(s.Addresses) {
			continue
		}
		if s.Addresses = left; len(left) == 0 && len(s.Domains) == 0 && !s.All {
			err = tx.Searches().Done(s.ID, nobody, nil)
		} else {
			err = tx.Searches().Put(s)
		}
		if err != nil {
			return fmt.Errorf("change search: %w", err)
		}
	}
	return nil
}

// redact empties the lines of the trail that are about the erased person, and
// those about others that hold words of the person: a merge, or what undoes it.
func redact(tx store.Tx, c contact.Contact) error {
	words := []string{string(c.ID)}
	for _, a := range c.Addresses {
		words = append(words, string(a))
	}
	objects := slices.Clone(words)
	var at store.Cursor
	for {
		page, err := tx.Audit().List("", store.Slice{Cursor: at, Limit: 1000})
		if err != nil {
			return fmt.Errorf("list audit: %w", err)
		}
		for _, r := range page.Items {
			if r.Object != "" && !slices.Contains(objects, r.Object) && holds(r, words) {
				objects = append(objects, r.Object)
			}
		}
		if at = page.Next; at == "" {
			break
		}
	}
	for _, o := range objects {
		if err := tx.Audit().Redact(o); err != nil {
			return fmt.Errorf("redact audit: %w", err)
		}
	}
	return nil
}

// holds reports whether a line of the trail holds one of the words. What only
// names the person's id in a decision says nothing of the person.
func holds(r store.AuditRecord, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return strings.Contains(r.Detail, w) && r.Detail != w ||
			bytes.Contains(r.Before, []byte(w)) || bytes.Contains(r.After, []byte(w))
	})
}

// decidedThreads lists the threads of the mail that decisions by hand filed
// under somebody: it may be on no timeline by which it could be found.
func decidedThreads(tx store.Tx, who store.Subject) ([]message.ThreadID, error) {
	var out []message.ThreadID
	var at store.Cursor
	for {
		page, err := tx.Decisions().List(store.Slice{Cursor: at, Limit: 1000})
		if err != nil {
			return nil, fmt.Errorf("list decisions: %w", err)
		}
		for _, d := range page.Items {
			if d.Who != who {
				continue
			}
			for _, key := range d.Identity {
				id, err := tx.Messages().ByIdentity(key)
				if err == nil {
					var m message.Message
					if m, err = tx.Messages().Get(id); err == nil && !slices.Contains(out, m.Thread) {
						out = append(out, m.Thread)
					}
				}
				if ignoreNotFound(err) != nil {
					return nil, fmt.Errorf("read message of decision %s: %w", d.ID, err)
				}
			}
		}
		if at = page.Next; at == "" {
			return out, nil
		}
	}
}
