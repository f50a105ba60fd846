package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"rapport/internal/mailtest"
	"rapport/records/access"
	"rapport/records/message"
	"rapport/store"
	"rapport/store/veil"
	"rapport/web"
)

// office is what the team's listener serves, put together as the daemon does,
// over a store into which marked mail of four mailboxes was filed, of which
// others see each another part; nothing is at work beside. People have signed
// in to it.
type office struct {
	*world
	s      *system
	server *httptest.Server
	client *web.Client
	local  context.Context // asks on behalf of the server's own command line
	staff  map[string]*person
	issuer *mailtest.Issuer // of the access tokens of the sender "letters"

	mu    sync.Mutex // guards clock
	clock time.Time
}

// The mailboxes of an office, and how much of each others see.
var officeBoxes = []struct{ name, visibility string }{{"ada", "metadata"}, {"ben", "subject"}, {"cleo", "private"}, {"dora", "full"}}

// The people of an office: what they are called, what they may, and what they
// see at most.
var officeStaff = []access.Account{
	{Name: "Mag", Address: "mag@example.com", Role: access.Administrator},
	{Name: "Meta", Address: "meta@example.com", Role: access.Administrator, Sees: access.Metadata},
	{Name: "Rea", Address: "rea@example.com", Role: access.Reader},
	{Name: "Sub", Address: "sub@example.com", Role: access.Reader, Sees: access.Subject},
	{Name: "Dat", Address: "dat@example.com", Role: access.Reader, Sees: access.Metadata},
	{Name: "Nil", Address: "nil@example.com", Role: access.Reader, Sees: access.Private},
	{Name: "Ada", Address: "ada@example.com", Role: access.Member},
	{Name: "Ben", Address: "ben@example.com", Role: access.Own},
}

// person is somebody's browser, signed in.
type person struct {
	*office
	http    *http.Client
	address string
	secret  string // of the authenticator app
}

const officePassword = "four words of mine"

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{world: newWorld(t, "ada", "ben", "cleo", "dora"), clock: time.Date(2026, 3, 9, 9, 0, 0, 0, time.UTC), staff: map[string]*person{}}
	var b strings.Builder
	b.WriteString("data_dir: data\nteam:\n  name: Example\n  domains: [example.com]\n  members:\n")
	for _, box := range officeBoxes {
		fmt.Fprintf(&b, "    - {name: %s, addresses: [%s@example.com]}\n", strings.ToUpper(box.name[:1])+box.name[1:], box.name)
	}
	b.WriteString("mailboxes:\n")
	for _, box := range officeBoxes {
		fmt.Fprintf(&b, "  - {name: %s, host: %q, tls: none, user: %[1]s@example.com, password_file: password, visibility: %[3]s}\n", box.name, o.imap.Addr, box.visibility)
	}
	o.issuer = mailtest.NewIssuer()
	t.Cleanup(o.issuer.Close)
	o.issuer.Microsoft, o.issuer.Person = true, "letters@example.com"
	fmt.Fprintf(&b, "senders:\n  - {name: letters, host: \"127.0.0.1:1\", tls: none, user: letters@example.com, from: letters@example.com, mailbox: dora, postal_address: \"1 Street\", "+
		"oauth: {issuer: microsoft, client_id: app, token_url: %q, auth_url: %q, device_url: %q}}\n", o.issuer.URL+"/token", o.issuer.URL+"/authorize", o.issuer.URL+"/device")
	b.WriteString("campaigns: campaigns/\npolicy:\n  exclude: [{address: boss@press.example, mode: protected}]\nweb: {listen: \"127.0.0.1:0\"}\n")
	o.write(o.file(), b.String())
	var stop func()
	o.s, stop = o.built(RunOptions{Now: o.time})
	t.Cleanup(stop)
	o.open()
	if _, err := o.client.AddOrganisation(o.local, web.OrganisationInput{Name: "Press Works", Domains: []string{"press.example"}, Kind: "customer"}); err != nil {
		t.Fatal(err)
	}
	o.knows("Carl Weber", "carl@press.example")
	o.arrive()
	o.server = httptest.NewServer(o.s.site())
	t.Cleanup(o.server.Close)
	for _, a := range officeStaff {
		o.staff[strings.ToLower(a.Name)] = o.hire(a)
	}
	return o
}

// open has the test ask the API as the server's own command line does.
func (o *office) open() {
	o.client, o.local = web.NewHandlerClient(o.s.handler), web.WithPrincipal(o.t.Context(), access.Principal{Kind: access.Local})
}

func (o *office) time() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.clock
}

func (o *office) pass(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clock = o.clock.Add(d)
}

// arrive delivers the marked mails and files them.
func (o *office) arrive() {
	o.t.Helper()
	for _, box := range officeBoxes {
		for n, raw := range mailtest.MarkedMails(box.name) {
			if err := o.imap.Append(box.name+"@example.com", "INBOX", []byte(raw), o.time().Add(time.Duration(n-60)*time.Minute)); err != nil {
				o.t.Fatal(err)
			}
		}
	}
	o.settle()
}

// settle files what has arrived, and leaves nothing for later.
func (o *office) settle() {
	o.t.Helper()
	if _, err := o.s.Sync(o.t.Context(), nil, func(message.SyncStatus) {}); err != nil {
		o.t.Fatal(err)
	}
	if err := o.s.store.Index(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) knows(name, email string) web.Contact {
	o.t.Helper()
	c, err := o.client.AddContact(o.local, web.ContactInput{Name: name, Emails: []string{email}, Kind: "customer"})
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

// hire invites somebody, who sets up a password and an app and is signed in.
func (o *office) hire(a access.Account) *person {
	o.t.Helper()
	_, link, err := o.s.auth.Invite(o.t.Context(), access.Principal{Kind: access.Local}, a)
	if err != nil {
		o.t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil {
		o.t.Fatal(err)
	}
	token := u.Query().Get("token")
	offer, err := o.s.auth.Offer(o.t.Context(), token)
	if err != nil {
		o.t.Fatal(err)
	}
	p := &person{office: o, http: browserOf(o.t), address: string(a.Address), secret: offer.Enrolment.Secret}
	form := url.Values{"token": {token}, "name": {a.Name}, "password": {officePassword}, "repeat": {officePassword}, "code": {p.code()}}
	if to, _ := p.post("/auth/setup", form); to.Header.Get("Location") != "/account?welcome=1" {
		o.t.Fatalf("%s sets up, and is led to %q (%s)", a.Name, to.Header.Get("Location"), to.Status)
	}
	return p
}

func browserOf(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// stranger is a browser that is not signed in.
func (o *office) stranger() *person { return &person{office: o, http: browserOf(o.t)} }

// code is the next one of somebody's app that was not used yet.
func (p *person) code() string {
	p.t.Helper()
	p.pass(time.Minute)
	code, err := totp.GenerateCode(p.secret, p.time())
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

// signIn signs in once more, in another browser.
func (p *person) signIn() *person {
	p.t.Helper()
	again := &person{office: p.office, http: browserOf(p.t), address: p.address, secret: p.secret}
	form := url.Values{"address": {p.address}, "password": {officePassword}, "code": {p.code()}, "next": {"/keys"}}
	if to, _ := again.post("/auth/sign-in", form); to.Header.Get("Location") != "/keys" {
		p.t.Fatalf("%s signs in, and is led to %q (%s)", p.address, to.Header.Get("Location"), to.Status)
	}
	return again
}

// eyes are what somebody sees, by the configuration.
func (p *person) eyes() veil.Eyes {
	p.t.Helper()
	e := veil.Eyes{Boxes: p.s.mailboxesShown()}
	if p.address == "" {
		return e
	}
	u, err := p.s.auth.User(p.t.Context(), p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	e.Who = u.Principal("")
	return e
}

// do sends a request and returns its answer with all of its body.
func (p *person) do(r *http.Request) (*http.Response, string) {
	p.t.Helper()
	resp, err := p.http.Do(r)
	if err != nil { // several read at once, so none ends the test
		p.t.Error(err)
		return &http.Response{Header: http.Header{}}, ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Error(err)
	}
	return resp, string(body)
}

func (p *person) request(method, path, contentType, body string) *http.Request {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.server.URL+path, strings.NewReader(body))
	if err != nil {
		panic(err) // a test that asks for no address
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

func (p *person) get(path string) (*http.Response, string) {
	p.t.Helper()
	return p.do(p.request(http.MethodGet, path, "", ""))
}

const formType = "application/x-www-form-urlencoded"

func (p *person) post(path string, form url.Values) (*http.Response, string) {
	p.t.Helper()
	return p.do(p.request(http.MethodPost, path, formType, form.Encode()))
}

// stamp says when the store was last written.
func (o *office) stamp() string {
	o.t.Helper()
	info, err := os.Stat(filepath.Join(o.dataDir(), "rapport.db"))
	if err != nil {
		o.t.Fatal(err)
	}
	return fmt.Sprint(info.Size(), info.ModTime())
}

// bytes is a digest of all that is in the store.
func (o *office) bytes() string {
	o.t.Helper()
	f, err := os.Open(filepath.Join(o.dataDir(), "rapport.db"))
	if err != nil {
		o.t.Fatal(err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		o.t.Fatal(err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// messages are all that is stored, by mailbox.
func (o *office) messages() map[string][]message.Message {
	o.t.Helper()
	out := map[string][]message.Message{}
	err := o.s.store.View(o.t.Context(), func(tx store.Tx) error {
		all, err := store.Where(tx.Messages().List, func(message.ID) (bool, error) { return true, nil })
		for _, id := range all {
			m, err := tx.Messages().Get(id)
			if err != nil {
				return err
			}
			out[m.Holdings[0].Mailbox] = append(out[m.Holdings[0].Mailbox], m)
		}
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}
