package planner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"strings"
	"sync"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/outbox"
	"rapport/store"
)

// Sender is what the planner needs of a configured sender.
type Sender struct {
	Name    string
	From    string          // author: an address, with a display name or without
	Replies contact.Address // of the mailbox that gets what comes back; "": nobody reads it
	Mailbox string          // its name
	Address string          // postal, below every mail
	// Settle is how long after a dot whose answer was lost the Sent folder proves
	// by a complete look that no server took the mail; 0 means 15 minutes.
	Settle time.Duration
	// The limits; 0 means none.
	PerMinute, PerDay int
	Keys              []Signature // that its mails are signed with
}

// Settings are the configured part of planning. They are not changed once made.
type Settings struct {
	Team string // our name
	// PublicURL leads to the pages for strangers, https:// and a host; "": there
	// are none, and people unsubscribe by mail.
	PublicURL string
	Senders   map[string]Sender
	Members   map[contact.Address]string // names by primary address
	PerWeek   int                        // mails of campaigns to one address; 0: any number
	PerMonth  int
	// Topics are what people may choose, and SignUps the sender of the mails that
	// ask whether they meant it; "": there are none.
	Topics  []Topic
	SignUps string
	// Zone is that of the team, by which days and windows count for who has no
	// zone of their own; nil: UTC.
	Zone *time.Location
	// Excluded reports whether the configuration excludes an address.
	Excluded func(contact.Address) bool
}

// Source is a campaign as its files are now, with what is wrong with them.
type Source struct {
	campaign.Definition
	Faults   []string
	Warnings []string

	step int // of a series, where it is one of its mails
}

// Options are what a Planner works with.
type Options struct {
	Store store.Store
	Keys  outbox.Keys
	// Key makes the digests of suppressions; that of tombstones.
	Key []byte
	// Settings returns what is in force.
	Settings func() Settings
	// Campaigns reads every campaign, and Campaign one, whose error wraps
	// store.ErrNotFound where there is none.
	Campaigns func() ([]Source, error)
	Campaign  func(name string) (Source, error)
	// Send brings one mail to a server now, past the outbox: for tests of a
	// campaign.
	Send func(ctx context.Context, sender string, from, to contact.Address, mail []byte) error
	// NewContact adds a contact who signed up, as everything else that adds one
	// does, inside the transaction.
	NewContact func(tx store.Tx, c contact.Contact) (contact.Contact, error)
	// OpenCase opens a case, as a person would, inside the transaction; nil: a
	// low score opens none.
	OpenCase func(tx store.Tx, actor string, f followup.FollowUp) (followup.FollowUp, error)
	// Wake is called after a commit that gave the courier work.
	Wake func()
	Now  func() time.Time
	Log  *slog.Logger
}

// Planner plans and launches campaigns, decides at the last moment whether a
// mail may leave, and keeps what comes back. Its methods may be called
// concurrently.
type Planner struct {
	o        Options
	ranking  ranking
	reaching reaching

	mu        sync.Mutex
	launching map[campaign.RunID]bool // by this process: Recover leaves them alone
}

// New returns a Planner over an open store.
func New(o Options) *Planner {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wake == nil {
		o.Wake = func() {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Planner{o: o}
}

// digest names an address in suppressions.
func (p *Planner) digest(a contact.Address) store.Digest {
	return store.Digest(contact.AddressDigest(p.o.Key, a.Folded()))
}

// sender returns the sender of a campaign, with its author's address.
func (p *Planner) sender(name string) (Sender, contact.Address, error) {
	s, ok := p.o.Settings().Senders[name]
	if !ok {
		return s, "", fmt.Errorf("no sender is called %q: add it to senders in the configuration", name)
	}
	from, err := netmail.ParseAddress(s.From)
	if err != nil {
		return s, "", fmt.Errorf("read the author of sender %s: %w", name, err)
	}
	return s, contact.Address(strings.ToLower(from.Address)), nil
}

// candidate gathers what an audience may ask of a contact.
func candidate(tx store.Tx, c contact.Contact) (campaign.Candidate, error) {
	out := campaign.Candidate{Contact: c}
	if len(c.Affiliations) > 0 {
		o, err := tx.Organisations().Get(c.Affiliations[0].Organisation)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return out, fmt.Errorf("read the organisation of %s: %w", c.ID, err)
		}
		out.Organisation = o
	}
	r, err := tx.Relations().Get(store.Subject{Contact: c.ID})
	if err != nil {
		return out, fmt.Errorf("read how things stand with %s: %w", c.ID, err)
	}
	out.LastIn, out.LastOut = r.In.Last, r.Out.Last
	return out, nil
}

// terms are what recipients of a purpose are held against.
func (s Settings) terms(purpose, basis string) campaign.Terms {
	return campaign.Terms{Purpose: purpose, Basis: basis, PerWeek: s.PerWeek, PerMonth: s.PerMonth}
}

// standing reads how an address stands with us. Deliveries of the run besides
// are left out; had is of which campaign an earlier delivery counts, "" of none.
func (p *Planner) standing(tx store.Tx, c contact.Contact, a contact.Address, besides campaign.RunID, had string, now time.Time) (campaign.Standing, error) {
	s := campaign.Standing{Contact: c}
	if excluded := p.o.Settings().Excluded; excluded != nil {
		s.Excluded = excluded(a)
	}
	stops, err := tx.Suppressions().Of(p.digest(a))
	if err != nil {
		return s, fmt.Errorf("read suppressions: %w", err)
	}
	for _, o := range stops {
		s.Stops = append(s.Stops, campaign.Stop{Scope: o.Scope, Why: o.Why, At: o.At})
	}
	names := map[campaign.RunID]string{}
	_, err = store.Where(func(sl store.Slice) (store.Page[outbox.Delivery], error) {
		return tx.Outbox().List(store.OutboxFilter{Address: a}, sl)
	}, func(d outbox.Delivery) (bool, error) {
		if d.Run == besides || d.Contact == "" || !reached(d) { // a mail that asks whether a sign-up is meant is none of a campaign
			return false, nil
		}
		at := d.Dotted
		if now.Sub(at) < campaign.Month {
			s.Sent = append(s.Sent, at)
		}
		if _, known := names[d.Run]; !known && had != "" {
			r, err := tx.Runs().Get(d.Run)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return false, err
			}
			names[d.Run] = r.Campaign
		}
		if had != "" && names[d.Run] == had && at.After(s.Had) {
			s.Had = at
		}
		return false, nil
	})
	if err != nil {
		return s, fmt.Errorf("read what was sent to %s: %w", a, err)
	}
	return s, nil
}

// reached reports whether a delivery has reached its recipient, as far as
// anybody knows.
func reached(d outbox.Delivery) bool {
	switch d.State {
	case outbox.Accepted, outbox.Intent, outbox.Ambiguous, outbox.Unknown:
		return d.Dots > 0
	}
	return false
}

// note adds a line to the trail.
func (p *Planner) note(tx store.Tx, actor, action, object, detail string) error {
	now := p.o.Now()
	return tx.Audit().Add(store.AuditRecord{ID: store.NewID(now), At: now, Actor: actor, Action: action, Object: object, Detail: detail})
}
