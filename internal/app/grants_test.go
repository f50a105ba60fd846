package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rapport/internal/mailtest"
	"rapport/records/message"
	"rapport/web"
)

// tokenWorld is a world whose mailbox ada takes access tokens only, of an
// issuer that answers as Microsoft's does.
type tokenWorld struct {
	*world
	issuer *mailtest.Issuer
	server *mailtest.ScriptIMAP
	inbox  *mailtest.ScriptFolder
	n      uint32
	end    atomic.Pointer[endAt]
	later  atomic.Int64 // how far everybody's clock is ahead of the real one
}

// pass has time go by, for the daemon and the issuer.
func (w *tokenWorld) pass(d time.Duration) { w.later.Add(int64(d)) }

// newTokenWorld makes one; oauth are the keys of the mailbox's oauth.
func newTokenWorld(t *testing.T, oauth string) *tokenWorld {
	t.Helper()
	w := &tokenWorld{world: newWorld(t), issuer: mailtest.NewIssuer(), inbox: &mailtest.ScriptFolder{Name: "INBOX", UIDValidity: 7}}
	t.Cleanup(w.issuer.Close)
	w.now = func() time.Time { return time.Now().Add(time.Duration(w.later.Load())) }
	w.issuer.Now = w.now
	w.issuer.Microsoft, w.issuer.Rotate, w.issuer.Person = true, true, "ada@example.com"
	w.server = &mailtest.ScriptIMAP{Capabilities: "IMAP4rev1 IDLE ESEARCH SASL-IR AUTH=XOAUTH2", Folders: []*mailtest.ScriptFolder{w.inbox}, Hook: w.signsIn}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); w.server.Serve(l) }()
	t.Cleanup(func() { w.server.Close(); <-done })
	w.write(w.file(), fmt.Sprintf("data_dir: data\nteam: {domains: [example.com]}\nlog: {level: debug}\nweb: {listen: \"127.0.0.1:0\"}\nmailboxes:\n"+
		"  - {name: ada, host: %q, tls: none, user: ada@example.com, oauth: {issuer: microsoft, client_id: app, token_url: %q, auth_url: %q, device_url: %q%s}}\n",
		l.Addr(), w.issuer.URL+"/token", w.issuer.URL+"/authorize", w.issuer.URL+"/device", oauth))
	return w
}

// signsIn takes the tokens that the issuer says are good.
func (w *tokenWorld) signsIn(c *mailtest.ScriptConn, command string) bool {
	if e := w.end.Load(); e != nil && strings.Contains(command, e.word) && e.ended.CompareAndSwap(false, true) {
		c.Send("* BYE Session invalidated - AccessTokenExpired\r\n")
		c.Close()
		return true
	}
	words, ok := strings.CutPrefix(command, "AUTHENTICATE XOAUTH2 ")
	if !ok {
		return false
	}
	user, token, ok := mailtest.Bearer(words)
	if !ok || !w.issuer.Takes(user, token) {
		c.No("AUTHENTICATE failed.")
		return true
	}
	return false
}

// comes puts a mail into the mailbox.
func (w *tokenWorld) comes(subject string) {
	w.n++
	at := time.Now().Add(-time.Hour)
	raw := fmt.Sprintf("Date: %s\r\nFrom: carl@press.example\r\nTo: ada@example.com\r\nSubject: %s\r\nMessage-ID: <%d@press.example>\r\n\r\nHello.\r\n",
		at.Format(time.RFC1123Z), subject, w.n)
	w.server.Add(w.inbox, mailtest.ScriptMessage{UID: w.n, Raw: []byte(raw), Received: at})
}

// signIn has the person sign in with a code.
func (w *tokenWorld) signIn(c *web.Client) web.Grant {
	w.t.Helper()
	g, err := c.SignInGrant(w.t.Context(), "ada", "", func(s web.GrantStep) {
		if err := w.issuer.Approve(s.Code); err != nil {
			w.t.Error(err)
		}
	})
	if err != nil {
		w.t.Fatalf("sign in: %v", err)
	}
	return g
}

// endsAt has the server end the session for its age at the next command that
// holds a word, once, and returns whether it did.
func (w *tokenWorld) endsAt(word string) func() bool {
	var ended atomic.Bool
	w.end.Store(&endAt{word, &ended})
	return ended.Load
}

type endAt struct {
	word  string
	ended *atomic.Bool
}

// stands waits until the mailbox is in a state.
func (r *live) stands(want message.State) (m message.MailboxStatus) {
	r.t.Helper()
	eventually(r.t, "mailbox ada "+string(want), func() error {
		st, err := r.client.Status(r.t.Context())
		if err != nil {
			return err
		}
		if m = st.Mailboxes[0]; m.State != want {
			return fmt.Errorf("state %s, error %q", m.State, m.Error)
		}
		return nil
	})
	return m
}

// TestM8_SignInByToken goes the whole way of a mailbox without a password:
// nobody has signed in, somebody does, its mail is read, the session expires
// with new mail on its way, the sign-in is taken back, and made again. The
// secrets of it are nowhere to be seen.
func TestM8_SignInByToken(t *testing.T) {
	t.Parallel()
	w := newTokenWorld(t, "")
	w.comes("the first")
	r := w.runs()
	knows(t, r.client, "Carl Weber", "carl@press.example")
	if m := r.stands(message.StateStopped); !strings.Contains(m.Error, "rapport auth login ada") {
		t.Errorf("before the sign-in: %q", m.Error)
	}
	g := w.signIn(r.client)
	for _, f := range g.Findings {
		if !f.OK {
			t.Errorf("after the sign-in: %+v", f)
		}
	}
	r.has("carl@press.example", "the first")
	secrets := w.issuer.Tokens()

	w.pass(20 * time.Minute)
	w.issuer.Expire()
	ended := w.endsAt("FETCH")
	w.comes("the second")
	r.has("carl@press.example", "the second")
	if n := w.issuer.Asked("refresh_token"); !ended() || n != 1 {
		t.Errorf("the session expired: %v, with %d refreshes", ended(), n)
	}
	secrets = append(secrets, w.issuer.Tokens()...)

	w.pass(20 * time.Minute)
	w.issuer.Revoke("ada@example.com")
	asked := w.issuer.Asked("refresh_token")
	w.endsAt("DONE")
	w.comes("the third")
	r.stands(message.StateStopped)
	page, err := r.client.Grants(t.Context())
	if err != nil || page.Items[0].State != web.GrantStopped || page.Items[0].Fix != "run: rapport auth login ada" {
		t.Errorf("after it was taken back: %+v, %v", page.Items, err)
	}
	if n := w.issuer.Asked("refresh_token") - asked; n > 2 {
		t.Errorf("a sign-in that was taken back was tried %d times", n)
	}
	found, err := r.client.Doctor(t.Context())
	if err != nil || !strings.Contains(fmt.Sprint(found), "AADSTS50173") {
		t.Errorf("doctor does not say what is wrong: %+v, %v", found, err)
	}
	w.signIn(r.client)
	r.has("carl@press.example", "the third")
	unseen(t, r, append(secrets, w.issuer.Tokens()...))
	t.Attr("tries", "1")
}

// unseen looks for secrets in all that is logged, answered and stored.
func unseen(t *testing.T, r *live, secrets []string) {
	t.Helper()
	var said strings.Builder
	st, err1 := r.client.Status(t.Context())
	grants, err2 := r.client.Grants(t.Context())
	conf, err3 := r.client.Configuration(t.Context())
	audit, err4 := r.client.Audit(t.Context(), "", web.Slice{})
	found, err5 := r.client.Doctor(t.Context())
	backup := r.client.Backup(t.Context(), &said)
	if err := errors.Join(err1, err2, err3, err4, err5, backup); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&said, "%+v %+v %+v %+v %+v\n%s", st, grants, conf, audit, found, r.log)
	r.end()
	files := 0
	err := filepath.WalkDir(r.dataDir(), func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		raw, err := os.ReadFile(path)
		said.Write(raw)
		return err
	})
	if err != nil || files < 3 {
		t.Fatalf("%d files of the store were looked at, %v", files, err)
	}
	for _, secret := range secrets {
		if strings.Contains(said.String(), secret) {
			t.Errorf("the secret %q is to be seen", secret)
		}
	}
	if len(secrets) < 4 {
		t.Errorf("only %d secrets were looked for", len(secrets))
	}
}

// TestAppOnlyStepByStep sets an app up wrongly in one way after the other:
// doctor names the step each time.
func TestAppOnlyStepByStep(t *testing.T) {
	t.Parallel()
	w := newTokenWorld(t, ", flow: app, tenant: example.com, client_secret_file: client, client_secret_expires: "+time.Now().AddDate(0, 0, 20).Format(time.DateOnly))
	w.write(filepath.Join(w.dir, "client"), "S3CRET-app")
	w.issuer.Clients = map[string]string{}
	c, stop := w.built(RunOptions{})
	defer stop()
	says := func(want string) {
		t.Helper()
		found, err := c.Doctor(context.Background())
		text := fmt.Sprint(found)
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("doctor = %s, %v; want %q", text, err, want)
		}
		boxes, _ := c.fleet.all()
		src := c.source(c.config(), grantUser{name: "ada", account: boxes[0].cfg.Account})
		if err := src.Forget(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	says("AADSTS700016")
	w.issuer.Clients["app"] = "another"
	says("AADSTS7000215")
	w.issuer.Clients["app"], w.issuer.Roles = "S3CRET-app", []string{"User.Read"}
	says("Office 365 Exchange Online > Application permissions > IMAP.AccessAsApp")
	w.issuer.Roles = nil
	w.server.Hook = func(c *mailtest.ScriptConn, command string) bool {
		if strings.HasPrefix(command, "AUTHENTICATE") {
			c.No("AUTHENTICATE failed.")
			return true
		}
		return false
	}
	says("rapport auth guide ada")
	w.server.Hook = func(c *mailtest.ScriptConn, command string) bool {
		if strings.HasPrefix(command, "LIST") {
			c.Send(c.Tag + " BAD User is authenticated but not connected.\r\n")
			return true
		}
		return false
	}
	says("Add-MailboxPermission -Identity ada@example.com")
	w.server.Hook = w.signsIn
	says("are read: INBOX")
	soon := c.secretTroubles()
	if len(soon) != 1 || soon[0].state != wrong || !soon[0].Urgent || !strings.Contains(soon[0].Text, "client_secret_expires") {
		t.Errorf("a secret that ends in 20 days is not announced: %+v", soon)
	}
	if strings.Contains(w.log.String(), "S3CRET-app") {
		t.Error("the client secret is in the log")
	}
}
