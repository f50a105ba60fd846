package app

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"rapport/delivery"
	"rapport/internal/config"
	"rapport/planner"
	"rapport/records/contact"
	"rapport/records/followup"
	"rapport/records/outbox"
	"rapport/store"
	"rapport/web/public"
)

// tokenKeys are what the tokens of mails are made with: derived from the key of
// the data directory, which is never replaced.
func tokenKeys(key []byte) (outbox.Keys, error) {
	secret, err := hkdf.Key(sha256.New, key, nil, "rapport campaign tokens 1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key of tokens: %w", err)
	}
	return outbox.Keys{{ID: 1, Secret: [32]byte(secret)}}, nil
}

// newPlanner builds who plans campaigns, before intake, which tells it what
// comes back.
func (s *system) newPlanner() (*planner.Planner, error) {
	keys, err := tokenKeys(s.key)
	if err != nil {
		return nil, err
	}
	return planner.New(planner.Options{
		Store: s.news.Over(s.store), Keys: keys, Key: s.key, Now: s.now, Log: s.log.With("component", "planner"),
		Settings:  func() planner.Settings { return planning(s.config()) },
		Campaigns: func() ([]planner.Source, error) { return campaignsOf(s.config()) },
		Campaign: func(name string) (planner.Source, error) {
			one, err := s.config().ReadCampaign(name)
			if errors.Is(err, config.ErrNoCampaign) {
				err = fmt.Errorf("%w: %w", store.ErrNotFound, err)
			}
			return sourceOf(one), err
		},
		Send:       s.sendNow,
		NewContact: s.subscriber,
		OpenCase: func(tx store.Tx, actor string, f followup.FollowUp) (followup.FollowUp, error) {
			due(s.courier.poked) // its owner is told
			return s.intake.OpenCase(tx, actor, f)
		},
		Wake: func() { s.courier.wake() },
	}), nil
}

// newPublic makes the pages for strangers, after the planner.
func (s *system) newPublic() (http.Handler, error) {
	keys, err := tokenKeys(s.key)
	if err != nil {
		return nil, err
	}
	return public.New(public.Options{
		Keys: keys, Team: func() string { return s.config().Ours.Name }, Log: s.log.With("component", "public"),
		Object: func(ctx context.Context, o public.Objection) error {
			return s.planner.Object(ctx, o.Delivery, o.All, o.By)
		},
		Choices: s.choices(),
		Surveys: s.surveys(),
	})
}

// planning translates the configuration into the planner's terms.
func planning(cfg *config.Config) planner.Settings {
	out := planner.Settings{Team: cfg.Ours.Name, PublicURL: cfg.Web.PublicURL, Senders: map[string]planner.Sender{}, Members: map[contact.Address]string{},
		PerWeek: cfg.Fatigue.PerWeek, PerMonth: cfg.Fatigue.PerMonth, Zone: cfg.Hours.Location()}
	out.Topics, out.SignUps = topicsOf(cfg), cfg.Asks()
	for _, m := range cfg.Ours.Members {
		out.Members[contact.Address(m.Addresses[0])] = m.Name
	}
	for _, c := range cfg.Senders {
		one := planner.Sender{Name: c.Name, From: c.From, Mailbox: c.Mailbox, Address: c.Address, PerMinute: c.Limits.PerMinute, PerDay: c.Limits.PerDay,
			Settle: c.Settle.Std()}
		one.Keys = signatures(c)
		for _, box := range cfg.Boxes() {
			if box.Name == c.Mailbox && c.Mailbox != "" {
				if a, err := contact.ParseAddress(box.User); err == nil {
					one.Replies = a
				}
			}
		}
		out.Senders[c.Name] = one
	}
	out.Excluded = rules(cfg).Excludes
	return out
}

// signatures are the keys that a sender's mail is signed with.
func signatures(c config.Sender) (out []planner.Signature) {
	for _, k := range c.DKIM {
		out = append(out, planner.Signature{Domain: k.Domain, Selector: k.Selector, Key: k.Key()})
	}
	return out
}

func campaignsOf(cfg *config.Config) ([]planner.Source, error) {
	all, err := cfg.ReadCampaigns()
	var out []planner.Source
	for _, one := range all {
		out = append(out, sourceOf(one))
	}
	return out, err
}

func sourceOf(c config.Campaign) planner.Source {
	out := planner.Source{Definition: c.Definition}
	for _, f := range c.Faults {
		out.Faults = append(out.Faults, f.String())
	}
	for _, f := range c.Warnings {
		out.Warnings = append(out.Warnings, f.String())
	}
	return out
}

// sendNow brings one mail to a sender's server, past the outbox.
func (s *system) sendNow(ctx context.Context, name string, from, to contact.Address, mail []byte) error {
	cfg := s.config()
	n := slices.IndexFunc(cfg.Senders, func(c config.Sender) bool { return c.Name == name })
	if n < 0 {
		return fmt.Errorf("no sender is called %q", name)
	}
	sender, err := s.newSender(cfg, cfg.Senders[n])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	session, err := sender.Open(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	_, err = session.Transmit(ctx, string(from), string(to), mail, func() <-chan error {
		granted := make(chan error, 1)
		granted <- nil
		return granted
	})
	return err
}

// courier is who brings the outbox to the servers, and is made anew when the
// senders change.
type courier struct {
	poked chan struct{} // one place: the runs are to be looked after now

	mu   sync.Mutex        // guards what follows
	at   *delivery.Courier // nil where none is at work
	stop func()
}

func newCourier() *courier { return &courier{poked: make(chan struct{}, 1), stop: func() {}} }

func (c *courier) use(at *delivery.Courier, stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.stop = at, stop
}

// wake has it look for work now, where one is at work.
func (c *courier) wake() {
	c.look()
	due(c.poked)
}

// look has it look for work, and nobody else.
func (c *courier) look() {
	c.mu.Lock()
	at := c.at
	c.mu.Unlock()
	if at != nil {
		at.Wake()
	}
}

// replace has it made anew.
func (c *courier) replace() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stop()
}

// sendersChanged reports whether a courier of one configuration serves another.
func sendersChanged(a, b *config.Config) bool { return !reflect.DeepEqual(a.Senders, b.Senders) }

// deliver sends what waits in the outbox until ctx ends.
func (d *daemonRun) deliver(ctx context.Context) {
	d.persist(ctx, "outbox", d.recoverOutbox)
	for ctx.Err() == nil {
		d.persist(ctx, "outbox", d.deliverOnce)
	}
}

// recoverOutbox ends what an earlier process left half done.
func (d *daemonRun) recoverOutbox(ctx context.Context) error {
	r, ok, err := d.store.Restored(ctx)
	if err == nil && ok {
		err = d.planner.Restored(ctx, fmt.Sprint(r.Generation))
	}
	return errors.Join(err, d.planner.Recover(ctx))
}

// deliverOnce sends until ctx ends or the senders change.
func (d *daemonRun) deliverOnce(ctx context.Context) error {
	lines, err := d.lines(d.config())
	if err != nil {
		return err
	}
	at := delivery.NewCourier(delivery.CourierOptions{
		Store: d.news.Over(d.store), Lines: lines, Now: d.now, Log: d.log.With("component", "courier"),
		Gate: d.planner.Gate, Changed: d.changedDelivery,
	})
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	d.courier.use(at, stop)
	defer d.courier.use(nil, func() {})
	err = at.Run(ctx)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// changedDelivery hears of every change of a delivery. One that ends may end
// its run.
func (d *daemonRun) changedDelivery(tx store.Tx, before, after outbox.Delivery) error {
	if after.State.Final() {
		due(d.courier.poked)
	}
	return d.planner.Changed(tx, before, after)
}

func (d *daemonRun) lines(cfg *config.Config) (out []delivery.Line, err error) {
	for _, c := range cfg.Senders {
		sender, err := d.newSender(cfg, c)
		if err != nil {
			return nil, err
		}
		out = append(out, delivery.Line{Name: c.Name, Sender: sender, Limits: delivery.Limits{
			Connections: c.Limits.Connections, PerMinute: c.Limits.PerMinute, PerDay: c.Limits.PerDay,
		}})
	}
	return out, nil
}

// tendEvery is how often runs and doubtful deliveries are looked after, beside
// whenever something happened to one.
const (
	tendEvery = time.Minute
	tendLull  = 300 * time.Millisecond // between two looks
)

// campaignTroubles are what somebody has to mend so that campaigns go on.
func (s *system) campaignTroubles() (out []trouble) {
	all, err := s.planner.Troubles(context.Background())
	if err != nil { // the store's own trouble
		return nil
	}
	for _, t := range all {
		out = append(out, trouble{Object: t.Object, Text: t.Text, Since: t.Since, Urgent: true})
	}
	return out
}

// untilTended is how long nothing is looked after of itself.
func (d *daemonRun) untilTended() time.Duration {
	wait := tendEvery
	for _, s := range d.config().Senders {
		wait = min(wait, s.Settle.Std())
	}
	return wait
}

// prove reads the mailboxes whose Sent folders settle what is in doubt. at is
// when each was last read for it: a look that proves nothing is not repeated
// at once.
func (d *daemonRun) prove(ctx context.Context, at map[string]time.Time) error {
	wanted, err := d.planner.ToProve(ctx)
	if err != nil || len(wanted) == 0 {
		return err
	}
	boxes, err := d.fleet.all()
	if err != nil {
		return err
	}
	for _, b := range boxes {
		name, now := b.cfg.Name, d.now()
		settle, wants := wanted[name]
		if last, known := at[name]; !wants || known && now.Sub(last) < 4*settle && !last.After(now) {
			continue
		}
		at[name] = now
		err := b.engine.Sync(ctx) // which fetches what is new
		if err == nil {
			_, _, err = b.engine.Reconcile(ctx) // and which lists what is not
		}
		if err != nil && ctx.Err() == nil {
			d.log.Warn("the Sent folder cannot be looked through", "mailbox", name, "err", err)
		}
	}
	return d.planner.Tend(ctx)
}

// tend looks after runs that end and deliveries nobody knows the fate of.
func (d *daemonRun) tend(ctx context.Context) {
	proved := map[string]time.Time{}
	for poked := false; ; {
		d.faults.report("campaigns", errors.Join(d.planner.Tend(ctx), d.prove(ctx, proved)))
		due(d.workDue) // who signed up may have written before
		lull := time.NewTimer(tendLull)
		select {
		case <-ctx.Done():
			lull.Stop()
			return
		case <-lull.C:
		}
		if poked { // what a transaction wrote that poked is there by now
			d.courier.look()
		}
		timer := time.NewTimer(d.untilTended())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			poked = false
		case <-d.courier.poked:
			timer.Stop()
			poked = true
		}
	}
}
