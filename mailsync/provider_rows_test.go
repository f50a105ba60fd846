package mailsync

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
	"rapport/records/phrase"
)

// desk is a mailbox at a provider, in a bubble.
type desk struct {
	*mailtest.Provider
	t       *testing.T
	reach   func(name, user string, sink *memSink) Options
	account *mailtest.ProviderAccount
	folder  *mailtest.ScriptFolder // where all of its mail is to be found
	sink    *memSink
	o       Options
}

// atProviders runs a test for a mailbox of n mails at each provider.
func atProviders(t *testing.T, n int, test func(t *testing.T, d *desk)) {
	t.Helper()
	for _, style := range []mailtest.Style{mailtest.StyleGmail, mailtest.StyleMicrosoft} {
		t.Run(string(style), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &desk{Provider: mailtest.NewProvider(style), t: t, sink: newSink()}
				d.reach = onProvider(t, d.Provider)
				d.account = d.Account("ada@example.org")
				d.folder = d.mailOf(d.account)
				for i := range n {
					d.folder.Messages = append(d.folder.Messages, d.mail(i+1))
				}
				d.o = d.reach("ada", "ada@example.org", d.sink)
				test(t, d)
				synctest.Wait()
				if bad := d.Violations(); len(bad) > 0 {
					t.Errorf("against the provider's limits: %v", bad)
				}
			})
		})
	}
}

// mailOf returns the folder in which a mailbox has its mail.
func (d *desk) mailOf(a *mailtest.ProviderAccount) *mailtest.ScriptFolder {
	if d.Style == mailtest.StyleGmail {
		return a.Folder("[Gmail]/All Mail")
	}
	return a.Folder("INBOX")
}

func (d *desk) mail(uid int) mailtest.ScriptMessage {
	return mailtest.ScriptMessage{UID: uint32(uid), Raw: mail(uid, "cleo@client.example", "ada@example.org", fmt.Sprint("mail ", uid), "hello"), Received: time.Now(), Labels: `\\Inbox`}
}

// has wants so many mails stored.
func (d *desk) has(when string, n int) {
	d.t.Helper()
	synctest.Wait()
	if got := len(d.sink.digests(d.folder.Name)); got != n {
		d.t.Errorf("%s: %s: %d mails are stored, want %d", d.Style, when, got, n)
	}
}

// unheard fails for whatever a person would be shown.
func (d *desk) unheard() {
	d.o.Failed = func(_ string, err error) {
		if err != nil {
			d.t.Errorf("%s: shown to the user: %v", d.Style, err)
		}
	}
}

// dials counts the connections that are asked for.
func (d *desk) dials() *atomic.Int32 {
	var n atomic.Int32
	dial := d.o.Dial
	d.o.Dial = func(ctx context.Context, address string) (net.Conn, error) { n.Add(1); return dial(ctx, address) }
	return &n
}

// TestM6_ProviderEndsSession has the token of a mailbox at each provider run
// out at every kind of command: the next one is asked for once, nothing is
// fetched twice, and nobody hears of it.
func TestM6_ProviderEndsSession(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, command := range []string{"LIST", "EXAMINE", "UID SEARCH", "BODY.PEEK[HEADER]", "BODY.PEEK[]", "IDLE"} {
		atProviders(t, 600, func(t *testing.T, d *desk) {
			try()
			var age, asked atomic.Int32
			token := func() string { return fmt.Sprint("token ", age.Load()) }
			d.Takes = func(_, secret string) bool { return secret == token() }
			answer := d.Hook
			d.Hook = func(c *mailtest.ScriptConn, said string) bool {
				if strings.Contains(said, command) {
					age.CompareAndSwap(0, 1)
				}
				return answer(c, said)
			}
			d.unheard()
			d.o.Mailbox.Connections = 1
			d.o.Mailbox.Password, d.o.Mailbox.Token = nil, func(context.Context) (string, error) { asked.Add(1); return token(), nil }
			y := runs(t, d.o)
			time.Sleep(2 * time.Minute)
			d.has("after the end of a session", 600)
			y.stop()
			if asked.Load() != 2 {
				t.Errorf("%s: %d tokens were asked for, want 2", command, asked.Load())
			}
		})
	}
}

// TestM7_HourlyTokens has tokens that live for an hour while a mailbox is read
// for six and mail keeps arriving: nothing is missed, nothing that was settled
// is fetched again, and nobody hears of it.
func TestM7_HourlyTokens(t *testing.T) {
	t.Parallel()
	const mails, perMail = 2000, 44 * time.Second // by a server that takes its time for each request
	atProviders(t, mails, func(t *testing.T, d *desk) {
		token := func() string { return strconv.FormatInt(time.Now().Unix()/3600, 10) }
		d.Takes = func(_, secret string) bool { return secret == token() }
		var mu sync.Mutex
		bodies, first, last := map[uint32]int{}, time.Now(), time.Time{}
		d.Provider.Fetch = func(_ *mailtest.ScriptConn, f *mailtest.ScriptFolder, m mailtest.ScriptMessage, items, usual string) string {
			if strings.Contains(items, "BODY.PEEK[]") {
				mu.Lock()
				defer mu.Unlock()
				if bodies[m.UID]++; m.UID <= mails {
					last = time.Now()
				}
				if p := d.sink.state(t, f.Name); p.Stored.Has(m.UID) {
					t.Errorf("%s: UID %d is fetched again after it was stored", d.Style, m.UID)
				}
			}
			return usual
		}
		answer := d.Hook
		d.Hook = func(c *mailtest.ScriptConn, command string) bool {
			if strings.Contains(command, "BODY.PEEK[]") {
				time.Sleep(perMail)
			}
			return answer(c, command)
		}
		for i := range d.folder.Messages {
			d.folder.Messages[i].Size = 1 << 20
		}
		d.o.Mailbox.Password, d.o.Mailbox.Token = nil, func(context.Context) (string, error) { return token(), nil }
		d.unheard()
		y := runs(t, d.o)
		n := mails
		for time.Since(first) < 9*time.Hour {
			time.Sleep(10 * time.Minute)
			n++
			d.Add(d.folder, d.mail(1000+n))
		}
		time.Sleep(10 * time.Minute)
		d.has("after nine hours", n)
		y.stop()
		if took := last.Sub(first); took < 6*time.Hour {
			t.Errorf("%s: reading took %s only", d.Style, took)
		}
		twice := 0
		for _, n := range bodies {
			twice += n - 1
		}
		if twice > 9*16 { // what was under way when a token ran out
			t.Errorf("%s: %d bodies were fetched again", d.Style, twice)
		}
	})
	t.Attr("tries", "18")
}

// TestM8_OneIsRevoked has the sign-in of one of three mailboxes taken back: it
// stops without another try, the others go on, and it does so once a hand has
// signed in again.
func TestM8_OneIsRevoked(t *testing.T) {
	t.Parallel()
	try := counted(t)
	atProviders(t, 5, func(t *testing.T, d *desk) {
		try()
		var revoked, again atomic.Bool
		d.Takes = func(mailbox, secret string) bool {
			return secret == "new "+mailbox || secret == "old "+mailbox && (mailbox != "ada@example.org" || !revoked.Load())
		}
		dials := d.dials()
		accounts := map[string]*mailtest.ProviderAccount{"ada@example.org": d.account}
		var boxes []running
		var sinks []*memSink
		for i, user := range []string{"ada@example.org", "bob@example.org", "carl@example.org"} {
			o := d.o
			if i > 0 {
				accounts[user] = d.Account(user)
				o = d.reach(user, user, newSink())
			}
			o.Mailbox.Password, o.Mailbox.Token = nil, func(context.Context) (string, error) {
				switch {
				case again.Load():
					return "new " + user, nil
				case revoked.Load() && user == "ada@example.org":
					return "", &AuthError{Login: user, Server: phrase.Verbatim("invalid_grant"), Fix: phrase.Verbatim("sign in again"), Final: true}
				}
				return "old " + user, nil
			}
			y := runs(t, o)
			t.Cleanup(y.stop)
			boxes, sinks = append(boxes, y), append(sinks, o.Sink.(*memSink))
		}
		time.Sleep(time.Hour)
		revoked.Store(true)
		time.Sleep(time.Hour)
		before := dials.Load()
		for i, user := range []string{"ada@example.org", "bob@example.org", "carl@example.org"} {
			d.Add(d.mailOf(accounts[user]), d.mail(100+i))
		}
		time.Sleep(48 * time.Hour)
		synctest.Wait()
		if n := dials.Load() - before; n > 0 || boxes[0].Status().State != message.StateStopped {
			t.Errorf("%s: %d connections for a sign-in that was taken back; status %+v", d.Style, n, boxes[0].Status())
		}
		for i, sink := range sinks[1:] {
			if n := len(sink.digests(d.folder.Name)); n != 1 || boxes[i+1].Status().State != message.StateWatching {
				t.Errorf("%s: mailbox %d beside has %d mails, want 1; status %+v", d.Style, i+1, n, boxes[i+1].Status())
			}
		}
		again.Store(true)
		boxes[0].Nudge()
		time.Sleep(time.Minute)
		d.has("after a new sign-in", 6)
	})
}

// TestM10_Outage has each provider lose its back end for an hour, as they say
// that: no storm, and all is well soon afterwards.
func TestM10_Outage(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, said := range []string{"BAD User is authenticated but not connected.", "NO Server Unavailable. 15", "NO [UNAVAILABLE] Temporary System Error (Failure)", "NO [ALERT] Account is temporarily unavailable. (Failure)"} {
		atProviders(t, 5, func(t *testing.T, d *desk) {
			try()
			dials := d.dials()
			y := runs(t, d.o)
			time.Sleep(time.Hour)
			d.Outage(said)
			before := dials.Load()
			d.Add(d.folder, d.mail(6))
			time.Sleep(time.Hour)
			if n := dials.Load() - before; n < 2 || n > 60 {
				t.Errorf("%s: %q: %d connections within an hour", d.Style, said, n)
			}
			d.Outage("")
			time.Sleep(20 * time.Minute)
			d.has(said, 6)
			if st := y.Status(); st.State != message.StateWatching || st.Error != "" {
				t.Errorf("%s: %q: after the outage %+v", d.Style, said, st)
			}
			y.stop()
		})
	}
}

// TestM11_ProviderRefuses has each provider refuse a password and a token:
// three tries, and none in the two days after.
func TestM11_ProviderRefuses(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, token := range []bool{false, true} {
		atProviders(t, 1, func(t *testing.T, d *desk) {
			try()
			d.Takes = func(string, string) bool { return false }
			dials := d.dials()
			if token {
				d.o.Mailbox.Password, d.o.Mailbox.Token = nil, func(context.Context) (string, error) { return "t", nil }
			}
			y := runs(t, d.o)
			time.Sleep(48 * time.Hour)
			if n := dials.Load(); n != 3 || y.Status().State != message.StateStopped {
				t.Errorf("%s: %d sign-ins in two days, want 3; status %+v", d.Style, n, y.Status())
			}
			y.stop()
			var denied *AuthError
			if err := y.Sync(t.Context()); !errors.As(err, &denied) || denied.Fix.String() == "" {
				t.Errorf("%s: Sync returned %v", d.Style, err)
			}
		})
	}
}

// TestM12_ProviderGrantsOne reads a mailbox with more folders than connections
// at each provider, and is told of the limit beforehand.
func TestM12_ProviderGrantsOne(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, most := range []int{1, 2} {
		atProviders(t, 400, func(t *testing.T, d *desk) {
			try()
			d.Connections, d.o.Mailbox.Connections = most, most
			y := runs(t, d.o)
			time.Sleep(10 * time.Minute)
			d.Add(d.folder, d.mail(1000))
			time.Sleep(16 * time.Minute)
			d.has("by few connections", 401)
			y.stop()
		})
	}
}

// TestM13_ProviderForgot has the machine sleep while each provider forgets its
// connections: they are dropped within a minute, and mail is found.
func TestM13_ProviderForgot(t *testing.T) {
	t.Parallel()
	try := counted(t)
	for _, slept := range []time.Duration{10 * time.Minute, 9 * time.Hour} {
		atProviders(t, 3, func(t *testing.T, d *desk) {
			try()
			var ahead atomic.Int64
			var dead atomic.Int32
			d.o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
			answer := d.Hook
			d.Hook = func(c *mailtest.ScriptConn, said string) bool { return int32(c.N) <= dead.Load() || answer(c, said) }
			y := runs(t, d.o)
			time.Sleep(3*time.Minute + 7*time.Second)
			synctest.Wait()
			dead.Store(int32(d.Opened()))
			ahead.Store(int64(slept))
			d.Lock()
			d.folder.Messages = append(d.folder.Messages, d.mail(4))
			d.Unlock()
			time.Sleep(time.Minute)
			d.has("a minute after waking", 4)
			y.stop()
		})
	}
}
