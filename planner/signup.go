package planner

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/records/outbox"
	"rapport/store"
)

// Topic is something people choose to get: a purpose of consent, with what it
// is called.
type Topic struct {
	Purpose string
	Name    string            // where no language fits better
	Names   map[string]string // by BCP 47 tag
}

// Called returns the name of a topic in a language.
func (t Topic) Called(language string) string {
	for tag := language; tag != ""; {
		if name := t.Names[tag]; name != "" {
			return name
		}
		tag = tag[:max(0, strings.LastIndexByte(tag, '-'))]
	}
	return cmp.Or(t.Name, t.Purpose)
}

// signUpRun is the run of the mails that ask whether a sign-up is meant. No file
// of a campaign can have such a name. It ends when nothing waits and goes on with
// the next mail.
const signUpRun = "~sign-up"

// The bounds of a sign-up.
const (
	signUpHolds = 7 * 24 * time.Hour  // from the mail to its answer
	signUpKept  = 30 * 24 * time.Hour // what was not answered, and then is forgotten
	dayOfEpoch  = 24 * time.Hour      // one mail to an address in each
)

// ErrLate is what an answer ends in that came too late, or was given before.
var ErrLate = errors.New("this was answered before, or is too old")

// Asked is somebody asking to be written to.
type Asked struct {
	Address  contact.Address
	Name     string
	Language string
	Purposes []string
	How      string // form, preferences, or the member who asks them
	Agent    string
	From     string // network address; a digest of it is kept
	Sender   string // who asks where the configuration names nobody
	// Theirs says that whoever asks holds a mail of ours to the address. Only they
	// get a mail where the address objected before.
	Theirs bool
}

// SignUp keeps that somebody asks to be written to, and has a mail ask the
// address whether it is so: at most one in a day, and none where the address
// is dead, complained or objected. That it was taken says nothing of the
// address.
func (p *Planner) SignUp(ctx context.Context, a Asked) error {
	set := p.o.Settings()
	topics := set.chosen(a.Purposes)
	if err := outbox.CheckAddress(string(a.Address)); err != nil {
		return refused("%s cannot be written to: %v", a.Address, err)
	}
	if len(topics) == 0 {
		return refused("nothing was chosen: the configuration has topics %s", strings.Join(set.purposes(), ", "))
	}
	sender, from, err := p.sender(cmp.Or(set.SignUps, a.Sender))
	if err != nil {
		return err
	}
	now := p.moment()
	d := outbox.Delivery{
		ID: outbox.ID(store.NewID(now)), Epoch: int(now.Unix() / int64(dayOfEpoch/time.Second)), Address: a.Address, Sender: sender.Name, From: from,
		State: outbox.Frozen, Changed: now, Lifetime: outbox.Lifetime(lifetime),
	}
	m, err := p.asks(sender, from, d, topics, a.Language)
	if err != nil {
		return fmt.Errorf("write the mail that asks %s: %w", a.Address, err)
	}
	d.Subject, d.MessageID, d.Sum, d.Size = m.subject, m.messageID, message.Sum(sha256.Sum256(m.raw)), int64(len(m.raw))
	who := store.SignUp{Digest: p.digest(a.Address), Address: a.Address, Name: contact.Clip(campaign.OneLine(a.Name)), Language: a.Language, Purposes: purposesOf(topics),
		Asked: now, How: a.How, Agent: a.Agent, Delivery: d.ID}
	if a.From != "" {
		from := p.digest(contact.Address(a.From))
		who.From = fmt.Sprintf("%x", from[:8])
	}
	err = p.o.Store.Update(ctx, func(tx store.Tx) error { return p.askOnce(tx, d, who, m.raw, a.Theirs) })
	if errors.Is(err, store.ErrExists) { // asked today
		return nil
	}
	if err == nil {
		p.o.Wake()
	}
	return err
}

// askOnce writes a sign-up with its mail, where the address may get one.
func (p *Planner) askOnce(tx store.Tx, d outbox.Delivery, who store.SignUp, raw []byte, theirs bool) error {
	if held, err := p.signUpHeld(tx, d.Address, theirs); err != nil || held != "" {
		return err
	}
	run, err := p.houseRun(tx, signUpRun, d.Sender)
	if err != nil {
		return err
	}
	d.Run = run.ID
	if err := errors.Join(tx.Outbox().Add(d), tx.Outbox().Freeze(d.ID, raw)); err != nil {
		return err
	}
	run.Recipients++
	return errors.Join(tx.Runs().Put(run), tx.SignUps().Put(who))
}

// signUpHeld says why an address is not even asked, "" where it may be.
func (p *Planner) signUpHeld(tx store.Tx, a contact.Address, theirs bool) (string, error) {
	if excluded := p.o.Settings().Excluded; excluded != nil && excluded(a) {
		return "the configuration excludes the address", nil
	}
	stops, err := tx.Suppressions().Of(p.digest(a))
	if err != nil {
		return "", fmt.Errorf("read suppressions: %w", err)
	}
	for _, s := range stops {
		if !theirs || s.Why != "unsubscribe" {
			return s.Why, nil
		}
	}
	return "", nil
}

// houseRun returns the run of what a sender writes that is no campaign's.
func (p *Planner) houseRun(tx store.Tx, name, sender string) (campaign.Run, error) {
	last, err := tx.Runs().List(name, store.Slice{Limit: 10})
	if err != nil {
		return campaign.Run{}, err
	}
	for _, r := range last.Items {
		if r.Sender != sender || r.State == campaign.Cancelled {
			continue
		}
		if r.State == campaign.Finished {
			return r.Become(campaign.Running, "", p.moment())
		}
		return r, nil // a paused one keeps what comes
	}
	now := p.moment()
	return campaign.Run{ID: campaign.RunID(store.NewID(now)), Campaign: name, Sender: sender, State: campaign.Running, Created: now, Changed: now}, nil
}

// gateSignUp decides whether a mail that asks may still leave.
func (p *Planner) gateSignUp(tx store.Tx, d outbox.Delivery, now time.Time) (outbox.Event, error) {
	who, err := tx.SignUps().Get(p.digest(d.Address))
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && who.Delivery != d.ID:
		return outbox.Event{What: outbox.Cancel, Reason: "nobody waits for it any more"}, nil
	case err != nil:
		return outbox.Event{}, err
	}
	// Who objected and asks from a mail of ours was let through when it was written.
	held, err := p.signUpHeld(tx, d.Address, true)
	if err != nil || held == "" {
		return p.refusing(tx, d.Address, now)
	}
	return outbox.Event{What: outbox.Suppress, Reason: "suppressed by " + held, Why: campaign.Stopped}, nil
}

// asks composes the mail that asks whether a sign-up is meant. It holds nothing
// that whoever filled in the form has written.
func (p *Planner) asks(sender Sender, from contact.Address, d outbox.Delivery, topics []Topic, language string) (made, error) {
	set := p.o.Settings()
	yes, err := p.o.Keys.Token(outbox.ForOptIn, d.ID)
	if err != nil {
		return made{}, err
	}
	link := "mailto:" + string(cmp.Or(sender.Replies, from)) + "?subject=" + url.PathEscape("yes ["+yes+"]")
	if set.PublicURL != "" {
		link = set.PublicURL + "/o/" + yes
	}
	words := askWords(language)
	var names []string
	for _, t := range topics {
		names = append(names, t.Called(words.language))
	}
	letter, err := words.letter()
	if err != nil {
		return made{}, err
	}
	m, err := p.write(wording{letter: letter, custom: map[string]string{"topics": strings.Join(names, ", "), "yes": link}},
		sender, from, chosen{Recipient: campaign.Recipient{Address: d.Address}}, d.ID, outbox.ForReply)
	if err != nil {
		return made{}, err
	}
	return p.sign(m, sender)
}

// confirms finds the token of a sign-up that is meant: in the subject, or in the
// address it was written to.
func (p *Planner) confirms(h message.Head) (outbox.ID, bool) { return p.tokenIn(h, outbox.ForOptIn) }

// Confirm keeps that whoever reads the mail of an address wants what was asked
// for. It ends in ErrLate where that was said before, or is no longer asked.
func (p *Planner) Confirm(ctx context.Context, id outbox.ID, by, agent string) error {
	late := false
	err := p.o.Store.Update(ctx, func(tx store.Tx) error {
		return p.tell(tx, id, func(d *outbox.Delivery, _ campaign.Run) (err error) {
			late, err = p.confirmed(tx, d, by, agent)
			return err
		})
	})
	if err == nil && late {
		err = ErrLate
	}
	return err
}

// Asking returns what a mail asked about, and in which language; ErrLate where
// that is answered or over.
func (p *Planner) Asking(ctx context.Context, id outbox.ID) (topics []Topic, err error) {
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		d, err := tx.Outbox().Get(id)
		if errors.Is(err, store.ErrNotFound) {
			return ErrLate
		}
		if err != nil {
			return err
		}
		who, err := p.waiting(tx, d)
		topics = p.o.Settings().chosen(who.Purposes)
		return err
	})
	return topics, err
}

// waiting returns the sign-up that a delivery asks about, ErrLate where it is
// answered, over, or asked about again since.
func (p *Planner) waiting(tx store.Tx, d outbox.Delivery) (store.SignUp, error) {
	who, err := tx.SignUps().Get(p.digest(d.Address))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return who, ErrLate
	case err != nil:
		return who, err
	case who.Delivery != d.ID, !who.Confirmed.IsZero(), p.o.Now().Sub(who.Asked) > signUpHolds:
		return who, ErrLate
	}
	return who, nil
}

// confirmed records the consent, for a contact that is made where there is none.
// An objection to what is asked for is over with that.
func (p *Planner) confirmed(tx store.Tx, d *outbox.Delivery, by, source string) (late bool, err error) {
	who, err := p.waiting(tx, *d)
	if errors.Is(err, ErrLate) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	now := p.moment()
	if d.Evidence.Answered.IsZero() {
		d.Evidence.Answered = now
	}
	who.Confirmed = now
	people, err := tx.Contacts().ByFolded(who.Address)
	if err != nil {
		return false, err
	}
	if len(people) == 0 {
		c := contact.Contact{Name: who.Name, Addresses: []contact.Address{who.Address}, Language: who.Language}
		if c, err = p.o.NewContact(tx, c); err != nil {
			return false, fmt.Errorf("add who signed up: %w", err)
		}
		people = append(people, c)
	}
	evidence := fmt.Sprintf("asked by %s on %s, confirmed by %s: %s", who.How, who.Asked.UTC().Format(time.DateTime), by, cmp.Or(source, "no name of a program"))
	for _, c := range people {
		for _, purpose := range who.Purposes {
			c.Consents = append(c.Consents, contact.Consent{Purpose: purpose, State: contact.Given, Basis: "consent (double opt-in)", Source: evidence, At: now})
		}
		c.Updated = now
		if err := tx.Contacts().Put(c); err != nil {
			return false, fmt.Errorf("record the consent of %s: %w", c.ID, err)
		}
	}
	stops, err := tx.Suppressions().Of(who.Digest)
	if err != nil {
		return false, err
	}
	for _, s := range stops {
		if s.Why == "unsubscribe" && (s.Scope == "" || slices.Contains(who.Purposes, s.Scope)) {
			if err := tx.Suppressions().Delete(s.Digest, s.Scope); err != nil {
				return false, err
			}
		}
	}
	return false, errors.Join(tx.SignUps().Put(who), p.note(tx, "sign-up", "consent.given", string(people[0].ID), strings.Join(who.Purposes, " ")+": "+evidence))
}

// chosen are the configured topics among purposes.
func (s Settings) chosen(purposes []string) (out []Topic) {
	for _, t := range s.Topics {
		if slices.Contains(purposes, t.Purpose) {
			out = append(out, t)
		}
	}
	return out
}

func (s Settings) purposes() []string { return purposesOf(s.Topics) }

func purposesOf(topics []Topic) (out []string) {
	for _, t := range topics {
		out = append(out, t.Purpose)
	}
	return out
}

// forgetSignUps lets go of what was asked and never confirmed.
func (p *Planner) forgetSignUps(ctx context.Context) error {
	before := p.o.Now().Add(-signUpKept)
	return p.o.Store.Update(ctx, func(tx store.Tx) error {
		old, err := store.Where(func(s store.Slice) (store.Page[store.SignUp], error) { return tx.SignUps().List(s) }, func(s store.SignUp) (bool, error) {
			return s.Confirmed.IsZero() && s.Asked.Before(before), nil
		})
		for _, s := range old {
			err = errors.Join(err, tx.SignUps().Delete(s.Digest))
		}
		return err
	})
}
