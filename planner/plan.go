package planner

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/store"
)

// maxFaults bounds how many faults of a plan are told.
const maxFaults = 20

// chosen is one recipient of a plan, with what its mail is made of.
type chosen struct {
	campaign.Recipient
	candidate campaign.Candidate
	hold      campaign.Hold
	mark      string // before the subject
}

// Plan says what launching a campaign would do, and renders every mail of it to
// find what is wrong; again has it go also to those who had it already.
func (p *Planner) Plan(ctx context.Context, name string, again bool) (campaign.Plan, error) {
	src, err := p.o.Campaign(name)
	if err != nil {
		return campaign.Plan{}, err
	}
	plan, _, err := p.plan(ctx, src, again)
	return plan, err
}

func (p *Planner) plan(ctx context.Context, src Source, again bool) (campaign.Plan, []chosen, error) {
	plan := campaign.Plan{Name: src.Name, Kind: src.Kind, Sender: src.Sender, Purpose: src.Purpose, Schedule: src.Schedule,
		Window: src.Window.String(), Writes: src.Rhythm.Writes(), Seed: src.Seed,
		Faults: slices.Clone(src.Faults), Warnings: slices.Clone(src.Warnings), Recipients: []campaign.Recipient{}, Left: []campaign.Recipient{}}
	if len(plan.Faults) > 0 {
		return plan, nil, nil
	}
	plan.Audience = src.Audience.String()
	all, others, err := p.addressees(ctx, src, again)
	if err != nil {
		return plan, nil, fmt.Errorf("plan campaign %s: %w", src.Name, err)
	}
	plan.Others = others
	var writeTo, mayWait []chosen
	now := p.o.Now()
	for _, c := range all {
		if c.Why == "" {
			writeTo = append(writeTo, c)
			plan.Recipients = append(plan.Recipients, c.Recipient)
			continue
		}
		if c.hold.MayWait(now) {
			c.Reason = waitsFor(c.hold)
			mayWait = append(mayWait, c)
		}
		plan.Left = append(plan.Left, c.Recipient)
	}
	written := slices.Concat(writeTo, mayWait)
	if src.Rhythm != nil {
		some, err := p.tried(ctx, src)
		if err != nil {
			return plan, nil, fmt.Errorf("plan campaign %s: %w", src.Name, err)
		}
		written = append(written, some...)
	}
	var sender Sender
	for _, part := range src.parts() {
		var faults []string
		sender, faults = p.lint(part, written)
		for _, f := range faults {
			if !slices.Contains(plan.Faults, f) {
				plan.Faults = append(plan.Faults, f)
			}
		}
	}
	plan.Warnings = append(plan.Warnings, advice(src, plan)...)
	plan.Seconds = int64(sender.takes(len(writeTo), src.Window, later(now, src.Schedule), p.zone()) / time.Second)
	if src.Seed > 0 && len(writeTo) > src.Seed {
		plan.Seconds += int64(seedWait / time.Second)
	}
	plan.Hash = hashOf(src, plan)
	return plan, all, nil
}

// addressees are whom launching would write to: of a reminder, those whose
// occasions have come already.
func (p *Planner) addressees(ctx context.Context, src Source, again bool) (all []chosen, others int, err error) {
	if src.Rhythm == nil {
		return p.choose(ctx, src, again)
	}
	now := p.o.Now()
	for _, part := range src.parts() {
		due, err := p.reached(ctx, part, now, now)
		if err != nil {
			return nil, 0, err
		}
		for _, w := range due {
			all = append(all, w.chosen)
		}
	}
	return all, 0, nil
}

// choose asks the audience about every contact.
func (p *Planner) choose(ctx context.Context, src Source, again bool) (out []chosen, others int, err error) {
	now, terms := p.o.Now(), p.o.Settings().terms(src.Purpose, src.Basis)
	had := src.Name
	if again {
		had = ""
	}
	seen := map[contact.Address]bool{}
	// Page by page, each in a transaction of its own: none pins pages for long.
	for s := (store.Slice{Limit: 500}); ; {
		var page []chosen
		var next store.Cursor
		var left int
		err := p.o.Store.View(ctx, func(tx store.Tx) error {
			page, left = nil, 0
			list, err := tx.Contacts().List(store.Filter{}, s)
			if err != nil {
				return err
			}
			next = list.Next
			for _, c := range list.Items {
				one, in, err := p.ask(tx, src, terms, c, had, now)
				switch {
				case err != nil:
					return err
				case in:
					page = append(page, one)
				default:
					left++
				}
			}
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
		others += left
		for _, one := range page {
			if f := one.Address.Folded(); one.Address != "" && one.Why == "" {
				if seen[f] {
					one.hold = campaign.Hold{Why: campaign.Twice}
				}
				seen[f] = true
			}
			one.Why, one.Reason = one.hold.Why, one.hold.String()
			out = append(out, one)
		}
		if s.Cursor = next; next == "" {
			return out, others, nil
		}
	}
}

// ask says whether a contact is in the audience, and whether it is written to.
func (p *Planner) ask(tx store.Tx, src Source, terms campaign.Terms, c contact.Contact, had string, now time.Time) (chosen, bool, error) {
	one := chosen{Recipient: campaign.Recipient{Contact: c.ID, Name: c.Name}}
	var err error
	if one.candidate, err = p.candidate(tx, c); err != nil {
		return one, false, err
	}
	in, err := src.Audience.Includes(one.candidate, now)
	if err != nil || !in {
		return one, false, err
	}
	one.Language = src.Letter(one.candidate.Language()).Language
	if len(c.Addresses) == 0 {
		one.hold = campaign.Hold{Why: campaign.NoAddress}
		return one, true, nil
	}
	one.Address = c.Addresses[0]
	if outbox.CheckAddress(string(one.Address)) != nil {
		one.hold = campaign.Hold{Why: campaign.BadAddress}
		return one, true, nil
	}
	s, err := p.standing(tx, c, one.Address, "", had, now)
	if err != nil {
		return one, false, err
	}
	one.hold = terms.Judge(s, now)
	return one, true, nil
}

// lint renders every mail and says what is wrong, naming for whom.
func (p *Planner) lint(src Source, list []chosen) (Sender, []string) {
	sender, from, err := p.sender(src.Sender)
	if err != nil {
		return sender, []string{err.Error()}
	}
	var faults []string
	if sender.Replies == "" {
		faults = append(faults, fmt.Sprintf("nobody reads what comes back of sender %s: name the mailbox that gets it, mailbox: NAME", sender.Name))
	}
	if sender.Address == "" {
		faults = append(faults, fmt.Sprintf("sender %s has no postal_address, which has to stand below every newsletter", sender.Name))
	}
	if len(list) == 0 && src.Rhythm == nil {
		faults = append(faults, "there is nobody to write to")
	}
	found := map[string]int{} // how often, beyond the first
	for _, c := range list {
		_, err := p.compose(src, sender, from, c, "00000000000000000000000000", outbox.ForReply)
		if err == nil {
			continue
		}
		for _, line := range strings.Split(err.Error(), "\n") {
			if found[line]++; found[line] == 1 && len(faults) < maxFaults {
				faults = append(faults, fmt.Sprintf("for %s: %s", cmp.Or(c.Name, string(c.Address)), line))
			}
		}
	}
	more := 0
	for _, n := range found {
		more += n - 1
	}
	if more > 0 {
		faults = append(faults, fmt.Sprintf("and the same for others, %d times", more))
	}
	return sender, faults
}

// advice is what is allowed and yet worth a look.
func advice(src Source, plan campaign.Plan) (out []string) {
	n := 0
	for _, r := range plan.Left {
		if r.Why == campaign.NoConsent {
			n++
		}
	}
	if n > 0 {
		out = append(out, fmt.Sprintf("%d have not agreed: record it with rapport consent WHO %s, or name in legal_basis what allows it without", n, src.Purpose))
	}
	return out
}

// hashOf names a plan: the files, the sender and who is written to.
func hashOf(src Source, plan campaign.Plan) string {
	h := sha256.New()
	fmt.Fprintf(h, "%x\n%s\n", src.Sources, plan.Sender)
	for _, r := range plan.Recipients {
		fmt.Fprintf(h, "%s %s\n", r.Contact, r.Address)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// fields are what a letter may say of a recipient.
func (p *Planner) fields(c campaign.Candidate, a contact.Address, sender Sender, links campaign.Links) campaign.Fields {
	s := p.o.Settings()
	person := campaign.Person{Name: campaign.Text(c.Contact.Name), Email: campaign.Text(a), Language: campaign.Text(c.Language()), Custom: map[string]campaign.Text{}}
	if first, _, _ := strings.Cut(strings.TrimSpace(c.Contact.Name), " "); first != "" {
		person.FirstName = campaign.Text(first)
	}
	for key, value := range c.Contact.Custom {
		person.Custom[key] = campaign.Text(value)
	}
	owner := cmp.Or(c.Contact.Owner, c.Organisation.Owner)
	return campaign.Fields{
		Contact: person, Organisation: campaign.Firm{Name: campaign.Text(c.Organisation.Name)},
		Owner: campaign.Person{Name: campaign.Text(s.Members[owner]), Email: campaign.Text(owner)},
		Team:  campaign.Firm{Name: campaign.Text(cmp.Or(s.Team, sender.Name)), Address: campaign.Text(sender.Address)},
		Links: links, Sale: orderOf(c.Sale), Sales: boughtOf(c),
	}
}

// compose makes the mail of one delivery; purpose is that of the token by which
// answers to it are known.
func (p *Planner) compose(src Source, sender Sender, from contact.Address, c chosen, id outbox.ID, purpose outbox.Purpose) (made, error) {
	w := wording{letter: src.Letter(c.candidate.Language()), mark: c.mark, files: src.Files,
		listID: src.Purpose + "." + from.Domain(), listName: strings.TrimSpace(p.o.Settings().Team + " " + src.Purpose)}
	var err error
	if w.letter.Scale, err = p.scale(src, cmp.Or(sender.Replies, from), id, purpose); err != nil {
		return made{}, err
	}
	return p.write(w, sender, from, c, id, purpose)
}

// wording is what one mail says and what list it is of.
type wording struct {
	letter           campaign.Letter
	mark             string // before the subject
	files            []campaign.File
	custom           map[string]string // fields of its own
	listID, listName string
}

// write fills a wording in for one recipient.
func (p *Planner) write(w wording, sender Sender, from contact.Address, c chosen, id outbox.ID, purpose outbox.Purpose) (made, error) {
	reply, err := p.o.Keys.Token(purpose, id)
	if err != nil {
		return made{}, err
	}
	out := outbox.ForUnsubscribe
	if purpose == outbox.ForTest {
		out = outbox.ForTest
	}
	leave, err := p.o.Keys.Token(out, id)
	if err != nil {
		return made{}, err
	}
	way := "mailto:" + string(cmp.Or(sender.Replies, from)) + "?subject=unsubscribe%20%5B" + leave + "%5D"
	page := ""
	links := campaign.Links{Unsubscribe: campaign.Text(way)}
	if base := p.o.Settings().PublicURL; base != "" {
		page = base + "/u/" + leave
		links = campaign.Links{Unsubscribe: campaign.Text(page), Preferences: campaign.Text(base + "/p/" + leave)}
	}
	f := p.fields(c.candidate, c.Address, sender, links)
	for key, value := range w.custom {
		f.Contact.Custom[key] = campaign.Text(value)
	}
	r, err := w.letter.Render(f)
	if err != nil {
		return made{}, err
	}
	r.Subject, r.Files = w.mark+r.Subject, w.files
	if err := r.Lint(); err != nil {
		return made{}, err
	}
	e := Envelope{
		From: sender.From, To: c.Address, ToName: c.Name, Date: p.o.Now(), MessageID: "d." + reply + "@" + from.Domain(),
		Token: reply, Language: cmp.Or(w.letter.Language, "en"), ListID: w.listID, ListName: w.listName,
		UnsubscribeURL: page, UnsubscribeMail: way,
	}
	if sender.Replies != from {
		e.ReplyTo = sender.Replies
	}
	raw, err := Compose(e, r)
	return made{raw, r.Subject, e.MessageID}, err
}

// made is one composed mail.
type made struct {
	raw       []byte
	subject   string
	messageID string
}

// signed composes the mail of one delivery as it is sent.
func (p *Planner) signed(src Source, sender Sender, from contact.Address, c chosen, id outbox.ID, purpose outbox.Purpose) (made, error) {
	m, err := p.compose(src, sender, from, c, id, purpose)
	if err != nil {
		return m, err
	}
	return p.sign(m, sender)
}

func (p *Planner) sign(m made, sender Sender) (_ made, err error) {
	if len(sender.Keys) > 0 {
		m.raw, err = Sign(m.raw, p.o.Now(), sender.Keys...)
	}
	return m, err
}

// Preview returns the mail that somebody would get, but for its date, its
// boundaries and its tokens, which speak for nobody; "" is the first of the
// audience. It is made also for who is not in the audience.
func (p *Planner) Preview(ctx context.Context, name string, who contact.ID) ([]byte, error) {
	src, err := p.sound(name)
	if err != nil {
		return nil, err
	}
	sender, from, err := p.sender(src.Sender)
	if err != nil {
		return nil, err
	}
	one, err := p.sample(ctx, src, who)
	if err != nil {
		return nil, err
	}
	m, err := p.signed(src, sender, from, one, outbox.ID(store.NewID(p.o.Now())), outbox.ForTest)
	return m.raw, err
}

// sound reads a campaign whose files have no fault.
func (p *Planner) sound(name string) (Source, error) {
	src, err := p.o.Campaign(name)
	if err == nil && len(src.Faults) > 0 {
		err = errors.New(strings.Join(src.Faults, "\n"))
	}
	return src, err
}

// Test sends the mail that somebody would get to an address of one's own. What
// comes back of it speaks for nobody.
func (p *Planner) Test(ctx context.Context, actor, name string, who contact.ID, to contact.Address) error {
	src, err := p.sound(name)
	if err != nil {
		return err
	}
	if err := outbox.CheckAddress(string(to)); err != nil {
		return err
	}
	sender, from, err := p.sender(src.Sender)
	if err != nil {
		return err
	}
	one, err := p.sample(ctx, src, who)
	if err != nil {
		return err
	}
	one.Address, one.mark = to, "[TEST] "
	m, err := p.signed(src, sender, from, one, outbox.ID(store.NewID(p.o.Now())), outbox.ForTest)
	if err != nil {
		return err
	}
	if err := p.o.Send(ctx, sender.Name, from, to, m.raw); err != nil {
		return fmt.Errorf("send a test of campaign %s: %w", name, err)
	}
	return p.o.Store.Update(ctx, func(tx store.Tx) error {
		return p.note(tx, actor, "campaign.test", name, "to "+string(to))
	})
}

// sample is for whom a test is made: somebody named, or the first of the
// audience.
func (p *Planner) sample(ctx context.Context, src Source, who contact.ID) (one chosen, err error) {
	if who == "" {
		all, _, err := p.choose(ctx, src, true)
		if err != nil {
			return one, err
		}
		for _, c := range all {
			if c.Why == "" {
				return c, nil
			}
		}
		return one, errors.New("nobody of the audience can be written to: name somebody with --as WHO")
	}
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		c, err := tx.Contacts().Get(who)
		if err != nil {
			return err
		}
		one = chosen{Recipient: campaign.Recipient{Contact: c.ID, Name: c.Name}}
		if len(c.Addresses) > 0 {
			one.Address = c.Addresses[0]
		}
		one.candidate, err = p.candidate(tx, c)
		return err
	})
	return one, err
}

// List lists every campaign with its last run.
func (p *Planner) List(ctx context.Context) ([]campaign.Summary, error) {
	all, err := p.o.Campaigns()
	if err != nil {
		return nil, err
	}
	out := map[string]campaign.Summary{}
	for _, src := range all {
		out[src.Name] = campaign.Summary{Name: src.Name, Kind: src.Kind, Sender: src.Sender, Purpose: src.Purpose, Faults: append([]string{}, src.Faults...)}
	}
	err = p.o.Store.View(ctx, func(tx store.Tx) error {
		seen := map[string]bool{}
		_, err := store.Where(func(s store.Slice) (store.Page[campaign.Run], error) { return tx.Runs().List("", s) }, func(r campaign.Run) (bool, error) {
			if seen[r.Campaign] { // newest first
				return false, nil
			}
			seen[r.Campaign] = true
			one, known := out[r.Campaign]
			if !known { // whose files are gone
				one = campaign.Summary{Name: r.Campaign, Sender: r.Sender, Purpose: r.Purpose, Faults: []string{}}
			}
			progress, err := progressOf(tx, r)
			one.Run = &progress
			out[r.Campaign] = one
			return false, err
		})
		return err
	})
	list := slices.Collect(maps.Values(out))
	slices.SortFunc(list, func(a, b campaign.Summary) int { return cmp.Compare(a.Name, b.Name) })
	return list, err
}
