package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"rapport/internal/rescue"
	"rapport/store"
)

// stateDue is where the store keeps when each job is due next, so that a
// restart neither repeats nor forgets one.
const stateDue = "housekeeping"

// job is something the daemon does by itself every so often.
type job struct {
	name  string
	every time.Duration
	// night puts it between two and four o'clock, when nobody waits.
	night bool
	// when, not nil, says every and night by the configuration in force: a day
	// or more is at night, 0 never.
	when func() time.Duration
	// ages says that it removes things for their age: not by a doubted clock.
	ages bool
	do   func(context.Context) error
}

// jobBackup is the name of the job that makes backups.
const jobBackup = "backup"

// asConfigured is a job as the configuration in force has it.
func (j job) asConfigured() job {
	if j.when != nil {
		j.every = j.when()
		j.night = j.every >= 24*time.Hour
	}
	return j
}

// housekeeper does the jobs, one at a time.
type housekeeper struct {
	store  store.Store
	now    func() time.Time
	log    *slog.Logger
	faults *faults
	count  func(job, result string)
	jobs   []job
	clock  *wallClock
}

// lookAgain bounds how long the housekeeper sleeps: the clock may be set.
const lookAgain = 10 * time.Minute

// run blocks until ctx ends.
func (h *housekeeper) run(ctx context.Context) {
	for {
		wait := h.turn(ctx)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// turn does what is due and returns how long to sleep.
func (h *housekeeper) turn(ctx context.Context) time.Duration {
	due, err := h.load(ctx)
	if err != nil {
		if ctx.Err() == nil {
			h.faults.report("housekeeping", err)
		}
		return time.Minute
	}
	doubted, err := h.lookAtClock(ctx)
	if err != nil && ctx.Err() == nil {
		h.log.Warn("what the clock shows is not kept", "err", err)
	}
	next := h.now().Add(lookAgain)
	for _, j := range h.jobs {
		if j = j.asConfigured(); j.every == 0 {
			delete(due, j.name)
			continue
		}
		now := h.now()
		at, planned := due[j.name]
		// A time further off than the interval was planned by a clock that was ahead.
		if !planned || at.Sub(now) > j.furthest() {
			at = j.next(now)
			due[j.name] = at
		}
		if !at.After(now) && j.ages && doubted {
			at = now.Add(time.Hour)
			due[j.name] = at
		}
		if !at.After(now) && ctx.Err() == nil {
			err := h.do(ctx, j)
			at = j.after(h.now())
			if err != nil {
				at = h.now().Add(min(time.Hour, j.every))
			}
			due[j.name] = at
		}
		if at.Before(next) {
			next = at
		}
	}
	if err := h.save(ctx, due); ctx.Err() == nil {
		h.faults.report("housekeeping", err)
	}
	return max(next.Sub(h.now()), time.Second)
}

// do runs one job; a panic in it is its own trouble.
func (h *housekeeper) do(ctx context.Context, j job) (err error) {
	defer func() {
		if ctx.Err() != nil {
			return
		}
		result := "done"
		if err != nil {
			result = "failed"
		}
		h.count(j.name, result)
		h.faults.report("job "+j.name, err)
	}()
	return rescue.Do(func() error { return j.do(ctx) })
}

// next returns when a job is due first, with some jitter so that many daemons
// do not ask one server at once.
func (j job) next(now time.Time) time.Time {
	if !j.night {
		return now.Add(j.every - time.Duration(rand.Int64N(int64(j.every)/10+1)))
	}
	at := time.Date(now.Year(), now.Month(), now.Day(), 2, 0, 0, 0, now.Location())
	at = at.Add(time.Duration(rand.Int64N(int64(2 * time.Hour))))
	for !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

// furthest is how far off the job's next time may be.
func (j job) furthest() time.Duration {
	if j.night {
		return j.every + 25*time.Hour
	}
	return j.every
}

// after returns when a job is due again once it was done: one of the night
// not twice in the same night.
func (j job) after(now time.Time) time.Time {
	if j.night {
		now = now.Add(j.every - 12*time.Hour)
	}
	return j.next(now)
}

func (h *housekeeper) load(ctx context.Context) (map[string]time.Time, error) {
	var raw []byte
	err := h.store.View(ctx, func(tx store.Tx) (err error) {
		raw, err = tx.State().Get(stateDue)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read due times: %w", err)
	}
	due := map[string]time.Time{}
	if raw != nil && json.Unmarshal(raw, &due) != nil {
		due = map[string]time.Time{} // planned anew
	}
	return due, nil
}

func (h *housekeeper) save(ctx context.Context, due map[string]time.Time) error {
	raw, err := json.Marshal(due)
	if err != nil {
		return fmt.Errorf("write due times: %w", err)
	}
	if err := h.store.Update(ctx, func(tx store.Tx) error { return tx.State().Put(stateDue, raw) }); err != nil {
		return fmt.Errorf("write due times: %w", err)
	}
	return nil
}
