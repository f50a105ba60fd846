package planner

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/store"
	"rapport/store/boltstore"
)

// office is a planner over a store with some people, and a clock of its own.
type office struct {
	*Planner
	t     *testing.T
	store store.Store
	now   time.Time
	src   Source
	woken int
	sent  []byte // the last test

	public string // PublicURL
}

func newOffice(t *testing.T, people ...contact.Contact) *office {
	t.Helper()
	o := &office{t: t, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	s, err := boltstore.Open(t.TempDir(), boltstore.Options{Now: func() time.Time { return o.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	o.store = s
	o.src = Source{Definition: campaign.Definition{Name: "spring", Kind: "newsletter", Sender: "news", Purpose: "newsletter", Basis: "customers", Letters: map[string]campaign.Letter{}}}
	o.letter("", "Spring for {{.Contact.FirstName}}", "Dear {{.Contact.Name}},\n\nit is spring.\n")
	if o.src.Audience, err = campaign.ParseAudience(`kind == "customer"`); err != nil {
		t.Fatal(err)
	}
	o.Planner = New(Options{
		Store: s, Keys: outbox.Keys{{ID: 1, Secret: [32]byte{1}}}, Key: bytes.Repeat([]byte{2}, 32), Now: func() time.Time { return o.now },
		Settings: func() Settings {
			return Settings{Team: "Example", Members: map[contact.Address]string{"ada@example.com": "Ada", "bob@example.com": "Bob"}, PerWeek: 2, PerMonth: 6, PublicURL: o.public, SignUps: "news",
				Topics: []Topic{{Purpose: "newsletter", Name: "Our news", Names: map[string]string{"de": "Neues"}}, {Purpose: "tutorial", Name: "How to"}}, Senders: map[string]Sender{
					"news": {Name: "news", From: "Example News <news@example.com>", Replies: "news@example.com", Mailbox: "news", Address: "1 Example Street", PerMinute: 30, PerDay: 100},
				}}
		},
		Campaigns: func() ([]Source, error) { return []Source{o.src}, nil },
		Campaign: func(name string) (Source, error) {
			if name != o.src.Name {
				return Source{}, store.ErrNotFound
			}
			return o.src, nil
		},
		Send: func(_ context.Context, _ string, _, _ contact.Address, raw []byte) error { o.sent = raw; return nil },
		Wake: func() { o.woken++ },
		NewContact: func(tx store.Tx, c contact.Contact) (contact.Contact, error) {
			c.ID = contact.ID(store.NewID(o.now))
			return c, tx.Contacts().Put(c)
		},
	})
	o.o.OpenCase = func(tx store.Tx, _ string, f followup.FollowUp) (followup.FollowUp, error) {
		f.ID, f.Created = followup.ID(store.NewID(o.now)), o.now
		return f, tx.FollowUps().Put(f)
	}
	o.update(func(tx store.Tx) error {
		for n, c := range people {
			c.ID = contact.ID(store.NewID(o.now.Add(time.Duration(n))))
			if err := tx.Contacts().Put(c); err != nil {
				return err
			}
		}
		return nil
	})
	return o
}

func (o *office) letter(language, subject, body string) {
	o.t.Helper()
	s, err := campaign.ParseTemplate("subject", subject, "")
	if err != nil {
		o.t.Fatal(err)
	}
	b, err := campaign.ParseTemplate("spring.md", body, "")
	if err != nil {
		o.t.Fatal(err)
	}
	o.src.Letters[language] = campaign.Letter{Language: language, Subject: s, Body: b}
}

func (o *office) update(fn func(store.Tx) error) {
	o.t.Helper()
	if err := o.store.Update(o.t.Context(), fn); err != nil {
		o.t.Fatal(err)
	}
}

func customer(name string, addresses ...contact.Address) contact.Contact {
	return contact.Contact{Name: name, Addresses: addresses, Kind: contact.Customer}
}

// carry does what a courier does with one delivery: the gate is asked, then the
// server takes it, or the answer is lost.
func (o *office) carry(d outbox.Delivery, lost bool) outbox.Delivery {
	o.t.Helper()
	o.update(func(tx store.Tx) error {
		e, err := o.Gate(tx, d, o.now)
		if err != nil {
			return err
		}
		events := []outbox.Event{{What: outbox.Commit}, {What: outbox.Accept, QueueID: "q"}}
		if lost {
			events[1] = outbox.Event{What: outbox.Lose}
		}
		if e.What != "" {
			events = []outbox.Event{e}
		}
		for _, e := range events {
			before, err := tx.Outbox().Get(d.ID)
			if err != nil {
				return err
			}
			if d, err = before.Apply(e, o.now); err != nil {
				return err
			}
			if err := tx.Outbox().Put(d); err != nil {
				return err
			}
			if err := o.Changed(tx, before, d); err != nil {
				return err
			}
		}
		return nil
	})
	return d
}

func (o *office) deliveries(state outbox.State) []outbox.Delivery {
	o.t.Helper()
	page, err := o.Deliveries(o.t.Context(), "spring", store.OutboxFilter{State: state}, store.Slice{})
	if err != nil {
		o.t.Fatal(err)
	}
	return page.Items
}

func (o *office) launch() campaign.Run {
	o.t.Helper()
	run, err := o.Launch(o.t.Context(), "ada", o.src.Name, "", false)
	if err != nil {
		o.t.Fatal(err)
	}
	return run
}

// returned has a mail come back.
func (o *office) returned(folder message.Folder, m message.Message) {
	o.t.Helper()
	o.update(func(tx store.Tx) error { return o.Returned(tx, folder, m.Head, &m) })
}

func (o *office) status() campaign.Progress {
	o.t.Helper()
	p, err := o.Status(o.t.Context(), "spring")
	if err != nil {
		o.t.Fatal(err)
	}
	if sum := p.Pending + p.Accepted + p.Deferred + p.Rejected + p.Ambiguous + p.Unknown + p.Suppressed + p.Cancelled + p.Expired + p.Skipped; sum != p.Recipients {
		o.t.Errorf("the states add up to %d of %d: %+v", sum, p.Recipients, p)
	}
	return p
}

// history are the kinds and texts of an address's timeline, newest first.
func (o *office) history(a contact.Address) (out []string) {
	o.t.Helper()
	err := o.store.View(o.t.Context(), func(tx store.Tx) error {
		out = nil
		people, err := tx.Contacts().ByAddress(a)
		if err != nil {
			return err
		}
		page, err := tx.Entries().Of(store.Subject{Contact: people[0].ID}, store.Slice{})
		for _, e := range page.Items {
			out = append(out, strings.TrimSpace(string(e.Kind)+" "+e.Text))
		}
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}
