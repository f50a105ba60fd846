package planner

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rapport/records/campaign"
	"rapport/records/contact"
	"rapport/records/outbox"
	"rapport/store"
)

// sows launches a newsletter to so many people with a seed wave of ten, and has
// what may leave do so.
func sows(t *testing.T, people int) *office {
	t.Helper()
	var all []contact.Contact
	for n := range people {
		all = append(all, customer(fmt.Sprint("Person ", n), contact.Address(fmt.Sprintf("p%d@press.example", n))))
	}
	o := newOffice(t, all...)
	o.src.Seed = 10
	o.launch()
	o.send()
	return o
}

// bounces has some of the seed wave come back.
func (o *office) bounces(n int) {
	o.t.Helper()
	o.update(func(tx store.Tx) error {
		for _, d := range o.all(tx) {
			if n > 0 && d.Seed {
				n--
				d.Evidence.Bounced = o.now
				if err := tx.Outbox().Put(d); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// TestSeedWave sends so many first, and the others once it is known that few
// came back.
func TestSeedWave(t *testing.T) {
	o := sows(t, 30)
	if p := o.status(); p.Accepted != 10 || p.Pending != 20 {
		t.Fatalf("at first: %+v", p)
	}
	o.bounces(1)
	o.later(30 * time.Minute)
	o.send()
	d := o.deliveries(outbox.Frozen)[0]
	if d = o.carry(d, false); d.State != outbox.Frozen || !d.Due.After(o.now) {
		t.Errorf("a mail before the wave is judged is %s, due %v", d.State, d.Due)
	}
	if p := o.status(); p.Accepted != 10 || !p.Seeded.IsZero() {
		t.Fatalf("after half an hour: %+v", p)
	}
	o.later(45 * time.Minute)
	o.send()
	if p := o.status(); p.Accepted != 30 || p.Seeded.IsZero() {
		t.Errorf("in the end: %+v", p)
	}
	o.later(time.Minute)
	if p := o.status(); p.State != campaign.Finished {
		t.Errorf("it does not end: %+v", p)
	}
}

// TestSeedWaveStops lets nobody else have what comes back, until somebody
// decides.
func TestSeedWaveStops(t *testing.T) {
	o := sows(t, 30)
	o.bounces(2)
	o.later(time.Minute)
	p := o.status()
	if p.State != campaign.Paused || !strings.Contains(p.Reason, "of 10 in the seed wave 2") {
		t.Fatalf("two of ten bounced: %+v", p)
	}
	o.later(2 * time.Hour)
	o.now = o.now.Add(time.Minute)
	if _, err := o.Resume(t.Context(), "ada", "spring"); err != nil {
		t.Fatal(err)
	}
	o.later(time.Minute)
	o.send()
	if p := o.status(); p.Accepted != 30 {
		t.Errorf("resumed: %+v", p)
	}
}

// TestSeedWaveOfAll does not keep a run open that has nobody else.
func TestSeedWaveOfAll(t *testing.T) {
	o := sows(t, 5)
	o.later(time.Minute)
	if p := o.status(); p.State != campaign.Finished || p.Accepted != 5 {
		t.Errorf("a wave of all: %+v", p)
	}
}
