package mailtest

import (
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// Provider is a scripted provider of many mailboxes: it signs in by password
// or token, grants each account so many connections and bytes, refuses what is
// too much in the words of the one it resembles, and writes down whoever
// disregards that. Fields are set before Serve; methods may be used concurrently.
type Provider struct {
	ScriptIMAP
	Style Style
	Now   func() time.Time // nil: time.Now
	// Takes tells whether a secret, a password or a token, opens a mailbox; it
	// is asked again with every command, as tokens run out. Nil: every one does.
	Takes func(mailbox, secret string) bool

	Connections int   // of one account at once; 0: any number
	DailyBytes  int64 // of one account in any 24 hours; 0: any number
	// Backoff is what a client is told to wait after Burst commands within a
	// minute; Burst 0: never.
	Backoff time.Duration
	Burst   int

	mu         sync.Mutex // guards what follows
	accounts   map[string]*ProviderAccount
	signedIn   map[*ScriptConn]*signedIn
	violations []string
	outage     string
}

// Style is whom a provider resembles.
type Style string

// The styles.
const (
	StyleGmail     Style = "gmail"
	StyleMicrosoft Style = "microsoft"
)

// ProviderAccount is one mailbox of a provider.
type ProviderAccount struct {
	Name    string
	Folders []*ScriptFolder

	bytes    []spentBytes // of the last day, oldest first
	commands []time.Time  // of the last minute
	until    time.Time    // commands are refused
}

type spentBytes struct {
	at time.Time
	n  int64
}

type signedIn struct {
	account *ProviderAccount
	secret  string
}

// NewProvider returns a provider that behaves as the one it resembles.
func NewProvider(style Style) *Provider {
	p := &Provider{Style: style, accounts: map[string]*ProviderAccount{}, signedIn: map[*ScriptConn]*signedIn{}}
	p.Capabilities = "IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS SASL-IR AUTH=XOAUTH2 AUTH=PLAIN AUTH=OAUTHBEARER"
	p.Greeting = "* OK Gimap ready for requests from 192.0.2.1 x1"
	p.Connections, p.DailyBytes = 15, 2_500_000_000
	if style == StyleMicrosoft {
		p.Capabilities = "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"
		p.Greeting = "* OK The Microsoft Exchange IMAP4 service is ready. [QQBBAA==]"
		p.DailyBytes = 0
	}
	p.Hook, p.Sent = p.hook, p.count
	return p
}

// Account makes a mailbox with the folders of its provider.
func (p *Provider) Account(name string) *ProviderAccount {
	folders := [][2]string{{"INBOX", `\HasNoChildren`}, {"[Gmail]", `\HasChildren \NoSelect`}, {"[Gmail]/All Mail", `\HasNoChildren \All`},
		{"[Gmail]/Sent Mail", `\HasNoChildren \Sent`}, {"[Gmail]/Drafts", `\HasNoChildren \Drafts`}, {"[Gmail]/Spam", `\HasNoChildren \Junk`},
		{"[Gmail]/Starred", `\HasNoChildren \Flagged`}, {"[Gmail]/Trash", `\HasNoChildren \Trash`}, {"Private", `\HasNoChildren`}}
	if p.Style == StyleMicrosoft {
		folders = [][2]string{{"INBOX", `\Marked \HasNoChildren`}, {"Sent Items", `\Sent`}, {"Drafts", `\Drafts`}, {"Deleted Items", `\Trash`},
			{"Junk Email", `\Junk`}, {"Archive", `\Archive`}, {"Calendar", ""}, {"Contacts", ""}, {"Conversation History", ""}, {"Sync Issues", ""}, {"Outbox", ""}}
	}
	a := &ProviderAccount{Name: name}
	for i, f := range folders {
		a.Folders = append(a.Folders, &ScriptFolder{Name: f[0], Attributes: f[1], UIDValidity: uint32(600 + i)})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accounts[strings.ToLower(name)] = a
	return a
}

// Rename gives a mailbox another name to sign in by.
func (p *Provider) Rename(from, to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accounts[strings.ToLower(to)] = p.accounts[strings.ToLower(from)]
	delete(p.accounts, strings.ToLower(from))
}

// Folder returns a folder by its name, nil where there is none.
func (a *ProviderAccount) Folder(name string) *ScriptFolder {
	for _, f := range a.Folders {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// Violations returns what was asked for against the provider's limits.
func (p *Provider) Violations() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.violations...)
}

// Connected returns how many connections are signed in to a mailbox now; those
// that are gone are forgotten.
func (p *Provider) Connected(a *ProviderAccount) (n int) {
	p.Lock() // before p.mu: connections hold it where they count what they send
	defer p.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	for c, in := range p.signedIn {
		switch {
		case !p.conns[c]:
			delete(p.signedIn, c)
		case in.account == a:
			n++
		}
	}
	return n
}

func (p *Provider) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

func (p *Provider) hook(c *ScriptConn, command string) bool {
	words := strings.Fields(command)
	if len(words) == 0 {
		return false
	}
	verb := strings.ToUpper(words[0])
	switch verb {
	case "CAPABILITY", "LOGOUT", "NOOP", "DONE":
		return false
	}
	p.mu.Lock()
	outage := p.outage
	p.mu.Unlock()
	if outage != "" {
		c.Send(c.Tag + " " + outage + "\r\n")
		return true
	}
	switch verb {
	case "AUTHENTICATE":
		p.authenticate(c, words)
		return true
	case "LOGIN":
		if len(words) == 3 {
			p.signIn(c, strings.Trim(words[1], `"`), strings.Trim(words[2], `"`))
		}
		return true
	}
	p.mu.Lock()
	in := p.signedIn[c]
	p.mu.Unlock()
	if in == nil {
		c.Send(c.Tag + " BAD User is not authenticated\r\n")
		return true
	}
	if p.Takes != nil && !p.Takes(in.account.Name, in.secret) {
		c.Send("* BYE Session invalidated - AccessTokenExpired\r\n")
		c.Close()
		return true
	}
	if said := p.refuse(in.account, words); said != "" {
		c.No(said)
		return true
	}
	return false
}

// refuse says why a command is too much; "" where it is not.
func (p *Provider) refuse(a *ProviderAccount, words []string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now.Before(a.until) {
		if left := a.until.Sub(now); left < p.Backoff-2*time.Second { // what was under way is no disregard
			p.violations = append(p.violations, fmt.Sprintf("%s: %s came %s too early", a.Name, words[0], left))
		}
		return p.throttled(a.until.Sub(now))
	}
	if p.Burst > 0 {
		for len(a.commands) > 0 && now.Sub(a.commands[0]) > time.Minute {
			a.commands = a.commands[1:]
		}
		if a.commands = append(a.commands, now); len(a.commands) > p.Burst {
			a.commands, a.until = nil, now.Add(p.Backoff)
			return p.throttled(p.Backoff)
		}
	}
	if p.DailyBytes > 0 && p.day(a, now) > p.DailyBytes {
		p.violations = append(p.violations, fmt.Sprintf("%s: %d bytes within 24 hours", a.Name, p.day(a, now)))
		return "[OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)"
	}
	return ""
}

func (p *Provider) throttled(wait time.Duration) string {
	if p.Style == StyleMicrosoft {
		return fmt.Sprintf("Request is throttled. Suggested Backoff Time: %d milliseconds", wait.Milliseconds())
	}
	return "[THROTTLED] Account exceeded command or bandwidth limits. (Failure)"
}

// day sums what an account was sent within 24 hours. mu is held.
func (p *Provider) day(a *ProviderAccount, now time.Time) (sum int64) {
	for len(a.bytes) > 0 && now.Sub(a.bytes[0].at) >= 24*time.Hour {
		a.bytes = a.bytes[1:]
	}
	for _, b := range a.bytes {
		sum += b.n
	}
	return sum
}

// Day returns what a mailbox was sent within the last 24 hours.
func (p *Provider) Day(a *ProviderAccount) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.day(a, p.now())
}

func (p *Provider) count(c *ScriptConn, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := p.signedIn[c]
	if in == nil {
		return
	}
	now, b := p.now(), in.account.bytes
	if len(b) > 0 && now.Sub(b[len(b)-1].at) < time.Second {
		b[len(b)-1].n += int64(n)
		return
	}
	in.account.bytes = append(b, spentBytes{now, int64(n)})
}

func (p *Provider) authenticate(c *ScriptConn, words []string) {
	initial := ""
	if len(words) > 2 {
		initial = words[2]
	} else if line, err := c.Ask(""); err == nil {
		initial = line
	}
	data, _ := base64.StdEncoding.DecodeString(initial)
	switch strings.ToUpper(words[1]) {
	case "PLAIN":
		if fields := strings.Split(string(data), "\x00"); len(fields) == 3 {
			p.signIn(c, fields[1], fields[2])
			return
		}
	case "XOAUTH2", "OAUTHBEARER":
		if user, token, ok := Bearer(initial); ok {
			p.signIn(c, user, token)
			return
		}
	}
	c.Send(c.Tag + " BAD Invalid SASL argument\r\n")
}

func (p *Provider) signIn(c *ScriptConn, user, secret string) {
	p.mu.Lock()
	a := p.accounts[strings.ToLower(user)]
	p.mu.Unlock()
	switch {
	case a == nil || p.Takes != nil && !p.Takes(a.Name, secret):
		if p.Style == StyleMicrosoft {
			c.No("AUTHENTICATE failed.")
		} else {
			c.No("[AUTHENTICATIONFAILED] Invalid credentials (Failure)")
		}
		return
	case p.Connections > 0 && p.Connected(a) >= p.Connections:
		p.mu.Lock()
		p.violations = append(p.violations, fmt.Sprintf("%s: more than %d connections", a.Name, p.Connections))
		p.mu.Unlock()
		if p.Style == StyleMicrosoft {
			c.Send(c.Tag + " BAD User is authenticated but not connected.\r\n")
		} else {
			c.No("[ALERT] Too many simultaneous connections. (Failure)")
		}
		return
	}
	p.mu.Lock()
	p.signedIn[c] = &signedIn{a, secret}
	p.mu.Unlock()
	c.Folders = a.Folders
	c.OK()
}

// Outage has every command of everybody answered with a text, such as "BAD User
// is authenticated but not connected.", until it is "".
func (p *Provider) Outage(said string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outage = said
}

// Disconnect ends every connection, as providers do now and then.
func (p *Provider) Disconnect(farewell string) {
	p.Lock()
	var all []net.Conn
	var conns []*ScriptConn
	for c := range p.conns {
		all, conns = append(all, c.Conn), append(conns, c)
	}
	p.Unlock()
	for i, c := range conns {
		if farewell != "" {
			c.Send("* BYE " + farewell + "\r\n")
		}
		all[i].Close()
	}
}
