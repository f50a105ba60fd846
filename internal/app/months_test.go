package app

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rapport/delivery"
	"rapport/internal/mailtest"
	"rapport/internal/oauth"
	"rapport/records/contact"
	"rapport/records/message"
	"rapport/store"
	"rapport/web"
)

// months is two mailboxes left to themselves on a simulated clock: ada at a
// server like Microsoft's, by an app with a secret that ends, and bob at one
// like Gmail's, by a service account. The issuers live outside the bubble, and
// their clock shows when somebody inside looked last.
type months struct {
	*world
	issuer  *mailtest.Issuer
	servers map[string]*mailtest.Provider
	boxes   map[string]*mailtest.ProviderAccount
	dials   map[string]func(context.Context) (net.Conn, error)
	shown   atomic.Int64 // Unix seconds
	closed  atomic.Bool  // the issuer is out of order
	came    map[string]int
	told    []string // subjects and first lines of alerts

	system *system
	alerts *alerter
	stop   func()
}

// newMonths makes them, outside of the bubble.
func newMonths(t *testing.T) *months {
	t.Helper()
	m := &months{world: newWorld(t), issuer: mailtest.NewIssuer(), servers: map[string]*mailtest.Provider{}, boxes: map[string]*mailtest.ProviderAccount{},
		dials: map[string]func(context.Context) (net.Conn, error){}, came: map[string]int{}}
	t.Cleanup(m.issuer.Close)
	m.issuer.Microsoft, m.issuer.Clients = true, map[string]string{"app": "the first secret"}
	m.issuer.Now = func() time.Time { return time.Unix(m.shown.Load(), 0) }
	m.issuer.Reply = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Connection", "close") // a connection that waits would hold the bubble's clock
		if m.closed.Load() {
			http.Error(w, "out of order", http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	const email = "rapport@project.iam.example"
	raw, err := json.Marshal(oauth.ServiceKey{Type: "service_account", Email: email, KeyID: "k1",
		PrivateKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))})
	if err != nil {
		t.Fatal(err)
	}
	m.issuer.Services = map[string]*rsa.PublicKey{email: &key.PublicKey}
	m.write(filepath.Join(m.dir, "service.json"), string(raw))
	return m
}

// configured writes the configuration with a secret that ends on a day.
func (m *months) configured(secret string, ends time.Time) {
	m.issuer.Lock()
	m.issuer.Clients["app"] = secret
	m.issuer.Unlock()
	m.write(filepath.Join(m.dir, "client"), secret)
	m.write(m.file(), fmt.Sprintf("data_dir: data\nteam: {domains: [example.com]}\nmailboxes:\n"+
		"  - {name: ada, provider: outlook, host: \"127.0.0.1:1\", tls: none, user: ada@example.com, oauth: {issuer: microsoft, flow: app, tenant: example.com, client_id: app, client_secret_file: client, client_secret_expires: %s, token_url: %q}}\n"+
		"  - {name: bob, provider: gmail, host: \"127.0.0.1:2\", tls: none, user: bob@example.com, oauth: {issuer: google, service_account_file: service.json, token_url: %q}}\n",
		ends.Format(time.DateOnly), m.issuer.URL+"/token", m.issuer.URL+"/token"))
}

// serves starts the mail servers, inside the bubble.
func (m *months) serves(t *testing.T) {
	for host, style := range map[string]mailtest.Style{"127.0.0.1:1": mailtest.StyleMicrosoft, "127.0.0.1:2": mailtest.StyleGmail} {
		p, l := mailtest.NewProvider(style), mailtest.NewPipeListener()
		p.Takes = func(mailbox, token string) bool { m.looks(); return m.issuer.Takes(mailbox, token) }
		done := make(chan struct{})
		go func() { defer close(done); p.Serve(l) }()
		t.Cleanup(func() { l.Close(); p.Close(); <-done })
		name := map[mailtest.Style]string{mailtest.StyleMicrosoft: "ada", mailtest.StyleGmail: "bob"}[style]
		m.servers[name], m.dials[host], m.boxes[name] = p, l.Dial, p.Account(name+"@example.com")
	}
}

// looks shows the issuer the time.
func (m *months) looks() time.Time {
	now := time.Now()
	m.shown.Store(now.Unix())
	return now
}

// starts has a daemon's system work on the mailboxes.
func (m *months) starts(t *testing.T) {
	s, undo := m.built(RunOptions{Now: m.looks, Dial: func(ctx context.Context, address string) (net.Conn, error) { return m.dials[address](ctx) }})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.keeper.Run(ctx) })
	wg.Go(func() { s.wakeStopped(ctx) })
	s.fleet.watch(ctx)
	m.system, m.stop = s, func() { cancel(); wg.Wait(); s.fleet.wait(); undo() }
	m.alerts = (&daemonRun{system: s}).newAlerter()
	m.alerts.route = alertRoute{to: []string{"ada@example.com"}, send: func(_ context.Context, mail delivery.Mail) error {
		m.told = append(m.told, mail.Date.UTC().Format(time.DateOnly)+" "+mail.Subject+"\n"+mail.Text)
		return nil
	}}
}

// comes puts a mail from Carl into both mailboxes.
func (m *months) comes(day int) {
	for name, p := range m.servers {
		folder := "INBOX"
		if name == "bob" {
			folder = "[Gmail]/All Mail"
		}
		m.came[name]++
		now := time.Now()
		raw := fmt.Sprintf("Date: %s\r\nFrom: carl@press.example\r\nTo: %s@example.com\r\nSubject: day %d\r\nMessage-ID: <%d.%s@press.example>\r\n\r\nHello.\r\n",
			now.Format(time.RFC1123Z), name, day, day, name)
		p.Add(m.boxes[name].Folder(folder), mailtest.ScriptMessage{UID: uint32(day + 1), Raw: []byte(raw), Received: now, Labels: `\\Inbox`})
	}
}

// weather is what goes wrong by itself in a year.
func (m *months) weather(day int) {
	outage := map[string]string{"ada": "BAD User is authenticated but not connected.", "bob": "NO [UNAVAILABLE] Temporary System Error (Failure)"}
	for name, p := range m.servers {
		switch {
		case day%9 == 4:
			p.Outage(outage[name])
			time.AfterFunc(20*time.Minute, func() { p.Outage("") })
		case day%2 == 0:
			p.Disconnect("Server shutting down.")
		case day%13 == 7:
			p.Disconnect("")
		}
	}
	if day%11 == 5 {
		m.closed.Store(true)
		time.AfterFunc(45*time.Minute, func() { m.closed.Store(false) })
	}
}

// primed has made whatever packages start once and keep, which must not be of
// the bubble.
func (m *months) primed(t *testing.T) {
	t.Helper()
	m.configured("the first secret", time.Now().AddDate(1, 0, 0))
	s, undo := m.built(RunOptions{Now: m.looks})
	if _, err := s.store.Pack(t.Context(), message.Bytes("Subject: the first to be compressed\r\n\r\nHello.\r\n")); err != nil {
		t.Fatal(err)
	}
	undo()
}

// hours lets them pass, with a look for what is to be told in each.
func (m *months) hours(t *testing.T, n int) {
	t.Helper()
	for range n {
		time.Sleep(time.Hour)
		if err := m.alerts.turn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestM8_MonthsAlone leaves two mailboxes to themselves, for a year in full:
// tokens are renewed every hour, servers and issuers are out of order now and
// then, sessions end, the daemon is restarted. One hand is needed in all that
// time, for a secret that ends, and it is asked for thirty days ahead.
func TestM8_MonthsAlone(t *testing.T) {
	m := newMonths(t)
	m.primed(t)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ends := began.AddDate(0, 0, max(daysAlone-7, 32)).Truncate(24 * time.Hour)
		hand := ends.Add(-announceSecret).AddDate(0, 0, 6)
		m.configured("the first secret", ends)
		m.serves(t)
		m.starts(t)
		if _, err := m.system.intake.AddContact(t.Context(), "test", carl()); err != nil {
			t.Fatal(err)
		}
		for day := range daysAlone {
			m.comes(day)
			m.weather(day)
			if month := min(30, daysAlone/2); day%month == month-1 { // an upgrade
				m.stop()
				m.starts(t)
			}
			m.hours(t, 24)
			if time.Now().Truncate(24 * time.Hour).Equal(hand) { // somebody does what the mail says
				m.configured("the second secret", ends.AddDate(2, 0, 0))
				if err := os.Chtimes(filepath.Join(m.dir, "client"), time.Now(), time.Now()); err != nil {
					t.Fatal(err)
				}
				if err := m.system.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		m.proves(t, ends)
		m.stop()
	})
	t.Attr("tries", fmt.Sprint(daysAlone))
}

// TestM8_OneAlert has a sign-in broken for three days, with mail coming in, the
// server ending sessions and the daemon being restarted every day: one mail
// says so, another that it is over, and the issuer is asked once an hour at
// most, and once more after each start.
func TestM8_OneAlert(t *testing.T) {
	const days, byAssertion = 3, "urn:ietf:params:oauth:grant-type:jwt-bearer" // as a service account asks
	m := newMonths(t)
	m.primed(t)
	synctest.Test(t, func(t *testing.T) {
		m.configured("the first secret", time.Now().AddDate(2, 0, 0))
		m.serves(t)
		m.starts(t)
		if _, err := m.system.intake.AddContact(t.Context(), "test", carl()); err != nil {
			t.Fatal(err)
		}
		m.comes(0)
		m.hours(t, 2)
		m.issuer.Lock()
		keys := m.issuer.Services
		m.issuer.Services = nil // the key was deleted at the provider's
		m.issuer.Unlock()
		asked := m.issuer.Asked(byAssertion)
		for day := range days {
			m.comes(day + 1)
			m.servers["bob"].Disconnect("")
			m.hours(t, 23)
			m.stop()
			m.starts(t)
			m.hours(t, 1)
		}
		if len(m.told) != 1 || !strings.Contains(m.told[0], "Rapport: mailbox bob needs a hand") || !strings.Contains(m.told[0], "service account") {
			t.Errorf("people were told %q; want once that bob's mailbox needs a hand, and why", m.told)
		}
		if n := m.issuer.Asked(byAssertion) - asked; n > days*(24+2) {
			t.Errorf("the issuer was asked %d times in %d days", n, days)
		}
		m.issuer.Lock()
		m.issuer.Services = keys
		m.issuer.Unlock()
		m.hours(t, 4)
		if len(m.told) != 2 || !strings.Contains(m.told[1], "is well again") {
			t.Errorf("people were told %q; want that, and that it is well again", m.told)
		}
		filed := 0
		err := m.system.store.View(t.Context(), func(tx store.Tx) (err error) {
			filed, err = tx.Messages().Count()
			return err
		})
		if want := m.came["ada"] + m.came["bob"]; err != nil || filed != want {
			t.Errorf("%d mails are filed, %v; want %d", filed, err, want)
		}
		m.stop()
	})
	t.Attr("tries", fmt.Sprint(days+1))
}

// proves judges the time: all mail is filed, nobody was called but for the
// secret, and no limit was disregarded.
func (m *months) proves(t *testing.T, ends time.Time) {
	t.Helper()
	filed := 0
	err := m.system.store.View(t.Context(), func(tx store.Tx) (err error) {
		filed, err = tx.Messages().Count()
		return err
	})
	if want := m.came["ada"] + m.came["bob"]; err != nil || filed != want {
		t.Errorf("%d mails are filed, %v; want %d", filed, err, want)
	}
	announced := ends.Add(-announceSecret).Format(time.DateOnly)
	first := announced + " Rapport: client secret of app needs a hand"
	if len(m.told) != 2 || !strings.HasPrefix(m.told[0], first) || !strings.Contains(m.told[1], "is well again") {
		t.Errorf("people were told %q; want %q, and that it is well again", m.told, first)
	}
	for name, p := range m.servers {
		if bad := p.Violations(); len(bad) > 0 {
			t.Errorf("%s: against the provider's limits: %v", name, bad)
		}
	}
	found, err := m.system.Reconcile(t.Context())
	if err != nil || slices.ContainsFunc(found, func(r web.Reconciled) bool { return !r.Agrees }) {
		t.Errorf("not everything is settled: %+v, %v", found, err)
	}
	t.Logf("%d days: %d tokens, %d connections to ada's server and %d to bob's, %d mails", daysAlone, m.issuer.Asked(""), m.servers["ada"].Opened(), m.servers["bob"].Opened(), filed)
}

func carl() contact.Contact {
	return contact.Contact{Name: "Carl Weber", Addresses: []contact.Address{"carl@press.example"}, Kind: contact.Customer}
}
