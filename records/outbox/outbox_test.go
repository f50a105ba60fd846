package outbox

import (
	"errors"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var allEvents = []What{Freeze, Commit, Accept, Defer, Return, Reject, Lose, Find, Miss, GiveUp, Cancel, Suppress, Skip, Expire}

// TestTransitions goes through every state and every event: what the table
// allows happens, everything else is refused and changes nothing.
func TestTransitions(t *testing.T) {
	for _, from := range States() {
		for _, what := range allEvents {
			d := Delivery{ID: "x", State: from, Dots: 1, Changed: noon}
			got, err := d.Apply(Event{What: what, Reason: "why"}, noon.Add(time.Hour))
			to, allowed := transitions[from][what]
			switch {
			case !allowed && !errors.Is(err, ErrTransition):
				t.Errorf("%s after %s: %v; want ErrTransition", what, from, err)
			case !allowed && got != d:
				t.Errorf("%s after %s changed the delivery to %+v", what, from, got)
			case allowed && (err != nil || got.State != to || got.Changed.Equal(noon) || got.Reason != "why"):
				t.Errorf("%s after %s: %+v, %v; want %s", what, from, got, err, to)
			}
		}
	}
}

// TestPromises states what the table of transitions must never allow.
func TestPromises(t *testing.T) {
	for from, row := range transitions {
		for what, to := range row {
			if to == Intent && (what != Commit || !from.Waiting()) {
				t.Errorf("%s leads from %s to intent", what, from)
			}
			if to.Waiting() && from.Final() && !(from == Unknown && what == Miss) {
				t.Errorf("%s brings a delivery that is %s back to be sent", what, from)
			}
			if to.Waiting() && from == Ambiguous && what != Miss {
				t.Errorf("%s sends what is ambiguous again without evidence", what)
			}
			if from == Intent && (to == Suppressed || to == Cancelled || to == Skipped || to == Expired) {
				t.Errorf("%s says that a mail whose dot may be on the wire is %s", what, to)
			}
		}
	}
	for _, s := range States() {
		if len(transitions[s]) == 0 && !s.Final() {
			t.Errorf("nothing leads on from %s", s)
		}
	}
}

func TestEvidenceNeedsADot(t *testing.T) {
	d := Delivery{ID: "x", State: Rejected}
	if got, err := d.Apply(Event{What: Find}, noon); !errors.Is(err, ErrTransition) || got.State != Rejected {
		t.Errorf("found though it never had a dot: %+v, %v", got, err)
	}
}

// TestEvidenceBeforeTheAnswer has the copy in the Sent folder read before the
// server's answer is lost, or says no: what has arrived is not sent again.
func TestEvidenceBeforeTheAnswer(t *testing.T) {
	no := NewReply(StageDot, 451, "4.3.0 timed out")
	for _, e := range []Event{{What: Lose}, {What: Defer, Reply: &no, Class: ClassTransient}, {What: Return}, {What: Reject, Reply: &no}, {What: Accept}} {
		d := Delivery{ID: "x", State: Intent, Dots: 1, Dotted: noon, Evidence: Evidence{SentCopy: noon}}
		if got, err := d.Apply(e, noon); err != nil || got.State != Accepted || got.Reply != nil {
			t.Errorf("after %s: %+v, %v", e.What, got, err)
		}
		d.Evidence = Evidence{}
		if got, err := d.Apply(e, noon); err != nil || got.State == Accepted && e.What != Accept {
			t.Errorf("without evidence after %s: %+v, %v", e.What, got, err)
		}
	}
}

// TestLife follows one delivery that is put off, sent and lost.
func TestLife(t *testing.T) {
	d := Delivery{ID: "x", State: Frozen, Lifetime: Lifetime(24 * time.Hour)}
	no := NewReply(StageRcpt, 451, "4.7.1 greylisted")
	now := noon
	apply := func(e Event) {
		t.Helper()
		var err error
		if d, err = d.Apply(e, now); err != nil {
			t.Fatal(err)
		}
	}
	var waits []time.Duration
	for range 6 {
		apply(Event{What: Defer, Reply: &no, Class: ClassTransient, Until: d.Retry(now)})
		waits = append(waits, d.Due.Sub(now))
		now = d.Due
	}
	for n, want := range []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour, 12 * time.Hour} {
		if waits[n] != want {
			t.Errorf("wait %d is %v, want %v", n, waits[n], want)
		}
	}
	if want := noon.Add(24 * time.Hour); !d.Expires.Equal(want) || !d.Due.After(want) {
		t.Errorf("due %v, expires %v; want %v", d.Due, d.Expires, want)
	}
	// Its sender's limits hold it for two days, which are not counted.
	now = now.Add(48 * time.Hour)
	apply(Event{What: Defer, Reply: &no, Class: ClassTransient, Until: d.Retry(now)})
	if want := noon.Add(72 * time.Hour); !d.Expires.Equal(want) {
		t.Errorf("expires %v after two days of waiting, want %v", d.Expires, want)
	}
	now = d.Due
	apply(Event{What: Commit})
	if d.Dots != 1 || !d.Dotted.Equal(now) || !d.Due.IsZero() {
		t.Errorf("after its intent: %+v", d)
	}
	apply(Event{What: Lose, Reason: "connection reset"})
	apply(Event{What: GiveUp})
	apply(Event{What: Find})
	if d.State != Accepted || d.Reply != nil {
		t.Errorf("after evidence: %+v", d)
	}
}
