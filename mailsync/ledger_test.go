package mailsync

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"
)

// memBudget is a Budget in memory.
type memBudget struct{ book []byte }

func (k *memBudget) Load(context.Context) ([]byte, error) { return k.book, nil }
func (k *memBudget) Save(_ context.Context, book []byte) error {
	k.book = book
	return nil
}

// TestM79_BudgetSurvives counts what an account gave over restarts and clocks
// that are set: the window moves with the clock, and setting it back brings no
// second budget.
func TestM79_BudgetSurvives(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	limits, disk := Limits{Bytes: 100e6, Messages: 1000}, &memBudget{}
	l := NewLedger(limits, clock, disk)
	tries := 0
	read := func(mb, messages int, want bool) {
		t.Helper()
		tries++
		n := usage{int64(mb) * 1e6, int64(messages)}
		err := l.admit(t.Context(), n, false)
		if (err == nil) != want {
			t.Errorf("at %s %d MB may be read: %v, want %v", now.Format(time.DateTime), mb, err, want)
		}
		var f *Fault
		if err == nil {
			err = l.took(t.Context(), n, n)
		} else if errors.As(err, &f) && (f.Kind != Spent || f.Wait < time.Minute || f.Wait > 2*ledgerWindow+ledgerSlot) {
			t.Errorf("at %s: %v after %v", now.Format(time.DateTime), f, f.Wait)
		} else {
			err = nil
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	restart := func(clean bool) {
		if clean {
			l.Close(t.Context())
		}
		l = NewLedger(limits, clock, disk)
	}
	read(60, 10, true)
	restart(false) // a crash
	read(60, 10, false)
	now = now.Add(14 * time.Hour) // another day, not 24 hours later
	read(60, 10, false)
	read(20, 10, true)
	restart(true)
	now = now.Add(-20 * time.Hour) // set back
	read(60, 10, false)
	now = now.Add(30*time.Hour + 20*time.Minute) // 24 hours after the first
	read(60, 10, true)
	read(20, 10, false)
	now = now.AddDate(1, 0, 0) // a year ahead
	read(80, 10, true)
	restart(true)
	now = now.AddDate(-1, 0, 0) // and back
	read(80, 10, true)
	limits.Bytes = 200e6 // raised: what was used counts
	restart(true)
	read(90, 10, true)
	read(90, 10, false)
	read(1, 900, false)
	read(1, 700, true)
	t.Attr("tries", strconv.Itoa(tries))
}

// TestLedgerWaits has an account be used to its limit: what is told as the wait
// is neither too short, so that nothing is asked for in vain, nor a day too long.
func TestLedgerWaits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 3, 0, 0, time.UTC)
	l := NewLedger(Limits{Bytes: 1e9}, func() time.Time { return now }, nil)
	ctx, n := t.Context(), usage{Bytes: 4e6}
	type event struct {
		at time.Time
		n  int64
	}
	var past []event
	waits := 0
	for end := now.AddDate(0, 0, 5); now.Before(end); {
		err := l.admit(ctx, n, false)
		var f *Fault
		if errors.As(err, &f) {
			waits++
			now = now.Add(f.Wait)
			continue
		}
		past = append(past, event{now, n.Bytes})
		l.took(ctx, n, n)
		now = now.Add(7 * time.Second)
		var day int64
		for _, e := range past {
			if now.Sub(e.at) < ledgerWindow {
				day += e.n
			}
		}
		if day > 1e9 {
			t.Fatalf("%d bytes in 24 hours", day)
		}
	}
	if total := int64(len(past)) * n.Bytes; total < 4e9 || waits > 200 {
		t.Errorf("%d MB in five days after %d waits, want nearly 900 a day", total/1e6, waits)
	}
	// New mail may use what is left.
	for l.admit(ctx, n, false) == nil {
	}
	if err := l.admit(ctx, n, true); err != nil {
		t.Errorf("new mail: %v", err)
	}
}
