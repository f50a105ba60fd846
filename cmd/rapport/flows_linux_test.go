package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
)

// flow is one way to access tokens, from its set-up to its end.
type flow struct {
	name  string
	style mailtest.Style
	keys  string        // of oauth
	skew  time.Duration // of the issuer's clock
	// proves gives the program what proves it, anew each time, and makes it known
	// to the issuer. Nil where a person signs in.
	proves func(f *flowSite)
	ends   func(i *mailtest.Issuer) // the issuer gives nothing from now on; the lock is held
	says   string                   // what the mailbox says then
}

// flowSite is an installation that goes through a flow, and what must not be seen.
type flowSite struct {
	*guideFakes
	flow    flow
	c       *canaries
	d       *daemon
	inbox   *mailtest.ScriptFolder
	mails   uint32
	expires atomic.Bool // at the next FETCH
	expired atomic.Int64
}

const flowUser = "ada@example.com"

var (
	byHandEnds = func(i *mailtest.Issuer) {}
	flows      = []flow{
		{name: "device", style: mailtest.StyleMicrosoft, keys: "client_id: app", skew: 3 * time.Hour, ends: byHandEnds, says: "rapport auth login ada"},
		{name: "browser at Microsoft", style: mailtest.StyleMicrosoft, keys: "client_id: app, flow: code", skew: -3 * time.Hour, ends: byHandEnds, says: "rapport auth login ada"},
		{name: "browser at Google", style: mailtest.StyleGmail, keys: "client_id: app, client_secret_file: client", skew: 3 * time.Hour, ends: byHandEnds, says: "rapport auth login ada"},
		{name: "app by secret", style: mailtest.StyleMicrosoft, keys: "client_id: app, flow: app, tenant: example.com, client_secret_file: client", skew: -3 * time.Hour, proves: (*flowSite).newSecret,
			ends: func(i *mailtest.Issuer) { i.Clients["app"] = "another" }, says: "AADSTS7000215"},
		{name: "app by certificate", style: mailtest.StyleMicrosoft, keys: "client_id: app, flow: app, tenant: example.com, certificate_file: client", skew: 3 * time.Hour, proves: (*flowSite).newCertificate,
			ends: func(i *mailtest.Issuer) { i.Certificates = nil }, says: "AADSTS700027"},
		{name: "service account", style: mailtest.StyleGmail, keys: "service_account_file: client", skew: -3 * time.Hour, proves: (*flowSite).newServiceKey,
			ends: func(i *mailtest.Issuer) { i.Services = nil }, says: "Google does not know the service account's key"},
	}
)

// newSecret gives the app another secret.
func (f *flowSite) newSecret() {
	secret := "S3CRET-" + rand.Text()
	f.c.add("the client secret", secret)
	f.issuer.Lock()
	f.issuer.Clients["app"] = secret
	f.issuer.Unlock()
	f.write("client", []byte(secret+"\n"))
}

// newKey makes a private key that must not be seen.
func (f *flowSite) newKey() (*rsa.PrivateKey, string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	f.must(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	f.must(err)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	f.c.add("a line of the private key", strings.Split(text, "\n")[5])
	return key, text
}

// newCertificate gives the app another certificate.
func (f *flowSite) newCertificate() {
	key, text := f.newKey()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "rapport"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(60 * 24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	f.must(err)
	cert, err := x509.ParseCertificate(der)
	f.must(err)
	f.issuer.Lock()
	f.issuer.Certificates = map[string]*x509.Certificate{"app": cert}
	f.issuer.Unlock()
	f.write("client", append([]byte(text), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...))
}

// newServiceKey gives the service account another key.
func (f *flowSite) newServiceKey() {
	key, text := f.newKey()
	const email = "rapport@project.iam.example"
	raw, err := json.Marshal(map[string]string{"type": "service_account", "client_email": email, "private_key_id": rand.Text(), "private_key": text})
	f.must(err)
	f.issuer.Lock()
	f.issuer.Services = map[string]*rsa.PublicKey{email: &key.PublicKey}
	f.issuer.Unlock()
	f.write("client", raw)
}

// newFlowSite sets a flow up with the built program.
func newFlowSite(t *testing.T, w flow) *flowSite {
	t.Helper()
	f := &flowSite{guideFakes: fakes(t, w.style, "", flowUser), flow: w, c: &canaries{t: t, words: map[string]string{}}}
	a := f.provider.Account(flowUser) // the last one made counts
	if f.inbox = a.Folder("INBOX"); w.style == mailtest.StyleGmail {
		f.inbox = a.Folder("[Gmail]/All Mail")
	}
	f.issuer.Lock()
	f.issuer.Rotate = true
	f.issuer.Now = func() time.Time { return time.Now().Add(w.skew) }
	f.issuer.Unlock()
	plain := f.provider.Hook
	f.provider.Hook = func(c *mailtest.ScriptConn, command string) bool {
		if strings.Contains(command, "FETCH") && f.expires.CompareAndSwap(true, false) {
			f.issuer.Expire()
			f.expired.Add(1)
		}
		return plain(c, command)
	}
	f.tokensLive(30 * time.Second) // so short that every sign-in needs a new one
	f.newSecret()
	if w.proves != nil {
		w.proves(f)
	}
	if !strings.Contains(w.keys, "client_secret_file") {
		f.issuer.Lock()
		f.issuer.Clients["app"] = ""
		f.issuer.Unlock()
	}
	provider := map[mailtest.Style]string{mailtest.StyleGmail: "gmail", mailtest.StyleMicrosoft: "outlook"}[w.style]
	f.write("config.yaml", fmt.Appendf(nil, "data_dir: data\nteam: {domains: [example.com]}\nlog: {level: debug}\nweb: {listen: \"127.0.0.1:0\"}\nmailboxes:\n"+
		"  - {name: ada, provider: %s, host: %q, tls: none, user: %s, oauth: {token_url: %q, auth_url: %q, device_url: %q, %s}}\n",
		provider, f.address, flowUser, f.issuer.URL+"/token", f.issuer.URL+"/authorize", f.issuer.URL+"/device", w.keys))
	return f
}

// tokensLive says for how long those hold that are given from now on.
func (f *flowSite) tokensLive(d time.Duration) {
	f.issuer.Lock()
	defer f.issuer.Unlock()
	f.issuer.Life = d
}

// comes puts a mail of a known person into the mailbox.
func (f *flowSite) comes() {
	f.mails++
	at := time.Now().Add(-time.Hour)
	raw := fmt.Sprintf("Date: %s\r\nFrom: carl@press.example\r\nTo: %s\r\nSubject: Hello %d\r\nMessage-ID: <%d@press.example>\r\n\r\nHello.\r\n",
		at.Format(time.RFC1123Z), flowUser, f.mails, f.mails)
	f.provider.Add(f.inbox, mailtest.ScriptMessage{UID: f.mails, Raw: []byte(raw), Received: at})
}

// reads waits until every mail that came is stored.
func (f *flowSite) reads(what string) {
	f.t.Helper()
	f.d.until(what, func(ctx context.Context) bool {
		st, err := f.d.client.Status(ctx)
		return err == nil && st.Totals.Stored == int(f.mails)
	})
	f.notes()
}

// notes adds every token there is to what must not be seen.
func (f *flowSite) notes() {
	for _, token := range f.issuer.Tokens() {
		f.c.add("a token", token)
	}
}

// signsIn has the person sign in, and looks at the process list meanwhile.
func (f *flowSite) signsIn() {
	f.t.Helper()
	f.waiting = func() { f.notes(); f.processes() }
	f.c.clean("rapport auth login", f.types("rapport auth login ada"))
	f.notes()
}

// processes looks at what every user of this machine sees of all processes.
func (f *flowSite) processes() {
	f.t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	f.must(err)
	ours := false
	for _, file := range found {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		ours = ours || strings.Contains(string(raw), f.bin)
		f.c.clean(file, string(raw))
	}
	if !ours {
		f.t.Error("the daemon is not in the process list")
	}
	f.process(f.c, f.d)
}

// asks runs a command and looks at what it says.
func (f *flowSite) asks(args ...string) {
	f.t.Helper()
	got := f.try(f.command(args...))
	f.c.clean("rapport "+strings.Join(args, " "), got.out+got.err)
}

// TestM8_EveryFlow goes through every way to access tokens with the built
// program, by an issuer whose clock is three hours off: signed in, mail read, a
// token that ends in the middle of a FETCH, renewed and rotated, given nothing
// any more, and mended; after a kill -9 it goes on. Tokens and secrets are in no
// log, answer, process list, file of the store, backup or export.
func TestM8_EveryFlow(t *testing.T) {
	t.Parallel()
	var tries atomic.Int64
	t.Run("flows", func(t *testing.T) {
		for _, w := range flows {
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				f := newFlowSite(t, w)
				f.goThrough()
				tries.Add(int64(f.c.seen))
			})
		}
	})
	t.Attr("tries", strconv.Itoa(int(tries.Load())))
}

func (f *flowSite) goThrough() {
	t := f.t
	t.Helper()
	f.run("contact", "import", f.write("people.csv", []byte("name,email\nCarl Weber,carl@press.example\n")))
	f.comes()
	f.starting()
	byHand := f.flow.proves == nil
	if byHand {
		f.stops("nobody has signed in")
		f.signsIn()
	}
	f.reads("the first mail")

	f.expires.Store(true)
	f.comes()
	f.reads("the mail in whose FETCH the token ended")
	if f.expired.Load() != 1 {
		t.Errorf("the token ended %d times in a FETCH", f.expired.Load())
	}
	f.must(f.d.cmd.Process.Kill())
	<-f.d.ended
	f.comes()
	f.tokensLive(5 * time.Second) // while a token seems good, the issuer's refusal stops nothing
	f.starting()
	f.reads("the mail after a kill")
	f.processes()

	f.issuer.Lock()
	f.flow.ends(f.issuer)
	f.issuer.Unlock()
	if byHand {
		f.issuer.Revoke(flowUser)
	}
	f.issuer.Expire()
	before := f.issuer.Asked("")
	f.provider.Disconnect("Session invalidated - AccessTokenExpired")
	f.stops(f.flow.says)
	f.asks("auth", "status", "--json")
	f.asks("doctor", "--json")
	if n := f.issuer.Asked("") - before; n > 3 {
		t.Errorf("an issuer that gives nothing was asked %d times", n)
	}
	f.comes()
	f.tokensLive(30 * time.Second)
	if byHand {
		f.signsIn()
	} else {
		f.flow.proves(f)
	}
	f.reads("the mail after it was mended")
	f.everywhere()
}

// starting runs the daemon, logging all it can.
func (f *flowSite) starting() {
	f.t.Helper()
	f.d = f.starts(func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "RAPPORT_TRACE=1") })
	f.d.answers()
}

// stops waits until the mailbox has stopped, for a reason that says something.
func (f *flowSite) stops(says string) {
	f.t.Helper()
	f.d.until("the mailbox stops: "+says, func(ctx context.Context) bool {
		st, err := f.d.client.Status(ctx)
		return err == nil && st.Mailboxes[0].State == message.StateStopped && strings.Contains(st.Mailboxes[0].Error, says)
	})
}

// everywhere looks for what must not be seen in all that comes out.
func (f *flowSite) everywhere() {
	f.t.Helper()
	f.must(os.MkdirAll(filepath.Join(f.dir, "out"), 0o700))
	for _, args := range [][]string{{"status", "--json"}, {"auth", "status", "--json"}, {"auth", "guide"}, {"doctor", "--json"}, {"audit", "--json"}, {"config", "plan", f.config},
		{"store", "backup", filepath.Join(f.dir, "out", "b.backup")}, {"export", filepath.Join(f.dir, "out", "export")}} {
		f.asks(args...)
	}
	f.pages(f.c, f.d)
	f.processes()
	f.d.stop()
	logs, err := filepath.Glob(filepath.Join(f.dir, "daemon-*.log"))
	f.must(err)
	for _, log := range logs {
		raw, err := os.ReadFile(log)
		f.must(err)
		if !strings.Contains(string(raw), "msg=imap") {
			f.t.Errorf("%s holds no trace", log)
		}
		f.c.clean(log, string(raw))
	}
	f.c.cleanDir(f.dataDir, "key")
	f.c.cleanDir(filepath.Join(f.dir, "out"))
	if len(f.c.words) < 12 {
		f.t.Errorf("only %d words were looked for", len(f.c.words))
	}
}
