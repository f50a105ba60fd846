// Package veil shows a store to whoever asks for it: a reading transaction in
// which what somebody may not see is not there.
//
// How much of a mail is shown is an [access.Tier]. Mail in somebody's own
// mailbox is shown to them in full; other mail as far as the widest of the
// mailboxes that hold it allows, and no further than their principal's Sees.
// Who has the role own sees mail of own mailboxes only. Protected mail is seen
// by the owners of the mailboxes that hold it, mail that is private by hand by
// nobody. What is not shown is answered exactly as what does not exist, in
// listings as in searches: no count, cursor or order tells of it.
//
// A collection that the store gets is not shown before a line here says how.
package veil

import (
	"fmt"
	"slices"

	"rapport/records/access"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
)

// Mailbox is what the configuration says of who sees a mailbox's mail.
type Mailbox struct {
	Owner contact.Address // primary address of the member whose it is; "": nobody's own
	Tier  access.Tier     // how much of its mail others see
}

// Everything reports whether nothing is kept from a principal: the service's
// own user, and whoever asks where nobody has been set up to sign in.
func Everything(who access.Principal) bool {
	return who.Kind == access.Local || who.Kind == access.Open
}

// Over returns the transaction as who may see it, with the mailboxes by name.
// Of mail whose mailbox is not named the metadata is shown. Nothing can be
// written through a veil.
func Over(tx store.Tx, who access.Principal, boxes map[string]Mailbox) store.Tx {
	if Everything(who) {
		return tx
	}
	return &Tx{tx: tx, eyes: Eyes{who, boxes}, sights: map[message.ID]store.Sight{}, released: map[message.Sum]bool{}}
}

// Tx is a store's transaction behind a veil.
type Tx struct {
	tx       store.Tx
	eyes     Eyes
	sights   map[message.ID]store.Sight // of messages looked at
	released map[message.Sum]bool       // originals that somebody was shown the name of
}

// Eyes are whose view it is.
type Eyes struct {
	Who   access.Principal
	Boxes map[string]Mailbox
}

// Mailbox returns how much of a mailbox's mail is seen.
func (e Eyes) Mailbox(name string) access.Tier {
	if Everything(e.Who) {
		return access.Full
	}
	box, known := e.Boxes[name]
	switch {
	case e.Who.Kind == access.Nobody:
		return access.Private
	case known && box.Owner != "" && box.Owner == e.Who.Address:
		if e.Who.Kind == access.Token { // its bound is meant for all that it reads
			return access.Full.AtMost(e.Who.Sees)
		}
		return access.Full
	case e.Who.Role == access.Own:
		return access.Private
	case !known:
		return access.Metadata.AtMost(e.Who.Sees)
	}
	return box.Tier.AtMost(e.Who.Sees)
}

// AllFull reports whether every mailbox's mail is seen in full, protected mail
// aside.
func (e Eyes) AllFull() bool {
	for name := range e.Boxes {
		if !e.Mailbox(name).Shows(access.Full) {
			return false
		}
	}
	return e.Who.Kind != access.Nobody && e.Who.Role != access.Own && access.Full.AtMost(e.Who.Sees) == access.Full
}

// owns reports whether a mailbox is the asker's own.
func (e Eyes) owns(name string) bool {
	box, known := e.Boxes[name]
	return known && box.Owner != "" && box.Owner == e.Who.Address
}

// Message returns what of a message is seen; its Hidden, Protected and
// Holdings must be as stored.
func (e Eyes) Message(m message.Message) store.Sight {
	none := store.Sight{Tier: access.Private}
	if m.Hidden {
		return none
	}
	if Everything(e.Who) {
		return store.Sight{Tier: access.Full, Holdings: m.Holdings}
	}
	if m.Protected && !slices.ContainsFunc(m.Holdings, func(h message.Holding) bool { return e.owns(h.Mailbox) }) {
		return none
	}
	out := none
	for _, h := range m.Holdings {
		tier := e.Mailbox(h.Mailbox)
		if !tier.Shows(access.Metadata) {
			continue
		}
		out.Holdings = append(out.Holdings, h)
		if tier.Shows(out.Tier) {
			out.Tier = tier
		}
	}
	return out
}

// Shown returns how much of a message a transaction shows, Private where it
// shows nothing of it.
func Shown(tx store.Tx, id message.ID) (access.Tier, error) {
	if v, ok := tx.(*Tx); ok {
		s, err := v.sight(id)
		return s.Tier, err
	}
	m, err := tx.Messages().Get(id)
	if err != nil {
		return access.Private, noNotFound(err)
	}
	return Eyes{Who: access.Principal{Kind: access.Local}}.Message(m).Tier, nil
}

// maxSights bounds what is remembered of messages within one transaction.
const maxSights = 4096

// sight returns what of a message is seen; nothing where there is none.
func (v *Tx) sight(id message.ID) (store.Sight, error) {
	if s, ok := v.sights[id]; ok {
		return s, nil
	}
	m, err := v.tx.Messages().Get(id)
	if noNotFound(err) != nil {
		return store.Sight{Tier: access.Private}, err
	}
	s := store.Sight{Tier: access.Private}
	if err == nil {
		s = v.eyes.Message(m)
	}
	if len(v.sights) >= maxSights {
		clear(v.sights)
	}
	v.sights[id] = s
	return s, nil
}

// shows reports whether anything of a message is seen.
func (v *Tx) shows(id message.ID) (bool, error) {
	s, err := v.sight(id)
	return err == nil && s.Tier.Shows(access.Metadata), err
}

// noMail reports whether mail of others' mailboxes is not seen at all, nor
// then what was counted over it.
func (v *Tx) noMail() bool {
	return v.eyes.Who.Kind == access.Nobody || v.eyes.Who.Role == access.Own || !access.Full.AtMost(v.eyes.Who.Sees).Shows(access.Metadata)
}

// The error of whatever is not there or not shown: they look alike.
func absent(what, name string) error { return fmt.Errorf("%s %q: %w", what, name, store.ErrNotFound) }

func readOnly(what string) error { return fmt.Errorf("write %s: %w", what, store.ErrReadOnly) }

// The collections in which nothing is of one mailbox's mail.

// Contacts implements [store.Tx].
func (v *Tx) Contacts() store.Contacts { return people{v.tx.Contacts(), v} }

// Organisations implements [store.Tx].
func (v *Tx) Organisations() store.Organisations { return firms{v.tx.Organisations(), v} }

// Members implements [store.Tx].
func (v *Tx) Members() store.Members { return v.tx.Members() }

// Searches implements [store.Tx].
func (v *Tx) Searches() store.Searches { return v.tx.Searches() }

// Tombstones implements [store.Tx].
func (v *Tx) Tombstones() store.Tombstones { return v.tx.Tombstones() }

// Accounts implements [store.Tx].
func (v *Tx) Accounts() store.Accounts { return v.tx.Accounts() }

// Sessions implements [store.Tx].
func (v *Tx) Sessions() store.Sessions { return v.tx.Sessions() }

// APITokens implements [store.Tx].
func (v *Tx) APITokens() store.APITokens { return v.tx.APITokens() }

// Views implements [store.Tx].
func (v *Tx) Views() store.SavedViews { return v.tx.Views() }

// Webhooks implements [store.Tx]: only administrators ask for them.
func (v *Tx) Webhooks() store.Webhooks { return v.tx.Webhooks() }

// Dispatches implements [store.Tx]: they hold ids and times only, and only
// administrators ask for them.
func (v *Tx) Dispatches() store.Dispatches { return v.tx.Dispatches() }

// Answers implements [store.Tx]: what others were answered is none of anybody's.
func (v *Tx) Answers() store.Answers { return noAnswers{} }

// State implements [store.Tx].
func (v *Tx) State() store.State { return v.tx.State() }

// The collections behind the veil.

// Messages implements [store.Tx].
func (v *Tx) Messages() store.Messages { return messages{v} }

// Blobs implements [store.Tx].
func (v *Tx) Blobs() store.Blobs { return blobs{v} }

// Entries implements [store.Tx].
func (v *Tx) Entries() store.Entries { return entries{v} }

// Folders implements [store.Tx].
func (v *Tx) Folders() store.Folders { return folders{v} }

// Suggestions implements [store.Tx].
func (v *Tx) Suggestions() store.Suggestions { return suggestions{v} }

// Reviews implements [store.Tx].
func (v *Tx) Reviews() store.Reviews { return reviews{v} }

// Decisions implements [store.Tx].
func (v *Tx) Decisions() store.Decisions { return decisions{v} }

// Audit implements [store.Tx].
func (v *Tx) Audit() store.Audit { return audit{v} }

// Relations implements [store.Tx].
func (v *Tx) Relations() store.Relations { return relations{v} }

// FollowUps implements [store.Tx].
func (v *Tx) FollowUps() store.FollowUps { return followUps{v} }

// Feeds implements [store.Tx].
func (v *Tx) Feeds() store.Feeds { return feeds{v.tx.Feeds()} }

// Outbox implements [store.Tx].
func (v *Tx) Outbox() store.Outbox { return v.tx.Outbox() }

// Runs implements [store.Tx].
func (v *Tx) Runs() store.Runs { return v.tx.Runs() }

// Suppressions implements [store.Tx].
func (v *Tx) Suppressions() store.Suppressions { return v.tx.Suppressions() }

// SignUps implements [store.Tx].
func (v *Tx) SignUps() store.SignUps { return v.tx.SignUps() }

// Sales implements [store.Tx]: no word of a mail is in them.
func (v *Tx) Sales() store.Sales { return sales{v.tx.Sales()} }

// Surveys implements [store.Tx].
func (v *Tx) Surveys() store.Surveys { return surveys{v.tx.Surveys()} }
