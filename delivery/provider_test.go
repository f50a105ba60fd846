package delivery_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rapport/delivery"
	"rapport/internal/mailtest"
	"rapport/records/outbox"
)

// TestM95_ProviderRefuses sends through servers like those of Microsoft and Google
// with limits above theirs, tokens that live for an hour, and an administrator
// who forbids sending for half a day: what is refused is never blamed on a
// recipient, each mail is taken exactly once, and nobody storms.
func TestM95_ProviderRefuses(t *testing.T) {
	t.Attr("tries", "2")
	warm(t)
	for _, style := range []mailtest.Style{mailtest.StyleMicrosoft, mailtest.StyleGmail} {
		synctest.Test(t, func(t *testing.T) {
			const n, day = 60, 40
			p := mailtest.NewSMTPProvider(style)
			p.PerDay = day
			if p.Connections = 3; style == mailtest.StyleMicrosoft {
				p.PerMinute = 10
			}
			token := func() string { return strconv.FormatInt(time.Now().Unix()/3600, 10) }
			p.Takes = func(mailbox, secret string) bool { return mailbox == "news@example.com" && secret == token() }
			b := newBureau(t, n, piped(p.SMTPScript, delivery.Limits{Connections: 5}))
			s := &b.o.Lines[0].Sender
			s.User, s.Token = "news@example.com", func(context.Context) (string, error) { return token(), nil }
			time.AfterFunc(20*time.Hour, func() { p.Disable(true) }) // before the rest may go
			time.AfterFunc(32*time.Hour, func() { p.Disable(false) })
			began := time.Now()
			ctx, stop := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { _ = delivery.NewCourier(b.o).Run(ctx) })
			for b.counts()[outbox.Accepted] < n && time.Since(began) < 48*time.Hour {
				time.Sleep(10 * time.Minute)
			}
			stop()
			wg.Wait()
			if took := time.Since(began); took > 33*time.Hour {
				t.Errorf("%s: took %s, %v; want it within an hour of being allowed again", style, took, b.counts())
			}
			got := received(p.Taken())
			checkDelivered(t, b, got, b.counts())
			for to, ids := range got {
				if len(ids) != 1 {
					t.Errorf("%s: %s got %d mails", style, to, len(ids))
				}
			}
			for what, most := range map[string]int{"connection": 60, "rate": 120, "day": 5 * 26, "sign-in": 5 * 50} {
				if k := p.Refused(what); k > most {
					t.Errorf("%s: refused %q %d times, want %d at most", style, what, k, most)
				}
			}
			if p.Refused("connection") == 0 || p.Refused("day") == 0 {
				t.Errorf("%s: the provider's limits were not met: %s", style, p.Mailed())
			}
			t.Logf("%s: %d mails in %s, %s", style, n, time.Since(began), p.Mailed())
			p.Close()
			_ = b.store.Close()
		})
	}
}
