package delivery_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rapport/delivery"
	"rapport/internal/mailtest"
	"rapport/records/outbox"
)

// sends runs a bureau of n mails on a simulated clock against a server with
// faults until the counts are as wanted, checks what arrived, and returns how
// long that took and what the server took.
func sends(t *testing.T, n int, l delivery.Limits, fault func(mailtest.SMTPStep) *mailtest.SMTPFault, settled func(map[outbox.State]int) bool) (took time.Duration, got map[string][]string) {
	t.Helper()
	server := mailtest.NewSMTPScript(fault)
	b := newBureau(t, n, piped(server, l))
	began := time.Now()
	b.until(t.Context(), settled)
	took, got = time.Since(began), received(server.Taken())
	checkDelivered(t, b, got, b.counts())
	server.Close()
	_ = b.store.Close()
	return took, got
}

// first has a server misbehave once at a step.
func first(verb string, f mailtest.SMTPFault) func(mailtest.SMTPStep) *mailtest.SMTPFault {
	var once sync.Once
	return func(at mailtest.SMTPStep) (out *mailtest.SMTPFault) {
		if at.Verb == verb {
			once.Do(func() { out = &f })
		}
		return out
	}
}

// TestM90_ConnectionDies ends the connection at each step of a mail. Before the
// dot it is sent again, after the dot nobody knows, after the answer it is sent.
func TestM90_ConnectionDies(t *testing.T) {
	warm(t)
	tries := 0
	for _, verb := range []string{"CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "DOT"} {
		for _, f := range []mailtest.SMTPFault{{Close: true}, {Reset: true}, {Close: true, Take: true}, {Reply: "250 2.0.0 ok", Close: true}} {
			if verb != "DOT" && (f.Take || f.Reply != "") {
				continue
			}
			tries++
			synctest.Test(t, func(t *testing.T) {
				want := outbox.Accepted
				if verb == "DOT" && f.Reply == "" {
					want = outbox.Ambiguous
				}
				_, got := sends(t, 2, delivery.Limits{}, first(verb, f), func(c map[outbox.State]int) bool {
					return c[want] >= 1 && c[outbox.Accepted]+c[want] >= 2
				})
				for to, ids := range got {
					if len(ids) != 1 {
						t.Errorf("%s %+v: %s got %v", verb, f, to, ids)
					}
				}
			})
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM92_PutOff has a server put a mail off three times, at the recipient and
// at the dot: it is tried again later each time, as the same mail.
func TestM92_PutOff(t *testing.T) {
	warm(t)
	tries := 0
	for _, verb := range []string{"RCPT", "DOT"} {
		for _, reply := range []string{"450 4.2.0 busy", "451 4.7.1 greylisted", "452 4.3.1 no space", "451 4.7.500 Server busy"} {
			tries++
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var at []time.Duration
				began := time.Now()
				_, got := sends(t, 1, delivery.Limits{}, func(s mailtest.SMTPStep) *mailtest.SMTPFault {
					if s.Verb != verb {
						return nil
					}
					mu.Lock()
					defer mu.Unlock()
					if at = append(at, time.Since(began)); len(at) > 3 {
						return nil
					}
					return &mailtest.SMTPFault{Reply: reply}
				}, all(1, outbox.Accepted))
				if len(at) != 4 || len(got["p0@example.org"]) != 1 {
					t.Fatalf("%s %s: tried at %v, took %v", verb, reply, at, got)
				}
				for n, least := range []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour} {
					if wait := at[n+1] - at[n]; wait < least || wait > least+2*time.Minute {
						t.Errorf("%s %s: waited %v the %d. time, want %v", verb, reply, wait, n+1, least)
					}
				}
			})
		}
	}
	t.Attr("tries", strconv.Itoa(tries))
}

// TestM94_OneRecipientAMail refuses every second recipient: no mail has two, so
// that one's refusal is nobody else's.
func TestM94_OneRecipientAMail(t *testing.T) {
	warm(t)
	const n = 20
	synctest.Test(t, func(t *testing.T) {
		_, got := sends(t, n, delivery.Limits{Connections: 2}, func(at mailtest.SMTPStep) *mailtest.SMTPFault {
			local, _, _ := strings.Cut(strings.TrimPrefix(at.Arg, "p"), "@")
			if i, err := strconv.Atoi(local); at.Verb == "RCPT" && err == nil && i%2 == 1 {
				return &mailtest.SMTPFault{Reply: "550 5.1.1 user unknown"}
			}
			return nil
		}, func(c map[outbox.State]int) bool { return c[outbox.Accepted] == n/2 && c[outbox.Rejected] == n/2 })
		if len(got) != n/2 {
			t.Errorf("%d recipients got their mail", len(got))
		}
	})
	t.Attr("tries", strconv.Itoa(n))
}

// TestM95_ClosesAfterSomeMails has a server end each connection after some
// mails, politely or not: nobody gets two, nobody none, and it does not take long.
func TestM95_ClosesAfterSomeMails(t *testing.T) {
	warm(t)
	for _, f := range []mailtest.SMTPFault{{Reply: "421 4.7.0 too many mails in this session", Close: true}, {Close: true}} {
		synctest.Test(t, func(t *testing.T) {
			took, _ := sends(t, 120, delivery.Limits{Connections: 2}, func(at mailtest.SMTPStep) *mailtest.SMTPFault {
				if at.Verb == "MAIL" && at.Mail == 25 {
					return &f
				}
				return nil
			}, all(120, outbox.Accepted))
			if took > 10*time.Second {
				t.Errorf("%+v: took %v", f, took)
			}
		})
	}
	t.Attr("tries", "2")
}

// TestM79_ClockOfASender sends with a clock that goes on a year, and then is set
// back: no burst beyond the limits, and no wait of a year.
func TestM79_ClockOfASender(t *testing.T) {
	warm(t)
	tries := 0
	for _, leap := range []time.Duration{365 * 24 * time.Hour, -365 * 24 * time.Hour, time.Hour, -time.Hour} {
		tries++
		synctest.Test(t, func(t *testing.T) {
			server := mailtest.NewSMTPScript(nil)
			b := newBureau(t, 40, piped(server, delivery.Limits{PerMinute: 1, PerDay: 20}))
			var ahead time.Duration
			b.o.Now = func() time.Time { return time.Now().Add(ahead) }
			ahead = max(leap, 0)
			b.until(t.Context(), func(c map[outbox.State]int) bool { return c[outbox.Accepted] >= 10 })
			ahead -= leap
			began := time.Now()
			b.until(t.Context(), func(c map[outbox.State]int) bool { return c[outbox.Accepted] >= 30 })
			if took := time.Since(began); took < 19*time.Minute || took > 25*time.Hour {
				t.Errorf("the clock set back by %v: twenty more took %v", leap, took)
			}
			server.Close()
			_ = b.store.Close()
		})
	}
	t.Attr("tries", strconv.Itoa(tries))
}
