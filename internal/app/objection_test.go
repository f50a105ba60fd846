package app

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"rapport/delivery"
	"rapport/internal/mailtest"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/store"
)

// TestM100_ObjectionAmidAMail has people object while their mail is on its way to
// the server, at each step of it. Whoever's objection found it not yet at its
// dot gets none: no final dot goes to them.
func TestM100_ObjectionAmidAMail(t *testing.T) {
	t.Parallel()
	s, stop := publicWorld(t).built(RunOptions{})
	defer stop()
	for from := 0; from < objections; from += 500 {
		err := s.store.Update(t.Context(), func(tx store.Tx) error {
			for i := from; i < min(from+500, objections); i++ {
				c := contact.Contact{ID: contact.ID(store.NewID(s.now())), Name: "Carl", Addresses: []contact.Address{contact.Address(fmt.Sprintf("p%d@press.example", i))}, Kind: contact.Customer}
				if err := tx.Contacts().Put(c); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.planner.Launch(t.Context(), "ada", "spring", "", false); err != nil {
		t.Fatal(err)
	}
	o := &objectors{t: t, s: s, of: map[string]outbox.ID{}, stands: map[string]outbox.State{}, dots: map[string]int{}, at: map[int]string{}}
	for at := (store.Slice{}); ; {
		page, err := s.planner.Deliveries(t.Context(), "spring", store.OutboxFilter{}, at)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Items {
			o.of[string(d.Address)] = d.ID
		}
		if at.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	o.run()
	o.check()
	t.Attr("tries", strconv.Itoa(objections))
}

// objectors object while a courier sends.
type objectors struct {
	t  *testing.T
	s  *system
	of map[string]outbox.ID // by address

	said   sync.WaitGroup
	mu     sync.Mutex              // guards what follows
	at     map[int]string          // whose mail a session is at
	stands map[string]outbox.State // of a delivery once its objection is stored
	dots   map[string]int          // that reached the server
}

// objectAt are the steps at which people object, in turns.
var objectAt = []string{"MAIL", "RCPT", "DATA", "BODY", "DOT"}

// step is asked by the server at each step.
func (o *objectors) step(at mailtest.SMTPStep) *mailtest.SMTPFault {
	o.mu.Lock()
	defer o.mu.Unlock()
	if at.Verb == "RCPT" {
		o.at[at.Session] = at.Arg
	}
	who := o.at[at.Session]
	if at.Verb == "MAIL" || who == "" {
		return nil
	}
	if at.Verb == "DOT" {
		o.dots[who]++
		if o.stands[who] == outbox.Suppressed {
			o.t.Errorf("a final dot went to %s after the objection held the mail back", who)
		}
	}
	var n int
	_, _ = fmt.Sscanf(who, "p%d@", &n) // they are all like that
	if objectAt[n%len(objectAt)] == at.Verb || at.Verb == "RCPT" && objectAt[n%len(objectAt)] == "MAIL" {
		o.said.Go(func() { o.object(who) })
	}
	return nil
}

func (o *objectors) object(who string) {
	ctx := context.WithoutCancel(o.t.Context())
	if err := o.s.planner.Object(ctx, o.of[who], false, "one-click"); err != nil {
		o.t.Errorf("%s objects: %v", who, err)
		return
	}
	d, err := o.s.planner.Delivery(ctx, o.of[who])
	if err != nil {
		o.t.Error(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stands[who] = d.State
}

// run sends until nothing waits.
func (o *objectors) run() {
	server := mailtest.StartSMTPScript(o.t, o.step)
	ctx, cancel := context.WithCancel(o.t.Context())
	defer cancel()
	left, ended := objections, make(chan struct{})
	c := delivery.NewCourier(delivery.CourierOptions{
		Store: o.s.store, Log: o.s.log, Gate: o.s.planner.Gate,
		Lines:   []delivery.Line{{Name: "news", Sender: delivery.Sender{Host: server.Addr, TLS: delivery.TLSNone, From: "ada@example.com"}, Limits: delivery.Limits{Connections: 4}}},
		Changed: func(tx store.Tx, before, after outbox.Delivery) error { return o.s.planner.Changed(tx, before, after) },
	})
	var working sync.WaitGroup
	working.Go(func() { _ = c.Run(ctx) }) // ends with ctx
	go func() {
		defer close(ended)
		for left > 0 && ctx.Err() == nil {
			left = 0
			for _, state := range []outbox.State{outbox.Frozen, outbox.Deferred, outbox.Intent} {
				page, err := o.s.planner.Deliveries(ctx, "spring", store.OutboxFilter{State: state}, store.Slice{Limit: 1})
				if err == nil {
					left += len(page.Items)
				}
			}
		}
	}()
	<-ended
	cancel()
	working.Wait()
	o.said.Wait()
}

// check compares what was stored of objections with what the server saw.
func (o *objectors) check() {
	held, taken := 0, 0
	for who, id := range o.of {
		d, err := o.s.planner.Delivery(o.t.Context(), id)
		if err != nil {
			o.t.Fatal(err)
		}
		switch {
		case d.State == outbox.Suppressed && o.dots[who] == 0:
			held++
		case d.State == outbox.Accepted && o.dots[who] == 1:
			taken++
		default:
			o.t.Errorf("%s is %s after %d dots", who, d.State, o.dots[who])
		}
		if d.Evidence.Unsubscribed.IsZero() {
			o.t.Errorf("the objection of %s is not kept", who)
		}
	}
	if held == 0 || taken == 0 {
		o.t.Errorf("%d were held back and %d taken: no race was run", held, taken)
	}
	o.t.Logf("of %d, %d objected before the intent was stored and got nothing, %d after it", objections, held, taken)
}
