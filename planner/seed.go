package planner

import (
	"context"
	"fmt"
	"time"

	"rapport/records/campaign"
	"rapport/records/outbox"
	"rapport/store"
)

// seedWait is from the last mail of a seed wave to when what came back of it is
// judged, and seedAgain from one look at it to the next.
const (
	seedWait  = time.Hour
	seedAgain = 15 * time.Minute
)

// The share of a seed wave that may come back, and how many always may: one
// dead address says nothing of a campaign.
const (
	seedPercent = 5
	seedAlways  = 1
)

// afterSeed is why a mail waits that is none of its run's seed wave.
const afterSeed = "waits for what comes back of the seed wave"

// sow has the mail of a run belong to its seed wave, or wait for it; sown is how
// many of them are in it.
func sow(run campaign.Run, f *frozen, sown int) int {
	if run.Seed == 0 || f.raw == nil {
		return sown
	}
	if sown < run.Seed {
		f.d.Seed = true
		return sown + 1
	}
	f.d.Due, f.d.Reason = later(f.d.Due, later(run.Created, f.d.Due).Add(seedWait)), afterSeed
	return sown
}

// seedHolds reports until when a mail waits for the seed wave of its run.
func seedHolds(run campaign.Run, d outbox.Delivery, now time.Time) (time.Time, bool) {
	return now.Add(seedAgain), run.Seed > 0 && run.Seeded.IsZero() && !d.Seed
}

// judgeSeed looks at what came back of a seed wave that has left: too much
// pauses the run, else the others may go. It reports whether it is judged.
func (p *Planner) judgeSeed(ctx context.Context, run campaign.Run) (judged bool, err error) {
	if run.Seed == 0 || !run.Seeded.IsZero() {
		return true, nil
	}
	err = p.o.Store.Update(ctx, func(tx store.Tx) error {
		judged = false
		others := false
		wave, err := store.Where(func(s store.Slice) (store.Page[outbox.Delivery], error) {
			return tx.Outbox().List(store.OutboxFilter{Run: run.ID}, s)
		}, func(d outbox.Delivery) (bool, error) {
			others = others || !d.Seed && !d.State.Final()
			return d.Seed, nil
		})
		if err != nil {
			return err
		}
		if !others {
			judged = true
			return nil
		}
		bad, waits, left := 0, false, run.Created
		for _, d := range wave {
			if d.State == outbox.Rejected || !d.Evidence.Bounced.IsZero() || !d.Evidence.Complained.IsZero() {
				bad++
			}
			waits = waits || !d.State.Final()
			left = later(left, d.Dotted)
		}
		if bad > seedAlways && bad*100 > len(wave)*seedPercent {
			judged = true
			return p.haltIn(tx, run.ID, fmt.Sprintf("of %d in the seed wave %d were refused, bounced or complained: find out why, then resume or cancel", len(wave), bad))
		}
		now := p.o.Now()
		if waits || now.Sub(left) < seedWait {
			return nil
		}
		r, err := tx.Runs().Get(run.ID)
		if err != nil || r.State != campaign.Running {
			return err
		}
		r.Seeded, judged = now, true
		return tx.Runs().Put(r)
	})
	return judged, err
}
