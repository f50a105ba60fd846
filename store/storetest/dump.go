package storetest

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/message"
	"rapport/records/relation"
	"rapport/records/sale"
	"rapport/records/survey"
	"rapport/records/timeline"
	"rapport/store"
)

// Dump describes the content of a store in a form that does not depend on ids
// or on the order in which things were stored: one line per fact, sorted. Two
// stores with the same content have equal dumps; where they differ the lines
// say in what.
//
// Contacts are named by their first address (or name), organisations by their
// first domain (or name), messages by Message-ID, Date, From and Subject, so
// that ids need not agree. Left out are: ids of every kind, times of creation
// and change, the audit trail, statuses, fingerprints and marks of folders,
// hints, search requests, the State, thread ids (threads are compared as the
// sets of messages they hold), which of several differing copies is a
// message's own text and which a variant, and raw digests where a message has
// more than one copy (each server may deliver its own trace headers).
func Dump(ctx context.Context, s store.Store) (string, error) {
	d := &dump{contacts: map[contact.ID]string{}, organisations: map[contact.OrganisationID]string{}, messages: map[message.ID]string{},
		threads: map[message.ThreadID][]string{}, entries: map[timeline.ID]moment{}, moments: map[moment]string{}}
	for _, part := range []func(context.Context, store.Store) error{d.people, d.mails, d.histories, d.relations, d.folders, d.rest} {
		if err := part(ctx, s); err != nil {
			return "", fmt.Errorf("dump store: %w", err)
		}
	}
	for _, names := range d.threads {
		slices.Sort(names)
		d.line("thread %s", strings.Join(names, " | "))
	}
	slices.Sort(d.lines)
	return strings.Join(d.lines, "\n") + "\n", nil
}

type dump struct {
	lines         []string
	contacts      map[contact.ID]string
	organisations map[contact.OrganisationID]string
	messages      map[message.ID]string
	threads       map[message.ThreadID][]string
	entries       map[timeline.ID]moment
	moments       map[moment]string // what stands for the entries of one in a line
}

// moment is one second of one side of a conversation.
type moment struct {
	thread    message.ThreadID
	direction message.Direction
	second    int64
}

func (d *dump) line(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// pages goes through a listing, each page in a View of its own.
func pages[T any](ctx context.Context, s store.Store, list func(store.Tx, store.Slice) (store.Page[T], error), visit func(T)) error {
	for at := (store.Slice{Limit: 500}); ; {
		var p store.Page[T]
		err := s.View(ctx, func(tx store.Tx) (err error) {
			p, err = list(tx, at)
			return err
		})
		if err != nil {
			return err
		}
		for _, v := range p.Items {
			visit(v)
		}
		if at.Cursor = p.Next; at.Cursor == "" {
			return nil
		}
	}
}

func plain(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func (d *dump) people(ctx context.Context, s store.Store) error {
	var cs []contact.Contact
	var os []contact.Organisation
	err := pages(ctx, s, func(tx store.Tx, at store.Slice) (store.Page[contact.Organisation], error) {
		return tx.Organisations().List(store.Filter{Merged: true}, at)
	}, func(o contact.Organisation) {
		d.organisations[o.ID] = o.Name
		if len(o.Domains) > 0 {
			d.organisations[o.ID] = o.Domains[0].Name
		}
		os = append(os, o)
	})
	if err != nil {
		return err
	}
	err = pages(ctx, s, func(tx store.Tx, at store.Slice) (store.Page[contact.Contact], error) {
		return tx.Contacts().List(store.Filter{Merged: true}, at)
	}, func(c contact.Contact) {
		d.contacts[c.ID] = c.Name
		if len(c.Addresses) > 0 {
			d.contacts[c.ID] = string(c.Addresses[0])
		}
		cs = append(cs, c)
	})
	if err != nil {
		return err
	}
	for _, o := range os {
		into := d.organisations[o.MergedInto]
		o.ID, o.MergedInto, o.Created, o.Updated = "", "", time.Time{}, time.Time{}
		d.line("organisation %s merged into %q", plain(o), into)
	}
	for _, c := range cs {
		into := d.contacts[c.MergedInto]
		var at []string
		for _, a := range c.Affiliations {
			at = append(at, d.organisations[a.Organisation]+"/"+a.Title+"/"+a.Role)
		}
		c.ID, c.MergedInto, c.Affiliations, c.Created, c.Updated = "", "", nil, time.Time{}, time.Time{}
		d.line("contact %s at %q merged into %q", plain(c), at, into)
	}
	return nil
}

// nameOf names a message by what its header says.
func nameOf(m message.Message) string {
	from := ""
	if len(m.Head.From) > 0 {
		from = string(m.Head.From[0].Address) + m.Head.From[0].Raw
	}
	name := fmt.Sprintf("<%s> %s %s %q", m.Head.MessageID, m.Head.Date.UTC().Format(time.RFC3339), from, m.Head.Subject)
	if m.Head.MessageID == "" || slices.Contains(m.Flags, "duplicate-message-id") {
		name += " text " + hex.EncodeToString(m.TextSum[:6])
	}
	return name
}

func (d *dump) mails(ctx context.Context, s store.Store) error {
	var all []message.Message
	err := pages(ctx, s, func(tx store.Tx, at store.Slice) (store.Page[message.Message], error) {
		ids, err := tx.Messages().List(at)
		p := store.Page[message.Message]{Next: ids.Next}
		for _, id := range ids.Items {
			m, err := tx.Messages().Get(id)
			if err != nil {
				return p, err
			}
			p.Items = append(p.Items, m)
		}
		return p, err
	}, func(m message.Message) {
		d.messages[m.ID] = nameOf(m)
		d.threads[m.Thread] = append(d.threads[m.Thread], nameOf(m))
		all = append(all, m)
	})
	for _, m := range all {
		d.mail(m)
	}
	return err
}

func (d *dump) mail(m message.Message) {
	name := d.messages[m.ID]
	copies := len(m.Holdings)
	flags := slices.Clone(m.Flags)
	slices.Sort(flags)
	d.line("message %s direction %s kind %s auto %v trust %s protected %v hidden %v flags %q attachments %d variants %d",
		name, m.Direction, m.Verdict.Kind, m.Verdict.Auto, m.Trust, m.Protected, m.Hidden, flags, len(m.Attachments), len(m.Variants))
	if copies <= 1 && len(m.Variants) == 0 {
		d.line("message %s raw %x", name, m.Raw)
	}
	sums := []string{hex.EncodeToString(m.TextSum[:])}
	for _, v := range m.Variants {
		sums = append(sums, hex.EncodeToString(v.TextSum[:]))
	}
	slices.Sort(sums)
	d.line("message %s texts %s", name, strings.Join(slices.Compact(sums), " "))
	for _, h := range m.Holdings {
		d.line("message %s held %s/%s uidvalidity %d uid %d", name, h.Mailbox, h.Folder, h.UIDValidity, h.UID)
	}
	for _, x := range m.Matches {
		d.line("message %s matches contact %q organisation %q rule %s certain %v role %s address %s",
			name, d.contacts[x.Contact], d.organisations[x.Organisation], x.Rule, x.Certain, x.Role, x.Address)
	}
}

func (d *dump) histories(ctx context.Context, s store.Store) error {
	type written struct {
		timeline.Entry
		text string
	}
	return pages(ctx, s, func(tx store.Tx, at store.Slice) (store.Page[written], error) {
		p, err := tx.Entries().Recent(at)
		out := store.Page[written]{Next: p.Next}
		for _, e := range p.Items {
			text, _ := tx.Entries().Text(e.ID) // an entry need not have one
			out.Items = append(out.Items, written{e, text})
		}
		return out, err
	}, func(e written) {
		d.said(e.Entry)
		line := fmt.Sprintf("entry %s %s %s %q by %q message %s private %v auto %v attachment %v", e.Kind,
			e.Time.UTC().Format(time.RFC3339Nano), e.Direction, e.Subject, e.By, d.messages[e.Message], e.Private, e.Auto, e.Attachment)
		line += fmt.Sprintf(" %s with %q", e.Turn, e.Members)
		if e.Message == "" {
			line += fmt.Sprintf(" text %q", e.Entry.Text+e.text)
		}
		d.line("%s", line)
		for _, c := range e.Contacts {
			d.line("%s of contact %s", line, d.contacts[c])
		}
		for _, o := range e.Organisations {
			d.line("%s of organisation %s", line, d.organisations[o])
		}
	})
}

// said names an entry for what relations say of it. Messages of one second in
// one conversation have no order that is the mail's own, so that any of them may
// stand for the question or the answer: all have the name of the first by name.
func (d *dump) said(e timeline.Entry) {
	at := moment{e.Thread, e.Direction, e.Time.Unix()}
	d.entries[e.ID] = at
	name := fmt.Sprintf("%s %s %s", e.Kind, e.Time.UTC().Format(time.RFC3339), d.messages[e.Message])
	if was, ok := d.moments[at]; !ok || name < was {
		d.moments[at] = name
	}
}

// relations tells how things stand with everybody.
func (d *dump) relations(ctx context.Context, s store.Store) error {
	who := map[store.Subject]string{}
	for id, name := range d.contacts {
		who[store.Subject{Contact: id}] = "contact " + name
	}
	for id, name := range d.organisations {
		who[store.Subject{Organisation: id}] = "organisation " + name
	}
	return s.View(ctx, func(tx store.Tx) error {
		for subject, name := range who {
			if err := d.relation(tx, subject, name); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *dump) relation(tx store.Tx, who store.Subject, name string) error {
	r, err := tx.Relations().Get(who)
	if err != nil || r.Empty() {
		return err
	}
	d.line("relation to %s %s", name, plain(r))
	for _, side := range []relation.Side{relation.Us, relation.Them} {
		open, err := tx.Relations().Open(who, side, time.Time{}, 1000)
		if err != nil {
			return err
		}
		for _, o := range open {
			d.line("relation to %s waits for %s since %s: %s", name, side, o.Since.Format(time.RFC3339), d.moments[d.entries[o.Entry]])
		}
		answers, err := tx.Relations().Answers(who, side, 1000)
		if err != nil {
			return err
		}
		for _, a := range answers {
			d.line("relation to %s: %s answered what was asked at %s by %s", name, side, a.Asked.Format(time.RFC3339), d.moments[d.entries[a.Entry]])
		}
	}
	return nil
}

func (d *dump) folders(ctx context.Context, s store.Store) error {
	return s.View(ctx, func(tx store.Tx) error {
		list, err := tx.Folders().List("")
		if err != nil {
			return err
		}
		for _, f := range list {
			p, err := tx.Folders().Progress(f)
			if err != nil {
				return err
			}
			name := fmt.Sprintf("folder %s/%s uidvalidity %d", f.Mailbox, f.Name, f.UIDValidity)
			d.line("%s stored %s", name, p.Stored)
			d.line("%s quarantined %s", name, p.Quarantined)
			why, err := store.Where(func(at store.Slice) (store.Page[store.Quarantine], error) { return tx.Folders().Quarantined(f, at) },
				func(store.Quarantine) (bool, error) { return true, nil })
			if err != nil {
				return err
			}
			for _, q := range why {
				d.line("%s quarantined %d: %s", name, q.UID, q.Why)
			}
			for reason, set := range p.Skipped {
				d.line("%s skipped %s %s", name, reason, set)
			}
		}
		return nil
	})
}

func (d *dump) rest(ctx context.Context, s store.Store) error {
	for _, done := range []bool{false, true} {
		err := pages(ctx, s, func(tx store.Tx, at store.Slice) (store.Page[followup.FollowUp], error) {
			return tx.FollowUps().List(store.FollowUpFilter{Done: done}, at)
		}, func(f followup.FollowUp) {
			d.line("follow-up due %s by %s about contact %q organisation %q message %s done %v: %s", f.Due, f.Owner,
				d.contacts[f.Contact], d.organisations[f.Organisation], d.messages[f.Message], done, f.Note)
		})
		if err != nil {
			return err
		}
	}
	err := pages(ctx, s, func(tx store.Tx, at store.Slice) (store.Page[sale.Sale], error) {
		return tx.Sales().List(store.SaleFilter{}, at)
	}, func(v sale.Sale) {
		d.line("%s %s of %s for contact %q organisation %q %s %s %s due %q paid %q: %v", v.Direction, v.Number, v.Date,
			d.contacts[v.Contact], d.organisations[v.Organisation], v.Amount, v.Currency, v.Status, v.Due, v.Paid, v.Items)
	})
	if err != nil {
		return err
	}
	err = pages(ctx, s, func(tx store.Tx, at store.Slice) (store.Page[survey.Answer], error) {
		return tx.Surveys().List("", at)
	}, func(a survey.Answer) {
		d.line("answer to %s %s by %q: sure %v %d %s, unverified %v, from %q: %s", a.Campaign, a.Question, d.contacts[a.Contact], a.Sure, a.Score, a.Why, a.Unverified, a.Sources, a.Comment)
	})
	if err != nil {
		return err
	}
	err = pages(ctx, s, func(tx store.Tx, at store.Slice) (store.Page[store.Suggestion], error) {
		return tx.Suggestions().List(at)
	}, func(v store.Suggestion) {
		d.line("suggestion %s %q in %d out %d exchanges %d", v.Address, v.Name, v.In, v.Out, v.Exchange)
	})
	if err != nil {
		return err
	}
	err = pages(ctx, s, func(tx store.Tx, at store.Slice) (store.Page[store.Review], error) {
		return tx.Reviews().List(at)
	}, func(v store.Review) {
		d.line("review %s %s candidates %d", d.messages[v.Message], v.Reason, len(v.Candidates))
	})
	if err != nil {
		return err
	}
	return pages(ctx, s, func(tx store.Tx, at store.Slice) (store.Page[store.Decision], error) {
		return tx.Decisions().List(at)
	}, func(v store.Decision) {
		d.line("decision %s message %s contact %q organisation %q by %s undone %v", v.Kind, d.messages[v.Message],
			d.contacts[v.Who.Contact], d.organisations[v.Who.Organisation], v.By, !v.Undone.IsZero())
	})
}
