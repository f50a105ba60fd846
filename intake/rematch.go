package intake

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"rapport/matcher"
	"rapport/records/message"
	"rapport/store"
)

// Rematched is what judging stored mail again changed, or would change.
type Rematched struct {
	Messages int
	Gained   int // matches
	Lost     int
	Moved    int // messages that both gained and lost
	Removed  int // messages that match nobody any more
}

func (c changes) rematched() Rematched {
	return Rematched{Messages: c.messages, Gained: c.gained, Lost: c.lost, Moved: c.moved, Removed: c.removed}
}

// Rematch judges every stored message again. progress may be nil.
func (i *Intake) Rematch(ctx context.Context, progress func(done, total int)) (Rematched, error) {
	ch, err := i.do(ctx, job{All: true}, progress)
	if err != nil {
		return ch.rematched(), fmt.Errorf("match all mail again: %w", err)
	}
	return ch.rematched(), i.catchUp(ctx)
}

// adopt makes what is stored agree with rules it was not filed by.
func (i *Intake) adopt(ctx context.Context, r matcher.Rules) error {
	sum, err := rulesDigest(r)
	if err != nil {
		return err
	}
	var woken []string
	var hidden map[string]bool
	err = i.store.Update(ctx, func(tx store.Tx) error {
		woken = nil
		var err error
		if hidden, err = i.hiddenMailboxes(tx); err != nil {
			return err
		}
		if err := i.endSearches(tx); err != nil {
			return err
		}
		if err := i.forgetStrangers(tx, sum); err != nil {
			return err
		}
		was, err := tx.State().Get(stateRules)
		if err != nil {
			return fmt.Errorf("read rules digest: %w", err)
		}
		if slices.Equal(was, sum) {
			return nil
		}
		if err := tx.State().Put(stateRules, sum); err != nil {
			return fmt.Errorf("keep rules digest: %w", err)
		}
		if was == nil {
			return nil
		}
		woken, err = reopenSkipped(tx, message.NoMatch, message.NotOurs, message.Internal, message.Excluded, message.Erased, message.Withdrawn, message.IsPrivate)
		if err != nil {
			return err
		}
		return i.queue(tx, job{All: true})
	})
	if err == nil {
		i.hide(hidden)
	}
	if err != nil {
		return fmt.Errorf("adopt rules: %w", err)
	}
	if _, err := i.settleJobs(ctx, nil); err != nil {
		return err
	}
	i.wake(woken...)
	return nil
}

// rulesDigest tells whether rules may judge differently. Members' names do not.
func rulesDigest(r matcher.Rules) ([]byte, error) {
	r.Team.Members = slices.Clone(r.Team.Members)
	for n := range r.Team.Members {
		r.Team.Members[n].Name = ""
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("digest rules: %w", err)
	}
	sum := sha256.Sum256(b)
	return sum[:], nil
}

// Plan says what other rules would change of what is stored, and changes
// nothing. Mail that was skipped is not judged: it is not here.
func (i *Intake) Plan(ctx context.Context, r matcher.Rules, progress func(done, total int)) (Rematched, error) {
	var total changes
	threads, err := i.threadsOf(ctx, job{All: true})
	if err != nil {
		return total.rematched(), err
	}
	other := &setup{matcher: matcher.New(r), team: r.Team, mailboxes: i.setup.Load().mailboxes}
	for n, th := range threads {
		var ch changes
		err := i.store.View(ctx, func(tx store.Tx) error {
			ch = changes{}
			t, err := i.taking(tx, message.Folder{})
			if err != nil {
				return err
			}
			t.setup = other
			return t.compare(th, &ch)
		})
		if err != nil {
			return total.rematched(), fmt.Errorf("plan thread %s: %w", th, err)
		}
		total.add(ch)
		if progress != nil && n%100 == 99 {
			progress(n+1, len(threads))
		}
	}
	return total.rematched(), nil
}

// compare counts what filing a thread again would change.
func (t *taking) compare(th message.ThreadID, ch *changes) error {
	msgs, _, err := threadMessages(t.tx, th)
	if err != nil {
		return err
	}
	verdicts, err := t.fixpoint(msgs)
	if err != nil {
		return err
	}
	for n, m := range msgs {
		ch.messages++
		now := m
		apply(&now, verdicts[n])
		if verdicts[n].Action != message.Log {
			now.Matches = nil
			ch.removed++
		}
		gained, lost := countMatches(m.Matches, now.Matches)
		ch.gained += gained
		ch.lost += lost
		if gained > 0 && lost > 0 {
			ch.moved++
		}
	}
	return nil
}

// Explained is why a message is filed where it is.
type Explained struct {
	Message message.Message
	Verdict matcher.Verdict
	Hand    []store.Decision
}

// Explain judges a stored message as if it came now, and says every rule.
func (i *Intake) Explain(ctx context.Context, id message.ID) (Explained, error) {
	var out Explained
	err := i.store.View(ctx, func(tx store.Tx) error {
		m, err := tx.Messages().Get(id)
		if err != nil {
			return fmt.Errorf("read message %s: %w", id, err)
		}
		j := i.judging(tx)
		c := stored(m)
		v, err := j.alone(c)
		if err != nil {
			return err
		}
		if v, err = j.inThread(c, v, m.ID); err != nil {
			return err
		}
		out = Explained{Message: m, Verdict: v}
		out.Hand, err = j.decisions(c)
		return err
	})
	return out, err
}
