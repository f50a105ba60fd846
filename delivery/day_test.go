package delivery_test

import (
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rapport/delivery"
	"rapport/internal/mailtest"
	"rapport/records/outbox"
)

// TestM95_LimitsOfADay sends more than a day's limit on a simulated clock, with
// limits like Microsoft's and like Google's: at most so many in any minute and
// any 24 hours, also over a restart, and no later than needed.
func TestM95_LimitsOfADay(t *testing.T) {
	warm(t)
	for _, d := range longDays() {
		synctest.Test(t, d.send)
	}
	t.Attr("tries", strconv.Itoa(len(longDays())))
}

// longDay is a run that needs more than a day.
type longDay struct {
	provider                 string
	mails, perDay, perMinute int
}

func (d longDay) send(t *testing.T) {
	var mu sync.Mutex
	var sent []time.Time
	server := mailtest.NewSMTPScript(func(at mailtest.SMTPStep) *mailtest.SMTPFault {
		if at.Verb == "DOT" {
			mu.Lock()
			sent = append(sent, time.Now())
			mu.Unlock()
		}
		return nil
	})
	b := newBureau(t, d.mails, piped(server, delivery.Limits{Connections: 3, PerMinute: d.perMinute, PerDay: d.perDay}))
	began := time.Now()
	b.until(t.Context(), func(c map[outbox.State]int) bool { return c[outbox.Accepted] >= d.perDay/2 })
	b.until(t.Context(), all(d.mails, outbox.Accepted))
	took := time.Since(began)
	days := (d.mails - 1) / d.perDay
	shortest := time.Duration(days)*24*time.Hour + time.Duration(d.mails-days*d.perDay)*time.Minute/time.Duration(d.perMinute)
	t.Logf("%s: %d mails, %d a day, %d a minute: %v; the shortest is %v", d.provider, d.mails, d.perDay, d.perMinute, took, shortest)
	if took > shortest*105/100 {
		t.Errorf("%s: took %v, the shortest is %v", d.provider, took, shortest)
	}
	for i, at := range sent {
		if j := i + d.perDay; j < len(sent) && sent[j].Sub(at) < 24*time.Hour {
			t.Fatalf("%s: mails %d and %d are %v apart", d.provider, i, j, sent[j].Sub(at))
		}
		if j := i + d.perMinute; j < len(sent) && sent[j].Sub(at) < time.Minute {
			t.Fatalf("%s: mails %d and %d are %v apart", d.provider, i, j, sent[j].Sub(at))
		}
	}
	server.Close()
	_ = b.store.Close()
}
