package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"rapport/matcher"
	"rapport/records/message"
	"rapport/records/phrase"
	"rapport/records/sale"
	"rapport/records/timeline"
	"rapport/store"
)

// Span is a time by the calendar.
type Span struct {
	Years, Months, Days int
	Rest                time.Duration
}

// before returns the time that lies the span before now.
func (s Span) before(now time.Time) time.Time {
	return now.AddDate(-s.Years, -s.Months, -s.Days).Add(-s.Rest)
}

// Retention says how long what is filed is kept. The zero value keeps all.
type Retention struct {
	// Spans are by kind: of mail (personal, automatic …), of entries by hand
	// (note, call, meeting), and audit. What has no span is kept for good.
	Spans map[string]Span
	// Hold are tags of contacts and organisations whose histories are kept.
	Hold []string
}

// kindAudit is the trail among the kinds.
const kindAudit = "audit"

// Where a run of the retention is kept.
const (
	stateRetention      = "retention-run"
	stateRetentionRules = "retention-rules"
)

// Expired is what a run of the retention removed, or would.
type Expired struct {
	Removed map[string]int `json:"removed"` // by kind
	Held    int            `json:"held"`    // old enough, and kept all the same
	Looked  int            `json:"looked"`  // entries old enough for some kind
}

// retentionRun is a run under way, so that a restart goes on with it.
type retentionRun struct {
	Expired
	Now time.Time    `json:"now"` // by which what is old was judged when it began
	At  store.Cursor `json:"at"`
}

// Retain replaces how long what is filed is kept, for the next run and for mail
// that comes.
func (i *Intake) Retain(r Retention) { i.retention.Store(&r) }

// cutoffs returns up to when each kind is removed now.
func (r *Retention) cutoffs(now time.Time) map[string]time.Time {
	out := map[string]time.Time{}
	if r != nil {
		for kind, s := range r.Spans {
			out[kind] = s.before(now)
		}
	}
	return out
}

// The bounds of one transaction of a run.
const (
	expirePage  = 200 // entries looked at
	expireAudit = 500 // lines of the trail removed
)

// Enforce removes what is older than it may be kept, a bounded part at a time.
// It goes on where an earlier run was broken off. dry removes nothing and says
// what would go. The copies on the servers count as skipped from then on.
//
// Kept all the same is what is on a history with a tag of Hold, what a person
// filed by hand, and a message by which alone another that stays is filed: in
// their thread it is the only reason.
func (i *Intake) Enforce(ctx context.Context, dry bool, progress func(looked int)) (Expired, error) {
	r := i.retention.Load()
	run, err := i.beginExpiry(ctx, r, dry)
	if err != nil {
		return run.Expired, fmt.Errorf("enforce retention: %w", err)
	}
	if len(r.cutoffs(run.Now)) == 0 {
		return run.Expired, nil
	}
	for more := true; more; {
		if more, err = i.expirePage(ctx, r, &run, dry); err != nil {
			return run.Expired, fmt.Errorf("enforce retention: %w", err)
		}
		if progress != nil {
			progress(run.Looked)
		}
	}
	if dry {
		return run.Expired, nil
	}
	if err := i.expireTrail(ctx, r, &run); err != nil {
		return run.Expired, fmt.Errorf("enforce retention: %w", err)
	}
	err = i.store.Update(ctx, func(tx store.Tx) error {
		if err := tx.State().Put(stateRetention, nil); err != nil || len(run.Removed) == 0 {
			return err
		}
		return i.audit(tx, "retention", "retention.enforce", "", run.summary(), nil)
	})
	if err != nil {
		return run.Expired, fmt.Errorf("enforce retention: %w", err)
	}
	return run.Expired, i.catchUp(ctx)
}

// summary says in a line of the trail what was removed: counts, no names.
func (e Expired) summary() phrase.Phrase {
	var parts []phrase.Phrase
	for _, kind := range slices.Sorted(maps.Keys(e.Removed)) {
		parts = append(parts, phrase.New("{n} {kind}", "n", e.Removed[kind], "kind", kind))
	}
	if len(parts) == 0 {
		return phrase.Phrase{}
	}
	return phrase.List(parts...)
}

// beginExpiry takes up the run that was broken off, or begins one. Where less
// is to be removed than before, mail that was removed may be wanted again.
func (i *Intake) beginExpiry(ctx context.Context, r *Retention, dry bool) (retentionRun, error) {
	var run retentionRun
	if dry {
		return retentionRun{Now: i.now(), Expired: Expired{Removed: map[string]int{}}}, nil
	}
	rules, err := json.Marshal(r)
	if err != nil {
		return run, err
	}
	var woken []string
	err = i.store.Update(ctx, func(tx store.Tx) error {
		run, woken = retentionRun{Now: i.now(), Expired: Expired{Removed: map[string]int{}}}, nil
		was, err := tx.State().Get(stateRetentionRules)
		if err != nil {
			return fmt.Errorf("read what was kept before: %w", err)
		}
		if string(was) != string(rules) {
			if was != nil {
				if woken, err = reopenSkipped(tx, message.Expired); err != nil {
					return err
				}
			}
			return errors.Join(tx.State().Put(stateRetentionRules, rules), tx.State().Put(stateRetention, nil))
		}
		raw, err := tx.State().Get(stateRetention)
		if err != nil || raw == nil {
			return err
		}
		var left retentionRun
		if json.Unmarshal(raw, &left) == nil && left.Removed != nil && !left.Now.After(i.now()) {
			run = left
		}
		return nil
	})
	i.wake(woken...)
	return run, err
}

// expirePage looks at the next entries that are old enough for some kind.
func (i *Intake) expirePage(ctx context.Context, r *Retention, run *retentionRun, dry bool) (more bool, err error) {
	cutoffs := r.cutoffs(run.Now)
	delete(cutoffs, kindAudit)
	if len(cutoffs) == 0 {
		return false, nil
	}
	latest := slices.MaxFunc(slices.Collect(maps.Values(cutoffs)), time.Time.Compare)
	var next retentionRun // assigned anew by each try
	look := func(tx store.Tx) error {
		next = *run
		next.Removed = maps.Clone(run.Removed)
		page, err := tx.Entries().Before(latest, store.Slice{Cursor: run.At, Limit: expirePage})
		if err != nil {
			return fmt.Errorf("list old entries: %w", err)
		}
		x := &expiry{retention: r, cutoffs: cutoffs, run: &next, dry: dry, gone: map[message.ID]bool{}}
		if x.taking, err = i.taking(tx, message.Folder{}); err != nil {
			return err
		}
		for _, e := range page.Items {
			if err := x.entry(e); err != nil {
				return fmt.Errorf("entry %s: %w", e.ID, err)
			}
		}
		next.At = page.Next
		if dry {
			return nil
		}
		raw, err := json.Marshal(next)
		if err != nil {
			return err
		}
		return tx.State().Put(stateRetention, raw)
	}
	if dry {
		err = i.store.View(ctx, look)
	} else {
		err = i.store.Update(ctx, look)
	}
	if err != nil {
		return false, err
	}
	*run = next
	return run.At != "", nil
}

// expiry is one transaction that removes what is too old.
type expiry struct {
	*taking
	retention *Retention
	cutoffs   map[string]time.Time
	run       *retentionRun
	dry       bool
	gone      map[message.ID]bool
}

func (x *expiry) old(kind string, at time.Time) bool {
	until, ok := x.cutoffs[kind]
	return ok && at.Before(until)
}

func (x *expiry) entry(e timeline.Entry) error {
	x.run.Looked++
	if e.OfMail() {
		return x.message(e)
	}
	if !x.old(string(e.Kind), e.Time) {
		return nil
	}
	held, err := x.heldFor(e)
	if err != nil {
		return err
	}
	if held {
		x.run.Held++
		return nil
	}
	x.run.Removed[string(e.Kind)]++
	if x.dry {
		return nil
	}
	if e.Kind == timeline.Sale {
		if err := x.tx.Sales().Delete(sale.ID(e.ID)); err != nil {
			return fmt.Errorf("delete its sale: %w", err)
		}
	}
	return x.tx.Entries().Delete(e.ID)
}

func (x *expiry) message(e timeline.Entry) error {
	m, err := x.tx.Messages().Get(e.Message)
	if err != nil {
		return ignoreNotFound(err)
	}
	kind := string(m.Verdict.Kind)
	if !x.old(kind, e.Time) {
		return nil
	}
	thread, rest, err := threadMessages(x.tx, m.Thread)
	if err != nil {
		return err
	}
	held, err := x.held(m, e)
	if err == nil && !held {
		held, err = x.leanedOn(m, thread)
	}
	if err != nil {
		return err
	}
	if held {
		x.run.Held++
		return nil
	}
	x.run.Removed[kind]++
	x.gone[m.ID] = true
	if x.dry {
		return nil
	}
	if err := x.drop(m, message.Expired); err != nil {
		return err
	}
	if rest == "" {
		_, err = x.split(m.Thread, thread)
	}
	return err
}

// held reports whether a message stays, whatever its age.
func (x *expiry) held(m message.Message, e timeline.Entry) (bool, error) {
	held, err := x.heldFor(e)
	if err != nil || held {
		return held, err
	}
	return x.filedByHand(m)
}

// heldFor reports whether an entry is on a history that is kept.
func (x *expiry) heldFor(e timeline.Entry) (bool, error) {
	held := func(tags []string) bool {
		return slices.ContainsFunc(tags, func(t string) bool { return slices.Contains(x.retention.Hold, t) })
	}
	if len(x.retention.Hold) == 0 {
		return false, nil
	}
	for _, id := range e.Contacts {
		c, err := x.tx.Contacts().Get(id)
		if ignoreNotFound(err) != nil {
			return false, fmt.Errorf("read contact %s: %w", id, err)
		}
		if held(c.Tags) {
			return true, nil
		}
	}
	for _, id := range e.Organisations {
		o, err := x.tx.Organisations().Get(id)
		if ignoreNotFound(err) != nil {
			return false, fmt.Errorf("read organisation %s: %w", id, err)
		}
		if held(o.Tags) {
			return true, nil
		}
	}
	return false, nil
}

// filedByHand reports whether a person's decision to file a message stands.
func (x *expiry) filedByHand(m message.Message) (bool, error) {
	for _, id := range message.IdentityKeys(m.Head, &m.TextSum) {
		found, err := x.tx.Decisions().ByIdentity(id)
		if err != nil {
			return false, fmt.Errorf("find decisions: %w", err)
		}
		if slices.ContainsFunc(found, func(d store.Decision) bool { return d.Kind == decideFile }) {
			return true, nil
		}
	}
	return false, nil
}

// leanedOn reports whether another message of the thread, which stays, is filed
// by the thread alone.
func (x *expiry) leanedOn(m message.Message, thread []message.Message) (bool, error) {
	for _, o := range thread {
		leans := slices.ContainsFunc(o.Matches, func(mt message.Match) bool { return mt.Rule == matcher.RuleThread })
		if o.ID == m.ID || x.gone[o.ID] || !leans {
			continue
		}
		if !x.old(string(o.Verdict.Kind), o.Time) {
			return true, nil
		}
		e, err := x.tx.Entries().OfMessage(o.ID)
		if ignoreNotFound(err) != nil {
			return false, fmt.Errorf("read entry of message %s: %w", o.ID, err)
		}
		if stays, err := x.held(o, e); err != nil || stays {
			return stays, err
		}
	}
	return false, nil
}

// expireTrail removes old lines of the trail.
func (i *Intake) expireTrail(ctx context.Context, r *Retention, run *retentionRun) error {
	until, ok := r.cutoffs(run.Now)[kindAudit]
	if !ok {
		return nil
	}
	for {
		n := 0
		err := i.store.Update(ctx, func(tx store.Tx) (err error) {
			if n, err = tx.Audit().Trim(until, expireAudit); err != nil || n == 0 {
				return err
			}
			next := *run
			next.Removed = maps.Clone(run.Removed)
			next.Removed[kindAudit] += n
			raw, err := json.Marshal(next)
			if err != nil {
				return err
			}
			return tx.State().Put(stateRetention, raw)
		})
		if err != nil {
			return err
		}
		if n > 0 {
			run.Removed[kindAudit] += n
		}
		if n < expireAudit {
			return nil
		}
	}
}

// tooOld reports whether a message that is not stored would be removed again
// by the next run: it is not stored at all. By a clock that is doubted none is,
// since whatever came meanwhile would stay skipped once it is set right.
func (t *taking) tooOld(p *prepared, v matcher.Verdict) (bool, error) {
	r := t.i.retention.Load()
	until, ok := r.cutoffs(t.i.now())[string(p.msg.Verdict.Kind)]
	if !ok || !p.msg.Time.Before(until) || v.Review != "" || t.i.opts.Doubted != nil && t.i.opts.Doubted() {
		return false, nil
	}
	e := timeline.Entry{}
	for _, m := range v.Matches {
		if m.Contact != "" {
			e.Contacts = append(e.Contacts, m.Contact)
		}
		if m.Organisation != "" {
			e.Organisations = append(e.Organisations, m.Organisation)
		}
	}
	x := &expiry{taking: t, retention: r}
	held, err := x.heldFor(e)
	if err == nil && !held {
		held, err = x.filedByHand(p.msg)
	}
	return !held, err
}
