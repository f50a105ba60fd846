package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"rapport/internal/config"
	"rapport/internal/rescue"
	"rapport/mailsync"
	"rapport/matcher"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
	"rapport/web"
)

// discoverYears is how far back discover looks unless told.
const discoverYears = 2

// discoverRoles are the folders that show who writes with us.
var discoverRoles = []message.Role{message.RoleInbox, message.RoleSent, message.RoleAll}

// Discover implements web.Daemon: it reads the headers of Inbox and Sent of
// every mailbox, counts in memory who writes with us, and keeps nothing but
// the proposals. What the rule accepts becomes organisations and contacts.
func (s *system) Discover(ctx context.Context, o web.DiscoverOptions, progress func(done, total int)) (web.Discovered, error) {
	var accept acceptance
	if o.Accept != "" {
		var err error
		if accept, err = parseAcceptance(o.Accept); err != nil {
			return web.Discovered{}, web.Invalid(err)
		}
	}
	if o.Since.IsZero() {
		o.Since = s.now().AddDate(-discoverYears, 0, 0)
	}
	cfg := s.config()
	t := newTally(cfg.Team().Has, o.Since)
	read, err := s.readHeads(ctx, o.Since, t, progress)
	if err != nil {
		return web.Discovered{}, err
	}
	known, err := s.known(ctx, t.correspondents())
	if err != nil {
		return web.Discovered{}, err
	}
	out := web.Discovered{Proposals: t.proposals(known), Read: read}
	if cfg.Policy.Unmatched == config.Suggest {
		if err := s.intake.Suggest(ctx, out.Proposals); err != nil {
			return out, err
		}
	}
	if accept != nil {
		out.Accepted, err = s.acceptProposals(ctx, out.Proposals, accept, o.Kind)
	}
	return out, err
}

// readHeads lets every mailbox show its headers, side by side. A mailbox that
// cannot be read costs its own share; where none can, that is the error.
func (s *system) readHeads(ctx context.Context, since time.Time, t *tally, progress func(done, total int)) (int, error) {
	boxes, err := s.fleet.all()
	if err != nil {
		return 0, err
	}
	var mu sync.Mutex // guards read, total and t
	read, total := 0, 0
	expect := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		total += n
	}
	take := func(_ message.Folder, copies []message.Copy) error {
		mu.Lock()
		defer mu.Unlock()
		for _, c := range copies {
			t.add(c)
		}
		read += len(copies)
		if progress != nil {
			progress(read, total)
		}
		return nil
	}
	var wg sync.WaitGroup
	errs := make([]error, len(boxes))
	for i, b := range boxes {
		wg.Go(func() {
			if err := rescue.Do(func() error {
				return b.engine.Heads(ctx, mailsync.HeadsOptions{Since: since, Total: expect, Roles: discoverRoles}, take)
			}); err != nil {
				errs[i] = fmt.Errorf("read headers of %s: %w", b.cfg.Name, err)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return read, fmt.Errorf("discover: %w", ctx.Err())
	}
	return read, errors.Join(errs...)
}

// known says of addresses whether there is nothing to propose: contacts,
// whom the configuration excludes, and the erased.
func (s *system) known(ctx context.Context, addresses []contact.Address) (map[contact.Address]bool, error) {
	cfg := s.config()
	judge := matcher.New(rules(cfg))
	us := message.Party{}
	if team := cfg.Team(); len(team.Members) > 0 && len(team.Members[0].Addresses) > 0 {
		us.Address = team.Members[0].Addresses[0]
	}
	out := map[contact.Address]bool{}
	for len(addresses) > 0 {
		some := addresses[:min(len(addresses), 500)]
		addresses = addresses[len(some):]
		part := map[contact.Address]bool{}
		err := s.store.View(ctx, func(tx store.Tx) error {
			dir := directory{tx, s.key}
			for _, a := range some {
				v, err := judge.Judge(dir, message.Head{From: []message.Party{{Address: a}}, To: []message.Party{us}}, matcher.Known{BodyRead: true})
				if err != nil {
					return err
				}
				part[a] = settled(v, a)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("compare proposals with the directory: %w", err)
		}
		for a, is := range part {
			out[a] = is
		}
	}
	return out, nil
}

// settled reports whether a verdict on mail from an address leaves nothing to
// propose about it.
func settled(v matcher.Verdict, a contact.Address) bool {
	switch {
	case v.Protected, v.Action == message.Skip && v.Reason != message.NoMatch && v.Reason != message.NotOurs:
		return true
	}
	for _, m := range v.Matches {
		if m.Contact != "" && m.Address == a && (m.Rule == matcher.RuleAddress || m.Rule == matcher.RuleFolded) {
			return true
		}
	}
	return false
}

// acceptProposals creates what the rule accepts. The searches that this
// queues bring the history with the next pass.
func (s *system) acceptProposals(ctx context.Context, proposals []store.Suggestion, accept acceptance, kind contact.Kind) (int, error) {
	var chosen []store.Suggestion
	now := s.now()
	for _, p := range proposals {
		if accept(p, now) {
			if p.Name == "" {
				p.Name = contact.PersonName(p.Address)
			}
			chosen = append(chosen, p)
		}
	}
	if err := s.intake.Suggest(ctx, chosen); err != nil {
		return 0, err
	}
	done := 0
	for _, p := range chosen {
		_, _, err := s.intake.Accept(ctx, "discover", string(p.Address), kind)
		if err != nil && !errors.Is(err, store.ErrExists) {
			return done, fmt.Errorf("accept %s: %w", p.Address, err)
		}
		if err == nil {
			done++
		}
	}
	return done, nil
}

// directory shows the matcher whom the store knows.
type directory struct {
	tx  store.Tx
	key []byte
}

func (d directory) ByAddress(a contact.Address) ([]contact.Contact, error) {
	return d.tx.Contacts().ByAddress(a)
}

func (d directory) ByFolded(a contact.Address) ([]contact.Contact, error) {
	return d.tx.Contacts().ByFolded(a)
}

func (d directory) ByDomain(domain string) ([]contact.Organisation, error) {
	return d.tx.Organisations().ByDomain(domain)
}

func (d directory) Erased(a contact.Address) (bool, error) {
	return d.tx.Tombstones().Has(store.Digest(contact.AddressDigest(d.key, a.Folded())))
}

// previewSamples is how many filings a preview shows.
const previewSamples = 10

// Preview implements web.Daemon: it judges what a sync would see and stores
// nothing. Judging by headers alone, it counts what must be inspected as such.
func (s *system) Preview(ctx context.Context) (web.Preview, error) {
	boxes, err := s.fleet.all()
	if err != nil {
		return web.Preview{}, err
	}
	judge := matcher.New(rules(s.config()))
	p := &preview{system: s, judge: judge, out: web.Preview{Counts: map[string]int{}, Samples: []web.PreviewSample{}}}
	var wg sync.WaitGroup
	errs := make([]error, len(boxes))
	for i, b := range boxes {
		wg.Go(func() {
			if err := rescue.Do(func() error {
				o := mailsync.HeadsOptions{Since: b.cfg.Since.At(s.now())}
				return b.engine.Heads(ctx, o, func(f message.Folder, copies []message.Copy) error {
					return p.take(ctx, f, copies)
				})
			}); err != nil {
				errs[i] = fmt.Errorf("read headers of %s: %w", b.cfg.Name, err)
			}
		})
	}
	wg.Wait()
	return p.out, errors.Join(errs...)
}

// preview collects counts and samples of all mailboxes.
type preview struct {
	*system
	judge *matcher.Matcher

	mu  sync.Mutex // guards out
	out web.Preview
}

func (p *preview) take(ctx context.Context, f message.Folder, copies []message.Copy) error {
	wishes, err := p.intake.Wanted(ctx, f, copies)
	if err != nil {
		return err
	}
	byUID := map[uint32]message.Copy{}
	for _, c := range copies {
		byUID[c.UID] = c
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range wishes {
		count := string(w.Action)
		if w.Action == message.Skip {
			count = string(w.Reason)
		}
		p.out.Counts[count]++
		if w.Action != message.Log || len(p.out.Samples) >= previewSamples {
			continue
		}
		if err := p.sample(ctx, f, byUID[w.UID]); err != nil {
			return err
		}
	}
	return nil
}

// sample adds one filing as it would be. The caller holds mu.
func (p *preview) sample(ctx context.Context, f message.Folder, c message.Copy) error {
	out := web.PreviewSample{Date: c.Head.Date, Subject: c.Head.Subject}
	if len(c.Head.From) > 0 {
		out.From = string(c.Head.From[0].Address)
	}
	err := p.store.View(ctx, func(tx store.Tx) error {
		v, err := p.judge.Judge(directory{tx, p.key}, c.Head, matcher.Known{Folder: f, Flags: c.Flags})
		if err != nil {
			return err
		}
		out.Matches, out.Names = v.Matches, nil
		for _, m := range v.Matches {
			name, err := nameOf(tx, m)
			if err != nil {
				return err
			}
			out.Names = append(out.Names, name)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("judge a sample: %w", err)
	}
	p.out.Samples = append(p.out.Samples, out)
	return nil
}

func nameOf(tx store.Tx, m message.Match) (string, error) {
	if m.Contact != "" {
		c, err := tx.Contacts().Get(m.Contact)
		return c.Name, err
	}
	o, err := tx.Organisations().Get(m.Organisation)
	return o.Name, err
}

func (d *daemonRun) expireSuggestions(ctx context.Context) error {
	_, err := d.intake.Expire(ctx)
	return err
}
